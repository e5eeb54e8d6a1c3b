"""Flows of the order desk that only read: pages, counts, facets. Plain SQL on plain connections, bytes out."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core.context import Language
from app.core.db import Database
from app.core.pagination import binding_of, decode_cursor, encode_cursor
from app.orders import listing
from app.orders.filters import STAGES, STATUSES, Search, Sort, next_midnight, settle_shops, widen_couriers
from app.orders.listing import After
from app.orders.page import ActionTexts, order_json

Fetch = Callable[..., Awaitable[Sequence[Any]]]
"""`fetch(sql, *args)`: rows that are read by position."""

_SHOPS = "select id, channel, name from shops where merchant_id = $1"
_MOST_TAGS = 100
"""In the facets: people make tags of anything."""
_COMBINATIONS = "select distinct courier from orders where merchant_id = $1 and strpos(courier, '; ') > 0"
_TALLY = (
    "status, coalesce(stage, ''), count(*), count(*) filter (where cancellation = 'requested'),"
    " count(*) filter (where not is_linked)"
)
_KEPT_COUNTS = (
    "select status, stage, sum(n)::bigint, sum(requested)::bigint, sum(unlinked)::bigint from ("
    "select status, stage, n, requested, unlinked from order_counts where merchant_id = $1 union all"
    " select status, stage, n, requested, unlinked from order_count_deltas where merchant_id = $1) c group by 1, 2"
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What reading orders needs of the process."""

    database: Database
    cursor_key: bytes
    texts: ActionTexts
    at_risk_hours: int


async def settle(fetch: Fetch, merchant_id: UUID, search: Search) -> Search:
    """The search with what only the merchant's own data says about its shops and couriers."""
    if search.shop_ids:
        rows = await fetch(_SHOPS, merchant_id)
        search = settle_shops(search, {row[0]: row[1] for row in rows})
    if search.couriers:
        rows = await fetch(_COMBINATIONS, merchant_id)
        search = widen_couriers(search, [row[0] for row in rows])
    return search


# --- pages ------------------------------------------------------------------------------------------------------------


async def read_page(
    desk: Desk,
    merchant_id: UUID,
    search: Search,
    *,
    sort: Sort,
    limit: int,
    cursor: str | None,
    with_buyer: bool,
    language: Language,
) -> bytes:
    """One page as JSON. Raises CursorMismatch."""
    binding = binding_of(merchant_id, "orders", repr(search), sort)
    after = _decode(desk, binding, cursor) if cursor is not None else None
    orders, number, last_at, last_id = "", 0, None, None
    async with desk.database.read_transaction(merchant_id, custom_plans=not search.is_plain) as connection:
        search = await settle(connection.fetch, merchant_id, search)
        if not search.is_impossible:
            statement = listing.list_orders(
                search, merchant_id, sort=sort, after=after, most=limit + 1, at_risk_hours=desk.at_risk_hours
            )
            order = order_json(with_buyer=with_buyer, at_risk_hours=desk.at_risk_hours)
            row: Any = await connection.fetchrow(listing.page_query(statement, order, limit), *statement.args)
            orders, number, last_at, last_id = row
    next_cursor = None
    if number > limit:
        orders = orders[: orders.rindex(listing.SEPARATOR)]
        assert last_id is not None  # there are more rows than fit
        values = [last_at.isoformat() if last_at is not None else None, last_id.hex]
        next_cursor = encode_cursor(desk.cursor_key, binding, values)
    listed = desk.texts.put_in((orders or "").replace(listing.SEPARATOR, ",").encode(), language)
    page = json.dumps({"next_cursor": next_cursor, "limit": limit}, separators=(",", ":")).encode()
    return b'{"data":[' + listed + b'],"page":' + page + b"}"


def _decode(desk: Desk, binding: str, cursor: str) -> After:
    at, last_id = decode_cursor(desk.cursor_key, binding, cursor)
    return After(datetime.fromisoformat(at) if at is not None else None, UUID(hex=last_id))


async def read_order(
    desk: Desk, merchant_id: UUID, order_id: UUID, *, with_buyer: bool, language: Language
) -> dict[str, Any] | None:
    """The detail of one order as the database builds it; None when there is none."""
    order = order_json(with_buyer=with_buyer, at_risk_hours=desk.at_risk_hours, is_detail=True)
    query = f"select {order} from orders o where o.merchant_id = $1 and o.id = $2"
    text = await desk.database.read_value(merchant_id, query, merchant_id, order_id)
    if text is None:
        return None
    detail: dict[str, Any] = json.loads(desk.texts.put_in(text.encode(), language))
    return detail


# --- counts -----------------------------------------------------------------------------------------------------------


