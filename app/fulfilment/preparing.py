"""The beginning and the end of a run of a chunk, inside a transaction: what is to be sent now, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import PackageRef
from app.core import clock, fail
from app.fulfilment import events, ledger, shipping
from app.fulfilment.handovers import Wish
from app.fulfilment.models import IntentRow
from app.fulfilment.outcomes import derive_item, is_retryable, package_entry
from app.fulfilment.shipping import ANSWER, KIND_OF, OF_ORDERS, RECEIVE, Parcel, is_plan_stale, next_action_of
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects
from app.orders.models import OrderRow, PackageRow
from app.orders.reading import OrdersRead
from app.shops import service as shops

_DONE = ("processed", "in_transit", "delivered")
_LOOK_AGAIN = timedelta(seconds=1)
_AFTER_RECONNECTION = timedelta(hours=1)
"""How soon an effect in doubt is read again, should its shop be connected once more."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why nothing more of an order is sent; what its packages become by that."""

    code: str
    state: str = "skipped"
    source: str = "plugosync"
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Work:
    """An item with everything that decides about it, all of it locked. `mine`: its open intents by package."""

    action: str
    item: OperationItemRow
    order: OrderRow
    packages: Sequence[PackageRow]
    mine: dict[UUID, IntentRow]
    others: list[IntentRow]
    """What other items have under way for the order."""

    @property
    def kind(self) -> str:
        """The effect that the action brings about."""
        return KIND_OF[self.action]

    @property
    def gone(self) -> list[IntentRow]:
        """Intents for packages that the channel no longer lists."""
        present = {package.id for package in self.packages}
        return [intent for intent in self.mine.values() if intent.target not in present]

    def entry_of(self, package_id: UUID) -> dict[str, Any]:
        """What is noted about a package; empty when nothing is."""
        return next((entry for entry in self.item.packages if entry["id"] == package_id.hex), {})


async def begin_chunk(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int
) -> tuple[OperationRow, list[OperationItemRow]]:
    """Items still to be worked on; calls whose worker is gone become unknown."""
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    for intent in await ledger.list_of_items(session, merchant_id, [item.id for item in items]):
        if intent.state == "sent":
            await shipping.doubt_expired(session, merchant_id, intent.id)
    return operation, items


async def prepare(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, item_ids: list[UUID], read: OrdersRead
) -> list[Parcel]:
    """Check every order as it was just read, settle those that cannot be arranged, and plan an intent per package."""
    parcels: list[Parcel] = []
    for work in await _load(session, merchant_id, operation.kind, item_ids):
        refusal = _refusal(operation, work, read)
        is_at_gate = work.order.first_step == "gate" and work.order.status == "ordered"
        if is_at_gate and refusal is None and work.kind not in OF_ORDERS:
            await _pass_gate(session, merchant_id, work)
        if work.order.first_step == "gate" and work.kind == RECEIVE:
            await _write_receipt(session, merchant_id, work, refusal)
            continue
        if work.kind in OF_ORDERS:
            parcels += await _plan_order(session, merchant_id, operation, work, refusal)
        else:
            parcels += await _plan_item(session, merchant_id, work, refusal)
    if parcels:
        fail.point("intent.planned")
        await effects.begin(
            session,
            merchant_id,
            {parcel.package_id: parcel.intent_id for parcel in parcels if parcel.package_id != parcel.order_id},
            sorted({parcel.order_id for parcel in parcels}),
        )
    return parcels


async def _pass_gate(session: AsyncSession, merchant_id: UUID, work: _Work) -> None:
    """Our own step, asked for or implied: no channel has to be told."""
    await shipping.pass_gate(session, merchant_id, work.order.id, by=None if work.kind == RECEIVE else "implied")


async def _write_receipt(session: AsyncSession, merchant_id: UUID, work: _Work, refusal: _Refusal | None) -> None:
    """At a gate the order is received as a whole: there is nothing to say about its packages."""
    if refusal is not None:
        await _write_item(session, merchant_id, work.action, work.item, [], refusal)
    else:
        await operations.settle_item(session, merchant_id, work.item.id, "succeeded")


async def _load(session: AsyncSession, merchant_id: UUID, action: str, item_ids: list[UUID]) -> list[_Work]:
    """Those of the items that still run."""
    locked = [await items_repository.lock_item(session, merchant_id, one) for one in item_ids]
    items = [item for item in locked if item.state == "running"]
    order_ids = [item.order_id for item in items if item.order_id is not None]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids, lock=True)
    under_way = await ledger.list_open_of_orders(session, merchant_id, order_ids)
    found = []
    for item in items:
        assert item.order_id is not None, "items without an order are settled when the operation is opened"
        intents = await ledger.list_of_items(session, merchant_id, [item.id])
        mine = {intent.target: intent for intent in intents}
        others = [one for one in under_way if one.order_id == item.order_id and one.item_id != item.id]
        found.append(_Work(action, item, orders[item.order_id], packages[item.order_id], mine, others))
    return found


