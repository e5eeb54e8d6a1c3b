"""Compare an order's amounts with a fresh read of its channel. Nothing is stored."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder
from app.core import clock
from app.core.context import caller
from app.orders import faults, wording
from app.orders import service as orders
from app.orders.models import OrderRow
from app.shops import access
from app.sync.errors import OrderNotAtChannel
from app.sync.schemas import AmountDifference, AmountsComparison
from app.work.context import Context


async def compare(context: Context, merchant_id: UUID, order_id: UUID) -> AmountsComparison:
    """Raises OrderNotFound, OrderNotAtChannel, and ChannelError when the channel cannot be asked."""
    order = await context.database.transact(orders.get_order, merchant_id, order_id)
    told = await access.call(
        context,
        merchant_id,
        order.account_id,
        lambda connector, door: connector.get_orders(door, [order.external_id]),
    )
    fresh = next(iter(told.orders), None)
    if fresh is None:
        reason = told.unreadable[0].reason if told.unreadable else "no such order"
        raise OrderNotAtChannel(reason=faults.explain(reason, caller().language))
    here, there = _of_row(order), _of_channel(fresh)
    differences = [
        AmountDifference(kind=kind, here=here.get(kind), at_channel=there.get(kind))
        for kind in dict.fromkeys([*here, *there])
        if here.get(kind) != there.get(kind)
    ]
    is_newer = fresh.updated_at > order.channel_updated_at
    state = "in_sync" if not differences else "explained" if is_newer else "unexplained"
    return AmountsComparison(
        state=state,
        explanation="order_changed" if state == "explained" else None,
        currency=order.currency,
        differences=differences,
        checked_at=await context.database.transact(_now, merchant_id),
    )


async def _now(session: AsyncSession, merchant_id: UUID) -> datetime:
    return await clock.now(session)


def _of_row(order: OrderRow) -> Mapping[str, Decimal]:
    found = {str(one["kind"]): Decimal(one["amount"]) for one in order.amounts}
    return found if order.total_amount is None else {"total": order.total_amount, **found}


def _of_channel(order: ChannelOrder) -> Mapping[str, Decimal]:
    found = {one.kind: wording.round_amount(one.amount) for one in order.amounts}
    return found if order.total is None else {"total": wording.round_amount(order.total.amount), **found}
