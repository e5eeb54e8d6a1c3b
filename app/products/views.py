"""Products and listings as callers see them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import Prefixed
from app.products.models import ListingRow, ProductRow
from app.products.schemas import Listing, Product
from app.shops import service as shops

_SHOP = Prefixed("shp")


def to_product(row: ProductRow) -> Product:
    """With what may be sold and what is missing."""
    return Product(
        id=row.id,
        sku=row.sku,
        name=row.name,
        on_hand=row.on_hand,
        reserved=row.reserved,
        buffer=row.buffer,
        available=row.available,
        oversold=row.oversold,
        counted_at=row.counted_at,
        archived=row.is_archived,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def shops_by_account(session: AsyncSession, merchant_id: UUID) -> dict[UUID, list[str]]:
    """Storefronts of each account, prefixed."""
    found: dict[UUID, list[str]] = {}
    for shop in await shops.list_shops(session, merchant_id):
        found.setdefault(shop.account_id, []).append(_SHOP.format(shop.id))
    return found


def to_listing(row: ListingRow, shop_ids: Mapping[UUID, Sequence[str]]) -> Listing:
    """With the storefronts that sell it."""
    return Listing(
        id=row.id,
        channel=row.channel,
        shop_ids=list(shop_ids.get(row.account_id, ())),
        item_external_id=row.item_external_id,
        model_external_id=row.model_external_id,
        sku=row.sku,
        name=row.name,
        variation=row.variation,
        price=row.price,
        channel_stock=row.channel_stock,
        is_linked=row.product_id is not None,
        product_id=row.product_id,
        pushed_quantity=row.pushed_quantity,
        pushed_at=row.pushed_at,
        push_code=row.push_code,
    )
