"""Generated orders, loaded by COPY as the database's owner: two merchants, most orders completed, open ones new."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.core.ids import new_id
from tests.orders.archive import ShelfShop, open_shops

DAYS = 400
BATCH = 5_000
STATUSES = {
    "completed": 82.0,
    "on_delivery": 4.0,
    "ready_to_ship": 7.0,
    "cancelled": 6.0,
    "ordered": 0.6,
    "unpaid": 0.4,
}
STAGES = {"to_process": 50.0, "processing": 2.0, "processed": 48.0}
COURIERS = {"J&T Express": 44.0, "SPX Standard": 30.0, "SiCepat REG": 15.5, "JNE REG": 10.0, "Lion Parcel": 0.5}
PRODUCTS = (
    *("Kaos Polos Premium Seri", "Kemeja Flanel", "Celana Chino Slim", "Sepatu Lari", "Tas Ransel", "Topi Baseball"),
    *("Jaket Hoodie", "Dompet Kulit", "Sandal Gunung", "Jam Tangan", "Kacamata", "Botol Minum"),
)
FIRST = ("budi", "siti", "dewi", "agus", "putri", "rizky", "ayu", "joko", "lina", "hendra", "maya", "fajar")
LAST = ("santoso", "wijaya", "pratama", "lestari", "hidayat", "kusuma", "saputra", "wulandari", "nugroho", "utami")
RARE_COURIER = "Lion Parcel"
_LIVE_DAYS = {"ready_to_ship": 3.0, "ordered": 1.0, "unpaid": 1.0, "on_delivery": 8.0}
"""Open orders are young: status goes with time, and the planner does not know."""
_PACKAGE_STATUS = {"on_delivery": "in_transit", "completed": "delivered", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A loaded merchant."""

    merchant_id: UUID
    orders: int
    sample: list[tuple[str, str]]
    """Order number and tracking number of a few orders of any age."""
    open_ids: list[UUID]
    """Orders that wait to be arranged."""


async def load(owner: asyncpg.Connection, merchant_id: UUID, count: int, *, seed: int) -> Dataset:
    """Write `count` orders with lines and packages. Count triggers run as in service."""
    shops = await open_shops(
        owner, merchant_id, [("testmart", f"Toko {number}", "Asia/Jakarta") for number in range(1, 5)]
    )
    now: datetime = await owner.fetchval("select app_now()")
    luck = random.Random(seed)
    sample: list[tuple[str, str]] = []
    open_ids: list[UUID] = []
    for start in range(0, count, BATCH):
        orders: list[dict[str, Any]] = []
        lines: list[dict[str, Any]] = []
        packages: list[dict[str, Any]] = []
        for _ in range(min(BATCH, count - start)):
            row, its_lines, package = _build(luck, shops, merchant_id, now)
            orders.append(row)
            lines += its_lines
            packages.append(package)
            if row["stage"] == "to_process":
                open_ids.append(row["id"])
            elif row["tracking_number"] and luck.random() < 0.001:
                sample.append((row["order_number"], row["tracking_number"]))
        await _copy(owner, "orders", orders)
        await _copy(owner, "order_lines", lines)
        await _copy(owner, "packages", packages)
    return Dataset(merchant_id, count, sample, open_ids)


