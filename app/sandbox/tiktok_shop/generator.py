"""Makes sellers, products and orders of both platforms as Indonesian sellers and buyers would."""

import random
from typing import Any

from app.sandbox.engine.catalogue import FEES, FIRST_NAMES, LAST_NAMES, NOTES, PLACES, PRODUCTS, STREETS
from app.sandbox.engine.core import Impossible
from app.sandbox.tiktok_shop.world import TOKOPEDIA, Order, Shop, World

HOUR = 3600
_SHOPS = 7_494_049_642_642_441_000
_PRODUCTS = 1_729_000_000_000_000_000
_ORDERS = 580_000_000_000_000_000
_PACKAGES = 1_150_000_000_000_000_000
_STOCK = 100_000
WAREHOUSE = "7000714532876273410"
STANDARD, OWN, INSTANT = "7091146663229654785", "7091146663229654786", "7091146663229654787"
PROVIDERS = {"6841743441349706241": "J&T Express", "6841743441349706242": "JNE", "6841743441349706243": "SiCepat"}
ON_HOLD, SELLER_SHIPS, INSTANT_SHIPS, BY_TOKOPEDIA = "ON_HOLD", "SELLER", "INSTANT", "DILAYANI_TOKOPEDIA"
NO_PLATFORM, ODD_PLATFORM = "NO_PLATFORM", "ODD_PLATFORM"
"""Words for `courier` in the control API's wish: orders of a special kind. Any other word names a courier."""
_COURIERS = ("J&T Express", "JNE Reguler", "SiCepat REG", "Anteraja")
_PAYMENTS = ("GoPay", "Bank Transfer", "OVO", "Kartu Kredit")


def new_shop(world: World, name: str) -> Shop:
    """A seller with products and stock who has not consented to anything yet."""
    serial = world.engine.store.next_number("tiktok.shop")
    shop: Shop = {
        "id": str(_SHOPS + serial),
        "name": name,
        "cipher": f"ROW_ID_{serial:04d}cipher",
        "open_id": f"openid{serial:08d}",
        "products": [_product(serial, position) for position in range(len(PRODUCTS))],
    }
    world.save_shop(shop)
    return shop


def _product(serial: int, position: int) -> dict[str, Any]:
    wanted = PRODUCTS[position]
    base = _PRODUCTS + serial * 1_000_000 + position * 1_000
    variants = wanted.variants or (("Default", ""),)
    skus = [
        {
            "id": str(base + 100 + number),
            "seller_sku": f"{wanted.sku}-{suffix}" if suffix else wanted.sku,
            "variation": text,
            "price": wanted.price,
            "quantity": _STOCK,
        }
        for number, (text, suffix) in enumerate(variants)
    ]
    return {"id": str(base), "title": wanted.name, "is_on_tokopedia": position % 4 != 3, "skus": skus}


def new_order(world: World, shop: Shop, channel: str, wish: dict[str, Any]) -> Order:
    """As it stands before anybody has paid: one unit per piece, one package unless it is split."""
    serial = world.engine.store.next_number("tiktok.order")
    seed = wish.get("seed")
    chance = world.engine.random_for("tiktok", serial if seed is None else (seed, wish.get("position", 0)))
    special = wish.get("courier")
    now = world.now()
    order: Order = {
        "id": str(_ORDERS + serial * 97),
        "shop_id": shop["id"],
        "platform": _platform(channel, special),
        "status": "UNPAID",
        "create_time": now,
        "update_time": now,
        "paid_time": 0,
        "deadlines": {},
        "note": chance.choice(NOTES),
        "payment": chance.choice(_PAYMENTS),
        "is_cod": chance.random() < 0.1,
        "shipping_fee": chance.choice(FEES),
        "buyer": _buyer(chance),
        "is_held": special == ON_HOLD,
        "shipping_type": "SELLER" if special == SELLER_SHIPS else "TIKTOK",
        "is_instant": special == INSTANT_SHIPS,
        "is_by_platform": special == BY_TOKOPEDIA,
        "provider": _provider(special, chance),
        "units": [],
        "packages": [],
        "request": None,
        "cancellation": "none",
        "initiator": "",
        "cancel_reason": "",
        "way": {},
    }
    parts = wish.get("packages") or 1
    count = wish.get("lines") or max(parts, chance.choice((1, 1, 2)))
    for position, (product, sku) in enumerate(_choose(shop, count, chance)):
        for _ in range(chance.choice((1, 1, 2))):
            order["units"].append(_unit(world, product, sku, position % parts))
    order["packages"] = [_package(world) for _ in range(parts)]
    for unit in order["units"]:
        unit["package_id"] = order["packages"][unit.pop("part")]["id"]
    world.move_stock(order, -1)
    return order


def _platform(channel: str, special: str | None) -> str:
    if special in (NO_PLATFORM, ODD_PLATFORM):
        return "" if special == NO_PLATFORM else "SOMEWHERE_ELSE"
    return "TOKOPEDIA" if channel == TOKOPEDIA else "TIKTOK_SHOP"


def _provider(special: str | None, chance: random.Random) -> str:
    words = (ON_HOLD, SELLER_SHIPS, INSTANT_SHIPS, BY_TOKOPEDIA, NO_PLATFORM, ODD_PLATFORM)
    return special if special and special not in words else chance.choice(_COURIERS)


def _choose(shop: Shop, count: int, chance: random.Random) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    every = [(product, sku) for product in shop["products"] for sku in product["skus"] if sku["quantity"] > 3]
    if len(every) < count:
        raise Impossible("Nothing is left to sell.")
    return chance.sample(every, count)


def _unit(world: World, product: dict[str, Any], sku: dict[str, Any], part: int) -> dict[str, Any]:
    serial = world.engine.store.next_number("tiktok.unit")
    return {
        "id": str(_ORDERS + 500_000_000_000 + serial),
        "product_id": product["id"],
        "product_name": product["title"],
        "sku_id": sku["id"],
        "sku_name": sku["variation"],
        "seller_sku": sku["seller_sku"],
        "price": sku["price"],
        "part": part,
    }


def _package(world: World) -> dict[str, Any]:
    serial = world.engine.store.next_number("tiktok.package")
    return {"id": str(_PACKAGES + serial * 13), "status": "TO_FULFILL", "tracking": "", "provider": ""}


def more_packages(world: World, count: int) -> list[dict[str, Any]]:
    """New ones with numbers of their own."""
    return [_package(world) for _ in range(count)]


def _buyer(chance: random.Random) -> dict[str, str]:
    place = chance.choice(PLACES)
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    street = chance.choice(STREETS)
    return {
        "name": f"{first[0]}{'*' * (len(first) - 1)} {last[0]}******",
        "phone": f"(+62)812*****{chance.randrange(10, 100)}",
        "detail": f"Jl. {street[:2]}*****",
        "state": place.state.title(),
        "city": place.city.title(),
        "district": place.district,
        "postal_code": f"{place.zipcode[:2]}***",
    }
