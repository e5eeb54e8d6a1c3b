"""Products out of a CSV, all of them or none, a few statements per batch."""

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
from app.products.models import ProductRow
from app.products.schemas import ProductImport
from app.stock import repository as movements

_BATCH = 1_000
_REASON = "CSV import"


async def take(
    session: AsyncSession, merchant_id: UUID, lines: Sequence[ProductLine], *, dry_run: bool
) -> ProductImport:
    """Make those that are new, change the others. With `dry_run` only counts."""
    now = await clock.now(session)
    await movements.expect_many(session)
    created = updated = 0
    for start in range(0, len(lines), _BATCH):
        part = lines[start : start + _BATCH]
        known = await repository.find_products_by_sku(session, merchant_id, [line.sku for line in part])
        new = [line for line in part if line.sku not in known]
        changed = [line for line in part if line.sku in known and _is_change(known[line.sku], line)]
        created += len(new)
        updated += len(changed)
        if not dry_run:
            await _create(session, merchant_id, new, now)
            await _change(session, merchant_id, [(known[line.sku], line) for line in changed], now)
    counts = {"created": created, "updated": updated, "unchanged": len(lines) - created - updated}
    if not dry_run and created + updated:
        await journal.record(session, merchant_id, "products.imported", kind="audit", subject_id=None, after=counts)
    return ProductImport(**counts, dry_run=dry_run)


def _is_change(product: ProductRow, line: ProductLine) -> bool:
    return (
        product.name != line.name
        or (line.buffer is not None and product.buffer != line.buffer)
        or (line.on_hand is not None and (product.on_hand != line.on_hand or product.counted_at is None))
    )


async def _create(session: AsyncSession, merchant_id: UUID, lines: Sequence[ProductLine], now: datetime) -> None:
    ids = [new_id() for _ in lines]
    rows = [
        {
            "merchant_id": merchant_id,
            "id": product_id,
            "sku": line.sku,
            "name": line.name,
            "buffer": line.buffer or 0,
            "on_hand": line.on_hand or 0,
            "counted_at": None if line.on_hand is None else now,
            "created_at": now,
            "updated_at": now,
        }
        for product_id, line in zip(ids, lines, strict=True)
    ]
    await repository.insert_products(session, rows)
    counted = [
        _movement(product_id, line.on_hand)
        for product_id, line in zip(ids, lines, strict=True)
        if line.on_hand is not None
    ]
    await movements.add_adjustments(session, merchant_id, counted, reason=_REASON)


async def _change(
    session: AsyncSession, merchant_id: UUID, pairs: Sequence[tuple[ProductRow, ProductLine]], now: datetime
) -> None:
    moved: list[dict[str, Any]] = []
    for product, line in pairs:
        product.name = line.name
        product.buffer = product.buffer if line.buffer is None else line.buffer
        if line.on_hand is not None:
            moved.append(_movement(product.id, line.on_hand - product.on_hand))
            product.on_hand, product.counted_at = line.on_hand, now
        product.version += 1
        product.updated_at = now
    await session.flush()
    await movements.add_adjustments(session, merchant_id, moved, reason=_REASON)
    await products.request_pushes(session, merchant_id, [product.id for product, _ in pairs])


def _movement(product_id: UUID, change: int) -> dict[str, Any]:
    return {"product_id": product_id, "quantity": abs(change), "on_hand_change": change}
