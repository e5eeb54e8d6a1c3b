"""Make products of listings: one for each SKU that none has yet, and link the listings to it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import DomainError
from app.core.ids import new_id
from app.products import repository as products_repository
from app.products import service as products
from app.products.errors import ListingUnknown, ProductArchived, SkuTaken
from app.products.models import ListingRow, ProductRow
from app.products.schemas import MOST_NAME, MOST_SKU, Sku
from app.stock import linking, repository
from app.stock.errors import LinkedAlready, NoSku, SkuAmbiguous, SkuUnusable
from app.stock.linking import Preview, Wish

_SKU: TypeAdapter[str] = TypeAdapter(Sku)
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(slots=True)
class Made:
    """A product and the listings that belong to it by their SKU."""

    sku: str
    name: str
    product: ProductRow | None
    """None: there is none yet."""
    is_new: bool
    listings: list[ListingRow] = field(default_factory=list)
    effects: list[Preview] = field(default_factory=list)
    """What linking each of them changes, one after the other."""

    @property
    def effect(self) -> Preview:
        """What linking all of them changes."""
        return replace(
            self.effects[-1],
            open_orders=sum(one.open_orders for one in self.effects),
            reserve=sum(one.reserve for one in self.effects),
            shipped_orders=sum(one.shipped_orders for one in self.effects),
            deduct=sum(one.deduct for one in self.effects),
            available_before=self.effects[0].available_before,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of listings: products, and why others stay as they are."""

    products: list[Made]
    refused: list[tuple[UUID, DomainError]]


async def preview(session: AsyncSession, merchant_id: UUID, listing_ids: Sequence[UUID]) -> Plan:
    """What `make` would do. Raises ListingUnknown."""
    plan = await _plan(session, merchant_id, listing_ids)
    pairs = []
    for made in plan.products:
        product = made.product or ProductRow(id=new_id(), sku=made.sku, on_hand=0, reserved=0, buffer=0)
        pairs += [(listing, product) for listing in made.listings]
    return _tell(plan, await linking.preview_pairs(session, merchant_id, pairs))


async def make(session: AsyncSession, merchant_id: UUID, listing_ids: Sequence[UUID]) -> Plan:
    """Make products, not counted yet, and link what is not refused, all or none. Again it finds everything linked.

    Raises ListingUnknown.
    """
    await repository.take_turn(session, merchant_id)
    plan, ids = await _create(session, merchant_id, listing_ids)
    wishes = []
    for made in plan.products:
        product_id = made.product.id if made.product else ids[made.sku]
        wishes += [Wish(listing.id, product_id) for listing in made.listings]
    told = await linking.link(session, merchant_id, wishes)
    for made in plan.products:
        made.product = made.product or await products_repository.get_product(session, merchant_id, ids[made.sku])
    return _tell(plan, told)


async def _create(
    session: AsyncSession, merchant_id: UUID, listing_ids: Sequence[UUID]
) -> tuple[Plan, dict[str, UUID]]:
    """The plan, and its new products by their SKU."""
    while True:
        plan = await _plan(session, merchant_id, listing_ids)
        try:
            names = {made.sku: made.name for made in plan.products if made.is_new}
            return plan, await products.create_products(session, merchant_id, names)
        except SkuTaken:
            continue  # somebody was quicker: now it is there


async def _plan(session: AsyncSession, merchant_id: UUID, listing_ids: Sequence[UUID]) -> Plan:
    """Listings by id; they and the products of the same SKU are locked, in the order in which links lock them."""
    listings = await products_repository.lock_listings(session, merchant_id, listing_ids)
    for number, listing_id in enumerate(listing_ids):
        if listing_id not in listings:
            raise ListingUnknown(pointer=f"/listing_ids/{number}")
    # No product's SKU has outer blanks of any kind.
    skus = {listing_id: listings[listing_id].sku.strip() for listing_id in sorted(listings)}
    folded = await products_repository.fold_skus(session, skus.values())
    alike = await products_repository.lock_alike(session, merchant_id, folded.values())
    found: dict[str, Made] = {}
    plan = Plan([], [])
    for listing_id, sku in skus.items():
        listing, key = listings[listing_id], folded[sku]
        refusal = _refuse(listing, sku, alike.get(key, ()))
        if refusal is not None:
            plan.refused.append((listing_id, refusal))
            continue
        if key not in found:
            found[key] = _begin(listing, sku, alike.get(key, ()))
            plan.products.append(found[key])
        found[key].listings.append(listing)
    return plan


def _refuse(listing: ListingRow, sku: str, alike: Sequence[ProductRow]) -> DomainError | None:
    active = [product for product in alike if not product.is_archived]
    if listing.product_id is not None:
        return LinkedAlready()
    if not sku:
        return NoSku()
    if len(active) > 1:
        return SkuAmbiguous(skus=", ".join(f"`{product.sku}`" for product in active))
    if alike and not active:
        return ProductArchived(sku=alike[0].sku)
    try:
        _SKU.validate_python(sku)
    except ValidationError:
        return SkuUnusable(most=MOST_SKU)
    return None


def _begin(listing: ListingRow, sku: str, alike: Sequence[ProductRow]) -> Made:
    """The one product that is in use, or what it will be."""
    for product in alike:
        if not product.is_archived:
            return Made(product.sku, product.name, product, is_new=False)
    return Made(sku, _name(listing) or sku, None, is_new=True)


def _name(listing: ListingRow) -> str:
    """With the variation; what is too long loses the end of the name, which others have too."""
    name, variation = (_NOT_PRINTED.sub(" ", text).strip() for text in (listing.name, listing.variation))
    if not name or not variation:
        return (name or variation)[:MOST_NAME].strip()
    tail = f" ({variation})"
    return name[: MOST_NAME - len(tail)].strip() + tail


def _tell(plan: Plan, told: Sequence[tuple[ListingRow, Preview]]) -> Plan:
    effects = {listing.id: effect for listing, effect in told}
    for made in plan.products:
        made.effects = [effects[listing.id] for listing in made.listings]
    return plan
