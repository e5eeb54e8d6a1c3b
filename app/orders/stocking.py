"""Which orders move stock now. The stock is kept above: here a run is only asked for, in the same transaction."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.models import OrderLineRow
from app.work import service as work

APPLY = "stock.apply"


async def request(session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]) -> None:
    """These orders have changed and have, or had, a linked line: have their stock put right."""
    await work.add_many(
        session, merchant_id, APPLY, {order_id.hex: None for order_id in order_ids}, priority=work.BACKGROUND
    )


async def request_if_linked(session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]) -> None:
    """The same for those of them that have a linked line."""
    await request(session, merchant_id, await list_linked(session, merchant_id, order_ids))


async def list_linked(session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]) -> Sequence[UUID]:
    """Those of these orders that have a linked line."""
    query = (
        select(OrderLineRow.order_id)
        .where(
            OrderLineRow.merchant_id == merchant_id,
            OrderLineRow.order_id.in_(order_ids),
            OrderLineRow.product_id.is_not(None),
        )
        .distinct()
    )
    return (await session.scalars(query)).all()
