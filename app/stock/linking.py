"""Link listings to products: new orders move stock at once, earlier ones are put right in the background, once each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import Prefixed
from app.journal import service as journal
from app.orders import effects, rollup
from app.products import repository as products_repository
from app.products import service as products
from app.products.errors import ListingUnknown, ProductArchived, ProductUnknown
from app.products.models import ListingRow, ProductRow
from app.stock import events, repository, service
from app.stock.errors import LinkedOtherwise
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

RELINK = "stock.relink"
_PRODUCT = Prefixed("prd")
_BATCH = 100
_OPEN = ("unpaid", "ordered", "ready_to_ship")


@dataclass(frozen=True, slots=True)
class Wish:
    """A listing and the product it shall belong to. `pointer`: where the request names the two."""

    listing_id: UUID
    product_id: UUID
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a link would change."""

    open_orders: int
    reserve: int
    shipped_orders: int
    deduct: int
    available_before: int
    available_after: int
    is_counted: bool
    """Nothing is told to any channel before."""
    account_ids: tuple[UUID, ...] = ()
    """Whose listings of the product are told."""


async def preview(
    session: AsyncSession, merchant_id: UUID, listing: ListingRow, product: ProductRow, before: Sequence[Preview] = ()
) -> Preview:
    """Earlier orders of the listing: those that wait would reserve, those that left would deduct.

    `before` are the links of the same product that would be made first.
    """
    open_orders = reserve = shipped_orders = deduct = 0
    for status, stage, orders, pieces in await repository.sum_unlinked(
        session, merchant_id, listing.id, product.counted_at
    ):
        if status in _OPEN and stage != "processed":
            open_orders, reserve = open_orders + orders, reserve + pieces
        elif status != "cancelled":
            shipped_orders, deduct = shipped_orders + orders, deduct + pieces
    on_hand = max(0, product.on_hand - deduct - sum(one.deduct for one in before))
    left = on_hand - product.reserved - reserve - sum(one.reserve for one in before) - product.buffer
    available = before[-1].available_after if before else product.available
    is_counted = product.counted_at is not None
    return Preview(open_orders, reserve, shipped_orders, deduct, available, max(0, left), is_counted)


async def preview_all(
    session: AsyncSession, merchant_id: UUID, wishes: Sequence[Wish]
) -> list[tuple[ListingRow, Preview]]:
    """What `link` would change. Raises as `find_pairs` does."""
    return await preview_pairs(session, merchant_id, await find_pairs(session, merchant_id, wishes))


async def preview_pairs(
    session: AsyncSession, merchant_id: UUID, pairs: Sequence[tuple[ListingRow, ProductRow]]
) -> list[tuple[ListingRow, Preview]]:
    """One after the other, as they would be made."""
    told: list[tuple[ListingRow, Preview]] = []
    of_product: dict[UUID, list[Preview]] = {}
    accounts: dict[UUID, set[UUID]] = {}
    for linked in await products.list_linked(session, merchant_id, {product.id for _, product in pairs}):
        if linked.product_id is not None:
            accounts.setdefault(linked.product_id, set()).add(linked.account_id)
    for listing, product in pairs:
        before, mine = of_product.setdefault(product.id, []), accounts.setdefault(product.id, set())
        mine.add(listing.account_id)
        effect = await preview(session, merchant_id, listing, product, before)
        before.append(replace(effect, account_ids=tuple(sorted(mine))))
        told.append((listing, before[-1]))
    return told


async def link(session: AsyncSession, merchant_id: UUID, wishes: Sequence[Wish]) -> list[tuple[ListingRow, Preview]]:
    """All or none; linking what is linked so already changes nothing. Raises as `find_pairs` does."""
    pairs = await find_pairs(session, merchant_id, wishes)
    told = await preview_pairs(session, merchant_id, pairs)
    for listing, product in pairs:
        if listing.product_id is None:
            listing.product_id = product.id
            await session.flush()
            told_link = events.Link(product_id=_PRODUCT.format(product.id), sku=product.sku)
            await journal.record(session, merchant_id, events.LINKED(listing.id, after=told_link))
    await request_relink(session, merchant_id, [listing for listing, _ in pairs])
    return told


async def find_pairs(
    session: AsyncSession, merchant_id: UUID, wishes: Sequence[Wish]
) -> list[tuple[ListingRow, ProductRow]]:
    """Listings and products as wished, all locked.

    Raises ListingUnknown, ProductUnknown, ProductArchived, LinkedOtherwise.
    """
    # All listings, then all products: two who link the same never wait for each other in a circle.
    listings = await products_repository.lock_listings(session, merchant_id, {one.listing_id for one in wishes})
    locked = await products_repository.lock_products(session, merchant_id, {one.product_id for one in wishes})
    pairs: dict[UUID, ProductRow] = {}
    found = []
    for wish in wishes:
        listing, product = listings.get(wish.listing_id), locked.get(wish.product_id)
        if listing is None:
            raise ListingUnknown(pointer=f"{wish.pointer}/listing_id")
        if product is None:
            raise ProductUnknown(pointer=f"{wish.pointer}/product_id")
        if product.is_archived:
            raise ProductArchived(pointer=f"{wish.pointer}/product_id", sku=product.sku)
        if listing.product_id not in (None, product.id) or pairs.setdefault(listing.id, product) is not product:
            raise LinkedOtherwise(pointer=f"{wish.pointer}/product_id")
        found.append((listing, product))
    return found


async def request_relink(session: AsyncSession, merchant_id: UUID, listings: Sequence[ListingRow]) -> None:
    """Have earlier orders of linked listings put right, and their channels told."""
    await work.add_many(session, merchant_id, RELINK, {listing.id.hex: None for listing in listings})
    product_ids = {listing.product_id for listing in listings if listing.product_id is not None}
    await products.request_pushes(session, merchant_id, product_ids)


async def unlink(session: AsyncSession, merchant_id: UUID, listing_id: UUID) -> ListingRow:
    """New orders move no stock; what earlier ones reserved stays theirs. Repeatable. Raises ListingNotFound."""
    listing = await products_repository.get_listing(session, merchant_id, listing_id, lock=True)
    if listing.product_id is not None:
        before = events.LinkedProduct(product_id=_PRODUCT.format(listing.product_id))
        listing.product_id = None
        await session.flush()
        await journal.record(session, merchant_id, events.UNLINKED(listing.id, before))
    return listing


async def relink_orders(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.relink`."""
    await relink_listing(context, claimed.merchant_id, UUID(hex=claimed.ref))
    return None


async def relink_listing(context: Context, merchant_id: UUID, listing_id: UUID) -> None:
    """Put every earlier order of the listing right, a batch per transaction."""
    while await context.database.transact(_relink_batch, merchant_id, listing_id):
        pass


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
