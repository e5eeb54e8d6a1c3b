"""A channel whose every answer to an arrange call can be scripted, and a merchant who ships there."""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from app.channels.contract import (
    ChannelCancellation,
    ChannelPackage,
    Handover,
    PackageRef,
    ShipmentReading,
    ShipmentState,
    ShippingMethod,
    ShippingOptions,
    ShopAccess,
)
from app.channels.errors import ChannelError, Unknown
from app.core.context import Caller, acting_as
from app.core.db import Database
from app.fulfilment import planning
from app.fulfilment.planning import Limits
from app.fulfilment.schemas import ArrangeShipment, BulkAction, HandoverChoice
from app.operations import repository, views
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.schemas import Operation
from app.orders import reading
from app.orders.schemas import Selection
from app.shops import connections
from app.worker.running import Worker
from tests.fixtures import owner
from tests.sync import market as market_words
from tests.sync.market import CHANNEL, Market
from tests.sync.scene import Scene, found, open_context

Step = ChannelError | Literal["lost_before_effect", "lost_after_effect"]
SETTLE_SECONDS = 60


class Quay(Market):
    """The channel. What is not scripted goes well."""

    facts = replace(Market.facts, handovers=("pickup", "dropoff"), settle_seconds=SETTLE_SECONDS)

    def __init__(self) -> None:
        super().__init__()
        self.effects: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.shipment_reads: Counter[str] = Counter()
        self.steps: defaultdict[str, list[Step]] = defaultdict(list)
        """What becomes of the next arrange calls for a package."""
        self.option_errors: defaultdict[str, list[ChannelError]] = defaultdict(list)
        self.meanwhile: dict[str, Callable[[], Awaitable[None]]] = {}
        """Happens while a package's options are being asked for."""

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        if package.package_number in self.meanwhile:
            await self.meanwhile.pop(package.package_number)()
        if self.option_errors[package.package_number]:
            raise self.option_errors[package.package_number].pop(0)
        return ShippingOptions((ShippingMethod("pickup"), ShippingMethod("dropoff")))

    async def reserve(self, access: ShopAccess) -> None:
        return

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        number = package.package_number
        self.calls[number] += 1
        step = self.steps[number].pop(0) if self.steps[number] else None
        if isinstance(step, ChannelError):
            raise step
        if step != "lost_before_effect":
            self.effects[number] += 1
            self.show(package.order_external_id, number, "processed")
        if step is not None:
            raise Unknown("no_answer", "ReadTimeout")

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        readings = {}
        for ref in packages:
            self.shipment_reads[ref.package_number] += 1
            order = self.orders[ref.order_external_id]
            known = next((one for one in order.packages if one.package_number == ref.package_number), None)
            if known is not None:
                state = _state(order.status, order.cancellation, known)
                readings[ref.package_number] = ShipmentReading(ref.package_number, state, known.channel_status)
        return readings

    def change(self, number: str, **changes: Any) -> None:
        """The order moves on at the channel."""
        order = self.orders[number]
        self.place(replace(order, updated_at=order.updated_at + timedelta(seconds=1), **changes))

    def show(self, number: str, package_number: str, status: Any) -> None:
        """One of its packages moves on."""
        packages = tuple(
            replace(one, status=status, channel_status=str(status).upper())
            if one.package_number == package_number
            else one
            for one in self.orders[number].packages
        )
        self.change(number, packages=packages)

    def request_cancellation(self, number: str) -> None:
        """The buyer asks."""
        self.change(number, cancellation=ChannelCancellation("requested", "Salah alamat"))

    def reject_cancellation(self, number: str) -> None:
        """The seller says no, in the seller centre."""
        self.change(number, cancellation=ChannelCancellation("rejected", "Salah alamat"))


def _state(status: Any, cancellation: ChannelCancellation | None, package: ChannelPackage) -> ShipmentState:
    if status == "cancelled" or package.status == "cancelled":
        return ShipmentState.MOOT
    if package.status != "to_process":
        return ShipmentState.ARRANGED
    is_asked = cancellation is not None and cancellation.state == "requested"
    return ShipmentState.UNDECIDED if is_asked else ShipmentState.ABSENT


