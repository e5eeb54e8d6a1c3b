"""Products and their SKUs as listings, and the body that sets a stock."""

from collections.abc import Iterable
from typing import Any

from app.channels.contract import ChannelListing
from app.connectors.tiktok_shop import wire


def to_listings(products: Iterable[wire.Product]) -> tuple[ChannelListing, ...]:
    """One per SKU; its stock is that of all warehouses together."""
    return tuple(
        ChannelListing(
            item_id=product.id,
            model_id=sku.id,
            sku=sku.seller_sku,
            name=product.title,
            variation=", ".join(one.value_name for one in sku.sales_attributes if one.value_name),
            price=sku.price.sale_price if sku.price.sale_price is not None else sku.price.tax_exclusive_price,
            stock=sum(place.quantity for place in sku.inventory),
        )
        for product in products
        for sku in product.skus
    )


def stock_body(sku: wire.Sku, quantity: int) -> dict[str, Any]:
    """Every warehouse of the SKU has to be named: the first gets the stock, the others nothing."""
    places = [place.warehouse_id for place in sku.inventory if place.warehouse_id]
    inventory: list[dict[str, Any]] = [
        {"warehouse_id": place, "quantity": quantity if position == 0 else 0} for position, place in enumerate(places)
    ]
    return {"skus": [{"id": sku.id, "inventory": inventory or [{"quantity": quantity}]}]}