def _refusal(operation: OperationRow, work: _Work, read: OrdersRead) -> _Refusal | None:
    item, order = work.item, work.order
    source = item.channel or "plugosync"
    if order.external_id in read.unreadable:
        return _Refusal("imported_failed", "failed", source, {"reason": read.unreadable[order.external_id]})
    if order.external_id not in read.ingested.ids:
        return _Refusal("not_found", "failed", source)
    if not work.mine and (is_plan_stale(operation, item, order) or _has_other_packages(operation, work)):
        return _Refusal("plan_stale")
    code = actions.refusal(operation.kind, order, is_ours=bool(work.mine))
    if code is None and _is_crossed(work):
        code = "already_in_progress"
    return _Refusal(code, params={"reason": order.hold or ""}) if code is not None else None


def _is_crossed(work: _Work) -> bool:
    """Whether a cancellation and a shipment of one order would meet. Within one kind the ledger lets one in.

    A shipment in doubt does not hold up the answer to a buyer: while the request is open no channel shows its end.
    """
    others = [other for other in work.others if work.kind != ANSWER or other.state != "unknown"]
    is_of_order = work.kind in OF_ORDERS
    return any((other.kind in OF_ORDERS) is not is_of_order for other in others)


async def _plan_order(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, work: _Work, refusal: _Refusal | None
) -> list[Parcel]:
    """Decide about an order that is acted on as a whole, and write the item. Answers it as the one thing to send."""
    item, order = work.item, work.order
    mine = work.mine.get(order.id)
    parcels: list[Parcel] = []
    if mine is not None and mine.state in ledger.ANSWERED:
        state, code = _entry_state(mine)
    elif refusal is not None:
        if mine is not None:
            await shipping.drop(session, merchant_id, mine, refusal.code)
        state, code = refusal.state, refusal.code
    else:
        params = {"action": operation.kind, **item.details["params"]}
        verdict, intent = await ledger.plan(
            session,
            merchant_id,
            ledger.Target(order.account_id, order.id, work.kind, order.id),
            item.id,
            params,
            # A request that is open again is a new one.
            was_undone=work.kind == ANSWER,
        )
        state, code = "skipped", "already_in_progress" if verdict == "busy" else "already_done"
        if verdict == "mine":
            state, code = _entry_state(intent)
            if intent.state == "planned":
                ref = shipping.to_order_ref(order)
                parcels.append(_to_parcel(work, order.id, ref, intent, Wish(method="pickup"), intent.params))
    entry = package_entry(order.id.hex, order.external_id, state, code)
    await _write_item(session, merchant_id, work.action, item, [entry], refusal)
    return parcels


def _has_other_packages(operation: OperationRow, work: _Work) -> bool:
    """Whether the order was split otherwise after the dry run."""
    planned = work.item.details.get("planned_packages")
    if not operation.dry_run or work.item.attempts > 1 or planned is None:
        return False
    return bool(planned != [package.package_number for package in work.packages])


async def _plan_item(session: AsyncSession, merchant_id: UUID, work: _Work, refusal: _Refusal | None) -> list[Parcel]:
    """Decide about each package and write the item. Answers the parcels to send."""
    item = work.item
    entries = await _close_gone(session, merchant_id, work)
    if entries and refusal is None and work.kind != RECEIVE:
        # Whether a package went out that is no longer listed has to be known before another one does.
        refusal = _Refusal("packages_changed", "failed")
    parcels: list[Parcel] = []
    for package in work.packages:
        state, code, intent = await _decide(session, merchant_id, work, package, refusal)
        if intent is not None and intent.state == "planned":
            ref = shipping.to_ref(work.order, package, work.packages)
            wish = Wish(method="pickup") if work.kind == RECEIVE else Wish.from_details(_wish(item, package))
            parcels.append(_to_parcel(work, package.id, ref, intent, wish))
        entries.append(package_entry(package.id.hex, package.package_number, state, code, package.tracking_number))
    await _write_item(session, merchant_id, work.action, item, entries, refusal)
    return parcels


async def _write_item(
    session: AsyncSession,
    merchant_id: UUID,
    action: str,
    item: OperationItemRow,
    entries: list[dict[str, Any]],
    refusal: _Refusal | None,
) -> None:
    if entries:
        state, code = derive_item(entries)
    else:
        state, code = (refusal.state, refusal.code) if refusal is not None else ("failed", "not_ready")
    told = refusal if refusal is not None and refusal.code == code else None
    await operations.settle_item(
        session,
        merchant_id,
        item.id,
        state,
        code,
        retryable=is_retryable(state, code),
        source=told.source if told else "plugosync",
        text_params=told.params if told else None,
        packages=entries,
        next_action=next_action_of(code) if code else None,
    )
    if state == "failed":
        assert code is not None, "what failed says why"
        failure = events.Failure(code=code, channel_code=None)
        await journal.record(session, merchant_id, events.FAILED[action](item.order_id, after=failure))


