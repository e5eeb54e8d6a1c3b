"""Plays a plan with the real steps against the real database: everybody at once, then everything comes to rest."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Engine, ExceptionContext, event, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder, OrderStatus, PackageStatus
from app.channels.errors import ChannelError
from app.core.errors import DomainError
from app.operations.idempotency import Idempotency
from app.orders import ingesting
from app.orders.models import OrderRow
from app.products import csv_files
from app.products import service as products
from app.products.schemas import ChangeProduct, CreateProduct
from app.products.service import SoldAs
from app.stock import csv_import, importing, linking, service
from app.stock.errors import LinkedOtherwise, ReferenceReused, StockBelowZero
from app.stock.jobs import JOBS
from app.stock.linking import Wish
from app.stock.schemas import AdjustStock
from app.sync import refreshing
from app.sync.schemas import SyncAll
from app.work import service as work
from app.work.context import Context, Handler
from app.work.service import Claimed
from app.worker.running import Worker
from tests.stock.plans import (
    EARLY,
    LISTINGS,
    SKUS,
    Adjust,
    Apply,
    Buffer,
    Csv,
    Deed,
    Drift,
    Import,
    Link,
    Plan,
    Round,
    Step,
    Sync,
    Unlink,
    Update,
)
from tests.stock.showcase import Showcase
from tests.sync.market import CHANNEL, line, now, order, package
from tests.sync.scene import found

ITEMS = [f"item-{number}" for number in range(LISTINGS)]
_AT_CHANNEL: dict[str, tuple[OrderStatus, tuple[PackageStatus, ...]]] = {
    "unpaid": ("unpaid", ("to_process",)),
    "ordered": ("ordered", ("to_process",)),
    "to_process": ("ready_to_ship", ("to_process",)),
    "half": ("ready_to_ship", ("processed", "to_process")),
    "processed": ("ready_to_ship", ("processed",)),
    "on_delivery": ("on_delivery", ("in_transit",)),
    "completed": ("completed", ("delivered",)),
    "cancelled": ("cancelled", ("cancelled",)),
}
PAUSE_SECONDS = 0.003


CIRCLES: list[str | None] = []
"""Statements that the database broke off, because two transactions waited for each other."""


@event.listens_for(Engine, "handle_error")
def _note_circle(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == "40P01":
        CIRCLES.append(context.statement)


class Died(Exception):
    """The process was gone before the commit."""


@dataclass(frozen=True)
class Told:
    """An update, and the channel's time of it: no two are alike."""

    update: Update
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of a deed. `name` is its mark on the movement of an adjustment."""

    deed: Deed
    name: str
    told: tuple[Told, ...]
    refusal: DomainError | None = None


class Stand:
    """A merchant with one account, two products and three listings, and everybody who works there."""

    def __init__(self, context: Context, owner: asyncpg.Connection) -> None:
        self.channel = Showcase(ITEMS)
        self.failures: list[Exception] = []
        """Of jobs; whoever runs them tries again, but nothing here gives a reason to fail."""
        self.context = replace(context, connectors={CHANNEL: self.channel})
        self._owner = owner
        jobs = {**JOBS, refreshing.MOVE_STOCK: refreshing.move_stock}
        self._jobs = {kind: self._watch(handler) for kind, handler in jobs.items()}
        self._started_at = now() - timedelta(hours=1)
        self._lag = 0
        self._readings = 0
        self._steps = 0

    def _watch(self, handler: Handler) -> Handler:
        async def run(context: Context, claimed: Claimed) -> timedelta | None:
            await asyncio.sleep(self._lag * PAUSE_SECONDS)
            try:
                return await handler(context, claimed)
            except ChannelError:
                raise
            except Exception as error:
                self.failures.append(error)
                raise

        return run

    async def open(self, plan: Plan) -> None:
        """A new merchant, as the plan has it."""
        CIRCLES.clear()
        await self._owner.execute("update work set due_at = null")  # of a merchant whose life ended badly
        scene = await found(self.context, self.channel, "", f"shop-{uuid.uuid4().hex[:12]}")
        self.merchant_id, self.account = scene.merchant_id, scene.account

        async def prepare(session: AsyncSession, merchant_id: UUID) -> None:
            made = [
                await products.create_product(session, merchant_id, CreateProduct(sku=sku, name=sku)) for sku in SKUS
            ]
            self.product_ids = [product.id for product in made]
            for product_id, count in zip(self.product_ids, plan.counted, strict=True):
                if count is not None:
                    body = AdjustStock(on_hand=count, reason="opening")
                    await service.adjust(session, merchant_id, product_id, body)
            sold = [SoldAs(item, "", item, item, "") for item in ITEMS]
            links = await products.resolve(session, merchant_id, self.account.id, CHANNEL, sold)
            self.listing_ids = [links[item, ""].listing_id for item in ITEMS]
            pairs = [(listing, product) for listing, product in enumerate(plan.linked) if product is not None]
            await linking.link(session, merchant_id, self._wishes(pairs))

        await self.context.database.transact(prepare, self.merchant_id)

    async def sql(self, query: str) -> list[asyncpg.Record]:
        """As the database's owner; `$1` is the merchant."""
        return list(await self._owner.fetch(query, self.merchant_id))

    # --- a round ------------------------------------------------------------------------------------------------------

    async def play(self, round: Round) -> list[Outcome]:
        """Every hand at once, beside the workers; then rest. Answers what was done or refused, not what died."""
        self.channel.troubles.extend(round.troubles)
        workers = [Worker(self.context, self._jobs) for _ in range(round.workers)]
        self.context.database.committed = lambda info: ring(workers, info)
        self._lag = round.lag
        stop = asyncio.Event()
        working = [asyncio.create_task(worker.run(stop)) for worker in workers]
        hands = [hand for step in round.steps for hand in self._hands(step)]
        results = await asyncio.gather(*hands, return_exceptions=True)
        stop.set()
        await asyncio.gather(*working)
        self._lag = 0
        self.context.database.committed = None
        errors = [one for one in results if isinstance(one, BaseException) and not isinstance(one, Died)]
        if errors:
            raise errors[0]
        if any(isinstance(step.deed, Drift) for step in round.steps):
            await self.context.database.transact(self._compare, self.merchant_id)
        await self.rest()
        return [one for one in results if isinstance(one, Outcome)]

    def _hands(self, step: Step) -> list[Coroutine[Any, Any, Outcome]]:
        outcomes = self._expect(step.deed, step.hands)
        return [self._do(step, outcome, is_first=outcome is outcomes[0]) for outcome in outcomes]

    def _expect(self, deed: Deed, hands: int) -> list[Outcome]:
        told = self._tell(deed.updates) if isinstance(deed, Import) else ()
        self._steps += hands
        return [Outcome(deed, f"step {self._steps - hand}", told) for hand in range(hands)]

    def doing(self, deed: Deed) -> Callable[[AsyncSession, UUID], Coroutine[Any, Any, None]]:
        """The deed as a step of a transaction."""
        [outcome] = self._expect(deed, 1)
        return lambda session, merchant_id: self._carry_out(session, merchant_id, outcome)

    async def do(self, deed: Deed) -> None:
        """Do it now."""
        await self.context.database.transact(self.doing(deed), self.merchant_id)

    async def _do(self, step: Step, outcome: Outcome, *, is_first: bool) -> Outcome:
        async def attempt(session: AsyncSession, merchant_id: UUID) -> None:
            if is_first and step.is_slow:
                dawdle(session)
            await self._carry_out(session, merchant_id, outcome)
            await session.flush()
            if is_first and step.dies:
                raise Died

        await asyncio.sleep(step.delay * PAUSE_SECONDS)
        try:
            await self.context.database.transact(attempt, self.merchant_id)
        except (StockBelowZero, ReferenceReused, LinkedOtherwise) as refusal:
            return replace(outcome, refusal=refusal)
        return outcome

    async def rest(self) -> None:
        """Until nothing is due, however long it would wait."""
        for _ in range(30):
            await Worker(self.context, self._jobs).run_until_idle()
            left = await self.sql(
                "update work set due_at = app_now() where merchant_id = $1 and due_at is not null"
                " returning kind, last_error"
            )
            if not left:
                return
        raise AssertionError(f"never comes to rest: {left}")

    # --- the deeds ----------------------------------------------------------------------------------------------------

    def _tell(self, updates: tuple[Update, ...]) -> tuple[Told, ...]:
        told = []
        for update in updates:
            self._readings += 1
            late = timedelta(seconds=self._readings - update.late, milliseconds=self._readings)
            told.append(Told(update, self._started_at + late))
        return tuple(told)

    def _to_channel_order(self, told: Told) -> ChannelOrder:
        update = told.update
        status, packages = _AT_CHANNEL[update.state]
        lines = [
            line(str(listing), item_id=ITEMS[listing], model_id="", sku=ITEMS[listing], quantity=quantity)
            for listing, quantity in update.lines
        ]
        return order(
            update.order,
            shop=self.account.external_id,
            at=told.at,
            placed_at=self._started_at + timedelta(days=-1 if update.order == EARLY else 1),
            status=status,
            channel_status=update.state,
            lines=tuple(lines),
            packages=tuple(package(f"P{number}", one, lines={}) for number, one in enumerate(packages)),
        )

    async def _carry_out(self, session: AsyncSession, merchant_id: UUID, outcome: Outcome) -> None:
        match outcome.deed:
            case Import():
                orders = [self._to_channel_order(one) for one in outcome.told]
                started_at = outcome.told[0].at
                await ingesting.ingest(session, merchant_id, self.account, orders, read_started_at=started_at)
            case Apply(number):
                query = select(OrderRow.id).where(OrderRow.merchant_id == merchant_id, OrderRow.external_id == number)
                await service.apply_orders(session, merchant_id, (await session.scalars(query)).all())
            case Adjust(product, on_hand, change, reference):
                adjustment = AdjustStock(on_hand=on_hand, change=change, reason=outcome.name, reference=reference)
                await service.adjust(session, merchant_id, self.product_ids[product], adjustment)
            case Csv(counts):
                rows = "".join(f"{SKUS[product]},{SKUS[product]},{count}\n" for product, count in counts)
                lines = csv_files.parse(f"sku,name,on_hand\n{rows}".encode()).lines
                await csv_import.take(session, merchant_id, lines, dry_run=False)
            case Link(pairs):
                await linking.link(session, merchant_id, self._wishes(pairs))
            case Unlink(listing):
                await linking.unlink(session, merchant_id, self.listing_ids[listing])
            case Buffer(product, pieces):
                wish = ChangeProduct(buffer=pieces)
                await products.change_product(session, merchant_id, self.product_ids[product], wish, versions=None)
            case Sync():
                await self._sync(session, merchant_id, outcome.name)
            case Drift(listing, shown):
                self.channel.shown[ITEMS[listing]] = shown
                await self._compare(session, merchant_id)

    async def _sync(self, session: AsyncSession, merchant_id: UUID, name: str) -> None:
        key = Idempotency("user:1", "POST /v1/sync", name, b"")
        wish = SyncAll(scope="stock")
        await refreshing.open_sync(session, merchant_id, wish, key, open_operations_max=100)

    def _wishes(self, pairs: Sequence[tuple[int, int]]) -> list[Wish]:
        return [Wish(self.listing_ids[listing], self.product_ids[product]) for listing, product in pairs]

    async def _compare(self, session: AsyncSession, merchant_id: UUID) -> None:
        await work.add(session, merchant_id, importing.CHECK, self.account.id.hex, lane=self.account.id)


def ring(workers: Sequence[Worker], info: dict[str, Any]) -> None:
    """Wake them when there is something to do."""
    for worker in workers if info.pop("wakes", None) else ():
        worker.ring()


def dawdle(session: AsyncSession) -> None:
    """Before each statement somebody else comes first."""

    def slowed(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def after_others(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(PAUSE_SECONDS)
            return await call(*args, **kwargs)

        return after_others

    for name in ("execute", "scalar", "scalars", "get", "flush"):
        setattr(session, name, slowed(getattr(session, name)))
