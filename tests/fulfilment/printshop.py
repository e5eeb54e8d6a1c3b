"""A merchant with a shop whose channel makes labels, and everything that can go wrong in making them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.channels.contract import ChannelPackage, LabelStatus, PackageRef, ShopAccess
from app.channels.errors import ChannelError
from app.core.db import Database
from app.documents import service as documents
from app.documents import views as document_views
from app.documents.schemas import Document
from app.documents.store import Store, open_store
from app.fulfilment import planning
from app.fulfilment.jobs import JOBS
from app.fulfilment.planning import Limits
from app.fulfilment.schemas import BulkAction, BulkOptions
from app.operations import service as operations
from app.operations import views
from app.operations.idempotency import Idempotency
from app.operations.schemas import Operation
from app.orders.schemas import Selection
from app.work import service as work
from app.work.service import Claimed
from tests.documents.papers import draw_paper
from tests.sync import market as market_words
from tests.sync.market import CHANNEL, Market
from tests.sync.scene import Scene, found, open_context


class Press(Market):
    """The channel's label printer. A task is ready at the second look."""

    facts = replace(Market.facts, label_batch=3)

    def __init__(self) -> None:
        super().__init__()
        self.papers: dict[str, list[bytes | ChannelError]] = {}
        """What `fetch_label` gives per package, one after the other; then a good label."""
        self.statuses: dict[str, list[LabelStatus]] = {}
        """What `poll_labels` says per package, one after the other; then the truth."""
        self.is_slow: set[str] = set()
        """Packages whose task never gets ready."""
        self.label_errors: list[ChannelError] = []
        """Raised by the next label calls."""
        self.calls: Counter[str] = Counter()
        self._looks: Counter[str] = Counter()

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        self._begin("request", packages)
        assert all(package.tracking_number for package in packages)
        self._looks.update(package.package_number for package in packages)
        return {one.package_number: LabelStatus(one.package_number, "processing") for one in packages}

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        self._begin("poll", packages)
        return {one.package_number: self._status(one.package_number) for one in packages}

    def _status(self, number: str) -> LabelStatus:
        if self.statuses.get(number):
            return self.statuses[number].pop(0)
        if number not in self._looks:
            return LabelStatus(number, "failed", "label_not_requested", "print_first")
        return LabelStatus(number, "processing" if number in self.is_slow else "ready")

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        self._begin("fetch", [package])
        await asyncio.sleep(0)
        waiting = self.papers.get(package.package_number)
        paper = waiting.pop(0) if waiting else label_of(package.package_number)
        if isinstance(paper, ChannelError):
            raise paper
        return paper

    def forget(self, number: str) -> None:
        """The channel no longer knows the task."""
        del self._looks[number]

    def _begin(self, call: str, packages: Sequence[PackageRef]) -> None:
        assert len(packages) <= self.facts.label_batch
        self.calls[call] += 1
        if self.label_errors:
            raise self.label_errors.pop(0)


def label_of(package_number: str) -> bytes:
    """The label the channel makes for a package."""
    return draw_paper(f"label {package_number}")


