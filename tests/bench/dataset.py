"""Generated orders, loaded by COPY as the database's owner: two merchants, most orders completed, open ones new."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from tests.orders.archive import ShelfShop, Stored, build_order, open_shops

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


_PRODUCT = UUID(int=1)


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
    wishes = [("testmart", f"Toko {number}", "Asia/Jakarta") for number in range(1, 5)]
    shops = await open_shops(owner, merchant_id, wishes)
    now: datetime = await owner.fetchval("select app_now()")
    luck = random.Random(seed)
    sample: list[tuple[str, str]] = []
    open_ids: list[UUID] = []
    for start in range(0, count, BATCH):
        orders = [_build(luck, shops, merchant_id, now) for _ in range(min(BATCH, count - start))]
        await _copy(owner, "orders", [order.row for order in orders])
        for table, name in (("order_lines", "lines"), ("packages", "packages")):
            parts = [(order.row["id"], part) for order in orders for part in getattr(order, name)]
            rows = [{"merchant_id": merchant_id, "order_id": order_id, **asdict(part)} for order_id, part in parts]
            await _copy(owner, table, rows)
        open_ids += [order.row["id"] for order in orders if order.row["stage"] == "to_process"]
        tracked = [order.row for order in orders if order.row["tracking_number"]]
        sample += [(row["order_number"], row["tracking_number"]) for row in luck.sample(tracked, min(3, len(tracked)))]
    return Dataset(merchant_id, count, sample, open_ids)


async def _copy(owner: asyncpg.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """JSON columns are text to COPY; `tags` is the only array."""
    records = [
        tuple(
            json.dumps(value) if isinstance(value, dict | list) and name != "tags" else value
            for name, value in row.items()
        )
        for row in rows
    ]
    await owner.copy_records_to_table(table, records=records, columns=list(rows[0]))


def _build(luck: random.Random, shops: Sequence[ShelfShop], merchant_id: UUID, now: datetime) -> Stored:
    status = _choose(luck, STATUSES)
    package_status = _PACKAGE_STATUS.get(status) or (
        _choose(luck, STAGES) if status == "ready_to_ship" else "to_process"
    )
    placed_at = now - timedelta(days=luck.random() * _LIVE_DAYS.get(status, DAYS))
    is_sent = package_status in ("processed", "in_transit", "delivered")
    is_asked = status == "ready_to_ship" and luck.random() < 0.02
    buyer = f"{luck.choice(FIRST)} {luck.choice(LAST)}"
    lines = [_line(luck, name) for name in luck.sample(PRODUCTS, luck.choices((1, 2, 3), (60, 25, 15))[0])]
    package = {
        "status": package_status,
        "courier": _choose(luck, COURIERS),
        "tracking_number": f"JX{luck.randrange(10**10):010}" if is_sent else None,
        "handover": "pickup" if is_sent else None,
    }
    return build_order(
        luck.choice(shops),
        merchant_id,
        placed_at,
        status=status,
        order_number=f"{placed_at:%y%m%d}{luck.randrange(36**8):08X}",
        lines=lines,
        packages=[package],
        cancellation="requested" if is_asked else None,
        respond_by=now + timedelta(hours=40) if is_asked else None,
        print_status="printed" if is_sent and luck.random() < 0.97 else "not_printed",
        is_cod=luck.random() < 0.3,
        ship_by=placed_at + timedelta(days=2),
        total_amount=sum(line["unit_price"] * line["quantity"] for line in lines),
        buyer_username=f"{buyer.replace(' ', '_')}{luck.randrange(1000)}",
        buyer_name=buyer.title(),
    )


def _line(luck: random.Random, name: str) -> dict[str, Any]:
    return {
        "sku": f"{name[:4].upper()}-{luck.randrange(5000)}",
        "name": f"{name} {luck.choice(('Pria', 'Wanita', 'Anak'))}",
        "variation": luck.choice(("S", "M", "L", "XL")),
        "quantity": luck.choice((1, 1, 1, 2, 3)),
        "unit_price": Decimal(luck.randrange(20, 400) * 1000),
        "product_id": _PRODUCT if luck.random() < 0.9 else None,
    }


def _choose(luck: random.Random, shares: dict[str, float]) -> str:
    return luck.choices(list(shares), list(shares.values()))[0]


async def drop_slow_indexes(owner: asyncpg.Connection) -> list[str]:
    """GIN indexes are built faster at the end; answers the statements that make them anew."""
    rows = await owner.fetch("select indexname, indexdef from pg_indexes where indexdef ilike '%using gin%'")
    for row in rows:
        await owner.execute(f"drop index {row['indexname']}")
    return [row["indexdef"] for row in rows]
