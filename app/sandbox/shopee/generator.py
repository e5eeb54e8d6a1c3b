"""Makes shops, items and orders as Indonesian sellers and buyers would."""

import random
import time
from typing import Any

from app.sandbox.shopee.world import Order, World

_FIRST = (
    "Budi",
    "Siti",
    "Agus",
    "Dewi",
    "Rina",
    "Andi",
    "Putri",
    "Joko",
    "Wulan",
    "Hendra",
    "Ayu",
    "Rizky",
    "Nadia",
    "Fajar",
)
_LAST = ("Santoso", "Wijaya", "Lestari", "Pratama", "Saputra", "Hidayat", "Kusuma", "Nugroho", "Siregar", "Halim")
_CITIES = (
    ("KOTA BANDUNG", "JAWA BARAT", "Coblong", "40132"),
    ("KOTA JAKARTA SELATAN", "DKI JAKARTA", "Kebayoran Baru", "12110"),
    ("KOTA SURABAYA", "JAWA TIMUR", "Gubeng", "60281"),
    ("KOTA MEDAN", "SUMATERA UTARA", "Medan Petisah", "20112"),
    ("KOTA DENPASAR", "BALI", "Denpasar Selatan", "80221"),
)
_ITEMS = (
    (
        "Kaos Polos Katun Premium",
        "KAOS",
        55_000,
        (("Hitam,L", "HITAM-L"), ("Putih,M", "PUTIH-M"), ("Merah,XL", "MERAH-XL")),
    ),
    ("Batik Pria Lengan Panjang", "BATIK", 185_000, (("Mega Mendung,L", "MEGA-L"), ("Parang,M", "PARANG-M"))),
    ("Kopi Arabika Gayo 250g", "KOPI", 78_000, (("Biji", "BIJI"), ("Bubuk", "BUBUK"))),
    ("Sambal Bawang Bu Rudi", "SAMBAL", 32_000, (("Pedas", "PEDAS"),)),
    ("Tas Rotan Bali", "ROTAN", 145_000, (("Bulat", "BULAT"), ("Kotak", "KOTAK"))),
    ("Hijab Voal Segi Empat", "HIJAB", 39_000, (("Dusty Pink", "PINK"), ("Sage", "SAGE"), ("Navy", "NAVY"))),
    ("Sandal Kulit Garut", "SANDAL", 120_000, (("41", "41"), ("42", "42"))),
)
CHANNELS = (
    (8003, "SPX Standard", "Reguler (Cashless)"),
    (8006, "J&T Express", "Reguler (Cashless)"),
    (8007, "JNE Reguler", "Reguler (Cashless)"),
    (8008, "SiCepat REG", "Reguler (Cashless)"),
    (8009, "Anteraja Reguler", "Hemat"),
)
OWN_COURIER = (80099, "Kurir Toko", "Kurir Toko")
_PAYMENTS = ("Bank BCA (Virtual Account)", "Shopee Wallet", "SPayLater", "Bank Mandiri (Virtual Account)")


def new_shop(world: World, name: str, shop_id: int) -> dict[str, Any]:
    """A shop with items, stock and two pickup addresses."""
    chance = world.random_for("shop", shop_id)
    items = []
    for number, (title, sku, price, variants) in enumerate(_ITEMS):
        models = [
            {
                "model_id": shop_id * 1000 + number * 10 + position + 1,
                "model_name": label,
                "model_sku": f"{sku}-{suffix}",
                "price": price,
                "stock": 100_000,
                "reserved": 0,
            }
            for position, (label, suffix) in enumerate(variants)
        ]
        items.append(
            {
                "item_id": shop_id * 100 + number + 1,
                "item_name": title,
                "item_sku": sku,
                "models": models,
                "update_time": world.now(),
            }
        )
    addresses = [
        {
            "address_id": shop_id * 10 + position,
            "region": "ID",
            "state": state,
            "city": city,
            "district": district,
            "town": "",
            "address": f"Jl. {chance.choice(('Dago', 'Merdeka', 'Diponegoro'))} {chance.randint(1, 200)}",
            "zipcode": zipcode,
            "is_default": position == 0,
        }
        for position, (city, state, district, zipcode) in enumerate(_CITIES[:2])
    ]
    shop = {
        "shop_id": shop_id,
        "name": name,
        "access": {},
        "refresh": {},
        "is_linked": False,
        "auth_time": 0,
        "items": items,
        "addresses": addresses,
    }
    world.save_shop(shop)
    return shop


