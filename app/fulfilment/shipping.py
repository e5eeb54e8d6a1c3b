"""Steps of arranging inside a transaction: prepare a chunk, write what became of each package."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Handover, PackageRef, ShipmentReading
from app.channels.errors import ChannelError, Rejected
from app.core import clock, fail
from app.fulfilment import ledger
from app.fulfilment.handovers import Wish
from app.fulfilment.models import IntentRow
from app.fulfilment.outcomes import derive_item, package_entry
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects, reading
from app.orders.models import OrderRow, PackageRow
from app.work import service as work

KIND = "ship"
_NUMBER_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One package that is to be arranged now."""

    item_id: UUID
    intent_id: UUID
    order_id: UUID
    package_id: UUID
    account_id: UUID
    shop_id: UUID
    channel: str
    ref: PackageRef
    wish: Wish
    sender_name: str | None


def to_ref(order: OrderRow, package: PackageRow, packages: list[PackageRow]) -> PackageRef:
    """The package as its channel knows it."""
    return PackageRef(
        order_external_id=order.external_id,
        package_number=package.package_number,
        is_only_package=len(packages) == 1,
        tracking_number=package.tracking_number,
    )


async def begin_chunk(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int
) -> tuple[OperationRow, list[OperationItemRow]]:
    """Items still to be worked on; calls whose worker is gone become unknown."""
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    await ledger.doubt_expired(session, merchant_id, [item.id for item in items])
    return operation, items


async def prepare(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, item_ids: list[UUID]
) -> list[Parcel]:
    """Check every order as it was just read, settle those that cannot be arranged, and plan an intent per package."""
    items = [
        item
        for item in [await items_repository.lock_item(session, merchant_id, one) for one in item_ids]
        if item.state == "running"
    ]
    order_ids = [item.order_id for item in items if item.order_id is not None]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids, lock=True)
    parcels: list[Parcel] = []
    for item in items:
        assert item.order_id is not None
        order = orders.get(item.order_id)
        if order is None:
            await operations.settle_item(session, merchant_id, item.id, "failed", "not_found")
            continue
        mine = {intent.target: intent for intent in await ledger.list_of_items(session, merchant_id, [item.id])}
        code = _refusal(operation, item, order, has_begun=bool(mine))
        if code is not None:
            # What was sent may have taken effect: reading decides that first.
            if not any(intent.state in ledger.ANSWERED for intent in mine.values()):
                await _refuse(session, merchant_id, item, order, list(mine.values()), code)
            continue
        parcels += await _plan_item(session, merchant_id, item, order, packages[order.id], mine)
    if parcels:
        fail.point("intent.planned")
        await effects.begin(
            session,
            merchant_id,
            {parcel.package_id: parcel.intent_id for parcel in parcels},
            sorted({parcel.order_id for parcel in parcels}),
        )
    return parcels


def _refusal(operation: OperationRow, item: OperationItemRow, order: OrderRow, *, has_begun: bool) -> str | None:
    if operation.dry_run and not has_begun and item.attempts <= 1 and item.planned_version is not None:
        planned = item.details.get("planned_state")
        if planned is not None and planned != plan_state(order):
            return "plan_stale"
    return actions.refusal("arrange_shipment", order, is_ours=has_begun)


def plan_state(order: OrderRow) -> list[str | None]:
    """What a plan depends on; a difference makes it stale."""
    return [order.status, order.stage, order.cancellation, order.hold, order.channel_hold_reason, order.not_shippable]


async def _refuse(
    session: AsyncSession,
    merchant_id: UUID,
    item: OperationItemRow,
    order: OrderRow,
    intents: list[IntentRow],
    code: str,
) -> None:
    for intent in intents:
        if await ledger.reject(session, merchant_id, intent.id, when=ledger.NOT_SENT, outcome={"code": code}):
            await effects.give_back(session, merchant_id, order.id, intent.target)
    has_effect = any(entry["state"] == "succeeded" for entry in item.packages)
    await operations.settle_item(
        session,
        merchant_id,
        item.id,
        "failed" if has_effect else "skipped",
        code,
        text_params={"reason": order.hold or ""},
        next_action=next_action_of(code),
    )


