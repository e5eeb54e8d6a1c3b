"""The SQL of order lists: which rows, in which order, after which cursor. Every branch walks one index in its order."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.orders.conditions import TAGGED, Sql, conditions, scope_condition, to_document
from app.orders.filters import STATUSES, Search, Sort

_VISIBLE = tuple(status for status in STATUSES if status != "unpaid")


@dataclass(frozen=True, slots=True)
class _Ordering:
    """How a sort reads. `present` and `absent` part the orders whose date counts from those listed last, by id.

    `implied_by` is the filter that lets no order through without the date.
    """

    value: str
    is_descending: bool = False
    present: str | None = None
    absent: str | None = None
    implied_by: str | None = None

    def order_by(self, value: str = "sort_at", key: str = "id") -> str:
        direction = " desc" if self.is_descending else ""
        return f"{value}{direction}, {key}{direction}"


def _by_deadline(column: str, filtered_by: str) -> _Ordering:
    return _Ordering(column, present=f"{column} is not null", absent=f"{column} is null", implied_by=filtered_by)


_ORDERINGS: dict[Sort, _Ordering] = {
    "-placed_at": _Ordering("placed_at", is_descending=True),
    "placed_at": _Ordering("placed_at"),
    "-updated_at": _Ordering("updated_at", is_descending=True),
    "ship_by": _by_deadline("ship_by", "ship_by_before"),
    "pickup_cutoff_at": _by_deadline("pickup_cutoff_at", "pickup_cutoff_before"),
    "collect_by": _by_deadline("collect_by", "collect_by_before"),
    "respond_by": _Ordering(
        "respond_by",
        present="cancellation = 'requested' and respond_by is not null",
        absent="(cancellation is distinct from 'requested' or respond_by is null)",
    ),
}


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before. `at` is None among orders that have no such date."""

    at: datetime | None
    id: UUID


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters. `o` are rows of orders with `sort_at`, in order."""

    rows: str
    args: list[Any]
    order_by: str


def list_orders(
    search: Search, merchant_id: UUID, *, sort: Sort, after: After | None, most: int, at_risk_hours: int
) -> Statement:
    """Up to `most` orders of the search after the cursor."""
    ordering = _ORDERINGS[sort]
    sql = Sql(merchant_id)
    if search.q is not None:
        return _list_found(search, ordering, sql, sort=sort, after=after, most=most, at_risk_hours=at_risk_hours)
    common = ["merchant_id = $1", *conditions(search, sql, at_risk_hours=at_risk_hours)]
    # A filter may leave many orders to be sorted: then only what is sorted by, and the page's orders are looked up.
    columns = "*" if search.is_plain else "id"
    branches = [
        f"select {columns}, {value} as sort_at from orders where {' and '.join([*common, *parts])}"
        f" order by {order} limit {most}"
        for parts, value, order in _branches(search, ordering, sort, sql, after)
    ]
    if len(branches) == 1:
        rows = branches[0]
    else:
        united = " union all ".join(f"({branch})" for branch in branches)
        rows = f"select * from ({united}) u order by {ordering.order_by()} limit {most}"
    if not search.is_plain:
        rows = (
            f"select o.*, k.sort_at from ({rows}) k join orders o on o.merchant_id = $1 and o.id = k.id"
            f" order by {ordering.order_by('k.sort_at', 'k.id')}"
        )
    return Statement(rows, sql.args, ordering.order_by())


SEPARATOR = "\x1e"
"""Between the orders of a page: JSON never holds it unescaped, so the last order can be cut off."""


def page_query(statement: Statement, order: str, limit: int) -> str:
    """One row: the orders' JSON, their number, and sort value and id of the last one on the page.

    One value is read from the connection in half the time of fifty.
    """
    return (
        f"select string_agg(j, E'\\x1e'), count(*), (array_agg(sort_at))[{limit}], (array_agg(id))[{limit}] from"
        f" (select {order} j, sort_at, id from ({statement.rows}) o order by {statement.order_by}) p"
    )


def only_ids(statement: Statement) -> str:
    """The ids of its rows."""
    return f"select id from ({statement.rows}) o order by {statement.order_by}"


def _branches(
    search: Search, ordering: _Ordering, sort: Sort, sql: Sql, after: After | None
) -> Iterator[tuple[list[str], str, str]]:
    """Conditions, sort value and order of each branch."""
    for statuses in _tabs(search, sort):
        tab = scope_condition(statuses, hides_unpaid=search.hides_unpaid)
        comparison = "<" if ordering.is_descending else ">"
        is_among_absent = after is not None and after.at is None
        if not is_among_absent:
            keyset = []
            if after is not None:
                row = f"({sql.bind(after.at)}::timestamptz, {sql.bind(after.id)}::uuid)"
                keyset = [f"({ordering.value}, id) {comparison} {row}"]
            present = [ordering.present] if ordering.present else []
            yield [*tab, *present, *keyset], ordering.value, ordering.order_by(ordering.value)
        is_implied = ordering.implied_by is not None and getattr(search, ordering.implied_by) is not None
        if ordering.absent is not None and not is_implied:
            keyset = [f"id > {sql.bind(after.id)}::uuid"] if after is not None and is_among_absent else []
            yield [*tab, ordering.absent, *keyset], "null::timestamptz", "id"


def _tabs(search: Search, sort: Sort) -> Sequence[Sequence[str] | None]:
    """One branch per status where the index begins with it; a few orders are sorted faster than walked.

    Of open orders few are late, and they are the oldest: a walk from the newest would meet all others first.
    """
    scope = search.scope
    is_few = search.order_numbers or (search.slas and "ok" not in search.slas and sort != "ship_by")
    if is_few or sort in ("-updated_at", "respond_by", "pickup_cutoff_at", "collect_by"):
        return [scope]
    if scope is None:
        return [[status] for status in _VISIBLE] if sort == "ship_by" else [None]
    return [[status] for status in scope]


def _list_found(
    search: Search,
    ordering: _Ordering,
    sql: Sql,
    *,
    sort: Sort,
    after: After | None,
    most: int,
    at_risk_hours: int,
) -> Statement:
    arguments = [
        sql.bind(search.q),
        sql.bind(to_document(search, at_risk_hours=at_risk_hours)) + "::text::jsonb",
        sql.bind(sort),
        sql.bind(after.at if after else None) + "::timestamptz",
        sql.bind(after.id if after else None) + "::uuid",
        str(most),
    ]
    value = f"case when {ordering.present} then {ordering.value} end" if ordering.present else ordering.value
    rows = (
        f"select o.*, {value} as sort_at, s.n from search_orders({', '.join(arguments)}) with ordinality s(found, n)"
        " join orders o on o.merchant_id = $1 and o.id = s.found order by s.n"
    )
    return Statement(rows, sql.args, "n")


def matching_rows(search: Search, merchant_id: UUID, columns: str, *, at_risk_hours: int) -> tuple[str, list[Any]]:
    """Every order of the search, in no order: columns among those that `searched_orders()` answers."""
    if search.q is not None:
        document = to_document(search, at_risk_hours=at_risk_hours)
        return f"select {columns} from searched_orders($1, $2::text::jsonb)", [search.q, document]
    sql = Sql(merchant_id)
    said = ["merchant_id = $1", *conditions(search, sql, at_risk_hours=at_risk_hours)]
    said += scope_condition(search.scope, hides_unpaid=search.hides_unpaid)
    return f"select {columns} from orders where {' and '.join(said)}", sql.args


def tag_rows(search: Search, merchant_id: UUID, *, at_risk_hours: int) -> tuple[str, list[Any]]:
    """Each tag of each order of the search, as `tag`."""
    if search.q is None:
        rows, args = matching_rows(search, merchant_id, "unnest(tags) tag", at_risk_hours=at_risk_hours)
        return f"{rows} and {TAGGED}", args
    found, args = matching_rows(search, merchant_id, "id", at_risk_hours=at_risk_hours)
    mine = f"merchant_id = ${len(args) + 1} and {TAGGED}"
    return f"select unnest(tags) tag from orders where {mine} and id in ({found})", [*args, merchant_id]


def export_rows(search: Search, merchant_id: UUID, *, at_risk_hours: int) -> Statement:
    """Every order of the search, newest first, walked in that order wherever an index knows it."""
    sql = Sql(merchant_id)
    ordering = _ORDERINGS["-placed_at"]
    if search.q is not None:
        everything = 2**31 - 1
        return _list_found(
            search, ordering, sql, sort="-placed_at", after=None, most=everything, at_risk_hours=at_risk_hours
        )
    scope = search.scope
    said = ["merchant_id = $1", *conditions(search, sql, at_risk_hours=at_risk_hours)]
    said += scope_condition(scope, hides_unpaid=search.hides_unpaid)
    if scope is not None and len(scope) > 1 and "unpaid" not in scope:
        said.append("is_visible")  # implied; several tabs are then walked in one order instead of sorted
    rows = f"select *, placed_at as sort_at from orders where {' and '.join(said)}"
    return Statement(rows, sql.args, ordering.order_by())
