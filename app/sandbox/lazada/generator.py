"""Makes sellers, products and orders as Indonesian sellers and buyers would."""

import random
from typing import Any

from app.sandbox.engine.catalogue import FEES, FIRST_NAMES, LAST_NAMES, NOTES, PLACES, PRODUCTS, STREETS
from app.sandbox.engine.core import Impossible
from app.sandbox.lazada.world import Item, Order, Shop, World

_FIRST_SELLER = 400_700_000_000
_FIRST_ORDER = 1_612_345_000_000_000
_FIRST_ITEM = 1_712_345_000_000_000
_STOCK = 100_000
_SHIP_WITHIN = 2 * 86_400
_COURIERS = ("LEX ID", "J&T Express", "JNE", "Ninja Van")
_PAYMENTS = ("BCA_VA", "MANDIRIMANDIRI_VA", "DANA_EBANK", "WALLET_OVO", "PAY_LATER", "COD")


def new_shop(world: World, name: str) -> Shop:
    """A seller with products and stock who has not consented to anything yet."""
    serial = world.engine.store.next_number("lazada.shop")
    shop: Shop = {"seller_id": str(_FIRST_SELLER + serial), "name": name, "products": []}
    shop["products"] = [_product(serial, position) for position in range(len(PRODUCTS))]
    world.save_shop(shop)
    return shop


def _product(serial: int, position: int) -> dict[str, Any]:
    wanted = PRODUCTS[position]
    item_id = 5_000_000_000 + serial * 1_000 + position
    variants = wanted.variants or (("", ""),)
    skus = [
        {
            "SkuId": str(11_000_000_000 + serial * 100_000 + position * 100 + number),
            "SellerSku": f"{wanted.sku}-{suffix}" if suffix else wanted.sku,
            "variation": text,
            "price": wanted.price,
            "sellable": _STOCK,
        }
        for number, (text, suffix) in enumerate(variants)
    ]
    return {"item_id": str(item_id), "name": wanted.name, "skus": skus}


def new_order(world: World, shop: Shop, wish: dict[str, Any]) -> Order:
    """As it stands before anybody has paid: one item per unit."""
    serial = world.engine.store.next_number("lazada.order")
    seed = wish.get("seed")
    chance = world.engine.random_for("lazada", serial if seed is None else (seed, wish.get("position", 0)))
    now = world.now()
    packages = wish.get("packages") or 1
    count = wish.get("lines") or max(packages, chance.choice((1, 1, 2)))
    chosen = _choose(shop, count, chance)
    courier = wish.get("courier") or chance.choice(_COURIERS)
    order: Order = {
        "id": str(_FIRST_ORDER + serial * 1_001),
        "seller_id": shop["seller_id"],
        "created": now,
        "updated": now,
        "payment_method": chance.choice(_PAYMENTS),
        "note": chance.choice(NOTES),
        "shipping_fee": chance.choice(FEES),
        "buyer": _buyer(chance),
        "items": [],
        "request": None,
        "cancellation": "none",
        "is_moving": False,
    }
    for line, (product, sku) in enumerate(chosen):
        warehouse = "dropshipping" if packages == 1 else f"gudang-{line % packages + 1}"
        for _ in range(chance.choice((1, 1, 2))):
            order["items"].append(_item(world, product, sku, warehouse, courier))
    for item in order["items"]:
        item["created"] = item["updated"] = now
        item["sla"] = now + _SHIP_WITHIN
    world.move_stock(order, order["items"], -1)
    return order


def _choose(shop: Shop, count: int, chance: random.Random) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    every = [(product, sku) for product in shop["products"] for sku in product["skus"] if sku["sellable"] > 3]
    if len(every) < count:
        raise Impossible("Nothing is left to sell.")
    return chance.sample(every, count)


def _item(world: World, product: dict[str, Any], sku: dict[str, Any], warehouse: str, courier: str) -> Item:
    serial = world.engine.store.next_number("lazada.item")
    return {
        "id": str(_FIRST_ITEM + serial * 1_001),
        "status": "unpaid",
        "sku": sku["SellerSku"],
        "sku_id": sku["SkuId"],
        "product_id": product["item_id"],
        "name": product["name"],
        "variation": f"Varian:{sku['variation']}" if sku["variation"] else "",
        "price": sku["price"],
        "paid_price": sku["price"],
        "warehouse": warehouse,
        "wanted_courier": courier,
        "courier": "",
        "tracking": "",
        "package_id": "",
        "reason": "",
        "initiator": "null-null",
        "paid": None,
    }


def _buyer(chance: random.Random) -> dict[str, str]:
    place = chance.choice(PLACES)
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "name": f"{first[0]}{'*' * (len(first) - 2)}{first[-1]} {last[0]}****",
        "phone": f"62********{chance.randrange(10, 100)}",
        "address1": f"Jl. {chance.choice(STREETS)[0]}*******",
        "address3": place.state.title(),
        "address4": place.city.title(),
        "address5": place.district,
        "city": place.city.title(),
        "post_code": place.zipcode,
    }
