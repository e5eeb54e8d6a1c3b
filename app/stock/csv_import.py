"""Products out of a CSV, all of them or none, in a few statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.journal import service as journal
from app.products import repository
from app.products import service as products
from app.products.csv_files import ProductLine
from app.products.errors import SkuTaken
from app.products.repository import Known
from app.products.schemas import ProductImport
from app.stock import events
from app.stock import repository as movements
from app.stock.service import shortage_of

_REASON = "CSV import"


async def take(
    session: AsyncSession, merchant_id: UUID, lines: Sequence[ProductLine], *, dry_run: bool
) -> ProductImport:
    """Make those that are new, change the others. With `dry_run` only counts. Raises SkuTaken when somebody else
    makes one of them at this very moment.
    """
    await movements.expect_many(session, merchant_id)
    known = await repository.find_products_by_sku(session, merchant_id, [line.sku for line in lines])
    new = [line for line in lines if line.sku not in known]
    changed = [line for line in lines if line.sku in known and _is_change(known[line.sku], line)]
    counts = {"created": len(new), "updated": len(changed), "unchanged": len(lines) - len(new) - len(changed)}
    if not dry_run and new + changed:
        now = await clock.now(session)
        moved = await _create(session, merchant_id, new, now)
        moved += await _change(session, merchant_id, [(known[line.sku], line) for line in changed], now)
        await movements.add_adjustments(session, merchant_id, moved, reason=_REASON)
        await products.request_pushes(session, merchant_id, [known[line.sku].id for line in changed])
        imported = events.PRODUCTS_IMPORTED(None, after=events.ImportCounts(**counts))
        counted = [(known[line.sku], line.on_hand) for line in changed if line.on_hand is not None]
        shortages = [entry for product, on_hand in counted for entry in shortage_of(product, on_hand)]
        await journal.record_all(session, merchant_id, [imported, *shortages])
    return ProductImport(**counts, dry_run=dry_run)


def _is_change(product: Known, line: ProductLine) -> bool:
    return (
        product.is_archived
        or product.name != line.name
        or (line.buffer is not None and product.buffer != line.buffer)
        or (line.on_hand is not None and (product.on_hand != line.on_hand or product.counted_at is None))
    )


async def _create(
    session: AsyncSession, merchant_id: UUID, lines: Sequence[ProductLine], now: datetime
) -> list[dict[str, Any]]:
    ids = {line.sku: new_id() for line in lines}
    rows = [
        {
            "merchant_id": merchant_id,
            "id": ids[line.sku],
            "sku": line.sku,
            "name": line.name,
            "buffer": line.buffer or 0,
            "on_hand": line.on_hand or 0,
            "counted_at": None if line.on_hand is None else now,
            "created_at": now,
            "updated_at": now,
        }
        for line in lines
    ]
    made = await repository.insert_products(session, rows)
    if taken := ids.keys() - made:
        raise SkuTaken(sku=min(taken))
    return [_movement(ids[line.sku], line.on_hand) for line in lines if line.on_hand is not None]


async def _change(
    session: AsyncSession, merchant_id: UUID, pairs: Sequence[tuple[Known, ProductLine]], now: datetime
) -> list[dict[str, Any]]:
    rows = [
        {
            "id": product.id,
            "name": line.name,
            "buffer": product.buffer if line.buffer is None else line.buffer,
            "on_hand": product.on_hand if line.on_hand is None else line.on_hand,
            "counted_at": product.counted_at if line.on_hand is None else now,
        }
        for product, line in pairs
    ]
    await repository.change_products(session, merchant_id, rows)
    return [
        _movement(product.id, line.on_hand - product.on_hand) for product, line in pairs if line.on_hand is not None
    ]


def _movement(product_id: UUID, change: int) -> dict[str, Any]:
    return {"product_id": product_id, "quantity": abs(change), "on_hand_change": change}
