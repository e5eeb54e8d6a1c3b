"""Every query of the order desk that runs inside a transaction of its own rules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.journal.models import JournalRow
from app.orders.errors import OrderNotFound
from app.orders.models import OrderRow, PackageRow, TrackingEventRow


async def get_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> OrderRow:
    """Raises OrderNotFound."""
    order = await session.scalar(select(OrderRow).where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id))
    if order is None:
        raise OrderNotFound()
    return order


async def find_by_number(session: AsyncSession, merchant_id: UUID, number: str) -> OrderRow | None:
    """The newest order with this number."""
    query = (
        select(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.order_number == number)
        .order_by(OrderRow.placed_at.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


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


async def find_by_code(session: AsyncSession, merchant_id: UUID, code: str, most: int) -> Sequence[OrderRow]:
    """Orders with this number, or with a package of this package or tracking number; the newest first."""
    packed = select(PackageRow.order_id).where(
        PackageRow.merchant_id == merchant_id,
        ~PackageRow.is_gone,
        or_(PackageRow.tracking_number == code, PackageRow.package_number == code),
    )
    query = (
        select(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, or_(OrderRow.order_number == code, OrderRow.id.in_(packed)))
        .order_by(OrderRow.placed_at.desc())
        .limit(most)
    )
    return (await session.scalars(query)).all()


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
