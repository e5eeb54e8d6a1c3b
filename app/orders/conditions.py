"""A search as SQL conditions: once as parameters of our own query, once as the document `search_orders()` reads.

The two say the same; `tests/orders/test_search.py` holds them against each other.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.orders.filters import Search

_TEXT_COLUMNS = (
    ("stages", "stage"),
    ("channels", "channel"),
    ("print_statuses", "print_status"),
    ("couriers", "courier"),
    ("handovers", "handover"),
    ("cancellations", "cancellation"),
    ("order_numbers", "order_number"),
    ("number_guesses", "order_number"),
)
TAGGED = "tags <> '{}'"
"""Said by searches for tags: then the index of the tagged orders answers."""
_FLAGS = ("is_linked", "is_cod", "is_held")
_TIMES = (
    ("placed_from", "placed_at >="),
    ("placed_before", "placed_at <"),
    ("ship_by_before", "ship_by <"),
    ("pickup_cutoff_before", "pickup_cutoff_at <"),
    ("collect_by_before", "collect_by <"),
    ("updated_since", "updated_at >="),
)


class Sql:
    """Numbers the parameters of one statement."""

    def __init__(self, *args: Any) -> None:
        self.args: list[Any] = list(args)

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        self.args.append(value)
        return f"${len(self.args)}"

    def one_of(self, column: str, values: Sequence[Any], kind: str = "text") -> str:
        """A single value is compared with `=`: only then an index answers in its own order."""
        if len(values) == 1:
            return f"{column} = {self.bind(values[0])}"
        return f"{column} = any({self.bind(list(values))}::{kind}[])"


def scope_condition(statuses: Sequence[str] | None, *, hides_unpaid: bool) -> list[str]:
    """Status as literals (a closed set): each tab is a statement with a plan of its own.

    `is_visible` is said by lists over all statuses only; it has an index of its own.
    """
    if statuses is None:
        return ["is_visible"] if hides_unpaid else []
    if len(statuses) == 1:
        return [f"status = '{statuses[0]}'"]
    return [f"status in ({', '.join(repr(status) for status in statuses)})"]


def conditions(search: Search, sql: Sql, *, at_risk_hours: int) -> list[str]:
    """Everything but status, visibility and `q`."""
    found: list[str] = []
    for name, column in _TEXT_COLUMNS:
        values = getattr(search, name)
        if values:
            found.append(sql.one_of(column, values))
    if search.shop_ids:
        found.append(sql.one_of("shop_id", search.shop_ids, "uuid"))
    for name in _FLAGS:
        flag = getattr(search, name)
        if flag is not None:
            found.append(f"{name} = {'true' if flag else 'false'}")
    for name, comparison in _TIMES:
        moment = getattr(search, name)
        if moment is not None:
            found.append(f"{comparison} {sql.bind(moment)}")
    if search.tags:
        found.append(f"{TAGGED} and tags && {sql.bind(list(search.tags))}::text[]")
    if search.slas:
        found.append(sla_condition(search.slas, at_risk_hours))
    return found


def sla_condition(slas: Sequence[str], at_risk_hours: int) -> str:
    """Deadlines of orders that are open and not yet arranged."""
    soon = f"app_now() + interval '{int(at_risk_hours)} hours'"
    ranges = {
        "overdue": "ship_by < app_now()",
        "at_risk": f"(ship_by >= app_now() and ship_by < {soon})",
        "ok": f"ship_by >= {soon}",
    }
    chosen = " or ".join(ranges[sla] for sla in slas)
    return f"status in ('ordered', 'ready_to_ship') and stage is distinct from 'processed' and ({chosen})"


def to_document(search: Search, *, at_risk_hours: int) -> str:
    """The same for the definer function: names of columns and values, never SQL."""
    texts: dict[str, list[list[str]]] = {}
    for name, column in _TEXT_COLUMNS:
        if getattr(search, name):
            texts.setdefault(column, []).append(list(getattr(search, name)))
    if search.scope is not None:
        texts["status"] = [list(search.scope)]
    document: dict[str, Any] = {
        "texts": texts,
        "shop_ids": list(search.shop_ids),
        "flags": {name: getattr(search, name) for name in _FLAGS if getattr(search, name) is not None},
        "times": {name: getattr(search, name) for name, _ in _TIMES if getattr(search, name) is not None},
        "tags": list(search.tags),
        "slas": list(search.slas),
        "at_risk_hours": at_risk_hours,
        "hides_unpaid": search.hides_unpaid,
    }
    return json.dumps({name: value for name, value in document.items() if value not in ([], {})}, default=_to_text)


def _to_text(value: object) -> str:
    assert isinstance(value, datetime | UUID)
    return value.isoformat() if isinstance(value, datetime) else str(value)
