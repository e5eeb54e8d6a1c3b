"""Orders that are received without anybody's doing, as each shop has chosen. Only at a gate of ours.

It opens the same operation that a person would: every order has its outcome, and one that is refused is tried again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.fulfilment import planning
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.orders import actions, effects
from app.orders.models import OrderRow
from app.shops import service as shops
from app.work.context import Context

_MOST = 100
_TRY_AGAIN = timedelta(minutes=5)
"""The same orders are not asked for again earlier than this."""


async def receive_due(context: Context) -> None:
    """Every shop that receives by itself: open an operation for what is due."""
    for merchant_id, shop_id in await context.database.transact_globally(shops.list_auto_receiving):
        await context.database.transact(_open, merchant_id, shop_id)


async def _open(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> None:
    shop = await shops.get_shop(session, merchant_id, shop_id)
    now = await clock.now(session)
    waiting = await effects.list_gated(session, merchant_id, shop_id, _MOST)
    due = [
        order
        for order in waiting
        if actions.refusal("receive", order) is None and _is_due(shop.auto_receive, order, now)
    ]
    if not due:
        return
    items = planning.build_items(
        [(order.id, order) for order in due], "receive", lambda order: {"external_id": order.external_id}
    )
    await operations.open_operation(
        session,
        merchant_id,
        Idempotency("system", "auto_receive", _key(shop_id, due, now), b""),
        kind="receive",
        job="fulfilment.receive",
        options={"action": "receive", "auto_receive": shop.auto_receive},
        items=items,
    )


def _key(shop_id: UUID, due: Sequence[OrderRow], now: datetime) -> str:
    turn = int(now.timestamp() // _TRY_AGAIN.total_seconds())
    return f"{shop_id.hex}:{turn}:{min(order.id for order in due).hex}:{len(due)}"


def _is_due(wish: dict[str, Any], order: OrderRow, now: datetime) -> bool:
    mode, value = wish["mode"], wish["value"] or 0
    if mode == "after_minutes":
        return (order.paid_at or order.placed_at) + timedelta(minutes=value) <= now
    if mode == "before_deadline":
        deadline = order.ship_by or order.cancels_at
        return deadline is not None and deadline - timedelta(hours=value) <= now
    return bool(mode == "immediately")