async def _close_gone(session: AsyncSession, merchant_id: UUID, work: _Work) -> list[dict[str, Any]]:
    """Give up what was planned for packages that are gone. Answers the entries of those whose effect is in doubt."""
    entries = []
    for intent in work.gone:
        if not await shipping.drop(session, merchant_id, intent, "packages_changed"):
            state, code = _entry_state(intent)
            entries.append({**work.entry_of(intent.target), "state": state, "code": code})
    return entries


async def _decide(
    session: AsyncSession, merchant_id: UUID, work: _Work, package: PackageRow, refusal: _Refusal | None
) -> tuple[str, str | None, IntentRow | None]:
    """State and code of one package, and the intent under which it is being arranged."""
    mine = work.mine.get(package.id)
    was_ours = work.entry_of(package.id).get("state") == "succeeded"
    if work.kind != RECEIVE and package.awaits_receipt and refusal is None:
        return "running", None, None  # it was received; under which number it goes on, the next read tells
    if _is_done(work.kind, package):
        if mine is not None and not await shipping.drop(session, merchant_id, mine, "overtaken"):
            was_ours = await shipping.adopt(session, merchant_id, mine) or was_ours
        return ("succeeded", None, None) if was_ours else ("skipped", "already_done", None)
    if mine is not None and mine.state in ledger.ANSWERED:
        # What was sent may have taken effect: only its answer or a read-back decides, whatever else is true.
        return (*_entry_state(mine), mine)
    if package.status == "cancelled" or refusal is not None:
        if mine is not None:
            await shipping.drop(session, merchant_id, mine, refusal.code if refusal else "order_cancelled")
        state, code = (refusal.state, refusal.code) if refusal is not None else ("failed", "order_cancelled")
        return ("succeeded", None, None) if was_ours else (state, code, None)
    return await _plan_intent(session, merchant_id, work, package)


async def _plan_intent(
    session: AsyncSession, merchant_id: UUID, work: _Work, package: PackageRow
) -> tuple[str, str | None, IntentRow | None]:
    verdict, intent = await ledger.plan(
        session,
        merchant_id,
        ledger.Target(work.order.account_id, work.order.id, work.kind, package.id),
        work.item.id,
        {} if work.kind == RECEIVE else _wish(work.item, package),
        was_undone=package.status == "to_process" and package.effect_state is None,
    )
    if verdict != "mine":
        return "skipped", "already_in_progress" if verdict == "busy" else "already_done", None
    return (*_entry_state(intent), intent)


def _is_done(kind: str, package: PackageRow) -> bool:
    if kind == RECEIVE:
        return not package.awaits_receipt or package.effect_state == "received"
    return package.status in _DONE


def _entry_state(intent: IntentRow) -> tuple[str, str | None]:
    return ("unknown", "effect_unknown") if intent.state == "unknown" else ("running", None)


def _wish(item: OperationItemRow, package: PackageRow) -> dict[str, Any]:
    wish: dict[str, Any] = item.details["packages"].get(package.package_number, item.details["wish"])
    return wish


def _to_parcel(
    work: _Work, target: UUID, ref: PackageRef, intent: IntentRow, wish: Wish, params: dict[str, Any] | None = None
) -> Parcel:
    order = work.order
    return Parcel(
        item_id=work.item.id,
        intent_id=intent.id,
        order_id=order.id,
        package_id=target,
        account_id=order.account_id,
        shop_id=order.shop_id,
        channel=order.channel,
        ref=ref,
        wish=wish,
        sender_name=order.sender_name,
        is_own_courier=order.is_own_courier,
        params=params or {},
    )


async def give_up_if_disconnected(
    session: AsyncSession, merchant_id: UUID, action: str, account_id: UUID | None, item_ids: list[UUID]
) -> None:
    """A shop the merchant has disconnected is not waited for: nothing more is sent, what is in doubt is a person's."""
    assert account_id is not None, "items without an order are settled when the operation is opened"
    if (await shops.get_account(session, merchant_id, account_id)).is_active:
        return
    refusal = _Refusal("shop_disconnected", "failed")
    now = await clock.now(session)
    for item_id in item_ids:
        item = await items_repository.lock_item(session, merchant_id, item_id)
        if item.state not in ("running", "unknown"):
            continue
        sent = set()
        for intent in await ledger.list_of_items(session, merchant_id, [item_id]):
            if not await shipping.drop(session, merchant_id, intent, refusal.code):
                sent.add(intent.target.hex)
            if intent.state == "unknown":
                intent.next_check_at = now + _AFTER_RECONNECTION
        entries = [
            {**entry, "state": refusal.state, "code": refusal.code}
            if entry["state"] == "running" and entry["id"] not in sent
            else entry
            for entry in item.packages
        ]
        await _write_item(session, merchant_id, action, item, entries, refusal)
        item.needs_attention = item.state == "unknown"


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
    checks = {intent.item_id: intent.next_check_at for intent in intents if intent.next_check_at is not None}
    if any(intent.state == "planned" for intent in intents) or len(checks) < len(left):
        return _LOOK_AGAIN
    return max(min(one.next_check_at for one in intents if one.next_check_at) - now, timedelta(seconds=0.2))
