"""Orders of every kind, written straight into the tables: what search and reports are tried on."""

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from app.core.ids import new_id
from app.orders import masking
from app.orders.parts import Line, Package
from app.orders.rollup import Head, roll_up

COURIERS = ("J&T Express", "SiCepat", "JNE REG")
BUYERS = ("budisantoso", "siti_aminah", "wijaya.k", "dewi99", "a_b", "=cmd()")
PRODUCTS = ("Kaos Polos", "Topi 50%_off", "Sepatu\\Lari", "+62 Gelas", 'Tas "Besar", merah')
_STATUSES = ("unpaid", "ordered", "ready_to_ship", "ready_to_ship", "on_delivery", "completed", "cancelled")
_PACKAGE_STATUS = {"on_delivery": "in_transit", "completed": "delivered", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class ShelfShop:
    """A storefront."""

    id: UUID
    account_id: UUID
    channel: str
    name: str
    timezone: str = "Asia/Jakarta"


@dataclass(slots=True)
class Stored:
    """An order with its parts, as it was written."""

    row: dict[str, Any]
    lines: list[Line]
    packages: list[Package] = field(default_factory=list)

    @property
    def public_id(self) -> str:
        return f"ord_{self.row['id'].hex}"


async def open_shops(
    owner: asyncpg.Connection, merchant_id: UUID, wishes: Sequence[tuple[str, str, str]]
) -> list[ShelfShop]:
    """Connected shops: channel, name, time zone."""
    shops = []
    for channel, name, timezone in wishes:
        connection_id, credential_id, account_id, shop_id = (new_id() for _ in range(4))
        external_id = uuid.uuid4().hex
        await owner.execute(
            "insert into connections (merchant_id, id, channel, state, return_url)"
            " values ($1, $2, $3, 'connected', 'x')",
            merchant_id,
            connection_id,
            channel,
        )
        await owner.execute(
            "insert into credentials (merchant_id, id, connection_id, access_token, refresh_token, access_issued_at,"
            " access_expires_at) values ($1, $2, $3, '', '', now(), now() + interval '1 day')",
            merchant_id,
            credential_id,
            connection_id,
        )
        await owner.execute(
            "insert into accounts (merchant_id, id, connection_id, credential_id, api, channel, external_id)"
            " values ($1, $2, $3, $4, $5, $5, $6)",
            merchant_id,
            account_id,
            connection_id,
            credential_id,
            channel,
            external_id,
        )
        await owner.execute(
            "insert into shops (merchant_id, id, account_id, channel, external_id, name, timezone)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            merchant_id,
            shop_id,
            account_id,
            channel,
            external_id,
            name,
            timezone,
        )
        shops.append(ShelfShop(shop_id, account_id, channel, name, timezone))
    return shops


def build_order(shop: ShelfShop, merchant_id: UUID, placed_at: datetime, **wishes: Any) -> Stored:
    """One order. `lines` and `packages` are lists of changes to a plain one; anything else is a column."""
    number = uuid.uuid4().hex[:14].upper()
    status = wishes.get("status", "ready_to_ship")
    lines = [
        Line(
            **{
                "id": new_id(),
                "external_id": str(position),
                "position": position,
                "item_external_id": "1",
                "model_external_id": "2",
                "sku": f"SKU-{position}",
                "name": PRODUCTS[0],
                "variation": "L",
                "quantity": 2,
                "unit_price": Decimal("50000.00"),
            }
            | change
        )
        for position, change in enumerate(wishes.pop("lines", [{}]))
    ]
    packages = [
        Package(
            **{
                "id": new_id(),
                "package_number": f"P{number}{position}",
                "position": position,
                "status": _PACKAGE_STATUS.get(status, "to_process"),
                "channel_status": "X",
                "courier": COURIERS[0],
                "service": None,
                "tracking_number": None,
                "handover": None,
                "lines": {one.external_id: one.quantity for one in lines},
            }
            | change
        )
        for position, change in enumerate(wishes.pop("packages", [{}]))
    ]
    row: dict[str, Any] = {
        "merchant_id": merchant_id,
        "id": new_id(),
        "account_id": shop.account_id,
        "shop_id": shop.id,
        "channel": shop.channel,
        "external_id": number,
        "order_number": number,
        "status": status,
        "channel_status": status.upper(),
        "cancellation": None,
        "cancellation_reason": None,
        "respond_by": None,
        "hold": None,
        "channel_hold_reason": None,
        "channel_hold_until": None,
        "not_shippable": None,
        "print_status": "not_printed",
        "is_cod": False,
        "is_returned": False,
        "processed_outside": False,
        "pick_pack": None,
        "placed_at": placed_at,
        "paid_at": placed_at,
        "ship_by": None,
        "pickup_cutoff_at": None,
        "collect_by": None,
        "channel_updated_at": placed_at,
        "read_started_at": placed_at,
        "version": 1,
        "created_at": placed_at,
        "updated_at": placed_at,
        "payment_method": "COD",
        "total_amount": Decimal("125000.00"),
        "total_basis": "reported",
        "currency": "IDR",
        "amounts": [],
        "buyer_username": BUYERS[0],
        "buyer_name": "Budi",
        "buyer_message": None,
        "recipient": None,
        "sender_name": None,
        "note": None,
        "tags": [],
    } | wishes
    row["is_held"] = row["hold"] is not None
    row["buyer_username_masked"] = masking.mask_username(row["buyer_username"])
    row["buyer_name_masked"] = masking.mask_name(row["buyer_name"])
    head = Head(row["status"], row["order_number"], row["currency"], row["buyer_username"], row["buyer_name"])
    rollup = roll_up(head, lines, packages)
    return Stored(row | {name: getattr(rollup, name) for name in rollup.__slots__}, lines, packages)


async def write(owner: asyncpg.Connection, orders: Sequence[Stored]) -> None:
    """Store them, as the database's owner."""
    await _insert(owner, "orders", [order.row for order in orders])
    for name in ("lines", "packages"):
        rows = [
            {"merchant_id": order.row["merchant_id"], "order_id": order.row["id"], **asdict(part)}
            for order in orders
            for part in getattr(order, name)
        ]
        await _insert(owner, "order_lines" if name == "lines" else "packages", rows)


async def _insert(owner: asyncpg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = ", ".join(rows[0])
    await owner.execute(
        f"insert into {table} ({columns}) select {columns} from json_populate_recordset(null::{table}, $1::text::json)",
        json.dumps(rows, default=str),
    )


def build_variety(shops: Sequence[ShelfShop], merchant_id: UUID, now: datetime, count: int, seed: int) -> list[Stored]:
    """Many orders, of every status and kind; several share their time, so that only the id tells them apart."""
    luck = random.Random(seed)
    return [_build_any(luck, shops, merchant_id, now) for _ in range(count)]


def _build_any(luck: random.Random, shops: Sequence[ShelfShop], merchant_id: UUID, now: datetime) -> Stored:
    status = luck.choice(_STATUSES)
    cancellation = luck.choice((None, None, None, "requested", "approved", "rejected"))
    package_status = _PACKAGE_STATUS.get(status) or luck.choice(("to_process", "processing", "processed"))
    product = luck.choice((None, new_id()))
    couriers = luck.sample(COURIERS, luck.choice((1, 1, 1, 2)))
    placed_at = (now - timedelta(hours=luck.randrange(0, 24 * 30, 6))).replace(microsecond=0)
    packages = [
        {
            "status": package_status,
            "courier": courier,
            "handover": luck.choice((None, "pickup", "dropoff")),
            "tracking_number": luck.choice((None, f"JX{luck.randrange(10**10):010}")),
        }
        for courier in couriers
    ]
    names = luck.choices(PRODUCTS, k=luck.choice((1, 2, 3)))
    return build_order(
        luck.choice(shops),
        merchant_id,
        placed_at,
        status=status,
        lines=[{"name": name, "product_id": product, "sku": f"S{luck.randrange(40)}"} for name in names],
        packages=packages if luck.random() < 0.95 else [],
        cancellation=cancellation,
        respond_by=now + timedelta(hours=luck.randrange(-40, 40)) if cancellation and luck.random() < 0.8 else None,
        hold=luck.choice((None, None, "ask the buyer")),
        print_status=luck.choice(("not_printed", "printed")),
        is_cod=luck.random() < 0.4,
        ship_by=None if luck.random() < 0.3 else now + timedelta(minutes=luck.choice((-600, -90, 90, 200, 300, 900))),
        pickup_cutoff_at=None if luck.random() < 0.6 else now + timedelta(hours=luck.randrange(-20, 20)),
        collect_by=None if luck.random() < 0.6 else now + timedelta(hours=luck.randrange(-20, 40)),
        updated_at=placed_at + timedelta(hours=luck.randrange(0, 48, 3)),
        tags=luck.sample(("vip", "gift", "late"), luck.choice((0, 0, 1, 2))),
        buyer_username=luck.choice(BUYERS),
    )