async def _copy(owner: asyncpg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    await owner.copy_records_to_table(table, records=[tuple(row.values()) for row in rows], columns=list(rows[0]))


def _build(
    luck: random.Random, shops: list[ShelfShop], merchant_id: UUID, now: datetime
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    [status] = luck.choices(list(STATUSES), list(STATUSES.values()))
    [courier] = luck.choices(list(COURIERS), list(COURIERS.values()))
    stage = (
        luck.choices(("to_process", "processing", "processed"), (50, 2, 48))[0] if status == "ready_to_ship" else None
    )
    placed_at = now - timedelta(days=luck.random() * _LIVE_DAYS.get(status, DAYS))
    shop, order_id = luck.choice(shops), new_id()
    is_sent = status in ("on_delivery", "completed") or stage == "processed"
    number = f"{placed_at:%y%m%d}{luck.randrange(36**8):08X}"
    tracking_number = f"JX{luck.randrange(10**10):010}" if is_sent else None
    buyer = f"{luck.choice(FIRST)} {luck.choice(LAST)}"
    username = f"{buyer.replace(' ', '_')}{luck.randrange(1000)}"
    lines = list(_lines(luck, merchant_id, order_id))
    package = {
        "merchant_id": merchant_id,
        "id": new_id(),
        "order_id": order_id,
        "package_number": f"OFG{number}",
        "position": 0,
        "status": _PACKAGE_STATUS.get(status, stage or "to_process"),
        "channel_status": "X",
        "courier": courier,
        "tracking_number": tracking_number,
        "handover": "pickup" if is_sent else None,
        "lines": json.dumps({line["external_id"]: line["quantity"] for line in lines}),
    }
    words = [number, tracking_number, username, buyer]
    words += [line[name] for line in lines for name in ("sku", "name", "variation")]
    is_asked = status in ("ordered", "ready_to_ship") and luck.random() < 0.02
    row = {
        "merchant_id": merchant_id,
        "id": order_id,
        "account_id": shop.account_id,
        "shop_id": shop.id,
        "channel": shop.channel,
        "external_id": number,
        "order_number": number,
        "status": status,
        "stage": stage,
        "channel_status": status.upper(),
        "is_visible": status != "unpaid",
        "cancellation": "requested" if is_asked else None,
        "respond_by": now + timedelta(hours=40) if is_asked else None,
        "print_status": "printed" if is_sent and luck.random() < 0.97 else "not_printed",
        "is_linked": luck.random() < 0.9,
        "is_cod": luck.random() < 0.3,
        "is_returned": False,
        "placed_at": placed_at,
        "paid_at": placed_at,
        "ship_by": placed_at + timedelta(days=2),
        "channel_updated_at": placed_at,
        "read_started_at": placed_at,
        "updated_at": placed_at,
        "payment_method": "ShopeePay",
        "total_amount": sum(line["unit_price"] * line["quantity"] for line in lines),
        "total_basis": "reported",
        "currency": "IDR",
        "amounts": "[]",
        "line_count": len(lines),
        "quantity": sum(line["quantity"] for line in lines),
        "buyer_username": username,
        "buyer_name": buyer.title(),
        "buyer_username_masked": f"{username[0]}***{username[-1]}",
        "buyer_name_masked": f"{buyer[0].upper()}***",
        "courier": courier,
        "tracking_number": tracking_number,
        "handover": package["handover"],
        "lines_summary": json.dumps([_summary(line) for line in lines]),
        "packages_summary": json.dumps(
            [
                {
                    "id": f"pkg_{package_id.hex}",
                    "package_number": package["package_number"],
                    "status": package["status"],
                    "courier": courier,
                    "service": None,
                    "tracking_number": tracking_number,
                    "handover": package["handover"],
                }
            ]
        ),
        "search": "\n".join(dict.fromkeys(word for word in words if word)).lower(),
    }
    return row, lines, package


def _lines(luck: random.Random, merchant_id: UUID, order_id: UUID) -> Iterator[dict[str, Any]]:
    for position, name in enumerate(luck.sample(PRODUCTS, luck.choices((1, 2, 3), (60, 25, 15))[0])):
        yield {
            "merchant_id": merchant_id,
            "id": new_id(),
            "order_id": order_id,
            "external_id": str(position),
            "position": position,
            "item_external_id": str(luck.randrange(10**9)),
            "model_external_id": str(luck.randrange(10**9)),
            "sku": f"{name[:4].upper()}-{luck.randrange(5000)}",
            "name": f"{name} {luck.choice(('Pria', 'Wanita', 'Anak'))}",
            "variation": luck.choice(("S", "M", "L", "XL")),
            "quantity": luck.choice((1, 1, 1, 2, 3)),
            "unit_price": luck.randrange(20, 400) * 1000,
        }


def _summary(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"oln_{line['id'].hex}",
        "sku": line["sku"],
        "name": line["name"],
        "variation": line["variation"],
        "quantity": line["quantity"],
        "unit_price": {"amount": f"{line['unit_price']}.00", "currency": "IDR"},
        "listing_id": None,
        "product_id": None,
        "is_linked": False,
    }


async def build_indexes_last(owner: asyncpg.Connection) -> list[str]:
    """Drop the two slow indexes; answers the statements that make them anew."""
    rows = await owner.fetch("select indexname, indexdef from pg_indexes where indexdef ilike '%using gin%'")
    for row in rows:
        await owner.execute(f"drop index {row['indexname']}")
    return [row["indexdef"] for row in rows]
