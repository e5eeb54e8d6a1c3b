"""Steps of arranging inside a transaction: write what became of each package."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Handover, PackageRef, ShipmentReading
from app.channels.errors import AlreadyDone, ChannelError, Rejected
from app.core import clock, fail
from app.core.context import caller
from app.fulfilment import events, ledger, parcel_numbers
from app.fulfilment.handovers import Wish
from app.fulfilment.models import IntentRow
from app.fulfilment.outcomes import derive_item, is_retryable
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import effects, reading
from app.orders import events as order_events
from app.orders.models import OrderRow, PackageRow
from app.work import service as work

SHIP, RECEIVE, CANCEL, ANSWER = "ship", "receive", "cancel", "answer"
OF_ORDERS = (CANCEL, ANSWER)
"""Effects on an order as a whole: their target is the order, which stands in the item for its packages."""
KIND_OF = {
    "arrange_shipment": SHIP,
    "receive": RECEIVE,
    "cancel": CANCEL,
    "approve_cancellation": ANSWER,
    "reject_cancellation": ANSWER,
}
"""Which effect an action brings about."""
_FAILED = {kind: events.FAILED[action] for action, kind in KIND_OF.items()}
_UNKNOWN = {
    SHIP: events.ARRANGE_UNKNOWN,
    RECEIVE: events.RECEIVE_UNKNOWN,
    CANCEL: events.CANCEL_UNKNOWN,
    ANSWER: events.ANSWER_UNKNOWN,
}
_MOOT = {SHIP: "order_cancelled", RECEIVE: "order_cancelled", CANCEL: "already_shipped", ANSWER: "already_answered"}
"""Why an effect cannot come about any more, when a read says so."""
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
    is_own_courier: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    """What is asked for where there is no handover to choose."""


def to_ref(order: OrderRow, package: PackageRow, packages: Sequence[PackageRow]) -> PackageRef:
    """The package as its channel knows it."""
    return PackageRef(
        order_external_id=order.external_id,
        package_number=package.package_number,
        is_only_package=len(packages) == 1,
        tracking_number=package.tracking_number,
        courier=package.courier,
    )


def to_order_ref(order: OrderRow) -> PackageRef:
    """An order that is acted on as a whole."""
    return PackageRef(order.external_id, order.external_id, is_only_package=True)


def plan_state(order: OrderRow) -> list[str | None]:
    """What a plan depends on; a difference makes it stale."""
    return [order.status, order.stage, order.cancellation, order.hold, order.channel_hold_reason, order.not_shippable]


def is_plan_stale(operation: OperationRow, item: OperationItemRow, order: OrderRow) -> bool:
    """Whether the order is not what the dry run planned for. Only the first run asks: its own effects change it."""
    planned = item.details.get("planned_state")
    return operation.dry_run and item.attempts <= 1 and planned is not None and planned != plan_state(order)


def next_action_of(code: str) -> str | None:
    """What mends a refusal, as an action's name."""
    return {
        "on_hold": "release",
        "cancellation_requested": "answer_cancellation",
        "receive_first": "receive",
        "not_dispatched": "mark_dispatched",
        "slot_unavailable": "arrange_shipment",
        "handover_not_offered": "arrange_shipment",
        "packages_changed": "arrange_shipment",
        "already_done": "print_labels",
        "not_arranged": "arrange_shipment",
    }.get(code)


async def confirm(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    fence: int | None,
    evidence: str,
    told: ShipmentReading | None = None,
) -> bool:
    """It took effect: by the answer to our call, or by a read (`fence=None`)."""
    fail.point("confirm.before_commit")
    await _lock(session, merchant_id, intent_id)
    outcome = {"evidence": evidence, "channel_status": told and told.channel_status}
    intent = await ledger.confirm(session, merchant_id, intent_id, fence=fence, outcome=outcome)
    if intent is None:
        return False
    tracking_number = await _take_effect(session, merchant_id, intent, evidence, told)
    method = intent.params.get("method")
    await _note(session, merchant_id, intent, "succeeded", tracking_number=tracking_number, handover_effective=method)
    return True


async def adopt(session: AsyncSession, merchant_id: UUID, intent: IntentRow) -> bool:
    """The order as just read shows the effect of our call. The caller writes the item."""
    outcome = {"evidence": "read"}
    if await ledger.confirm(session, merchant_id, intent.id, fence=None, outcome=outcome) is None:
        return False
    await _take_effect(session, merchant_id, intent, "read", None)
    item = await items_repository.lock_item(session, merchant_id, intent.item_id)
    item.handover_effective = intent.params.get("method")
    await request_tracking_numbers(session, merchant_id, intent.account_id, [intent.order_id])
    return True


async def drop(session: AsyncSession, merchant_id: UUID, intent: IntentRow, code: str) -> bool:
    """Give up what was not sent. False when it was. The caller writes the item."""
    if await ledger.reject(session, merchant_id, intent.id, when=ledger.NOT_SENT, outcome={"code": code}) is None:
        return False
    await effects.give_back(session, merchant_id, intent.order_id, intent.target)
    return True


