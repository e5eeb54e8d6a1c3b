"""Makes shops, items and orders as Indonesian sellers and buyers would."""

import random
import time
from collections.abc import Sequence
from typing import Any

from app.sandbox.engine.catalogue import FEES, FIRST_NAMES, LAST_NAMES, NOTES, PLACES, PRODUCTS, STREETS
from app.sandbox.engine.core import Impossible, UnknownThing
from app.sandbox.shopee.catalogue import CASH_ON_DELIVERY, COURIER_OF, COURIERS, PAYMENTS, Courier
from app.sandbox.shopee.world import Order, Package, Shop, World

WIB_SECONDS = 7 * 3600
_STOCK = 100_000
_LOCATION = "IDZ"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SERIALS = 36**8
_SPREAD = 1_234_567_890_127  # coprime to 36: every serial gives another number, and neighbours look unrelated


def new_shop(world: World, name: str, shop_id: int) -> Shop:
    """A shop with items, stock and two pickup addresses; the seller has not consented to anything yet."""
    chance = world.engine.random_for("shop", shop_id)
    shop: Shop = {
        "shop_id": shop_id,
        "name": name,
        "chains": {},
        "is_linked": False,
        "auth_time": 0,
        "items": [_item(world, shop_id, position) for position in range(len(PRODUCTS))],
        "addresses": [_pickup_address(shop_id, position, chance) for position in range(2)],
    }
    world.save_shop(shop)
    return shop


def new_order(world: World, shop: Shop, wish: dict[str, Any]) -> Order:
    """An order as it is at checkout (unpaid). Raises Impossible when the shop is sold out."""
    serial = world.engine.store.next_number("shopee.order")
    seed = wish.get("seed")
    chance = world.engine.random_for("order", serial if seed is None else (seed, wish.get("position", 0)))
    now = world.now()
    courier = _courier(wish.get("courier"), chance)
    lines = _lines(shop, chance, wish)
    fee = chance.choice(FEES)
    order: Order = {
        "order_sn": time.strftime("%y%m%d", time.gmtime(now + WIB_SECONDS)) + _order_suffix(serial),
        "shop_id": shop["shop_id"],
        "order_status": "UNPAID",
        "create_time": now,
        "update_time": now,
        "pay_time": 0,
        "ship_by_date": 0,
        "days_to_ship": 2,
        "pickup_done_time": 0,
        "total_amount": fee + sum(one["model_discounted_price"] * one["model_quantity_purchased"] for one in lines),
        "estimated_shipping_fee": fee,
        "actual_shipping_fee": 0,
        "note": "",
        "note_update_time": 0,
        "logistics_channel_id": courier.channel_id,
        "shipping_carrier": courier.name,
        "checkout_shipping_carrier": courier.service,
        "cancel_by": "",
        "cancel_reason": "",
        "buyer_cancel_reason": "",
        "cancellation": "none",
        "before_cancel": None,
        "completed_scenario": "",
        "is_hidden": wish.get("is_listed") is False,
        "is_moving": False,
        **_buyer(chance, can_pay_cash=wish.get("state") != "unpaid"),
        "item_list": lines,
        "packages": [],
    }
    count = min(wish.get("packages") or 1, len(lines))
    order["packages"] = [new_package(world, order, lines[start::count]) for start in range(count)]
    world.sell(order)
    return order


def new_package(world: World, order: Order, items: Sequence[dict[str, Any]]) -> Package:
    """A package of these lines."""
    return {
        "package_number": f"OFG{2193_0000_0000_0000 + world.engine.store.next_number('shopee.package')}",
        "logistics_status": "LOGISTICS_NOT_START",
        "arranged": False,
        "tracking_number": "",
        "shipping_carrier": order["shipping_carrier"],
        "logistics_channel_id": order["logistics_channel_id"],
        "method": None,
        "documents": {},
        "events": [],
        "items": [
            {
                "item_id": item["item_id"],
                "model_id": item["model_id"],
                "model_quantity": item["model_quantity_purchased"],
                "order_item_id": item["item_id"],
                "promotion_group_id": 0,
                "product_location_id": _LOCATION,
            }
            for item in items
        ],
    }


def new_tracking_number(world: World, package: Package) -> str:
    """The carrier's number."""
    serial = world.engine.store.next_number("shopee.tracking")
    return f"{COURIER_OF[package['logistics_channel_id']].prefix}{500_000_000_000 + serial}"


