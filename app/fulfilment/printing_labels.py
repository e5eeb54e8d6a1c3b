"""Steps of printing labels inside a transaction: which labels are wanted, what became of each, when to go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels import references
from app.channels.contract import Connectors, PackageRef, PrintsLabels
from app.channels.errors import ChannelError, Unauthorized
from app.core import clock
from app.documents import service as documents
from app.documents.models import LabelRow
from app.documents.service import Paper
from app.fulfilment import events, printing_packs
from app.fulfilment.outcomes import derive_item, package_entry
from app.fulfilment.shipping import is_plan_stale, next_action_of, to_ref
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects
from app.orders.models import OrderRow, PackageRow
from app.shops import service as shops

RETRYABLE = frozenset({"label_not_ready", "label_invalid", "channel_unavailable", "storage_full", "internal_error"})
_READ_AGAIN_AFTER = timedelta(seconds=10)
_SHORTEST_PAUSE = timedelta(seconds=1.5)
_LONGEST_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """A chunk at the start of a run. Without an account there is nothing to do."""

    operation: OperationRow
    account_id: UUID | None
    channel: str
    to_read: list[str]
    """Orders (their channel's ids) to be read before anything else."""


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """A label that is not in our store yet."""

    package_id: UUID
    ref: PackageRef
    tracking_number: str
    is_requested: bool
    """The channel was asked to make it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wanted label in this run. `forgotten`: the task is to be started again."""

    wanted: WantedLabel
    kind: Literal["ready", "broken", "forgotten", "failed"]
    paper: Paper | None = None
    code: str | None = None
    channel_code: str | None = None
    channel_reason: str | None = None
    channel_reference: str | None = None


async def begin(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int, connectors: Connectors
) -> Begun:
    """Items that are still to be worked on. The time they may take runs from here (again, after a retry).

    A channel's label is printed again as it was; one of our own is made anew: the address may have been mended.
    """
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    if not items:
        return Begun(operation, None, "", [])
    await operations.set_open_parts(session, merchant_id, operation_id, open_parts=1, failed_parts=0)
    now = await clock.now(session)
    order_ids = [item.order_id for item in items if item.order_id is not None]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    to_read: list[str] = []
    outdated: list[UUID] = []
    for item in items:
        order = orders.get(item.order_id) if item.order_id is not None else None
        if order is None:
            await _settle(session, merchant_id, item, "failed", "not_found")
            continue
        is_new = item.details.get("run") != item.attempts
        if is_new:
            item.packages = []
            item.details = {**item.details, "run": item.attempts, "since": now.isoformat(), "papers": []}
            if is_plan_stale(operation, item, order):
                await _settle(session, merchant_id, item, "skipped", "plan_stale")
                continue
            if are_ours(connectors, order.channel):
                outdated += [package.id for package in packages[order.id]]
        if is_new or _lacks_number(packages[order.id]) or now - _since(item) >= _READ_AGAIN_AFTER:
            to_read.append(order.external_id)
    if outdated:
        await documents.drop_labels(session, merchant_id, outdated)
    return Begun(operation, items[0].account_id, items[0].channel or "", to_read)


def are_ours(connectors: Connectors, channel: str) -> bool:
    """Whether this channel leaves the labels to us."""
    return not isinstance(connectors[channel], PrintsLabels)


def _lacks_number(packages: Sequence[PackageRow]) -> bool:
    return any(one.status in ("processing", "processed") and one.tracking_number is None for one in packages)


async def assess(
    session: AsyncSession,
    merchant_id: UUID,
    operation_id: UUID,
    chunk: int,
    *,
    outcomes: Sequence[Outcome] = (),
) -> list[WantedLabel]:
    """Write down these outcomes and settle every item that is decided. Answers the labels still to be got."""
    failures = await _note_outcomes(session, merchant_id, outcomes)
    items = await items_repository.list_items(
        session, merchant_id, operation_id, chunk=chunk, states=("running",), lock=True
    )
    order_ids = [item.order_id for item in items if item.order_id is not None]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    labels = await documents.list_labels(session, merchant_id, [one.id for group in packages.values() for one in group])
    wanted: list[WantedLabel] = []
    for item in items:
        order = orders.get(item.order_id) if item.order_id is not None else None
        if order is None:
            await _settle(session, merchant_id, item, "failed", "not_found")
            continue
        code = actions.refusal("print_labels", order)
        if code is not None:
            item.details = {**item.details, "papers": []}
            await _settle(session, merchant_id, item, "skipped", code)
            continue
        mine = packages[order.id]
        await _settle_by_packages(session, merchant_id, item, mine, labels, failures)
        waiting = {entry["id"] for entry in item.packages if entry["state"] == "running"}
        wanted += [
            _to_wanted(order, package, mine, labels.get(package.id))
            for package in mine
            if package.id.hex in waiting and package.status == "processed" and package.tracking_number is not None
        ]
    return wanted


async def _note_outcomes(session: AsyncSession, merchant_id: UUID, outcomes: Sequence[Outcome]) -> dict[UUID, Outcome]:
    """Write the label rows; by package, the outcomes that are final failures."""
    failures: dict[UUID, Outcome] = {}
    for outcome in outcomes:
        package_id, tracking_number = outcome.wanted.package_id, outcome.wanted.tracking_number
        if outcome.kind == "ready":
            assert outcome.paper is not None
            await documents.keep_label(session, merchant_id, package_id, tracking_number, outcome.paper)
        elif outcome.kind == "forgotten":
            await documents.fail_label(session, merchant_id, package_id, tracking_number, "label_not_ready")
        elif outcome.kind == "failed":
            assert outcome.code is not None
            await documents.fail_label(session, merchant_id, package_id, tracking_number, outcome.code)
            failures[package_id] = outcome
        elif await documents.note_broken_label(session, merchant_id, package_id, tracking_number):
            failures[package_id] = replace(outcome, kind="failed", code="label_invalid")
    return failures


async def _settle_by_packages(
    session: AsyncSession,
    merchant_id: UUID,
    item: OperationItemRow,
    packages: Sequence[PackageRow],
    labels: dict[UUID, LabelRow],
    failures: dict[UUID, Outcome],
) -> None:
    """The item's packages and state, from what is known of each package now."""
    known = {entry["id"]: entry for entry in item.packages}
    entries: list[dict[str, Any]] = []
    papers: list[dict[str, Any]] = []
    reason: Outcome | None = None
    for package in packages:
        if package.status == "cancelled":
            continue
        label = labels.get(package.id)
        is_here = label is not None and label.state == "ready" and label.tracking_number == package.tracking_number
        failure = failures.get(package.id)
        reason = reason or failure
        state, code = _judge(package, known.get(package.id.hex), failure, is_here=is_here)
        entries.append(package_entry(package.id.hex, package.package_number, state, code, package.tracking_number))
        if is_here and state == "succeeded" and label is not None:
            papers.append(
                {
                    "package_number": package.package_number,
                    "sha256": label.sha256,
                    "pages": label.pages,
                    "size": label.size,
                }
            )
    item.details = {**item.details, "papers": papers}
    state, code = derive_item(entries) if entries else ("failed", "not_arranged")
    await _settle(session, merchant_id, item, state, code, entries=entries, reason=reason)


def _judge(
    package: PackageRow, known: dict[str, Any] | None, failure: Outcome | None, *, is_here: bool
) -> tuple[str, str | None]:
    """State and code of one package."""
    if is_here:
        return "succeeded", None
    if failure is not None:
        return "failed", failure.code
    if package.status == "to_process":
        return "failed", "not_arranged"
    if package.status in ("in_transit", "delivered"):
        return "failed", "handed_over"
    if known is not None and known["state"] == "failed" and known["tracking_number"] == package.tracking_number:
        return "failed", known["code"]
    return "running", None


def _to_wanted(order: OrderRow, package: PackageRow, packages: list[PackageRow], label: LabelRow | None) -> WantedLabel:
    assert package.tracking_number is not None
    return WantedLabel(
        package_id=package.id,
        ref=to_ref(order, package, packages),
        tracking_number=package.tracking_number,
        is_requested=label is not None
        and label.state == "requested"
        and label.tracking_number == package.tracking_number,
    )


async def end(
    session: AsyncSession,
    merchant_id: UUID,
    operation_id: UUID,
    chunk: int,
    *,
    most: timedelta,
    wait: ChannelError | None,
) -> timedelta | None:
    """When to run the chunk again, None when it is done: then the pack is asked for, if all other chunks are done too.

    Waiting for a new consent does not count as waiting for the label.
    """
    items = await items_repository.list_items(
        session, merchant_id, operation_id, chunk=chunk, states=("running",), lock=True
    )
    now = await clock.now(session)
    code = await _give_up_code(session, merchant_id, items, wait)
    for item in items:
        if isinstance(wait, Unauthorized) and code != "shop_disconnected":
            item.details = {**item.details, "since": now.isoformat()}
        elif now - _since(item) >= most or code == "shop_disconnected":
            await _give_up(session, merchant_id, item, code)
    waiting = [item for item in items if item.state == "running"]
    await printing_packs.request_when_done(session, merchant_id, operation_id)
    if not waiting:
        return None
    age = now - min(_since(item) for item in waiting)
    pause = max(_SHORTEST_PAUSE, min(_LONGEST_PAUSE, age / 4), timedelta(seconds=(wait and wait.retry_after) or 0))
    return max(timedelta(seconds=0.2), min(pause, most - age))


async def _give_up_code(
    session: AsyncSession, merchant_id: UUID, items: Sequence[OperationItemRow], wait: ChannelError | None
) -> str:
    account_id = items[0].account_id if items else None
    if isinstance(wait, Unauthorized) and account_id is not None:
        account = await shops.get_account(session, merchant_id, account_id)
        return "needs_reauth" if account.is_active else "shop_disconnected"
    return "channel_unavailable" if wait is not None else "label_not_ready"


async def _give_up(session: AsyncSession, merchant_id: UUID, item: OperationItemRow, code: str) -> None:
    entries = [
        {**entry, "state": "failed", "code": code} if entry["state"] == "running" else entry for entry in item.packages
    ]
    state, item_code = derive_item(entries) if entries else ("failed", code)
    await _settle(session, merchant_id, item, state, item_code, entries=entries)


async def _settle(
    session: AsyncSession,
    merchant_id: UUID,
    item: OperationItemRow,
    state: str,
    code: str | None,
    *,
    entries: list[dict[str, Any]] | None = None,
    reason: Outcome | None = None,
) -> None:
    if state == "failed" and item.order_id is not None:
        assert code is not None, "what failed says why"
        failure = events.Failure(code=code, channel_code=reason.channel_code if reason else None)
        with references.hearing(reason.channel_reference if reason else None):
            await journal.record(session, merchant_id, events.FAILED["print_labels"](item.order_id, after=failure))
    is_theirs = reason is not None and reason.channel_code is not None
    await operations.settle_item(
        session,
        merchant_id,
        item.id,
        state,
        code,
        retryable=state == "failed" and code in RETRYABLE,
        source=item.channel if is_theirs and item.channel else "plugosync",
        channel_code=reason.channel_code if reason else None,
        channel_reason=reason.channel_reason if reason else None,
        packages=entries,
        next_action=next_action_of(code) if code else None,
    )


def _since(item: OperationItemRow) -> datetime:
    return datetime.fromisoformat(str(item.details["since"]))
