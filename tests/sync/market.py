"""A channel of the tests' own: orders in memory, small pages, and everything that can go wrong in reading them."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from app.channels.contract import (
    ChannelAmount,
    ChannelFacts,
    ChannelLine,
    ChannelOrder,
    ChannelPackage,
    OrderListPage,
    OrdersReading,
    PackageStatus,
    PushMessage,
    PushRequest,
    Recipient,
    ShopAccess,
    UnreadableOrder,
)
from app.channels.errors import ChannelError, Malformed, Throttled
from app.core.clock import from_epoch

CHANNEL = "testmart"
PAGE = 4
BATCH = 3
SECRET = b"push-secret"


def now() -> datetime:
    """The channel's clock: whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def line(external_id: str = "1", **changes: Any) -> ChannelLine:
    values: dict[str, Any] = {
        "item_id": "11",
        "model_id": "22",
        "sku": f"KAOS-{external_id}",
        "name": "Kaos Polos",
        "variation": "L",
        "quantity": 2,
        "unit_price": Decimal("50000"),
    }
    return ChannelLine(external_id=external_id, **(values | changes))


def package(number: str = "P1", status: PackageStatus = "to_process", **changes: Any) -> ChannelPackage:
    values: dict[str, Any] = {"channel_status": status.upper(), "courier": "J&T Express", "lines": {"1": 2}}
    return ChannelPackage(package_number=number, status=status, **(values | changes))


def order(number: str = "A1", *, shop: str = "shop", at: datetime | None = None, **changes: Any) -> ChannelOrder:
    """A paid order with one line and one package, last changed at `at`."""
    at = at or now()
    values: dict[str, Any] = {
        "status": "ready_to_ship",
        "channel_status": "READY",
        "placed_at": min(at, now()) - timedelta(minutes=5),
        "currency": "IDR",
        "total": ChannelAmount("total", Decimal("125000"), "reported"),
        "lines": (line(),),
        "packages": (package(),),
        "buyer_username": "budisantoso",
        "recipient": Recipient(name="Budi Santoso", phone="6281234567890", address="Jl. Mawar 1", city="Bandung"),
    }
    key: dict[str, Any] = {"channel": CHANNEL, "shop_external_id": shop, "external_id": number, "order_number": number}
    return ChannelOrder(**key, updated_at=at, **(values | changes))


class Market:
    """Speaks the contract. `errors` are raised by the next calls, oldest first."""

    facts = ChannelFacts(
        channel=CHANNEL,
        api=CHANNEL,
        title="Test Mart",
        first_step="none",
        handovers=("pickup",),
        document_types=(),
        window=timedelta(days=15),
        detail_batch=BATCH,
        label_batch=50,
        settle_seconds=60,
        cancellation_response=timedelta(hours=48),
    )

    def __init__(self) -> None:
        self.orders: dict[str, ChannelOrder] = {}
        self.unreadable: dict[str, str] = {}
        self.omitted: Counter[str] = Counter()
        """How often an order is left out of an answer."""
        self.lets_through: list[int] = []
        """Of so many orders the next reads bring news before they are stopped."""
        self.list_errors: list[ChannelError | None] = []
        self.read_errors: list[ChannelError | None] = []
        self.left_out: set[str] = set()
        """Missing from the next page."""
        self.reads: Counter[str] = Counter()
        self.windows: list[tuple[str, datetime, datetime]] = []
        self.after_page: Callable[[int], None] = lambda page: None
        self.on_read: Callable[[Sequence[str]], None] = lambda numbers: None
        self.pause = 0.0
        self.clock_ahead = timedelta(0)

    def place(self, *orders: ChannelOrder) -> None:
        """Put orders there, or new states of them."""
        for one in orders:
            self.orders[one.external_id] = one

    async def list_orders(
        self,
        access: ShopAccess,
        *,
        by: Literal["created", "updated"],
        since: datetime,
        until: datetime,
        cursor: str | None,
    ) -> OrderListPage:
        assert until - since <= self.facts.window
        page = int(cursor or 0)
        if page == 0:
            self.windows.append((by, since, until))
        if self.list_errors and (error := self.list_errors.pop(0)) is not None:
            raise error

        def moment(one: ChannelOrder) -> datetime:
            return one.placed_at if by == "created" else one.updated_at

        mine = [one for one in self.orders.values() if one.shop_external_id == access.external_id]
        found = sorted((one for one in mine if since <= moment(one) <= until), key=moment)
        ids = tuple(one.external_id for one in found[page * PAGE : (page + 1) * PAGE])
        ids, self.left_out = tuple(one for one in ids if one not in self.left_out), set()
        more = len(found) > (page + 1) * PAGE
        self.after_page(page)
        return OrderListPage(ids, str(page + 1) if more else None, now() + self.clock_ahead)

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        assert len(external_ids) <= BATCH
        if self.read_errors and (error := self.read_errors.pop(0)) is not None:
            raise error
        stopped_by: ChannelError | None = None
        if self.lets_through and (most := self.lets_through.pop(0)) < len(external_ids):
            external_ids, stopped_by = external_ids[:most], Throttled("busy")
        self.reads.update(external_ids)
        answered, unreadable, missing = [], [], []
        for number in external_ids:
            one = self.orders.get(number)
            if number in self.unreadable:
                unreadable.append(UnreadableOrder(number, self.unreadable[number], b'{"order_status": "NOVEL"}'))
            elif one is None or one.shop_external_id != access.external_id or self.omitted[number] > 0:
                self.omitted[number] -= 1
                missing.append(number)
            else:
                answered.append(one)
        self.on_read(external_ids)
        await asyncio.sleep(self.pause)
        return OrdersReading(tuple(answered), tuple(unreadable), tuple(missing), stopped_by)

    def verify_push(self, request: PushRequest) -> bool:
        """HMAC over URL and raw body, as most channels do."""
        return hmac.compare_digest(sign(request.url, request.body), request.headers.get("authorization", ""))

    def parse_push(self, request: PushRequest) -> PushMessage:
        """JSON with kind, shop, order, at."""
        try:
            body = json.loads(request.body)
            return PushMessage(body["kind"], body.get("shop"), body.get("order"), from_epoch(body["at"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed("unreadable_push", str(error)) from error


class NumberingMarket(Market):
    """Where numbers are looked up, as in one's own store: of an order that cannot be read, no number is known."""

    async def find_orders(self, access: ShopAccess, order_numbers: Sequence[str]) -> dict[str, str]:
        reading = await self.get_orders(access, order_numbers)
        return {one.order_number: one.external_id for one in reading.orders}


def sign(url: str, body: bytes) -> str:
    """The signature that belongs to a push."""
    return hmac.new(SECRET, url.encode() + b"|" + body, hashlib.sha256).hexdigest()