async def _lock(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> None:
    """Item, then order, then intent: the order in which a chunk is prepared, so that nobody waits in a circle."""
    owner = await ledger.find_owner(session, merchant_id, intent_id)
    await items_repository.lock_item(session, merchant_id, owner.item_id)
    await effects.lock_orders(session, merchant_id, [owner.order_id])


async def _take_effect(
    session: AsyncSession, merchant_id: UUID, intent: IntentRow, evidence: str, told: ShipmentReading | None
) -> str | None:
    """The package is arranged, or received, or the order's fate told. Answers the tracking number where it is known."""
    if intent.kind in OF_ORDERS:
        await _take_order_effect(session, merchant_id, intent, evidence)
        return None
    if intent.kind == RECEIVE:
        await effects.mark_received(
            session, merchant_id, intent.order_id, intent.target, by=_by(), until=intent.settle_until
        )
        await record_receipt(session, merchant_id, intent.order_id, _by())
        return None
    method = str(intent.params["method"])
    is_ours = method == "manual" or bool(intent.params.get("is_own_number"))
    own_number = intent.params.get("tracking_number") if is_ours else None
    tracking_number = (told.tracking_number if told else None) or own_number
    await effects.mark_arranged(
        session,
        merchant_id,
        intent.order_id,
        intent.target,
        handover=method,
        until=intent.settle_until,
        courier=(told.courier if told else None) or intent.params.get("courier"),
        tracking_number=tracking_number,
    )
    arranged = events.Arranged(stage="processed", handover=method, evidence=evidence)
    await journal.record(
        session, merchant_id, events.ARRANGED(intent.order_id, events.StageBefore(stage="to_process"), arranged)
    )
    return tracking_number


async def _take_order_effect(session: AsyncSession, merchant_id: UUID, intent: IntentRow, evidence: str) -> None:
    reason = intent.params.get("reason")
    if intent.kind == CANCEL:
        effect = events.OrderEffect(evidence=evidence, reason=reason)
        await journal.record(session, merchant_id, events.CANCEL_ACCEPTED(intent.order_id, after=effect))
        return
    answer = "approved" if intent.params["action"] == "approve_cancellation" else "rejected"
    await effects.mark_answered(session, merchant_id, intent.order_id, answer=answer, until=intent.settle_until)
    asked = order_events.CancellationState(cancellation="requested")
    told = events.Answer(evidence=evidence, reason=reason, cancellation=answer)
    await journal.record(session, merchant_id, events.ANSWERED[answer](intent.order_id, asked, told))


async def record_receipt(session: AsyncSession, merchant_id: UUID, order_id: UUID, by: str) -> None:
    """The order's history says who received it."""
    before = order_events.StatusBefore(status="ordered")
    after = order_events.Receipt(status="ready_to_ship", by=by)
    await journal.record(session, merchant_id, order_events.RECEIVED(order_id, before, after))


def _by() -> str:
    return "auto" if caller().type == "system" else "user"


async def pass_gate(session: AsyncSession, merchant_id: UUID, order_id: UUID, *, by: str | None = None) -> None:
    """Receive an order that no channel has to be asked for. `by`: `implied` when it is arranged without."""
    by = by or _by()
    await effects.pass_gate(session, merchant_id, order_id, by=by)
    await record_receipt(session, merchant_id, order_id, by)


async def give_parcel_number(session: AsyncSession, merchant_id: UUID, package_id: UUID, *, known: str | None) -> str:
    """The number of a parcel that no courier has given one: the one it has, or our next."""
    if known is not None:
        return known
    number = await parcel_numbers.next_number(session, merchant_id)
    await effects.give_number(session, merchant_id, package_id, number)
    return number


async def fail_parcel(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    when: frozenset[str],
    fence: int | None = None,
    item_id: UUID | None = None,
    code: str,
    error: ChannelError | None = None,
    params: dict[str, str] | None = None,
) -> None:
    """Known to have had no effect (`when`: see ledger.reject). The order goes back to be arranged again."""
    await _lock(session, merchant_id, intent_id)
    outcome = {"code": code, "channel_code": error.code if error else None, "reason": error.reason if error else None}
    intent = await ledger.reject(
        session, merchant_id, intent_id, when=when, fence=fence, item_id=item_id, outcome=outcome
    )
    if intent is None:
        return
    await effects.give_back(session, merchant_id, intent.order_id, intent.target)
    failure = events.Failure(code=code, channel_code=outcome["channel_code"])
    await journal.record(session, merchant_id, _FAILED[intent.kind](intent.order_id, after=failure))
    await _note(session, merchant_id, intent, "failed", code=code, error=error, params=params)


async def doubt(session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, fence: int, error: ChannelError) -> None:
    """It may have taken effect: only reading decides."""
    outcome = {"channel_code": error.code, "reason": error.reason, "was_refused": isinstance(error, AlreadyDone)}
    intent = await ledger.doubt(session, merchant_id, intent_id, fence=fence, outcome=outcome)
    if intent is not None:
        await _note_doubt(session, merchant_id, intent, error)


async def doubt_expired(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> None:
    """The same for a call whose worker is gone: its lease has ended."""
    intent = await ledger.doubt_expired(session, merchant_id, intent_id)
    if intent is not None:
        await _note_doubt(session, merchant_id, intent, None)


async def _note_doubt(session: AsyncSession, merchant_id: UUID, intent: IntentRow, error: ChannelError | None) -> None:
    said = events.Doubt(channel_code=error.code if error else None)
    await journal.record(session, merchant_id, _UNKNOWN[intent.kind](intent.order_id, after=said))
    await _note(session, merchant_id, intent, "unknown", code="effect_unknown", error=error)


async def note_reading(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    told: ShipmentReading | None,
    *,
    read_started_at: datetime,
) -> None:
    """Let a read decide about an unknown effect. `told` is None when the channel said nothing about the package."""
    state = told.state.value if told is not None else "undecided"
    if told is not None and state == "arranged":
        if await confirm(session, merchant_id, intent_id, fence=None, evidence="read", told=told):
            intent = await ledger.get(session, merchant_id, intent_id)
            await request_tracking_numbers(session, merchant_id, intent.account_id, [intent.order_id])
            if intent.kind in OF_ORDERS:
                await _request_read(session, merchant_id, intent)
    elif state == "moot":
        intent = await ledger.get(session, merchant_id, intent_id)
        await fail_parcel(session, merchant_id, intent_id, when=ledger.UNKNOWN, code=_MOOT[intent.kind])
        await _request_read(session, merchant_id, intent)
    elif state == "absent":
        proof = await ledger.note_absent(session, merchant_id, intent_id, read_started_at=read_started_at)
        intent = await ledger.get(session, merchant_id, intent_id)
        if proof == "refused":
            refusal = Rejected(intent.outcome["channel_code"], intent.outcome["reason"], meaning="wrong_state")
            await fail_parcel(session, merchant_id, intent_id, when=ledger.UNKNOWN, code=refusal.meaning, error=refusal)
        elif proof == "resend":
            await _note(session, merchant_id, intent, "running")
    elif told is None and await _is_gone(session, merchant_id, intent_id, read_started_at):
        await fail_parcel(session, merchant_id, intent_id, when=ledger.UNKNOWN, code="packages_changed")
    else:
        await ledger.note_undecided(session, merchant_id, intent_id)


async def _request_read(session: AsyncSession, merchant_id: UUID, intent: IntentRow) -> None:
    """What decided about the effect says that the order has come to something else: it is not what we have."""
    [order] = (await effects.lock_orders(session, merchant_id, [intent.order_id])).values()
    await reading.request_read(session, merchant_id, intent.account_id, [order.external_id], priority=work.USER)


async def _is_gone(session: AsyncSession, merchant_id: UUID, intent_id: UUID, read_started_at: datetime) -> bool:
    """The package is no longer one of its order, and even a late effect would have kept it there."""
    intent = await ledger.get(session, merchant_id, intent_id)
    if intent.kind in OF_ORDERS or intent.settle_until is None or read_started_at < intent.settle_until:
        return False
    packages = (await effects.list_packages(session, merchant_id, [intent.order_id]))[intent.order_id]
    return bool(packages) and intent.target not in {package.id for package in packages}


async def due_readings(
    session: AsyncSession, merchant_id: UUID, item_ids: list[UUID]
) -> list[tuple[IntentRow, PackageRef]]:
    """Unknown effects whose reading is due, and their packages as the channel knows or knew them."""
    now = await clock.now(session)
    due = [
        intent
        for intent in await ledger.list_of_items(session, merchant_id, item_ids)
        if intent.state == "unknown" and (intent.next_check_at is None or intent.next_check_at <= now)
    ]
    order_ids = [intent.order_id for intent in due]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    present = await effects.list_packages(session, merchant_id, order_ids)
    targets = await effects.find_packages(session, merchant_id, [intent.target for intent in due])
    return [
        (
            intent,
            to_order_ref(orders[intent.order_id])
            if intent.kind in OF_ORDERS
            else to_ref(orders[intent.order_id], targets[intent.target], present[intent.order_id]),
        )
        for intent in due
    ]


async def request_tracking_numbers(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, order_ids: Sequence[UUID]
) -> None:
    """Have orders read again whose packages were arranged and have no tracking number yet."""
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    waiting = {
        orders[order_id].external_id
        for order_id in orders
        for package in packages[order_id]
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
            if item.state == "unknown" and not item.needs_attention:
                item.needs_attention = True
                item.updated_at = now


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
        retryable=is_retryable(item_state, item_code),
        source=item.channel if is_rejected and item.channel else "plugosync",
        channel_code=error.code if error else None,
        channel_reason=error.reason if error else None,
        text_params=params,
        packages=entries,
        next_action=next_action_of(item_code) if item_code else None,
        handover_effective=handover_effective,
    )


def params_of(handover: Handover | None) -> dict[str, Any]:
    """What is sent, as kept with the intent."""
    return {} if handover is None else {name: getattr(handover, name) for name in _SENT}


_SENT = (
    "method",
    "address_id",
    "slot_id",
    "branch_id",
    "courier",
    "tracking_number",
    "sender_name",
    "is_own_number",
)
