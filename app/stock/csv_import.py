"""Products out of a CSV, all of them or none."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.products import repository
from app.products import service as products
from app.products.csv_files import ProductLine
from app.products.schemas import ProductImport
from app.stock import service

_BATCH = 500


async def take(
    session: AsyncSession, merchant_id: UUID, lines: Sequence[ProductLine], *, dry_run: bool
) -> ProductImport:
    """Make those that are new, change the others. With `dry_run` only counts."""
    created = updated = 0
    for start in range(0, len(lines), _BATCH):
        part = lines[start : start + _BATCH]
        known = await repository.find_products_by_sku(session, merchant_id, [line.sku for line in part])
        for line in part:
            product = known.get(line.sku)
            if product is None:
                created += 1
                if not dry_run:
                    await _create(session, merchant_id, line)
                continue
            buffer = product.buffer if line.buffer is None else line.buffer
            is_moved = line.on_hand is not None and (line.on_hand != product.on_hand or product.counted_at is None)
            if (product.name, product.buffer) == (line.name, buffer) and not is_moved:
                continue
            updated += 1
            if not dry_run:
                product.name, product.buffer = line.name, buffer
                await products.touch(session, product)
                if is_moved:
                    assert line.on_hand is not None
                    await service.set_on_hand(session, merchant_id, product, line.on_hand, reason="CSV import")
                await products.request_pushes(session, merchant_id, [product.id])
    return ProductImport(created=created, updated=updated, unchanged=len(lines) - created - updated, dry_run=dry_run)


async def _create(session: AsyncSession, merchant_id: UUID, line: ProductLine) -> None:
    product_id = new_id()
    values = {
        "merchant_id": merchant_id,
        "id": product_id,
        "sku": line.sku,
        "name": line.name,
        "buffer": line.buffer or 0,
    }
    await repository.insert_product(session, values)
    if line.on_hand is not None:
        product = (await repository.lock_products(session, merchant_id, [product_id]))[product_id]
        await service.set_on_hand(session, merchant_id, product, line.on_hand, reason="CSV import")