@dataclass
class Dock:
    """Places orders at the quay, ships them, lets time pass."""

    scene: Scene
    quay: Quay
    worker: Worker
    _passed: float = 0.0

    @property
    def merchant_id(self) -> UUID:
        return self.scene.merchant_id

    async def place(self, number: str, *packages: str) -> None:
        """A paid order with these packages."""
        made = tuple(market_words.package(one, lines={}) for one in packages)
        at = market_words.now() - timedelta(minutes=10)
        self.quay.place(market_words.order(number, shop=self.scene.account.external_id, at=at, packages=made))
        await self.sync(number)

    async def sync(self, *numbers: str) -> None:
        """A poll or push brings these orders as they are now."""
        await self.scene.ingest(*(self.quay.orders[number] for number in numbers))

    async def arrange(self, *numbers: str, dry_run: bool = False) -> UUID:
        """Ask for it."""
        rows = await self.scene.sql("select id, order_number from orders where merchant_id = $1")
        ids = {row["order_number"]: UUID(int=row["id"].int) for row in rows}
        body = ArrangeShipment(
            selection=Selection(order_ids=[ids[number] for number in numbers]),
            handover=HandoverChoice(method="dropoff"),
            dry_run=dry_run,
        )
        opened = await self.scene.context.database.transact(
            planning.arrange,
            self.merchant_id,
            body,
            self._key(),
            limits=Limits(100, 4, 50),
        )
        return opened.operation_id

    async def bulk(self, action: Any, *numbers: str) -> UUID:
        """Ask for one of the simple actions."""
        rows = await self.scene.sql("select id, order_number from orders where merchant_id = $1")
        ids = {row["order_number"]: UUID(int=row["id"].int) for row in rows}
        body = BulkAction(action=action, selection=Selection(order_ids=[ids[number] for number in numbers]))
        with acting_as(Caller(type="user", name="Ani"), merchant_id=self.merchant_id):
            opened = await self.scene.context.database.transact(
                planning.bulk,
                self.merchant_id,
                body,
                self._key(),
                can_read_buyer=True,
                limits=Limits(100, 4, 50),
            )
        return opened.operation_id

    async def read(self, number: str) -> None:
        """The order is read at its channel now."""
        account_id = self.scene.account.id
        await reading.read_orders(self.scene.context, self.merchant_id, account_id, [number], priority="user")

    async def order(self, number: str) -> Any:
        """The order's row."""
        rows = await self.scene.sql("select * from orders where merchant_id = $1")
        return next(row for row in rows if row["order_number"] == number)

    async def history(self, number: str) -> list[tuple[str, str | None]]:
        """Types of the order's entries and, where it matters, by whom; oldest first."""
        order = await self.order(number)
        rows = await self.scene.sql("select type, subject_id, after from journal where merchant_id = $1 order by id")
        mine = [row for row in rows if row["subject_id"] == order["id"]]
        return [(row["type"], json.loads(row["after"]).get("by")) for row in mine]

    async def retry(self, operation_id: UUID) -> None:
        """Once more what failed."""
        await self.scene.context.database.transact(operations.retry, self.merchant_id, operation_id, self._key())

    async def apply(self, operation_id: UUID) -> None:
        """Run the plan."""
        await self.scene.context.database.transact(operations.apply_plan, self.merchant_id, operation_id, self._key())

    def _key(self) -> Idempotency:
        return Idempotency("user:1", "POST /v1/shipments", str(uuid.uuid4()), b"1")

    async def disconnect(self) -> None:
        """The merchant disconnects the shop."""
        await self.scene.context.database.transact(
            connections.disconnect, self.merchant_id, self.scene.account.connection_id
        )

    async def work(self) -> None:
        """Everything that is due."""
        await self.worker.run_until_idle()

    async def pass_time(self, *seconds: float) -> None:
        """Application time goes on in steps; after each, what is due is done."""
        for one in seconds:
            self._passed += one
            await self._set_clock(self._passed)
            await self.work()

    async def settle(self) -> None:
        """Long enough for every reading inside the settle window and after it."""
        await self.pass_time(6, 16, 31, 31, 31, 31)

    async def _set_clock(self, seconds: float) -> None:
        await owner.ask(self.scene.owner_url, "select set_clock_offset($1)", seconds)

    async def operation(self, operation_id: UUID) -> Operation:
        """As callers see it."""
        return await self.scene.context.database.transact(views.view_operation, self.merchant_id, operation_id)

    async def item(self, operation_id: UUID, number: str) -> Any:
        """As callers see it."""
        rows = await self.scene.context.database.transact(_items, self.merchant_id, operation_id)
        return next(item for item in rows if item.order_number == number)

    async def outcome(self, operation_id: UUID, number: str) -> tuple[str, str | None]:
        """State and code."""
        item = await self.item(operation_id, number)
        return item.state, item.code

    async def open_intents(self) -> list[str]:
        """States of intents that nobody has closed."""
        rows = await self.scene.sql(
            "select state from effect_intents where merchant_id = $1 and state in ('planned', 'sent', 'unknown')"
        )
        return [row["state"] for row in rows]


async def _items(session: Any, merchant_id: UUID, operation_id: UUID) -> list[Any]:
    return [views.to_item(row, ()) for row in await repository.list_items(session, merchant_id, operation_id)]


@asynccontextmanager
async def open_dock(database: Database, owner_url: str, home: Path, quay: Quay | None = None) -> AsyncIterator[Dock]:
    """A new merchant with a shop at the quay. Work that other tests left behind is put to rest."""
    quay = quay or Quay()
    async with open_context(database, home, {CHANNEL: quay}) as opened:
        context = replace(opened, settings=opened.settings.model_copy(update={"attention_after_hours": 1}))
        scene = await found(context, quay, owner_url, f"shop-{uuid.uuid4().hex[:12]}")
        dock = Dock(scene, quay, Worker(context))
        await scene.sql("update work set due_at = null where merchant_id <> $1")
        try:
            yield dock
        finally:
            await dock._set_clock(0)
