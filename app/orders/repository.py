"""Every query of the order desk that runs inside a transaction of its own rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.journal.models import JournalRow
from app.orders.errors import OrderNotFound
from app.orders.models import OrderRow, PackageRow, TrackingEventRow
from app.shops.models import AccountRow

NUMBER_KINDS = ("order_number", "external_id", "package_number", "tracking_number")
"""What a code can be, the likeliest first."""


async def get_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> OrderRow:
    """Raises OrderNotFound."""
    order = await session.scalar(select(OrderRow).where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id))
    if order is None:
        raise OrderNotFound()
    return order


async def list_open(session: AsyncSession, merchant_id: UUID, shop_ids: Sequence[UUID]) -> Sequence[OrderRow]:
    """Orders of these shops that are not over, by account."""
    query = (
        select(OrderRow)
        .where(
            OrderRow.merchant_id == merchant_id,
            OrderRow.shop_id.in_(shop_ids),
            OrderRow.status.in_(("unpaid", "ordered", "ready_to_ship", "on_delivery")),
        )
        .order_by(OrderRow.account_id, OrderRow.id)
    )
    return (await session.scalars(query)).all()


async def find_by_code(
    session: AsyncSession, merchant_id: UUID, codes: Sequence[str], most: int
) -> Sequence[tuple[OrderRow, str]]:
    """Orders of which one of these is a number, with whose number it is: first the order's own, the newest first.

    Each kind of number is looked up in its own index; joined by OR, all orders would be read.
    """
    order, package = OrderRow, PackageRow
    accounts = select(AccountRow.id).where(AccountRow.merchant_id == merchant_id)
    of_orders = select(order.id.label("id")).where(order.merchant_id == merchant_id)
    of_packages = select(package.order_id.label("id")).where(package.merchant_id == merchant_id, ~package.is_gone)
    parts = (
        of_orders.where(order.order_number.in_(codes)),
        of_orders.where(order.account_id.in_(accounts), order.external_id.in_(codes)),
        of_packages.where(package.package_number.in_(codes)),
        of_packages.where(package.tracking_number.in_(codes)),
    )
    found = union_all(*(part.add_columns(literal(rank).label("rank")) for rank, part in enumerate(parts))).subquery()
    best = select(found.c.id, func.min(found.c.rank).label("rank")).group_by(found.c.id).subquery()
    query = (
        select(order, best.c.rank)
        .join(best, best.c.id == order.id)
        .where(order.merchant_id == merchant_id)
        .order_by(best.c.rank, order.placed_at.desc())
        .limit(most)
    )
    return [(row, NUMBER_KINDS[rank]) for row, rank in await session.execute(query)]


async def lock_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> OrderRow:
    """Lock the row until the transaction ends. Raises OrderNotFound."""
    query = select(OrderRow).where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id)
    order = await session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    if order is None:
        raise OrderNotFound()
    return order


async def list_orders(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, OrderRow]:
    """By id, without their summaries; those that are absent or another merchant's are left out."""
    heavy = (OrderRow.lines_summary, OrderRow.packages_summary, OrderRow.amounts, OrderRow.recipient, OrderRow.search)
    rows = await session.scalars(
        select(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id.in_(order_ids))
        .options(*(defer(column, raiseload=True) for column in heavy))
    )
    return {row.id: row for row in rows}


async def change_order(session: AsyncSession, merchant_id: UUID, order_id: UUID, **values: Any) -> None:
    """Set columns of a locked order; it gets a new version."""
    await session.execute(
        update(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id)
        .values(version=OrderRow.version + 1, updated_at=func.app_now(), **values)
        .execution_options(synchronize_session=False)
    )


async def fetch_rows(session: AsyncSession, query: str, *args: Any) -> Sequence[Any]:
    """Rows of plain SQL with `$1` parameters, in the session's transaction."""
    connection = await session.connection()
    return (await connection.exec_driver_sql(query, args)).all()


async def list_history(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    *,
    kind: str,
    types: Sequence[str],
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> Sequence[JournalRow]:
    """Entries of the order, newest first; of these types only, if any are named."""
    query = select(JournalRow).where(
        JournalRow.merchant_id == merchant_id, JournalRow.subject_id == order_id, JournalRow.kind == kind
    )
    if types:
        query = query.where(JournalRow.type.in_(types))
    if before is not None:
        query = query.where(tuple_(JournalRow.at, JournalRow.id) < tuple_(*before))
    return (await session.scalars(query.order_by(JournalRow.at.desc(), JournalRow.id.desc()).limit(limit))).all()


async def list_packages(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> Sequence[PackageRow]:
    """Packages the channel still lists, in their order."""
    query = select(PackageRow).where(
        PackageRow.merchant_id == merchant_id, PackageRow.order_id == order_id, ~PackageRow.is_gone
    )
    return (await session.scalars(query.order_by(PackageRow.position, PackageRow.id))).all()


async def list_tracking(
    session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]
) -> dict[UUID, list[TrackingEventRow]]:
    """Scans by package, oldest first."""
    found: dict[UUID, list[TrackingEventRow]] = {one: [] for one in package_ids}
    rows = await session.scalars(
        select(TrackingEventRow)
        .where(TrackingEventRow.merchant_id == merchant_id, TrackingEventRow.package_id.in_(package_ids))
        .order_by(TrackingEventRow.at, TrackingEventRow.code)
    )
    for row in rows:
        found[row.package_id].append(row)
    return found


async def put_tracking(
    session: AsyncSession, merchant_id: UUID, package_id: UUID, events: Sequence[dict[str, Any]], *, read_at: datetime
) -> None:
    """Keep scans of a package; one that is known (time, code) is not kept twice."""
    if events:
        rows = [{"merchant_id": merchant_id, "package_id": package_id, **event} for event in events]
        await session.execute(insert(TrackingEventRow).values(rows).on_conflict_do_nothing())
    await session.execute(
        update(PackageRow)
        .where(PackageRow.merchant_id == merchant_id, PackageRow.id == package_id)
        .values(tracking_read_at=read_at)
    )
