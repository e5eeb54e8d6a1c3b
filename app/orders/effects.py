"""What fulfilment writes on packages, so that the order desk and the upsert's overlay know of our own effects."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.orders import repository, rollup, stocking
from app.orders.models import OrderLineRow, OrderRow, PackageRow

_SCANS = {"in_transit": "Diserahkan ke kurir (ditandai penjual)", "delivered": "Diterima (ditandai penjual)"}


async def lock_orders(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, OrderRow]:
    """Lock these orders, in the order in which the upsert locks them too."""
    rows = await session.execute(
        select(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id.in_(order_ids))
        .order_by(OrderRow.account_id, OrderRow.external_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows.scalars()}


async def list_packages(
    session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, list[PackageRow]]:
    """The packages the channel still lists, by order."""
    query = (
        select(PackageRow)
        .where(PackageRow.merchant_id == merchant_id, PackageRow.order_id.in_(order_ids), ~PackageRow.is_gone)
        .order_by(PackageRow.order_id, PackageRow.position, PackageRow.id)
        .execution_options(populate_existing=True)
    )
    if lock:
        query = query.with_for_update(key_share=True)
    packages: dict[UUID, list[PackageRow]] = {order_id: [] for order_id in order_ids}
    for row in (await session.execute(query)).scalars():
        packages[row.order_id].append(row)
    return packages


async def list_lines(
    session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]
) -> dict[UUID, list[OrderLineRow]]:
    """The lines of these orders, by order."""
    query = (
        select(OrderLineRow)
        .where(OrderLineRow.merchant_id == merchant_id, OrderLineRow.order_id.in_(order_ids))
        .order_by(OrderLineRow.order_id, OrderLineRow.position)
    )
    lines: dict[UUID, list[OrderLineRow]] = {order_id: [] for order_id in order_ids}
    for row in await session.scalars(query):
        lines[row.order_id].append(row)
    return lines


async def find_packages(
    session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]
) -> dict[UUID, PackageRow]:
    """These packages by id, those too that the channel no longer lists."""
    query = select(PackageRow).where(PackageRow.merchant_id == merchant_id, PackageRow.id.in_(package_ids))
    return {row.id: row for row in await session.scalars(query)}


async def list_gated(session: AsyncSession, merchant_id: UUID, shop_id: UUID, most: int) -> Sequence[OrderRow]:
    """Orders of the shop that wait at our gate, the oldest first."""
    query = (
        select(OrderRow)
        .where(
            OrderRow.merchant_id == merchant_id,
            OrderRow.shop_id == shop_id,
            OrderRow.status == "ordered",
            OrderRow.first_step == "gate",
        )
        .order_by(OrderRow.placed_at)
        .limit(most)
    )
    return (await session.scalars(query)).all()


async def begin(session: AsyncSession, merchant_id: UUID, intents: dict[UUID, UUID], order_ids: Sequence[UUID]) -> None:
    """Packages (→ their intents) are being arranged: they show as `processing`."""
    for package_id, intent_id in sorted(intents.items()):
        await _write(session, merchant_id, package_id, open_intent=intent_id, status="processing")
    await rollup.rebuild(session, merchant_id, list(order_ids))


async def mark_arranged(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    package_id: UUID,
    *,
    handover: str,
    until: datetime | None,
    courier: str | None = None,
    tracking_number: str | None = None,
) -> None:
    """Our call took effect. Reads that lag behind it are overlaid until `until`; one that is ahead already stays."""
    order = (await lock_orders(session, merchant_id, [order_id]))[order_id]
    values: dict[str, object] = {
        "open_intent": None,
        "status": case((PackageRow.status.in_(("to_process", "processing")), "processed"), else_=PackageRow.status),
        "effect_state": "arranged",
        "effect_until": until,
        "effect_base_at": order.channel_updated_at,
        "handover": handover,
    }
    if courier:
        values["courier"] = courier
    if tracking_number:
        values["tracking_number"] = tracking_number
    await _write(session, merchant_id, package_id, **values)
    await rollup.rebuild(session, merchant_id, [order_id])
    await stocking.request_if_linked(session, merchant_id, [order_id])


async def mark_received(
    session: AsyncSession, merchant_id: UUID, order_id: UUID, package_id: UUID, *, by: str, until: datetime | None
) -> None:
    """The channel has made it a package. Until a read names that, this one stands for it."""
    order = (await lock_orders(session, merchant_id, [order_id]))[order_id]
    await _write(
        session,
        merchant_id,
        package_id,
        open_intent=None,
        status=case((PackageRow.status == "processing", "to_process"), else_=PackageRow.status),
        effect_state="received",
        effect_until=until,
        effect_base_at=order.channel_updated_at,
    )
    await _receive(session, merchant_id, order_id, by)
    await rollup.rebuild(session, merchant_id, [order_id])


async def pass_gate(session: AsyncSession, merchant_id: UUID, order_id: UUID, *, by: str) -> None:
    """Receive an order at a gate of ours: no channel is asked. The caller has locked it."""
    await _receive(session, merchant_id, order_id, by, status="ready_to_ship")
    await rollup.rebuild(session, merchant_id, [order_id])


async def _receive(session: AsyncSession, merchant_id: UUID, order_id: UUID, by: str, **values: object) -> None:
    await session.execute(
        update(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id)
        .values(
            received_at=func.coalesce(OrderRow.received_at, func.app_now()),
            received_by=func.coalesce(OrderRow.received_by, by),
            **values,
        )
        .execution_options(synchronize_session=False)
    )


async def mark_moved(
    session: AsyncSession, merchant_id: UUID, order_id: UUID, package_id: UUID, *, to: str, until: datetime
) -> None:
    """The merchant says that a parcel left (`in_transit`) or arrived (`delivered`), and the channel knows."""
    order = (await lock_orders(session, merchant_id, [order_id]))[order_id]
    await _write(
        session,
        merchant_id,
        package_id,
        status=to,
        effect_state="dispatched" if to == "in_transit" else "delivered",
        effect_until=until,
        effect_base_at=order.channel_updated_at,
    )
    # Nobody scans it but the merchant.
    at = await clock.now(session)
    scan = {"at": at, "code": to, "text": _SCANS[to], "location": None}
    await repository.put_tracking(session, merchant_id, package_id, [scan], read_at=at)
    await rollup.rebuild(session, merchant_id, [order_id])


async def mark_answered(
    session: AsyncSession, merchant_id: UUID, order_id: UUID, *, answer: str, until: datetime | None
) -> None:
    """The channel took our answer (`approved`, `rejected`) to the buyer's request. Lagging reads are overlaid.

    A read that came before we knew may have taken the refused request for one that came to nothing.
    """
    is_open = OrderRow.cancellation == "requested"
    if answer == "rejected":
        is_open |= OrderRow.cancellation.is_(None)
    await session.execute(
        update(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id == order_id, is_open)
        .values(
            cancellation=answer,
            respond_by=None,
            answer_settles_at=until,
            version=OrderRow.version + 1,
            updated_at=func.app_now(),
        )
        .execution_options(synchronize_session=False)
    )


async def give_number(session: AsyncSession, merchant_id: UUID, package_id: UUID, tracking_number: str) -> None:
    """A parcel without a courier's number gets one of ours."""
    await _write(session, merchant_id, package_id, tracking_number=tracking_number)