def next_action_of(code: str) -> str | None:
    """What mends a refusal, as an action's name."""
    return {
        "on_hold": "release",
        "cancellation_requested": "answer_cancellation",
        "receive_first": "receive",
        "slot_unavailable": "arrange_shipment",
        "handover_not_offered": "arrange_shipment",
        "packages_changed": "arrange_shipment",
        "already_done": "print_labels",
        "not_arranged": "arrange_shipment",
    }.get(code)


async def _plan_item(
    session: AsyncSession,
    merchant_id: UUID,
    item: OperationItemRow,
    order: OrderRow,
    packages: list[PackageRow],
    mine: dict[UUID, IntentRow],
) -> list[Parcel]:
    parcels: list[Parcel] = []
    entries: list[dict[str, Any]] = []
    before = {entry["id"]: entry["state"] for entry in item.packages}
    for package in packages:
        state, code = _already(package)
        if state is not None:
            is_ours = await _close_overtaken(session, merchant_id, order, package, mine.get(package.id))
            if is_ours or before.get(package.id.hex) == "succeeded":
                state, code = "succeeded", None
        else:
            wish = item.details["packages"].get(package.package_number, item.details["wish"])
            verdict, intent = await ledger.plan(
                session,
                merchant_id,
                ledger.Target(order.account_id, order.id, KIND, package.id),
                item.id,
                wish,
                was_undone=package.status == "to_process" and package.effect_state is None,
            )
            if verdict == "mine" and intent.state == "planned":
                parcels.append(_to_parcel(item, intent, order, package, packages, wish))
            state, code = _entry_state(verdict, intent)
        entries.append(package_entry(package.id.hex, package.package_number, state, code, package.tracking_number))
    item.packages = entries
    item_state, item_code = derive_item(entries) if entries else ("failed", "not_ready")
    if item_state != "running":
        await operations.settle_item(
            session,
            merchant_id,
            item.id,
            item_state,
            item_code,
            packages=entries,
            next_action=next_action_of(item_code) if item_code else None,
        )
    return parcels


async def _close_overtaken(
    session: AsyncSession, merchant_id: UUID, order: OrderRow, package: PackageRow, intent: IntentRow | None
) -> bool:
    """The channel already shows the package past arranging. True when an unknown call of ours explains it."""
    if intent is None:
        return False
    if intent.state == "planned" or package.status == "cancelled":
        await ledger.reject(session, merchant_id, intent.id, when=ledger.OPEN, outcome={"code": "overtaken"})
        await effects.give_back(session, merchant_id, order.id, package.id)
        return False
    confirmed = await ledger.confirm(session, merchant_id, intent.id, fence=None, outcome={"evidence": "read"})
    await effects.give_back(session, merchant_id, order.id, package.id)
    return confirmed is not None


def _already(package: PackageRow) -> tuple[str | None, str | None]:
    if package.status in ("processed", "in_transit", "delivered"):
        return "skipped", "already_done"
    if package.status == "cancelled":
        return "failed", "order_cancelled"
    return None, None


def _entry_state(verdict: ledger.Verdict, intent: IntentRow) -> tuple[str, str | None]:
    if verdict == "busy":
        return "skipped", "already_in_progress"
    if verdict == "done":
        return "skipped", "already_done"
    return ("unknown", "effect_unknown") if intent.state == "unknown" else ("running", None)


def _to_parcel(
    item: OperationItemRow,
    intent: IntentRow,
    order: OrderRow,
    package: PackageRow,
    packages: list[PackageRow],
    wish: dict[str, Any],
) -> Parcel:
    return Parcel(
        item_id=item.id,
        intent_id=intent.id,
        order_id=order.id,
        package_id=package.id,
        account_id=order.account_id,
        shop_id=order.shop_id,
        channel=order.channel,
        ref=to_ref(order, package, packages),
        wish=Wish.from_details(wish),
        sender_name=order.sender_name,
    )


