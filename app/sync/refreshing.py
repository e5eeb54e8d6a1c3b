"""The SYNC button: read every open order again, relink, move the stock that is owed, tell the channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Caller, acting_as
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
from app.stock import service as stock
from app.sync.errors import ShopNotConnected, ShopPaused, ShopUnknown
from app.sync.schemas import SyncAll
from app.sync.service import CHUNK, READ_ORDERS
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

KIND = "sync_all"
MOVE_STOCK = "sync.stock"
_STEP = 100


async def open_sync(
    session: AsyncSession,
    merchant_id: UUID,
    body: SyncAll,
    idempotency: Idempotency,
    *,
    open_operations_max: int,
) -> Opened:
    """One operation, however often it is pressed while it runs. Raises ShopUnknown, ShopNotConnected, ShopPaused."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    chosen = await _shops(session, merchant_id, body.shop_ids)
    shop_ids = sorted(one.shop.id for one in chosen)
    options = {"scope": body.scope, "shop_ids": [one.hex for one in shop_ids]}
    running = await operations.find_running(session, merchant_id, KIND, options)
    if running is not None:
        return await operations.join(session, merchant_id, running, idempotency)
    items = []
    if body.scope != "stock":
        items = _items(await orders.list_open(session, merchant_id, shop_ids))
    opened = await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind=KIND,
        job=READ_ORDERS,
        options=options,
        items=items,
        open_parts=int(body.scope != "orders"),
        open_operations_max=open_operations_max,
    )
    if not opened.replayed and body.scope != "orders":
        await work.add(session, merchant_id, MOVE_STOCK, opened.operation_id.hex)
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


def _items(rows: Sequence[OrderRow]) -> list[NewItem]:
    """Chunks of one account each: few, for they wait for the same account's turn."""
    items: list[NewItem] = []
    filled: dict[UUID, tuple[int, int]] = {}
    chunks = 0
    for order in rows:
        chunk, count = filled.get(order.account_id, (0, 0))
        if count == 0 or count >= CHUNK:
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


# --- stock ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Turn:
    """One run of the part that moves stock. The last one begins once every order is read, and ends the part."""

    who: Caller
    is_last: bool
    is_cancelled: bool
    listing_ids: list[UUID]
    product_ids: set[UUID]


async def end_chunk(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> None:
    """Orders were read; after the last of a SYNC its stock is moved once more, so that it is right at the end."""
    operation = await operations.refresh(session, merchant_id, operation_id)
    moves_stock = operation.kind == KIND and operation.open_parts > 0
    if moves_stock and not await operations.has_open_items(session, merchant_id, operation_id):
        await work.add(session, merchant_id, MOVE_STOCK, operation_id.hex)


async def move_stock(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.stock`: relink the shops' orders, move what they owe, a batch per transaction."""
    operation_id, merchant_id, database = UUID(hex=claimed.ref), claimed.merchant_id, context.database
    turn = await database.transact(_begin, merchant_id, operation_id)
    with acting_as(turn.who, merchant_id=merchant_id):
        if not turn.is_cancelled:
            for listing_id in turn.listing_ids:
                await linking.relink_listing(context, merchant_id, listing_id)
            order_ids = await database.transact(_list_orders, merchant_id, operation_id)
            for start in range(0, len(order_ids), _STEP):
                await database.transact(stock.apply_orders, merchant_id, order_ids[start : start + _STEP])
            await database.transact(products.request_pushes, merchant_id, turn.product_ids)
        if turn.is_last:
            await database.transact(_end, merchant_id, operation_id)
    return None


async def _begin(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> _Turn:
    operation, _ = await operations.start_chunk(session, merchant_id, operation_id, 0)
    rows = await shops.list_shop_states(session, merchant_id)
    account_ids = {one.account.id for one in rows if one.shop.id.hex in operation.options["shop_ids"]}
    linked = await products.list_linked_of_accounts(session, merchant_id, account_ids)
    return _Turn(
        operations.caller_of(operation),
        is_last=not await operations.has_open_items(session, merchant_id, operation_id),
        is_cancelled=operation.cancel_requested_at is not None,
        listing_ids=[listing.id for listing in linked],
        product_ids={listing.product_id for listing in linked if listing.product_id is not None},
    )


async def _list_orders(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> Sequence[UUID]:
    """What is open now, and what was when SYNC was pressed, as far as it has a linked line."""
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    shop_ids = [UUID(hex=one) for one in operation.options["shop_ids"]]
    mine = {order.id for order in await orders.list_open(session, merchant_id, shop_ids)}
    mine |= await operations.list_order_ids(session, merchant_id, operation_id)
    return sorted(await stocking.list_linked(session, merchant_id, mine))


async def _end(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> None:
    await operations.set_open_parts(session, merchant_id, operation_id, 0, 0, 1)
    await operations.refresh(session, merchant_id, operation_id)
