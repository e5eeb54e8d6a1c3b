"""Products inside a transaction: make, change, archive; which listing an order line was sold as."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.journal import service as journal
from app.products import events, repository
from app.products.errors import ProductChanged, ProductInUse, SkuTaken
from app.products.models import ListingRow, ProductRow
from app.products.repository import Key, Link, SoldAs
from app.products.schemas import ChangeProduct, CreateProduct
from app.work import service as work

__all__ = ["PUSH", "Key", "Link", "SoldAs"]

PUSH = "stock.push"


async def create_product(session: AsyncSession, merchant_id: UUID, body: CreateProduct) -> ProductRow:
    """A product without stock. Raises SkuTaken."""
    product_id = new_id()
    values = {"merchant_id": merchant_id, "id": product_id, "sku": body.sku, "name": body.name, "buffer": body.buffer}
    if not await repository.insert_product(session, values):
        raise SkuTaken(pointer="/sku", sku=body.sku)
    await journal.record(
        session, merchant_id, events.PRODUCT_CREATED(product_id, after=events.ProductSku(sku=body.sku))
    )
    return await repository.get_product(session, merchant_id, product_id)


async def create_products(session: AsyncSession, merchant_id: UUID, names: Mapping[str, str]) -> dict[str, UUID]:
    """A product without stock for each SKU and its name, all or none. Raises SkuTaken."""
    if not names:
        return {}
    ids = {sku: new_id() for sku in names}
    now = await clock.now(session)
    rows = [
        {"merchant_id": merchant_id, "id": ids[sku], "sku": sku, "name": name, "created_at": now, "updated_at": now}
        for sku, name in names.items()
    ]
    async with session.begin_nested():
        made = await repository.insert_products(session, rows)
        if taken := ids.keys() - made:
            raise SkuTaken(sku=min(taken))
    created = [events.PRODUCT_CREATED(ids[sku], after=events.ProductSku(sku=sku)) for sku in names]
    await journal.record_all(session, merchant_id, created)
    return ids


async def change_product(
    session: AsyncSession, merchant_id: UUID, product_id: UUID, body: ChangeProduct, *, versions: Collection[int] | None
) -> ProductRow:
    """Set SKU, name, buffer; archive or bring back. Raises ProductNotFound, ProductChanged, SkuTaken, ProductInUse."""
    product = await _lock(session, merchant_id, product_id)
    if versions is not None and product.version not in versions:
        raise ProductChanged(header="If-Match")
    wanted: dict[str, Any] = body.model_dump(exclude_unset=True, exclude_none=True, exclude={"archived"})
    if body.archived is not None:
        wanted["is_archived"] = body.archived
    new = {name: value for name, value in wanted.items() if value != getattr(product, name)}
    if not new:
        return product
    if new.get("is_archived"):
        await _check_unused(session, merchant_id, product)
    before = {name: getattr(product, name) for name in new}
    try:
        async with session.begin_nested():
            for name, value in new.items():
                setattr(product, name, value)
            await touch(session, product)
    except IntegrityError:  # of what is changed here only the SKU is unique
        raise SkuTaken(pointer="/sku", sku=new["sku"]) from None
    if "buffer" in new:
        await request_pushes(session, merchant_id, [product_id])
    changed = events.PRODUCT_CHANGED(product_id, events.ProductFields(**before), events.ProductFields(**new))
    await journal.record(session, merchant_id, changed)
    return product


async def archive_product(session: AsyncSession, merchant_id: UUID, product_id: UUID) -> None:
    """Put it out of sight; its movements stay. Repeatable. Raises ProductNotFound, ProductInUse."""
    product = await _lock(session, merchant_id, product_id)
    if product.is_archived:
        return
    await _check_unused(session, merchant_id, product)
    product.is_archived = True
    await touch(session, product)
    await journal.record(session, merchant_id, events.PRODUCT_ARCHIVED(product_id))


async def _check_unused(session: AsyncSession, merchant_id: UUID, product: ProductRow) -> None:
    listings = await repository.count_links(session, merchant_id, product.id)
    if listings or product.reserved:
        raise ProductInUse(listings=listings, reserved=product.reserved)


async def touch(session: AsyncSession, product: ProductRow) -> None:
    """Its next version."""
    product.version += 1
    product.updated_at = await session.scalar(func.app_now().select())
    await session.flush()


async def _lock(session: AsyncSession, merchant_id: UUID, product_id: UUID) -> ProductRow:
    await repository.get_product(session, merchant_id, product_id)
    return (await repository.lock_products(session, merchant_id, [product_id]))[product_id]


async def resolve(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, channel: str, sold: Sequence[SoldAs]
) -> dict[Key, Link]:
    """The listing of each line that names one; a listing nobody knew yet is kept from now on."""
    wanted = {one.key: one for one in sold if one.item_id or one.model_id}
    if not wanted:
        return {}
    items = {item_id for item_id, _ in wanted}
    links = await repository.find_links(session, merchant_id, account_id, items)
    new = [one for key, one in wanted.items() if key not in links]
    if new:
        await repository.insert_listings(session, merchant_id, account_id, channel, new)
        links = await repository.find_links(session, merchant_id, account_id, items)
    found = {key: links[key] for key in wanted if key in links}
    unlinked = [link.listing_id for link in found.values() if link.product_id is None]
    return found | await repository.hold_links(session, merchant_id, unlinked) if unlinked else found


async def list_linked(session: AsyncSession, merchant_id: UUID, product_ids: Collection[UUID]) -> Sequence[ListingRow]:
    """Listings linked to any of these products."""
    return await repository.list_listings_of(session, merchant_id, product_ids)


async def list_linked_of_accounts(
    session: AsyncSession, merchant_id: UUID, account_ids: Collection[UUID]
) -> Sequence[ListingRow]:
    """Linked listings of these accounts."""
    return await repository.list_linked_of_accounts(session, merchant_id, account_ids)


async def request_pushes(session: AsyncSession, merchant_id: UUID, product_ids: Collection[UUID]) -> None:
    """Have the channels told what is available now. Requests for one listing coalesce."""
    lanes = {
        listing.id.hex: listing.account_id
        for listing in await repository.list_listings_of(session, merchant_id, product_ids)
    }
    await work.add_many(session, merchant_id, PUSH, lanes, priority=work.BACKGROUND)