def new_order(world: World, shop: dict[str, Any], wish: dict[str, Any], *, age_seconds: int = 0) -> Order:
    """An order as it is at checkout (unpaid)."""
    serial = world.engine.store.next_number("shopee.order")
    seed = wish.get("seed")
    chance = world.random_for("order", serial if seed is None else (seed, wish.get("position", 0)))
    now = world.now() - age_seconds
    order_sn = time.strftime("%y%m%d", time.gmtime(now + 7 * 3600)) + _base36(serial)
    channel = chance.choice(CHANNELS)
    city, state, district, zipcode = chance.choice(_CITIES)
    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    lines = _lines(
        shop, chance, wish.get("lines") or max(chance.choice((1, 1, 1, 2, 3)), wish.get("packages") or 1), wish
    )
    goods = sum(line["model_discounted_price"] * line["model_quantity_purchased"] for line in lines)
    shipping_fee = chance.choice((9_000, 12_000, 15_000, 18_500))
    is_cod = chance.random() < 0.15
    order: Order = {
        "order_sn": order_sn,
        "shop_id": shop["shop_id"],
        "order_status": "UNPAID",
        "cod": is_cod,
        "create_time": now,
        "update_time": now,
        "pay_time": 0,
        "ship_by_date": 0,
        "days_to_ship": 2,
        "pickup_done_time": 0,
        "total_amount": goods + shipping_fee,
        "estimated_shipping_fee": shipping_fee,
        "actual_shipping_fee": 0,
        "payment_method": "Cash on Delivery" if is_cod else chance.choice(_PAYMENTS),
        "buyer_user_id": 100_000_000 + chance.randint(0, 9_999_999),
        "buyer_username": f"{name.partition(' ')[0].lower()}{chance.randint(10, 999)}",
        "message_to_seller": chance.choice(("", "", "", "Tolong dibungkus rapi ya kak")),
        "note": "",
        "note_update_time": 0,
        "recipient": {
            "name": name,
            "phone": f"62812{chance.randint(10_000_000, 99_999_999)}",
            "town": "",
            "district": district,
            "city": city,
            "state": state,
            "region": "ID",
            "zipcode": zipcode,
            "full_address": f"{_street(chance)}, {district}, {city}, {state}, {zipcode}",
        },
        "logistics_channel_id": channel[0],
        "shipping_carrier": channel[1],
        "checkout_shipping_carrier": channel[2],
        "cancel_by": "",
        "cancel_reason": "",
        "buyer_cancel_reason": "",
        "cancellation": "none",
        "before_cancel": None,
        "completed_scenario": "",
        "is_hidden": wish.get("is_listed") is False,
        "item_list": lines,
        "packages": [],
    }
    order["packages"] = _packages(world, order, wish.get("packages") or 1)
    return order


def new_package(world: World, order: Order, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A package of these lines."""
    return {
        "package_number": f"OFG{2193_0000_0000_0000 + world.engine.store.next_number('shopee.package')}",
        "logistics_status": "LOGISTICS_NOT_START",
        "arranged": False,
        "arranged_at": 0,
        "tracking_number": "",
        "shipping_carrier": order["shipping_carrier"],
        "logistics_channel_id": order["logistics_channel_id"],
        "method": None,
        "documents": {},
        "events": [],
        "updated": order["update_time"],
        "items": [
            {
                "item_id": item["item_id"],
                "model_id": item["model_id"],
                "model_quantity": item["model_quantity_purchased"],
                "order_item_id": item["item_id"],
                "promotion_group_id": 0,
                "product_location_id": "IDZ",
            }
            for item in items
        ],
    }


def _packages(world: World, order: Order, count: int) -> list[dict[str, Any]]:
    lines = order["item_list"]
    count = min(count, len(lines))
    return [new_package(world, order, lines[start::count]) for start in range(count)]


def _lines(shop: dict[str, Any], chance: random.Random, count: int, wish: dict[str, Any]) -> list[dict[str, Any]]:
    offers = [(item, model) for item in shop["items"] for model in item["models"]]
    lines = []
    for position, (item, model) in enumerate(chance.sample(offers, min(count, len(offers)))):
        lines.append(
            {
                "item_id": item["item_id"],
                "item_name": item["item_name"],
                "item_sku": item["item_sku"],
                "model_id": model["model_id"],
                "model_name": model["model_name"],
                "model_sku": model["model_sku"],
                "model_quantity_purchased": chance.choice((1, 1, 1, 2, 3)),
                "model_original_price": round(model["price"] * 1.2),
                "model_discounted_price": model["price"],
                "wholesale": False,
                "weight": 0.25,
                "add_on_deal": False,
                "main_item": False,
                "add_on_deal_id": 0,
                "promotion_type": "",
                "promotion_id": 0,
                "promotion_group_id": 0,
                "order_item_id": item["item_id"],
                "line_item_id": model["model_id"] * 100 + position,
                "image_info": {"image_url": ""},
                "product_location_id": ["IDZ"],
            }
        )
    return lines


def _base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text.rjust(8, "0")


def _street(chance: random.Random) -> str:
    return f"Jl. {chance.choice(('Kenanga', 'Melati', 'Anggrek'))} No. {chance.randint(1, 150)}"
