"""Parcels to pull out: their label was printed before the order was cancelled."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import caller
from app.journal import service as journal
from app.orders import effects, events
from app.orders.errors import ParcelNotFound
from app.orders.models import OrderRow, PackageRow, StopParcelRow


async def stop(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Put the printed parcels of these cancelled orders on the list. Repeatable."""
    rows = select(PackageRow.merchant_id, PackageRow.id, PackageRow.order_id, func.app_now().label("created_at")).where(
        PackageRow.merchant_id == merchant_id, PackageRow.order_id.in_(order_ids), ~PackageRow.is_gone
    )
    inserted = await session.execute(
        insert(StopParcelRow)
        .from_select(["merchant_id", "package_id", "order_id", "created_at"], rows)
        .on_conflict_do_nothing()
        .returning(StopParcelRow.package_id)
    )
    parcels = await effects.find_packages(session, merchant_id, list(inserted.scalars()))
    entries = [events.PARCEL_TO_STOP(parcels[one].order_id, after=_printed(parcels[one])) for one in sorted(parcels)]
    await journal.record_all(session, merchant_id, entries)


def _printed(package: PackageRow) -> events.PrintedParcel:
    return events.PrintedParcel(package_number=package.package_number, tracking_number=package.tracking_number)


async def list_parcels(
    session: AsyncSession, merchant_id: UUID, *, is_acknowledged: bool, most: int, after: tuple[datetime, UUID] | None
) -> Sequence[Row[StopParcelRow, PackageRow, OrderRow]]:
    """Newest first, with package and order."""
    query = (
        select(StopParcelRow, PackageRow, OrderRow)
        .join(
            PackageRow,
            (PackageRow.merchant_id == StopParcelRow.merchant_id) & (PackageRow.id == StopParcelRow.package_id),
        )
        .join(OrderRow, (OrderRow.merchant_id == StopParcelRow.merchant_id) & (OrderRow.id == StopParcelRow.order_id))
        .where(
            StopParcelRow.merchant_id == merchant_id,
            StopParcelRow.acknowledged_at.is_not(None) if is_acknowledged else StopParcelRow.acknowledged_at.is_(None),
        )
        .order_by(StopParcelRow.created_at.desc(), StopParcelRow.package_id.desc())
        .limit(most)
    )
    if after is not None:
        query = query.where(tuple_(StopParcelRow.created_at, StopParcelRow.package_id) < after)
    return (await session.execute(query)).all()


async def acknowledge(session: AsyncSession, merchant_id: UUID, package_id: UUID) -> None:
    """Somebody pulled it out. The first to say so stays on record. Raises ParcelNotFound."""
    row = await session.get(StopParcelRow, (merchant_id, package_id), with_for_update={"key_share": True})
    if row is None:
        raise ParcelNotFound()
    if row.acknowledged_at is not None:
        return
    await session.execute(
        update(StopParcelRow)
        .where(StopParcelRow.merchant_id == merchant_id, StopParcelRow.package_id == package_id)
        .values(acknowledged_at=func.app_now(), acknowledged_by=caller().name)
    )
    package = (await effects.find_packages(session, merchant_id, [package_id]))[package_id]
    await journal.record(session, merchant_id, events.PARCEL_STOPPED(row.order_id, after=_printed(package)))
