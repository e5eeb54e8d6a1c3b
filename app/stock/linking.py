"""Link listings to products: new orders move stock at once, earlier ones are put right in the background, once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.journal import service as journal
from app.orders import effects, rollup
from app.products import repository as products_repository
from app.products import service as products
from app.products.errors import ListingUnknown, ProductUnknown
from app.products.models import ListingRow, ProductRow
from app.stock import repository, service
from app.stock.errors import LinkedOtherwise
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

RELINK = "stock.relink"
_BATCH = 100
_OPEN = ("unpaid", "ordered", "ready_to_ship")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a link would change."""

    open_orders: int
    reserve: int
    shipped_orders: int
    deduct: int
    available_before: int
    available_after: int


async def preview(session: AsyncSession, merchant_id: UUID, listing: ListingRow, product: ProductRow) -> Preview:
    """Earlier orders of the listing: those that wait would reserve, those on their way would deduct."""
    open_orders = reserve = shipped_orders = deduct = 0
    for status, stage, orders, pieces in await repository.sum_unlinked(session, merchant_id, listing.id):
        if status in _OPEN and stage != "processed":
            open_orders, reserve = open_orders + orders, reserve + pieces
        elif status in ("ready_to_ship", "on_delivery"):
            shipped_orders, deduct = shipped_orders + orders, deduct + pieces
    left = max(0, product.on_hand - deduct) - product.reserved - reserve - product.buffer
    return Preview(open_orders, reserve, shipped_orders, deduct, product.available, max(0, left))


async def link(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, product_id: UUID, *, pointer: str
) -> tuple[ListingRow, Preview]:
    """Linking what is linked so already changes nothing. Raises ListingUnknown, ProductUnknown, LinkedOtherwise."""
    listing, product = await find_pair(session, merchant_id, listing_id, product_id, pointer=pointer)
    told = await preview(session, merchant_id, listing, product)
    if listing.product_id is None:
        listing.product_id = product.id
        await session.flush()
        await journal.record(
            session,
            merchant_id,
            "listing.linked",
            kind="audit",
            subject_id=listing.id,
            after={"product_id": str(product.id), "sku": product.sku},
        )
    await request_relink(session, merchant_id, listing)
    return listing, told


async def find_pair(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, product_id: UUID, *, pointer: str
) -> tuple[ListingRow, ProductRow]:
    """Listing and product, both locked. Raises ListingUnknown, ProductUnknown, LinkedOtherwise."""
    listing = await session.get(ListingRow, (merchant_id, listing_id), with_for_update={"key_share": True})
    if listing is None:
        raise ListingUnknown(pointer=f"{pointer}/listing_id")
    product = (await products_repository.lock_products(session, merchant_id, [product_id])).get(product_id)
    if product is None or product.is_archived:
        raise ProductUnknown(pointer=f"{pointer}/product_id")
    if listing.product_id not in (None, product_id):
        raise LinkedOtherwise(pointer=f"{pointer}/product_id")
    return listing, product


async def request_relink(session: AsyncSession, merchant_id: UUID, listing: ListingRow) -> None:
    """Have earlier orders of a linked listing put right, and its channel told."""
    assert listing.product_id is not None
    await work.add(session, merchant_id, RELINK, listing.id.hex, priority=work.USER)
    await products.request_pushes(session, merchant_id, [listing.product_id])


async def unlink(session: AsyncSession, merchant_id: UUID, listing_id: UUID) -> ListingRow:
    """New orders move no stock; what earlier ones reserved stays theirs. Repeatable. Raises ListingNotFound."""
    listing = await products_repository.get_listing(session, merchant_id, listing_id, lock=True)
    if listing.product_id is not None:
        before = {"product_id": str(listing.product_id)}
        listing.product_id = None
        await session.flush()
        await journal.record(
            session, merchant_id, "listing.unlinked", kind="audit", subject_id=listing.id, before=before
        )
    return listing


async def relink_orders(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.relink`: every earlier order of the listing, a batch per transaction."""
    listing_id = UUID(hex=claimed.ref)
    while await context.database.transact(_relink_batch, claimed.merchant_id, listing_id):
        pass
    return None


async def _relink_batch(session: AsyncSession, merchant_id: UUID, listing_id: UUID) -> bool:
    """True when there may be more."""
    listing = await session.get(ListingRow, (merchant_id, listing_id))
    if listing is None or listing.product_id is None:
        return False
    order_ids = await repository.list_unlinked_orders(session, merchant_id, listing_id, most=_BATCH)
    if not order_ids:
        return False
    await relink(session, merchant_id, listing, order_ids)
    return len(order_ids) == _BATCH


async def relink(session: AsyncSession, merchant_id: UUID, listing: ListingRow, order_ids: Sequence[UUID]) -> None:
    """These orders' lines of a linked listing get its product; then they move what they owe."""
    assert listing.product_id is not None
    await effects.lock_orders(session, merchant_id, order_ids)
    await repository.link_lines(session, merchant_id, listing.id, listing.product_id, order_ids)
    await rollup.rebuild(session, merchant_id, order_ids)
    await service.apply_orders(session, merchant_id, order_ids)
