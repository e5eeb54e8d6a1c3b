"""Products and their SKUs as listings, and the payload that sets a stock."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from app.channels.contract import ChannelListing
from app.connectors.lazada import wire


def to_listings(products: Iterable[wire.Product]) -> tuple[ChannelListing, ...]:
    """One per SKU."""
    return tuple(
        ChannelListing(
            item_id=product.item_id,
            model_id=sku.SkuId,
            sku=sku.SellerSku,
            name=product.attributes.name,
            variation=", ".join(str(value) for value in sku.saleProp.values() if value),
            price=sku.price,
            stock=max(0, _stock(sku)),
        )
        for product in products
        for sku in product.skus
    )


def _stock(sku: wire.Sku) -> int:
    sellable = [one.sellableQuantity for one in sku.multiWarehouseInventories if one.sellableQuantity is not None]
    if sellable:
        return sum(sellable)
    return sku.Available if sku.Available is not None else sku.quantity or 0


def stock_payload(item_id: str, sku_id: str, quantity: int) -> str:
    """The documented XML; sellable stock is set absolutely."""
    return (
        f"<Request><Product><Skus><Sku><ItemId>{escape(item_id)}</ItemId><SkuId>{escape(sku_id)}</SkuId>"
        f"<SellableQuantity>{quantity}</SellableQuantity></Sku></Skus></Product></Request>"
    )