async def confirm(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    fence: int | None,
    evidence: str,
    reading: ShipmentReading | None = None,
) -> bool:
    """It took effect: by the answer to our call, or by a read (`fence=None`)."""
    fail.point("confirm.before_commit")
    intent = await ledger.confirm(
        session,
        merchant_id,
        intent_id,
        fence=fence,
        outcome={"evidence": evidence, "channel_status": reading and reading.channel_status},
    )
    if intent is None:
        return False
    method = str(intent.params["method"])
    is_manual = method == "manual"
    tracking_number = (reading.tracking_number if reading else None) or (
        intent.params.get("tracking_number") if is_manual else None
    )
    await effects.mark_arranged(
        session,
        merchant_id,
        intent.order_id,
        intent.target,
        handover=method,
        until=intent.settle_until,
        courier=(reading.courier if reading else None) or intent.params.get("courier"),
        tracking_number=tracking_number,
    )
    await journal.record(
        session,
        merchant_id,
        "shipment.arranged",
        subject_id=intent.order_id,
        before={"stage": "to_process"},
        after={"stage": "processed", "handover": method, "evidence": evidence},
        channel_reference=str(intent.call_id or ""),
    )
    await _note(session, merchant_id, intent, "succeeded", tracking_number=tracking_number, handover_effective=method)
    return True


async def fail_parcel(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    when: frozenset[str],
    fence: int | None = None,
    code: str,
    error: ChannelError | None = None,
    params: dict[str, str] | None = None,
) -> None:
    """Known to have had no effect (`when`: see ledger.reject). The order goes back to be arranged again."""
    outcome = {"code": code, "channel_code": error.code if error else None, "reason": error.reason if error else None}
    intent = await ledger.reject(session, merchant_id, intent_id, when=when, fence=fence, outcome=outcome)
    if intent is None:
        return
    await effects.give_back(session, merchant_id, intent.order_id, intent.target)
    await journal.record(
        session,
        merchant_id,
        "shipment.arrange_failed",
        subject_id=intent.order_id,
        after={"code": code, "channel_code": outcome["channel_code"]},
        channel_reference=str(intent.call_id or ""),
        succeeded=False,
    )
    await _note(session, merchant_id, intent, "failed", code=code, error=error, params=params)


async def doubt(session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, fence: int, error: ChannelError) -> None:
    """It may have taken effect: only reading decides."""
    outcome = {"channel_code": error.code, "reason": error.reason}
    if not await ledger.doubt(session, merchant_id, intent_id, fence=fence, outcome=outcome):
        return
    intent = await ledger.get(session, merchant_id, intent_id)
    await journal.record(
        session,
        merchant_id,
        "shipment.arrange_unknown",
        subject_id=intent.order_id,
        after={"channel_code": error.code},
        channel_reference=str(intent.call_id or ""),
        succeeded=False,
    )
    await _note(session, merchant_id, intent, "unknown", code="effect_unknown", error=error)


async def note_reading(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    reading: ShipmentReading | None,
    *,
    read_started_at: datetime,
) -> None:
    """Let a read decide about an unknown effect."""
    state = reading.state.value if reading is not None else "undecided"
    if reading is not None and state == "arranged":
        await confirm(session, merchant_id, intent_id, fence=None, evidence="read", reading=reading)
    elif state == "moot":
        await fail_parcel(session, merchant_id, intent_id, when=ledger.UNKNOWN, code="order_cancelled")
    elif state == "absent":
        if await ledger.note_absent(session, merchant_id, intent_id, read_started_at=read_started_at):
            intent = await ledger.get(session, merchant_id, intent_id)
            await _note(session, merchant_id, intent, "running")
    else:
        await ledger.note_undecided(session, merchant_id, intent_id)