async def give_back(session: AsyncSession, merchant_id: UUID, order_id: UUID, package_id: UUID) -> None:
    """Our call had no effect: the package waits to be arranged again, unless a read has moved it meanwhile."""
    await lock_orders(session, merchant_id, [order_id])
    await session.execute(
        update(PackageRow)
        .where(PackageRow.merchant_id == merchant_id, PackageRow.id == package_id, PackageRow.status == "processing")
        .values(status="to_process")
    )
    await _write(session, merchant_id, package_id, open_intent=None)
    await rollup.rebuild(session, merchant_id, [order_id])


async def mark_printed(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Their labels are in a finished pack. Answers the print status each had before."""
    before = {row.id: row.print_status for row in (await lock_orders(session, merchant_id, order_ids)).values()}
    await session.execute(
        update(OrderRow)
        .where(OrderRow.merchant_id == merchant_id, OrderRow.id.in_(before), OrderRow.print_status != "printed")
        .values(print_status="printed", version=OrderRow.version + 1, updated_at=func.app_now())
    )
    return before


async def _write(session: AsyncSession, merchant_id: UUID, package_id: UUID, **values: object) -> None:
    await session.execute(
        update(PackageRow).where(PackageRow.merchant_id == merchant_id, PackageRow.id == package_id).values(**values)
    )
