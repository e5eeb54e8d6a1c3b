"""Which orders move stock now. The stock is kept above: here a run is only asked for, in the same transaction."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.models import OrderLineRow
from app.work import service as work

APPLY = "stock.apply"


async def request(session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]) -> None:
    """These orders have changed: those with a linked line have their stock put right."""
    query = (
        select(OrderLineRow.order_id)
        .where(
            OrderLineRow.merchant_id == merchant_id,
            OrderLineRow.order_id.in_(order_ids),
            OrderLineRow.product_id.is_not(None),
        )
        .distinct()
    )
    refs = dict.fromkeys(order_id.hex for order_id in await session.scalars(query))
    await work.add_many(session, merchant_id, APPLY, refs, priority=work.BACKGROUND)