@dataclass
class PrintShop:
    """Places orders at the press, prints them, looks at what came out."""

    scene: Scene
    press: Press

    @property
    def merchant_id(self) -> UUID:
        return self.scene.merchant_id

    async def place(self, *numbers: str, packages: Sequence[ChannelPackage] | None = None, **changes: Any) -> None:
        """Arranged orders, each with one package `P-<number>` and its tracking number unless told otherwise."""
        shop, at = self.scene.account.external_id, market_words.now()
        orders = [
            market_words.order(
                number,
                shop=shop,
                at=at,
                packages=(self.package(number),) if packages is None else tuple(packages),
                **changes,
            )
            for number in numbers
        ]
        self.press.place(*orders)
        await self.scene.ingest(*orders)

    def package(self, number: str, status: Any = "processed", **changes: Any) -> ChannelPackage:
        """As the channel shows it."""
        values = {"tracking_number": f"JX-{number}", **changes}
        return market_words.package(f"P-{number}", status, **values)

    def change(self, number: str, **changes: Any) -> None:
        """The order moves on at the channel; we do not know it yet."""
        at = market_words.now() + timedelta(seconds=1 + self.press.reads[number])
        self.press.place(replace(self.press.orders[number], updated_at=at, **changes))

    async def ids(self, numbers: Sequence[str]) -> list[UUID]:
        """Ours, in this order."""
        rows = await self.scene.sql("select id, order_number from orders where merchant_id = $1")
        found = {row["order_number"]: UUID(int=row["id"].int) for row in rows}
        return [found[number] for number in numbers]

    async def start(
        self, *numbers: str, action: Any = "print_labels", more: Sequence[UUID] = (), can_read_buyer: bool = True,
        dry_run: bool = False, language: Any = None,
    ) -> UUID:  # fmt: skip
        """Ask for the orders' papers. Answers the operation."""
        options = BulkOptions(language=language) if language else BulkOptions()
        selection = Selection(order_ids=[*await self.ids(numbers), *more])
        opened = await self.scene.context.database.transact(
            planning.bulk,
            self.merchant_id,
            BulkAction(action=action, selection=selection, options=options, dry_run=dry_run),
            self._key(),
            can_read_buyer=can_read_buyer,
            limits=Limits(100, 4, 50),
        )
        return opened.operation_id

    def _key(self) -> Idempotency:
        return Idempotency("user:1", "POST /v1/orders/bulk", str(uuid.uuid4()), b"1")

    async def retry(self, operation_id: UUID) -> None:
        """Once more what failed."""
        await self.scene.context.database.transact(operations.retry, self.merchant_id, operation_id, self._key())

    async def apply(self, operation_id: UUID) -> None:
        """Run the plan."""
        await self.scene.context.database.transact(operations.apply_plan, self.merchant_id, operation_id, self._key())

    async def cancel(self, operation_id: UUID) -> None:
        """Leave out what nobody has begun."""
        await self.scene.context.database.transact(operations.cancel, self.merchant_id, operation_id, self._key())

    async def run(self, *, most: int = 100) -> list[tuple[str, timedelta | None]]:
        """Do what is due, as the worker does. Answers kinds and pauses."""
        done: list[tuple[str, timedelta | None]] = []
        while len(done) < most and (claimed := await self._claim()) is not None:
            error = None
            try:
                again_in = await JOBS[claimed.kind](self.scene.context, claimed)
            except ChannelError as refusal:
                again_in, error = timedelta(seconds=60), type(refusal).__name__
            done.append((claimed.kind, again_in))
            await self.scene.context.database.transact(
                work.finish, self.merchant_id, claimed, again_in=again_in, error=error
            )
        return done

    async def _claim(self) -> Claimed | None:
        rows = await self.scene.sql(
            "update work set is_leased = true, due_at = app_now() + interval '1 minute', fence = fence + 1,"
            " attempts = attempts + 1 where merchant_id = $1 and id = (select id from work where merchant_id = $1"
            " and kind = any($2) and due_at <= app_now() order by due_at limit 1)"
            " returning id, kind, ref, fence, wanted, attempts",
            list(JOBS),
        )
        if not rows:
            return None
        [row] = rows
        return Claimed(
            self.merchant_id, UUID(int=row["id"].int), row["kind"], row["ref"], row["fence"], row["wanted"],
            row["attempts"],
        )  # fmt: skip

    async def later(self, seconds: float = 2) -> list[tuple[str, timedelta | None]]:
        """Time goes on; what became due is done."""
        past = timedelta(seconds=seconds)
        await self.scene.sql("update work set due_at = due_at - $2::interval where merchant_id = $1", past)
        await self.scene.sql(
            "update operation_items set details = jsonb_set(details, '{since}',"
            " to_jsonb(((details->>'since')::timestamptz - $2::interval)::text))"
            " where merchant_id = $1 and details ? 'since'",
            past,
        )
        return await self.run()

    async def finish(self) -> None:
        """Everything a few seconds bring."""
        await self.run()
        for _ in range(4):
            await self.later(10)

    async def operation(self, operation_id: UUID) -> Operation:
        """As callers see it."""
        return await self.scene.context.database.transact(views.view_operation, self.merchant_id, operation_id)

    async def items(self, operation_id: UUID) -> dict[str, asyncpg.Record]:
        """By order number."""
        rows = await self.scene.sql(
            "select * from operation_items where merchant_id = $1 and operation_id = $2 order by position", operation_id
        )
        return {row["order_number"]: row for row in rows}

    async def outcomes(self, operation_id: UUID) -> dict[str, tuple[str, str | None]]:
        """State and code by order number."""
        items = await self.items(operation_id)
        return {number: (row["state"], row["code"]) for number, row in items.items()}

    async def document(self, operation_id: UUID, language: Any = "en") -> Document:
        """The only one."""
        [made] = (await self.operation(operation_id)).result.documents
        row = await self.scene.context.database.transact(documents.get_document, self.merchant_id, made.id)
        return document_views.to_document(row, language)

    async def content(self, document: Document) -> bytes:
        """Its bytes."""
        return await self.store.get(self.merchant_id, document.sha256)

    @property
    def store(self) -> Store:
        return open_store(self.scene.context.settings.documents_location)

    @property
    def folder(self) -> Path:
        """Where this merchant's papers are."""
        return Path(self.scene.context.settings.documents_location.removeprefix("file://")) / self.merchant_id.hex


@asynccontextmanager
async def open_print_shop(database: Database, owner_url: str, home: Path) -> AsyncIterator[PrintShop]:
    """A new merchant with a shop at the press."""
    press = Press()
    async with open_context(database, home, {CHANNEL: press}) as context:
        scene = await found(context, press, owner_url, f"shop-{uuid.uuid4().hex[:12]}")
        yield PrintShop(scene, press)