def _item(world: World, shop_id: int, position: int) -> dict[str, Any]:
    product = PRODUCTS[position]
    variants = product.variants or (("", ""),)
    first_model = shop_id * 1000 + position * 10 + 1 if product.variants else 0
    return {
        "item_id": shop_id * 100 + position + 1,
        "item_name": product.name,
        "item_sku": product.sku,
        "weight": product.weight,
        "has_model": bool(product.variants),
        "update_time": world.now(),
        "models": [
            {
                "model_id": first_model + number,
                "model_name": name,
                "model_sku": f"{product.sku}-{suffix}" if suffix else "",
                "price": product.price,
                "stock": _STOCK,
                "reserved": 0,
            }
            for number, (name, suffix) in enumerate(variants)
        ],
    }


def _pickup_address(shop_id: int, position: int, chance: random.Random) -> dict[str, Any]:
    place = PLACES[position]
    return {
        "address_id": shop_id * 10 + position,
        "region": "ID",
        "state": place.state,
        "city": place.city,
        "district": place.district,
        "town": "",
        "address": f"Jl. {chance.choice(STREETS)} {chance.randint(1, 200)}",
        "zipcode": place.zipcode,
        "is_default": position == 0,
    }


def _buyer(chance: random.Random, *, can_pay_cash: bool) -> dict[str, Any]:
    place = chance.choice(PLACES)
    name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    is_cod = chance.random() < 0.15 and can_pay_cash
    street = f"Jl. {chance.choice(STREETS)} No. {chance.randint(1, 150)}"
    return {
        "cod": is_cod,
        "payment_method": CASH_ON_DELIVERY if is_cod else chance.choice(PAYMENTS),
        "buyer_user_id": 100_000_000 + chance.randint(0, 9_999_999),
        "buyer_username": f"{name.partition(' ')[0].lower()}{chance.randint(10, 999)}",
        "message_to_seller": chance.choice(NOTES),
        "recipient": {
            "name": name,
            "phone": f"62812{chance.randint(10_000_000, 99_999_999)}",
            "town": "",
            "district": place.district,
            "city": place.city,
            "state": place.state,
            "region": "ID",
            "zipcode": place.zipcode,
            "full_address": f"{street}, {place.district}, {place.city}, {place.state}, {place.zipcode}",
        },
    }


def _courier(name: str | None, chance: random.Random) -> Courier:
    if name is None:
        return chance.choice(COURIERS)
    found = next((one for one in COURIER_OF.values() if one.name == name), None)
    if found is None:
        raise UnknownThing(f"No courier {name} at Shopee; there are {[one.name for one in COURIER_OF.values()]}.")
    return found


def _lines(shop: Shop, chance: random.Random, wish: dict[str, Any]) -> list[dict[str, Any]]:
    count = wish.get("lines") or max(chance.choice((1, 1, 1, 2, 3)), wish.get("packages") or 1)
    most = 3
    offers = [(item, model) for item in shop["items"] for model in item["models"] if model["stock"] >= most]
    if len(offers) < count:
        raise Impossible(f"Shop {shop['shop_id']} has {len(offers)} things left to sell, not {count}.")
    return [
        _line(item, model, chance.choice((1, 1, 1, 2, most)), position)
        for position, (item, model) in enumerate(chance.sample(offers, count))
    ]


def _line(item: dict[str, Any], model: dict[str, Any], quantity: int, position: int) -> dict[str, Any]:
    return {
        "item_id": item["item_id"],
        "item_name": item["item_name"],
        "item_sku": item["item_sku"],
        "model_id": model["model_id"],
        "model_name": model["model_name"],
        "model_sku": model["model_sku"],
        "model_quantity_purchased": quantity,
        "model_original_price": round(model["price"] * 1.2),
        "model_discounted_price": model["price"],
        "wholesale": False,
        "weight": item["weight"],
        "add_on_deal": False,
        "main_item": False,
        "add_on_deal_id": 0,
        "promotion_type": "product_promotion",
        "promotion_id": item["item_id"] + 7,
        "promotion_group_id": 0,
        "order_item_id": item["item_id"],
        "line_item_id": item["item_id"] * 100 + position,
        "image_info": {"image_url": f"https://cf.shopee.co.id/file/{item['item_id']}_tn"},
        "product_location_id": [_LOCATION],
    }


def _order_suffix(serial: int) -> str:
    number, text = serial * _SPREAD % _SERIALS, ""
    for _ in range(8):
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return text
