"""Shopee's items and models as listings."""

from app.channels.contract import ChannelListing
from app.connectors.shopee import wire


def item_listing(item: wire.ItemInfo) -> ChannelListing:
    """An item without variations; its model id is 0."""
    return ChannelListing(
        item_id=str(item.item_id),
        model_id="0",
        sku=item.item_sku,
        name=item.item_name,
        variation="",
        price=item.price_info[0].current_price if item.price_info else None,
        stock=_stock(item.stock_info_v2),
    )


def model_listings(item: wire.ItemInfo, models: wire.ModelList) -> list[ChannelListing]:
    """One listing per variation."""
    return [
        ChannelListing(
            item_id=str(item.item_id),
            model_id=str(model.model_id),
            sku=model.model_sku or item.item_sku,
            name=item.item_name,
            variation=_variation(model, models.tier_variation),
            price=model.price_info[0].current_price if model.price_info else None,
            stock=_stock(model.stock_info_v2),
        )
        for model in models.model
    ]


def _stock(stock: wire.StockInfo) -> int:
    # Promotions and Shopee's own warehouses are not ours to set.
    return sum(row.stock for row in stock.seller_stock)


def _variation(model: wire.Model, tiers: tuple[wire.Variation, ...]) -> str:
    names = [
        tier.option_list[index].option
        for tier, index in zip(tiers, model.tier_index, strict=False)
        if 0 <= index < len(tier.option_list)
    ]
    return ",".join(names)
