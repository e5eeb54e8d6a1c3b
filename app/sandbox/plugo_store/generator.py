"""Makes stores, products and orders as Indonesian merchants and buyers would."""

import random
import secrets
from typing import Any

from app.sandbox.engine.catalogue import FEES, FIRST_NAMES, LAST_NAMES, NOTES, PLACES, PRODUCTS, STREETS
from app.sandbox.engine.core import Impossible
from app.sandbox.plugo_store.switches import Switches
from app.sandbox.plugo_store.world import CHANNEL, Order, Product, Shop, World, next_row

_STOCK = 100_000
_COURIERS = ("JNE REG", "J&T EZ", "SiCepat REG", "AnterAja Reguler", "Kurir Toko")
_PAYMENTS = (("bacs", "Transfer bank"), ("midtrans", "Midtrans"), ("xendit_qris", "QRIS"), ("cod", "Bayar di tempat"))
_STATES = {"JAWA BARAT": "JB", "DKI JAKARTA": "JK", "JAWA TIMUR": "JI", "DI YOGYAKARTA": "YO", "BALI": "BA"}
_UNLISTED = 999_000_000


def new_shop(world: World, name: str) -> Shop:
    """A store with products and stock, and a key the merchant made by hand."""
    serial = world.engine.store.next_number(f"{CHANNEL}.shop")
    shop: Shop = {"shop_id": f"toko-{serial}", "name": name, "switches": Switches().model_dump()}
    world.save_shop(shop)
    world.published_key(shop)
    for wanted in PRODUCTS:
        parent = _product(world, shop, wanted.name, wanted.sku, wanted.price)
        if not wanted.variants:
            continue
        parent |= {"type": "variable", "manage_stock": False, "stock": None}
        names = [text for text, _ in wanted.variants]
        parent["attributes"] = [{"id": 1, "name": "Varian", "variation": True, "visible": True, "options": names}]
        world.save_product(parent)
        for text, suffix in wanted.variants:
            variation = _product(world, shop, f"{wanted.name} - {text}", f"{wanted.sku}-{suffix}", wanted.price)
            variation |= {"type": "variation", "parent_id": parent["id"]}
            variation["attributes"] = [{"id": 1, "name": "Varian", "option": text}]
            world.save_product(variation)
    return shop


def _product(world: World, shop: Shop, name: str, sku: str, price: int) -> Product:
    now = world.now()
    product: Product = {
        "id": world.next_id(),
        "shop_id": shop["shop_id"],
        "parent_id": 0,
        "name": name,
        "type": "simple",
        "sku": sku,
        "price": price,
        "manage_stock": True,
        "stock": _STOCK,
        "backorders": "no",
        "attributes": [],
        "meta_data": [],
        "created": now,
        "modified": now,
    }
    world.save_product(product)
    return product


def new_order(world: World, shop: Shop, wish: dict[str, Any]) -> Order:
    """As it stands when the buyer has placed it and paid nothing. One package, whatever is wished."""
    order_id, seed = world.next_id(), wish.get("seed")
    chance = world.engine.random_for(CHANNEL, order_id if seed is None else (seed, wish.get("position", 0)))
    payment, title = chance.choice(_PAYMENTS)
    place, now = _place(chance), world.now()
    order: Order = {
        "id": order_id,
        "number": f"{world.switches(shop).number_prefix}{order_id}",
        "shop_id": shop["shop_id"],
        "key": f"wc_order_{secrets.token_hex(7)}",
        "status": "pending",
        "created": now,
        "modified": now,
        "paid": None,
        "completed": None,
        "note": chance.choice(NOTES),
        "billing": place,
        "shipping": _shipping(place, is_same=chance.random() < 0.25),
        "payment_method": payment,
        "payment_title": title,
        "transaction_id": "",
        "shipping_fee": chance.choice(FEES),
        "shipping_title": wish.get("courier") or chance.choice(_COURIERS),
        "items": [],
        "refunds": [],
        "notes": [],
        "meta_data": [],
        "rows": 0,
        "is_gone": False,
        "is_moving": False,
        "is_closed": False,
    }
    count = wish.get("lines") or max(wish.get("packages") or 1, chance.choice((1, 1, 2)))
    for product in _choose(world, shop, count, chance):
        order["items"].append(_item(world, shop, order, product, chance, is_listed=wish.get("is_listed", True)))
    return order


def _choose(world: World, shop: Shop, count: int, chance: random.Random) -> list[Product]:
    sold = [one for one in world.products_of(shop, None) if one["type"] != "variable" and (one["stock"] or 0) > 3]
    if len(sold) < count:
        raise Impossible("Nothing is left to sell.")
    return chance.sample(sold, count)


def _item(
    world: World, shop: Shop, order: Order, product: Product, chance: random.Random, *, is_listed: bool
) -> dict[str, Any]:
    quantity = chance.choice((1, 1, 2))
    parent = world.find_product(shop, product["parent_id"])
    item = {
        "id": next_row(order),
        "name": product["name"],
        "product_id": product["parent_id"] or product["id"],
        "variation_id": product["id"] if product["parent_id"] else 0,
        "quantity": quantity,
        "total": product["price"] * quantity,
        "sku": product["sku"],
        "parent_name": parent["name"] if parent else None,
        "meta_data": [],
        "reduced": 0,
    }
    if parent is not None:
        option = product["attributes"][0]["option"]
        told = {"key": "varian", "value": option, "display_key": "Varian", "display_value": option}
        item["meta_data"] = [{"id": next_row(order), **told}]
    if not is_listed:  # the product was deleted since
        item |= {"product_id": _UNLISTED + product["id"], "variation_id": 0, "sku": None}
    return item


def _place(chance: random.Random) -> dict[str, str]:
    place = chance.choice(PLACES)
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "first_name": first,
        "last_name": last,
        "company": "",
        "address_1": f"Jl. {chance.choice(STREETS)} No. {chance.randrange(1, 200)}",
        "address_2": place.district,
        "city": place.city.title(),
        "state": _STATES.get(place.state, place.state.title()),
        "postcode": place.zipcode,
        "country": "ID",
        "email": f"{first.lower()}.{last.lower()}@example.com",
        "phone": f"0812{chance.randrange(10_000_000, 100_000_000)}",
    }


def _shipping(billing: dict[str, str], *, is_same: bool) -> dict[str, str]:
    """Some checkouts leave it empty when the buyer ships to the billing address."""
    place = {key: "" if is_same else value for key, value in billing.items() if key != "email"}
    return {**place, "phone": ""}