async def due_readings(
    session: AsyncSession, merchant_id: UUID, item_ids: list[UUID]
) -> tuple[list[IntentRow], dict[UUID, PackageRef]]:
    """Unknown effects whose reading is due, and their packages as the channel knows them."""
    now = await clock.now(session)
    due = [
        intent
        for intent in await ledger.list_of_items(session, merchant_id, item_ids)
        if intent.state == "unknown" and (intent.next_check_at is None or intent.next_check_at <= now)
    ]
    order_ids = [intent.order_id for intent in due]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    refs = {
        package.id: to_ref(orders[order_id], package, packages[order_id])
        for order_id in orders
        for package in packages[order_id]
    }
    return [intent for intent in due if intent.target in refs], refs


async def request_tracking_numbers(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, parcels: Sequence[Parcel]
) -> None:
    """Have orders read again whose packages were arranged and have no tracking number yet."""
    packages = await effects.list_packages(session, merchant_id, [parcel.order_id for parcel in parcels])
    waiting = {
        parcel.ref.order_external_id
        for parcel in parcels
        for package in packages[parcel.order_id]
        if package.status == "processed" and package.tracking_number is None
    }
    if waiting:
        await reading.request_read(
            session, merchant_id, account_id, sorted(waiting), due_in=_NUMBER_AFTER, priority=work.USER
        )


async def flag_old_unknowns(session: AsyncSession, merchant_id: UUID, item_ids: list[UUID], after: timedelta) -> None:
    """An effect that stays unknown asks for a person; it is read on, hourly, but no longer holds the operation open."""
    now = await clock.now(session)
    for intent in await ledger.list_of_items(session, merchant_id, item_ids):
        if intent.state == "unknown" and intent.sent_at is not None and now - intent.sent_at >= after:
            item = await items_repository.lock_item(session, merchant_id, intent.item_id)
            item.needs_attention = True


async def end_chunk(session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int) -> timedelta | None:
    """Derive the operation's state; when to look at this chunk again, None when all of it is final."""
    await operations.refresh(session, merchant_id, operation_id)
    left = await items_repository.list_items(
        session, merchant_id, operation_id, chunk=chunk, states=("running", "unknown")
    )
    if not left:
        return None
    now = await clock.now(session)
    intents = await ledger.list_of_items(session, merchant_id, [item.id for item in left])
    checks = [intent.next_check_at for intent in intents if intent.next_check_at is not None]
    if any(intent.state == "planned" for intent in intents) or len(checks) < len(left):
        return timedelta(seconds=1)
    return max(min(checks) - now, timedelta(seconds=0.2))


async def _note(
    session: AsyncSession,
    merchant_id: UUID,
    intent: IntentRow,
    state: str,
    *,
    code: str | None = None,
    error: ChannelError | None = None,
    params: dict[str, str] | None = None,
    tracking_number: str | None = None,
    handover_effective: str | None = None,
) -> None:
    """Write one package's outcome into its item and derive the item's state."""
    item = await items_repository.lock_item(session, merchant_id, intent.item_id)
    entries = [
        {**entry, "state": state, "code": code, "tracking_number": tracking_number or entry["tracking_number"]}
        if entry["id"] == intent.target.hex
        else entry
        for entry in item.packages
    ]
    item_state, item_code = derive_item(entries)
    is_rejected = isinstance(error, Rejected)
    await operations.settle_item(
        session,
        merchant_id,
        item.id,
        item_state,
        item_code,
        retryable=item_state == "failed" and item_code not in ("order_cancelled", "fulfilled_by_channel"),
        source=item.channel if is_rejected and item.channel else "plugosync",
        channel_code=error.code if error else None,
        channel_reason=error.reason if error else None,
        text_params=params,
        packages=entries,
        next_action=next_action_of(item_code) if item_code else None,
        handover_effective=handover_effective,
    )


def params_of(handover: Handover) -> dict[str, Any]:
    """What is sent, as kept with the intent."""
    return {
        name: getattr(handover, name)
        for name in ("method", "address_id", "slot_id", "branch_id", "courier", "tracking_number", "sender_name")
    }
