"""Stock inside a transaction: what orders owe, what people adjust. Product rows are locked after orders, by id."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.journal import service as journal
from app.journal.catalogue import Entry
from app.orders import effects
from app.orders.models import OrderRow
from app.products import repository as products_repository
from app.products import service as products
from app.products.errors import ProductNotFound
from app.products.models import ProductRow
from app.products.repository import Known
from app.stock import events, owed, repository
from app.stock.errors import ReferenceReused, StockBelowZero, StockTooLarge
from app.stock.models import MovementRow
from app.stock.owed import Change
from app.stock.schemas import AdjustStock

MOST_ON_HAND = 1_000_000_000


async def apply_orders(session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]) -> None:
    """Make the movements of these orders right. Whoever asks, and however often, each happens once."""
    orders = await effects.lock_orders(session, merchant_id, list(order_ids))
    lines = await effects.list_lines(session, merchant_id, list(orders))
    moved = await repository.list_of_orders(session, merchant_id, list(orders))
    wanted: list[tuple[OrderRow, UUID, UUID, int]] = []
    for order_id, order in orders.items():
        present = {line.id: line for line in lines[order_id]}
        for line in present.values():
            before = moved.get(line.id, [])
            # A line stays with the product it moved first.
            product_id = before[0].product_id if before else line.product_id
            if product_id is not None:
                wanted.append((order, line.id, product_id, line.quantity))
        for line_id, before in moved.items():
            if before[0].order_id == order_id and line_id not in present:
                wanted.append((order, line_id, before[0].product_id, 0))  # the channel took it out of the order
    stocks = await products_repository.lock_products(
        session, merchant_id, {product_id for _, _, product_id, _ in wanted}
    )
    touched: set[UUID] = set()
    for order, line_id, product_id, quantity in wanted:
        before = moved.get(line_id, [])
        counted_at = stocks[product_id].counted_at
        is_counted_after = counted_at is None or order.placed_at < counted_at
        change = owed.due(order.status, order.stage, quantity, before, is_counted_after=is_counted_after)
        if change is not None:
            await _move(session, merchant_id, stocks[product_id], order, line_id, change, before)
            touched.add(product_id)
    await products.request_pushes(session, merchant_id, touched)


async def _move(
    session: AsyncSession,
    merchant_id: UUID,
    product: ProductRow,
    order: OrderRow,
    line_id: UUID,
    change: Change,
    before: Collection[MovementRow],
) -> None:
    taken = min(change.take, product.on_hand)
    values = {
        "product_id": product.id,
        "kind": change.kind,
        "order_id": order.id,
        "line_id": line_id,
        "turn": sum(one.kind == change.kind for one in before),
        "quantity": change.quantity,
        "on_hand_change": -taken,
        "reserved_change": change.reserved_change,
    }
    was_short = product.oversold
    if not await repository.add_movement(session, merchant_id, values):
        return
    product.on_hand -= taken
    product.reserved += change.reserved_change
    await products.touch(session, product)
    missing = max(0, change.take - taken)
    if product.counted_at is None:
        return  # what nobody has counted is not missing
    if missing or product.oversold > was_short:
        shortage = events.Shortage(sku=product.sku, order_number=order.order_number, short=missing or product.oversold)
        for entry in (
            events.PRODUCT_OVERSOLD(product.id, after=shortage),
            events.ORDER_OVERSOLD(order.id, after=shortage),
        ):
            await journal.record(session, merchant_id, entry)


async def adjust(session: AsyncSession, merchant_id: UUID, product_id: UUID, body: AdjustStock) -> ProductRow:
    """Set or change what is on hand. The same `reference` twice is once.

    Raises ProductNotFound, StockBelowZero, StockTooLarge, ReferenceReused.
    """
    product = (await products_repository.lock_products(session, merchant_id, [product_id])).get(product_id)
    if product is None:
        raise ProductNotFound()
    if body.reference is not None:
        known = await repository.find_adjustment(session, merchant_id, product_id, body.reference)
        if known is not None and body.change not in (None, known.on_hand_change):
            raise ReferenceReused(pointer="/reference", change=known.on_hand_change)
        if known is not None:
            return product
    change = body.change if body.change is not None else (body.on_hand or 0) - product.on_hand
    if product.on_hand + change < 0:
        raise StockBelowZero(pointer="/change", on_hand=product.on_hand, change=change)
    if product.on_hand + change > MOST_ON_HAND:
        raise StockTooLarge(pointer="/change", most=MOST_ON_HAND)
    await _adjust(session, merchant_id, product, change, body)
    return product


async def _adjust(
    session: AsyncSession,
    merchant_id: UUID,
    product: ProductRow,
    change: int,
    wish: AdjustStock,
) -> None:
    values: Mapping[str, Any] = {
        "product_id": product.id,
        "kind": "adjust",
        "quantity": abs(change),
        "on_hand_change": change,
        "reserved_change": 0,
        "reason": wish.reason,
        "reference": wish.reference,
    }
    if not await repository.add_movement(session, merchant_id, values):
        return
    before = product.on_hand
    shortage = shortage_of(product, before + change)
    product.on_hand += change
    if wish.on_hand is not None or product.counted_at is None:
        product.counted_at = await clock.now(session)
    await products.touch(session, product)
    await products.request_pushes(session, merchant_id, [product.id])
    adjustment = events.Adjustment(on_hand=product.on_hand, reason=wish.reason)
    adjusted = events.ADJUSTED(product.id, events.OnHand(on_hand=before), adjustment)
    await journal.record_all(session, merchant_id, [adjusted, *shortage])


def shortage_of(product: ProductRow | Known, on_hand: int) -> list[Entry]:
    """What to record when a person says that this much is there: more is owed than before that nobody has."""
    was_short = max(0, product.reserved - product.on_hand) if product.counted_at is not None else 0
    short = product.reserved - on_hand
    if short <= was_short:
        return []
    return [events.PRODUCT_OVERSOLD(product.id, after=events.Shortage(sku=product.sku, short=short))]
