"""The list of changed orders, read so that no order slides past between two pages.

Pages are numbered, so a row that changes moves every later one. The first page is asked for again and again instead,
each time from the last row's second on; only where a whole page has one second are the known ids left out.
Old stores cannot sort by modification: there pages by id are safe, since a changed row stays in its place.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.channels.errors import Malformed
from app.connectors.plugo_store.mapping import orders

PAGE = 100
_SECOND = timedelta(seconds=1)
_MOST_EXCLUDED = 400
"""A query longer than this is refused by many hosts."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the feed stands: from this second on; `seen` only inside a second that fills whole pages."""

    since: datetime
    seen: tuple[int, ...] = ()
    page: int = 1
    is_by_id: bool = False

    @classmethod
    def read(cls, cursor: str | None, since: datetime) -> "Position":
        """Of a cursor, or the beginning."""
        if cursor is None:
            return cls(since)
        begin, seen, page, is_by_id = json.loads(cursor)
        return cls(datetime.fromisoformat(begin), tuple(seen), page, is_by_id)

    def write(self) -> str:
        """As a cursor."""
        return json.dumps([self.since.isoformat(), list(self.seen), self.page, self.is_by_id])


def to_query(position: Position, until: datetime, *, by: str) -> dict[str, str]:
    """The bounds are exclusive and have whole seconds."""
    query = {"per_page": str(PAGE), "page": str(position.page), "dates_are_gmt": "true", "order": "asc"}
    if by == "created":
        return {
            **query,
            "orderby": "id",
            "after": _plain(position.since - _SECOND),
            "before": _plain(until + _SECOND),
        }
    if position.is_by_id:
        # Without an end: a row that changes meanwhile must not leave the list and move the later ones.
        return {**query, "orderby": "id", "modified_after": _plain(position.since - _SECOND)}
    ends = position.since + _SECOND if position.seen else until + _SECOND
    query |= {
        "orderby": "modified",
        "modified_after": _plain(position.since - _SECOND),
        "modified_before": _plain(ends),
    }
    if position.seen:
        query["exclude"] = ",".join(map(str, position.seen))
    return query


def next_position(position: Position, rows: Sequence[Any], *, by: str) -> Position | None:
    """None when this was all."""
    if by == "created" or position.is_by_id:
        # The order of creation does not drift.
        return replace(position, page=position.page + 1) if len(rows) == PAGE else None
    if len(rows) < PAGE:
        return Position(position.since + _SECOND) if position.seen else None
    last = _modified(rows[-1])
    if not position.seen and last > _modified(rows[0]):
        return Position(last)
    seen = (*position.seen, *(row["id"] for row in rows if isinstance(row.get("id"), int)))
    if len(seen) > _MOST_EXCLUDED:
        raise Malformed("endless_list", "More orders changed in one second than the store lists.")
    return Position(last, tuple(dict.fromkeys(seen)))


def _modified(row: Any) -> datetime:
    try:
        return orders.parse_time(str(row["date_modified_gmt"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("unreadable_answer", "date_modified_gmt: no time") from error


def _plain(moment: datetime) -> str:
    """UTC without offset, as the store wants it."""
    return orders.parse_time(moment.isoformat()).strftime("%Y-%m-%dT%H:%M:%S")