async def count_orders(desk: Desk, merchant_id: UUID, search: Search, timezone: ZoneInfo) -> dict[str, Any]:
    """What each tab would list with the same filter; a key's own dimension is left out of the filter.

    `timezone` says when today ends.
    """
    isolation = "repeatable read"  # all keys of one moment
    async with desk.database.read_transaction(merchant_id, isolation=isolation, custom_plans=True) as connection:
        search = await settle(connection.fetch, merchant_id, search)
        tallies = _Tallies(connection.fetch, merchant_id, desk.at_risk_hours)
        by_status = await tallies.of(replace(search, statuses=(), with_unpaid=True))
        by_stage = await tallies.of(replace(search, stages=()))
        requested = await tallies.of(replace(search, cancellations=()))
        unlinked = await tallies.of(replace(search, is_linked=None))
        overdue = await tallies.count(replace(search, slas=("overdue",)))
        [[now]] = await connection.fetch("select app_now()")
        arranged = replace(search, stages=("processed",))
        late = await tallies.count(replace(arranged, collect_by_before=now))
        today = await tallies.count(replace(arranged, collect_by_before=next_midnight(now, timezone)))
    return {
        "status": {status: sum(one.n for one in by_status if one.status == status) for status in STATUSES},
        "stage": {stage: sum(one.n for one in by_stage if one.stage == stage) for stage in STAGES},
        "cancellation_requested": sum(one.requested for one in requested),
        "unlinked": sum(one.unlinked for one in unlinked),
        "overdue": overdue,
        "uncollected": {"overdue": late, "today": today},
    }


@dataclass(frozen=True, slots=True)
class _Tally:
    """Orders of one status and stage (`''` = none)."""

    status: str
    stage: str
    n: int
    requested: int
    unlinked: int


class _Tallies:
    """Tallies of searches; the same one is counted once. Tabs alone are answered by the maintained counts."""

    def __init__(self, fetch: Fetch, merchant_id: UUID, at_risk_hours: int) -> None:
        self._fetch = fetch
        self._merchant_id = merchant_id
        self._at_risk_hours = at_risk_hours
        self._known: dict[Search, list[_Tally]] = {}

    async def of(self, search: Search) -> list[_Tally]:
        if search.is_impossible:
            return []
        if search.hides_unpaid:
            return [one for one in await self.of(replace(search, with_unpaid=True)) if one.status != "unpaid"]
        if search not in self._known:
            self._known[search] = await self._read(search)
        return self._known[search]

    async def _read(self, search: Search) -> list[_Tally]:
        if search.is_plain:
            everything = replace(search, statuses=(), stages=(), with_unpaid=True)
            if everything not in self._known:
                rows = await self._fetch(_KEPT_COUNTS, self._merchant_id)
                self._known[everything] = [_Tally(*row) for row in rows]
            return [
                one
                for one in self._known[everything]
                if (search.scope is None or one.status in search.scope)
                and (not search.stages or one.stage in search.stages)
            ]
        query, args = listing.matching_rows(search, self._merchant_id, _TALLY, at_risk_hours=self._at_risk_hours)
        return [_Tally(*row) for row in await self._fetch(f"{query} group by 1, 2", *args)]

    async def count(self, search: Search) -> int:
        if search.is_impossible:
            return 0
        query, args = listing.matching_rows(search, self._merchant_id, "count(*)", at_risk_hours=self._at_risk_hours)
        return int((await self._fetch(query, *args))[0][0])


# --- facets -----------------------------------------------------------------------------------------------------------


async def read_facets(desk: Desk, merchant_id: UUID, search: Search) -> dict[str, Any]:
    """Couriers, shops and tags to filter by, most orders first."""
    isolation = "repeatable read"
    async with desk.database.read_transaction(merchant_id, isolation=isolation, custom_plans=True) as connection:
        shops = {row[0]: (row[1], row[2]) for row in await connection.fetch(_SHOPS, merchant_id)}
        without_couriers = await settle(connection.fetch, merchant_id, replace(search, couriers=()))
        without_shops = await settle(connection.fetch, merchant_id, replace(search, shop_ids=()))
        by_courier = await _group(connection.fetch, desk, merchant_id, without_couriers, "courier")
        by_shop = await _group(connection.fetch, desk, merchant_id, without_shops, "shop_id")
        without_tags = await settle(connection.fetch, merchant_id, replace(search, tags=()))
        tags = await _count_tags(connection.fetch, desk, merchant_id, without_tags)
    couriers: Counter[str] = Counter()
    for courier, number in by_courier.items():
        couriers.update(dict.fromkeys((courier or "").split("; "), number) if courier else {})
    return {
        "couriers": [
            {"value": value, "count": number} for value, number in sorted(couriers.items(), key=lambda x: (-x[1], x[0]))
        ],
        "shops": _shop_facets(by_shop, shops),
        "tags": [{"value": value, "count": number} for value, number in tags],
    }


def _shop_facets(counts: Mapping[UUID, int], shops: Mapping[UUID, tuple[str, str]]) -> list[dict[str, Any]]:
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], shops[entry[0]][1]))
    return [
        {"id": shop_id, "name": shops[shop_id][1], "channel": shops[shop_id][0], "count": number}
        for shop_id, number in ranked
    ]


async def _group(fetch: Fetch, desk: Desk, merchant_id: UUID, search: Search, column: str) -> dict[Any, int]:
    if search.is_impossible:
        return {}
    query, args = listing.matching_rows(search, merchant_id, f"{column}, count(*)", at_risk_hours=desk.at_risk_hours)
    return {row[0]: row[1] for row in await fetch(f"{query} group by 1", *args)}


async def _count_tags(fetch: Fetch, desk: Desk, merchant_id: UUID, search: Search) -> Sequence[Any]:
    if search.is_impossible:
        return []
    rows, args = listing.tag_rows(search, merchant_id, at_risk_hours=desk.at_risk_hours)
    return await fetch(f"select tag, count(*) from ({rows}) t group by 1 order by 2 desc, 1 limit {_MOST_TAGS}", *args)
