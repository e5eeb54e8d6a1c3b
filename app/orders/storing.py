"""Every query of the versioned upsert, the quarantine and the read requests."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.models import OrderLineRow, OrderRow, PackageRow
from app.orders.parts import LINE_COLUMNS, PACKAGE_COLUMNS, Line, Package, to_row

_ORDER_COLUMNS = OrderRow.__table__.c
_LINES, _PACKAGES = OrderLineRow.__table__, PackageRow.__table__


@dataclass(frozen=True, slots=True)
class Stored:
    """An order as it is in the database."""

    row: Mapping[str, Any]
    lines: tuple[Line, ...]
    packages: tuple[Package, ...]
    """Also those the channel no longer lists."""

    @property
    def id(self) -> UUID:
        identity = self.row["id"]
        assert isinstance(identity, UUID)
        return identity


def _as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows for json_populate_recordset: the database casts every value to its column's type."""
    return json.dumps(list(rows), default=str, ensure_ascii=False)


async def insert_or_lock(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Insert the orders that are new and lock the others, all in one pass over one sort order. Answers the new ids.

    Every importer takes its locks in this order, so two of them wait for each other but never in a circle.
    """
    columns = ", ".join(rows[0])
    result = await session.execute(
        text(
            f"insert into orders as o ({columns}, updated_at) select {columns}, app_now()"  # noqa: S608 (our columns)
            " from json_populate_recordset(null::orders, cast(:rows as json)) order by account_id, external_id"
            " on conflict (merchant_id, account_id, external_id) do update set version = o.version where false"
            " returning id"
        ),
        {"rows": _as_json(rows)},
    )
    return {UUID(int=row.id.int) for row in result}


async def find(session: AsyncSession, merchant_id: UUID, account_id: UUID, external_ids: Sequence[str]) -> list[Stored]:
    """Orders by the channel's ids, in no particular order."""
    condition = (_ORDER_COLUMNS.account_id == account_id) & _ORDER_COLUMNS.external_id.in_(external_ids)
    return await _read(session, merchant_id, condition)


async def list_versions(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, external_ids: Sequence[str]
) -> dict[str, int]:
    """Version by the channel's id."""
    query = select(_ORDER_COLUMNS.external_id, _ORDER_COLUMNS.version).where(
        _ORDER_COLUMNS.merchant_id == merchant_id,
        _ORDER_COLUMNS.account_id == account_id,
        _ORDER_COLUMNS.external_id.in_(external_ids),
    )
    return {row.external_id: row.version for row in await session.execute(query)}


async def load(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[Stored]:
    """Orders by our ids, in no particular order. Sees what the session has changed."""
    await session.flush()
    return await _read(session, merchant_id, _ORDER_COLUMNS.id.in_(order_ids))


async def _read(session: AsyncSession, merchant_id: UUID, condition: Any) -> list[Stored]:
    rows = (
        (await session.execute(select(OrderRow.__table__).where(_ORDER_COLUMNS.merchant_id == merchant_id, condition)))
        .mappings()
        .all()
    )
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    lines: dict[UUID, list[Line]] = {one: [] for one in ids}
    packages: dict[UUID, list[Package]] = {one: [] for one in ids}
    query = select(_LINES.c.order_id, *(_LINES.c[name] for name in LINE_COLUMNS))
    for values in await session.execute(query.where(_LINES.c.merchant_id == merchant_id, _LINES.c.order_id.in_(ids))):
        lines[values[0]].append(Line(*values[1:]))
    query = select(_PACKAGES.c.order_id, *(_PACKAGES.c[name] for name in PACKAGE_COLUMNS))
    query = query.where(_PACKAGES.c.merchant_id == merchant_id, _PACKAGES.c.order_id.in_(ids))
    for values in await session.execute(query):
        packages[values[0]].append(Package(*values[1:]))
    return [Stored(dict(row), tuple(lines[row["id"]]), tuple(packages[row["id"]])) for row in rows]


async def update_orders(session: AsyncSession, merchant_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Set columns of locked orders; each gets a new version. All rows have the same columns, `id` among them."""
    if not rows:
        return
    changes = ", ".join(f"{name} = x.{name}" for name in rows[0] if name != "id")
    await session.execute(
        text(
            f"update orders o set {changes}, version = o.version + 1, updated_at = app_now()"  # noqa: S608 (our columns)
            " from json_populate_recordset(null::orders, cast(:rows as json)) x"
            " where o.merchant_id = :merchant_id and o.id = x.id"
        ),
        {"merchant_id": merchant_id, "rows": _as_json(rows)},
    )


async def put_lines(session: AsyncSession, merchant_id: UUID, lines: Sequence[tuple[UUID, Line]]) -> None:
    """Insert or replace lines of locked orders (order → line)."""
    await _put(session, merchant_id, "order_lines", LINE_COLUMNS, lines)


async def put_packages(session: AsyncSession, merchant_id: UUID, packages: Sequence[tuple[UUID, Package]]) -> None:
    """Insert or replace packages of locked orders (order → package)."""
    await _put(session, merchant_id, "packages", PACKAGE_COLUMNS, packages)


async def _put(
    session: AsyncSession,
    merchant_id: UUID,
    table: str,
    names: Sequence[str],
    parts: Sequence[tuple[UUID, Line]] | Sequence[tuple[UUID, Package]],
) -> None:
    if not parts:
        return
    columns = ", ".join(("merchant_id", "order_id", *names))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    await session.execute(
        text(
            f"insert into {table} ({columns}) select {columns}"  # noqa: S608 (our names)
            f" from json_populate_recordset(null::{table}, cast(:rows as json)) order by id"
            f" on conflict (merchant_id, id) do update set {changes}"
        ),
        {
            "rows": _as_json(
                {"merchant_id": merchant_id, "order_id": order_id} | to_row(part) for order_id, part in parts
            )
        },
    )


async def delete_lines(session: AsyncSession, merchant_id: UUID, line_ids: Sequence[UUID]) -> None:
    """Lines the channel has taken out of an order."""
    if line_ids:
        await session.execute(
            delete(OrderLineRow).where(OrderLineRow.merchant_id == merchant_id, OrderLineRow.id.in_(line_ids))
        )


# --- quarantine -------------------------------------------------------------------------------------------------------


async def put_failures(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, failures: Sequence[tuple[str, str, bytes]]
) -> None:
    """Keep orders that could not be read: id, reason, raw."""
    for external_id, reason, raw in sorted(failures):
        await session.execute(
            text(
                "insert into failed_orders as f"
                " (merchant_id, account_id, external_id, reason, raw, first_failed_at, last_failed_at)"
                " values (:merchant_id, :account_id, :external_id, :reason, :raw, app_now(), app_now())"
                " on conflict (merchant_id, account_id, external_id) do update set reason = excluded.reason,"
                " raw = excluded.raw, attempts = f.attempts + 1, last_failed_at = excluded.last_failed_at"
            ),
            {
                "merchant_id": merchant_id,
                "account_id": account_id,
                "external_id": external_id,
                "reason": reason,
                "raw": raw,
            },
        )


async def delete_failures(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, external_ids: Sequence[str]
) -> None:
    """These could be read after all."""
    await session.execute(
        text(
            "delete from failed_orders where merchant_id = :merchant_id and account_id = :account_id"
            " and external_id = any(:external_ids)"
        ),
        {"merchant_id": merchant_id, "account_id": account_id, "external_ids": list(external_ids)},
    )


# --- read requests ----------------------------------------------------------------------------------------------------


async def put_requests(
    session: AsyncSession,
    merchant_id: UUID,
    account_id: UUID,
    external_ids: Sequence[str],
    *,
    due_in: timedelta,
    priority: int,
) -> None:
    """Ask for a read of each order; one that is asked for already is only asked for sooner."""
    await session.execute(
        text(
            "insert into read_requests as r (merchant_id, account_id, external_id, priority, due_at, last_due_at)"
            " select :merchant_id, :account_id, x, :priority, app_now() + :due_in, app_now() + :due_in"
            " from unnest(cast(:external_ids as text[])) x order by x"
            " on conflict (merchant_id, account_id, external_id) do update set wanted = r.wanted + 1,"
            " priority = least(r.priority, excluded.priority), due_at = least(r.due_at, excluded.due_at), absences = 0,"
            " last_due_at = greatest(r.last_due_at, excluded.last_due_at)"
        ),
        {
            "merchant_id": merchant_id,
            "account_id": account_id,
            "external_ids": list(dict.fromkeys(external_ids)),
            "priority": priority,
            "due_in": due_in,
        },
    )


@dataclass(frozen=True, slots=True)
class DueRead:
    """An order to read now. `wanted` tells whether it was asked for again meanwhile."""

    external_id: str
    wanted: int
    priority: int
    absences: int


async def list_due_requests(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, most: int, *, lowest: int
) -> list[DueRead]:
    """What is due, users' wishes first, down to the `lowest` priority."""
    rows = await session.execute(
        text(
            "select external_id, wanted, priority, absences from read_requests"
            " where merchant_id = :merchant_id and account_id = :account_id and due_at <= app_now()"
            " and priority <= :lowest order by priority, due_at limit :most"
        ),
        {"merchant_id": merchant_id, "account_id": account_id, "most": most, "lowest": lowest},
    )
    return [DueRead(row.external_id, row.wanted, row.priority, row.absences) for row in rows]


async def finish_requests(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, reads: Sequence[DueRead], *, started_at: datetime
) -> None:
    """These were read; one that was asked for again during the read, or for a later time, stays."""
    parameters = {
        "merchant_id": merchant_id,
        "account_id": account_id,
        "external_ids": [read.external_id for read in reads],
        "seen": [read.wanted for read in reads],
        "started_at": started_at,
    }
    asked = "unnest(cast(:external_ids as text[]), cast(:seen as integer[])) x (id, seen)"
    same = "r.merchant_id = :merchant_id and r.account_id = :account_id and r.external_id = x.id and r.wanted = x.seen"
    await session.execute(
        text(f"delete from read_requests r using {asked} where {same} and r.last_due_at <= :started_at"),  # noqa: S608
        parameters,
    )
    await session.execute(
        text(f"update read_requests r set due_at = r.last_due_at from {asked} where {same}"),  # noqa: S608
        parameters,
    )


async def postpone_requests(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, reads: Mapping[DueRead, timedelta]
) -> None:
    """The channel knew nothing of these: read them again after so long; sooner where somebody asked for it."""
    await session.execute(
        text(
            "update read_requests r set absences = r.absences + 1, due_at ="
            " case when r.last_due_at > app_now() then least(r.last_due_at, app_now() + x.pause)"
            " else app_now() + x.pause end"
            " from unnest(cast(:ids as text[]), cast(:seen as integer[]), cast(:pauses as interval[]))"
            " x (id, seen, pause) where r.merchant_id = :merchant_id and r.account_id = :account_id"
            " and r.external_id = x.id and r.wanted = x.seen"
        ),
        {
            "merchant_id": merchant_id,
            "account_id": account_id,
            "ids": [read.external_id for read in reads],
            "seen": [read.wanted for read in reads],
            "pauses": list(reads.values()),
        },
    )


async def find_next_request(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, *, lowest: int
) -> timedelta | None:
    """Time until the next read of at least the `lowest` priority is due (zero or less: now); None when none waits."""
    wait: timedelta | None = await session.scalar(
        text(
            "select min(due_at) - app_now() from read_requests"
            " where merchant_id = :merchant_id and account_id = :account_id and priority <= :lowest"
        ),
        {"merchant_id": merchant_id, "account_id": account_id, "lowest": lowest},
    )
    return wait


async def delete_requests(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    """Nobody can read this account any more."""
    await session.execute(
        text("delete from read_requests where merchant_id = :merchant_id and account_id = :account_id"),
        {"merchant_id": merchant_id, "account_id": account_id},
    )
