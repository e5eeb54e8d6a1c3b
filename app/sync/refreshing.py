"""The SYNC button: read every open order again, relink, move the stock that is owed, tell the channels."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.service import NewItem, Opened
from app.orders import service as orders
from app.orders import stocking
from app.orders.models import OrderRow
from app.products import service as products
from app.shops import service as shops
from app.shops.repository import ShopWithAccount
from app.stock import linking
from app.sync.errors import ShopNotConnected, ShopPaused, ShopUnknown
from app.sync.schemas import SyncAll
from app.sync.service import READ_ORDERS

KIND = "sync_all"


async def open_sync(
    session: AsyncSession,
    merchant_id: UUID,
    body: SyncAll,
    idempotency: Idempotency,
    *,
    connectors: Connectors,
    open_operations_max: int,
) -> Opened:
    """One operation, however often it is pressed while it runs. Raises ShopUnknown, ShopNotConnected, ShopPaused."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    chosen = await _shops(session, merchant_id, body.shop_ids)
    shop_ids = sorted(one.shop.id for one in chosen)
    account_ids = sorted({one.account.id for one in chosen})
    options = {"scope": body.scope, "shop_ids": [one.hex for one in shop_ids]}
    running = await operations.find_running(session, merchant_id, KIND, options)
    if running is not None:
        return await operations.join(session, merchant_id, running, idempotency)
    open_orders = await orders.list_open(session, merchant_id, shop_ids)
    items = _items(open_orders, connectors) if body.scope != "stock" else []
    opened = await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind=KIND,
        job=READ_ORDERS,
        options=options,
        items=items,
        open_operations_max=open_operations_max,
    )
    if not opened.replayed and body.scope != "orders":
        await stocking.request_if_linked(session, merchant_id, [order.id for order in open_orders])
        linked = await products.list_linked_of_accounts(session, merchant_id, account_ids)
        await linking.request_relink(session, merchant_id, linked)
    return opened


async def _shops(session: AsyncSession, merchant_id: UUID, shop_ids: Sequence[UUID] | None) -> list[ShopWithAccount]:
    every = {one.shop.id: one for one in await shops.list_shop_states(session, merchant_id)}
    if shop_ids is None:
        return [one for one in every.values() if one.account.is_active and not one.shop.is_paused]
    for position, shop_id in enumerate(shop_ids):
        if shop_id not in every:
            raise ShopUnknown(pointer=f"/shop_ids/{position}")
        if not every[shop_id].account.is_active:
            raise ShopNotConnected(pointer=f"/shop_ids/{position}")
        if every[shop_id].shop.is_paused:
            raise ShopPaused(pointer=f"/shop_ids/{position}")
    return [every[shop_id] for shop_id in dict.fromkeys(shop_ids)]


def _items(rows: Sequence[OrderRow], connectors: Connectors) -> list[NewItem]:
    """Chunks of one account each, as many as its channel reads in one call."""
    items: list[NewItem] = []
    filled: dict[UUID, tuple[int, int]] = {}
    chunks = 0
    for order in rows:
        chunk, count = filled.get(order.account_id, (0, 0))
        if count == 0 or count >= connectors[order.channel].facts.detail_batch:
            chunks += 1
            chunk, count = chunks, 0
        filled[order.account_id] = (chunk, count + 1)
        items.append(
            NewItem(
                order.id,
                order.order_number,
                account_id=order.account_id,
                shop_id=order.shop_id,
                channel=order.channel,
                chunk=chunk,
                details={"external_id": order.external_id},
            )
        )
    return items
