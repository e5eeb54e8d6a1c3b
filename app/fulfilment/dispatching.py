"""Own couriers: the merchant marks what left and what arrived, and the shop is told.

Both calls set a word at the shop and may be repeated: no intent is kept, an answer that was lost is asked for again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels import references
from app.channels.contract import Connector, MarksDelivery, PackageRef, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Unauthorized
from app.core import clock
from app.core.context import acting_as
from app.fulfilment import events, preparing
from app.fulfilment.outcomes import derive_item, is_retryable, package_entry
from app.fulfilment.shipping import is_plan_stale, next_action_of, to_ref
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects, reading
from app.orders.models import OrderRow, PackageRow
from app.orders.reading import OrdersRead
from app.shops import access
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_AT_ONCE = 6

Step = Literal["mark_dispatched", "mark_delivered"]
_STATUS: dict[Step, str] = {"mark_dispatched": "in_transit", "mark_delivered": "delivered"}
_EVENT = {"mark_dispatched": events.DISPATCHED, "mark_delivered": events.DELIVERED}
_BEFORE: dict[Step, tuple[str, ...]] = {
    "mark_dispatched": ("processed",),
    "mark_delivered": ("processed", "in_transit"),
}


@dataclass(frozen=True, slots=True)
class _Marking:
    """A package to be marked."""

    item_id: UUID | None
    """None when no operation asked for it."""
    order_id: UUID
    package_id: UUID
    ref: PackageRef
    at: datetime


async def run_dispatch_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.mark_dispatched`. Raises ChannelError to wait."""
    return await _run(context, claimed, "mark_dispatched")


async def run_delivery_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.mark_delivered`. Raises ChannelError to wait."""
    return await _run(context, claimed, "mark_delivered")


async def _run(context: Context, claimed: Claimed, step: Step) -> timedelta | None:
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, items = await database.transact(operations.start_chunk, merchant_id, operation_id, chunk)
    running = [item for item in items if item.state == "running"]
    if not running:
        return None
    account_id = running[0].account_id
    assert account_id is not None, "items without an order are settled when the operation is opened"
    wait: ChannelError | None = None
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        try:
            external_ids = [str(item.details["external_id"]) for item in running]
            read = await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")
            item_ids = [item.id for item in running]
            markings = await database.transact(_plan, merchant_id, operation, item_ids, read, step)
            wait = await _mark_all(context, merchant_id, account_id, markings, step)
        except ChannelError as error:
            wait = error
        if isinstance(wait, Unauthorized):
            item_ids = [item.id for item in running]
            await database.transact(
                preparing.give_up_if_disconnected, merchant_id, operation.kind, account_id, item_ids
            )
    again_in = await database.transact(preparing.end_chunk, merchant_id, operation_id, chunk)
    if wait is not None and again_in is not None:
        raise wait
    return again_in


async def _plan(
    session: AsyncSession,
    merchant_id: UUID,
    operation: OperationRow,
    item_ids: Sequence[UUID],
    read: OrdersRead,
    step: Step,
) -> list[_Marking]:
    """Settle what cannot be marked; the packages that can."""
    items = [await items_repository.lock_item(session, merchant_id, one) for one in item_ids]
    order_ids = [item.order_id for item in items if item.order_id is not None]
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids, lock=True)
    at = await clock.now(session)
    markings: list[_Marking] = []
    for item in items:
        assert item.order_id is not None
        order = orders[item.order_id]
        code = _refusal(operation, item, order, read, step)
        if code is not None:
            state = "failed" if code == "not_found" else "skipped"
            await operations.settle_item(session, merchant_id, item.id, state, code, next_action=next_action_of(code))
            if state == "failed":
                failure = events.Failure(code=code, channel_code=None)
                await journal.record(session, merchant_id, events.FAILED[step](order.id, after=failure))
            continue
        mine = packages[order.id]
        item.packages = [_entry(package, step) for package in mine]
        markings += [
            _Marking(item.id, order.id, package.id, to_ref(order, package, mine), at)
            for package in mine
            if package.status in _BEFORE[step]
        ]
        await _settle(session, merchant_id, item)
    return markings


def _refusal(
    operation: OperationRow, item: OperationItemRow, order: OrderRow, read: OrdersRead, step: Step
) -> str | None:
    if order.external_id not in read.ingested.ids:
        return "not_found"
    return "plan_stale" if is_plan_stale(operation, item, order) else actions.refusal(step, order)


def _entry(package: PackageRow, step: Step) -> dict[str, Any]:
    is_open = package.status in _BEFORE[step]
    state, code = ("running", None) if is_open else ("skipped", "already_done")
    return package_entry(package.id.hex, package.package_number, state, code, package.tracking_number)


async def run_handed_over(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.handed_over`: packing gave the parcel to the merchant's courier. Raises ChannelError."""
    order_id, merchant_id = UUID(hex=claimed.ref), claimed.merchant_id
    places = await context.database.transact(reading.locate, merchant_id, [order_id])
    if order_id not in places:
        return None
    account_id, external_id = places[order_id].account_id, places[order_id].external_id
    await reading.read_orders(context, merchant_id, account_id, [external_id], priority="user")
    markings = await context.database.transact(_plan_order, merchant_id, order_id)
    wait = await _mark_all(context, merchant_id, account_id, markings, "mark_dispatched")
    if wait is not None:
        raise wait
    return None


async def _plan_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> list[_Marking]:
    order = (await effects.lock_orders(session, merchant_id, [order_id]))[order_id]
    if actions.refusal("mark_dispatched", order) is not None:
        return []
    mine = (await effects.list_packages(session, merchant_id, [order_id]))[order_id]
    at = await clock.now(session)
    waiting = [package for package in mine if package.status in _BEFORE["mark_dispatched"]]
    return [_Marking(None, order_id, package.id, to_ref(order, package, mine), at) for package in waiting]


# --- the call ---------------------------------------------------------------------------------------------------------


async def _mark_all(
    context: Context, merchant_id: UUID, account_id: UUID, markings: Sequence[_Marking], step: Step
) -> ChannelError | None:
    """Answers the longest wait the shop asked for."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(marking: _Marking) -> ChannelError | None:
        async with gate:
            return await _mark(context, merchant_id, account_id, marking, step)

    waits = [error for error in await asyncio.gather(*(one(marking) for marking in markings)) if error is not None]
    return max(waits, key=lambda error: error.retry_after or 0.0, default=None)


async def _mark(
    context: Context, merchant_id: UUID, account_id: UUID, marking: _Marking, step: Step
) -> ChannelError | None:
    """Tell the shop. Answers what makes it wait: then the same is told again."""
    database = context.database

    async def tell(connector: Connector, door: ShopAccess) -> timedelta:
        assert isinstance(connector, MarksDelivery)
        mark = connector.mark_dispatched if step == "mark_dispatched" else connector.mark_delivered
        try:
            await mark(door, marking.ref, marking.at)
        except AlreadyDone:
            log.info("marked_before", package_id=str(marking.package_id), step=step)
        return timedelta(seconds=connector.facts.settle_seconds)

    with references.hearing():
        try:
            settle = await access.call(context, merchant_id, account_id, tell)
        except Rejected as error:
            await database.transact(_note_refusal, merchant_id, marking, step, error)
            return None
        except ChannelError as error:
            return error
        await database.transact(_take_effect, merchant_id, marking, step, settle)
    return None


async def _take_effect(
    session: AsyncSession, merchant_id: UUID, marking: _Marking, step: Step, settle: timedelta
) -> None:
    item = await _lock(session, merchant_id, marking)
    until = await clock.now(session) + settle
    await effects.mark_moved(session, merchant_id, marking.order_id, marking.package_id, to=_STATUS[step], until=until)
    package = events.PackageNumber(package_number=marking.ref.package_number)
    await journal.record(session, merchant_id, _EVENT[step](marking.order_id, after=package))
    await _note(session, merchant_id, item, marking, "succeeded", None)


async def _note_refusal(
    session: AsyncSession, merchant_id: UUID, marking: _Marking, step: Step, error: Rejected
) -> None:
    item = await _lock(session, merchant_id, marking)
    failure = events.Failure(code=error.meaning, channel_code=error.code, package_number=marking.ref.package_number)
    await journal.record(session, merchant_id, events.FAILED[step](marking.order_id, after=failure))
    await _note(session, merchant_id, item, marking, "failed", error)


async def _lock(session: AsyncSession, merchant_id: UUID, marking: _Marking) -> OperationItemRow | None:
    """Item, then order, as everywhere."""
    item = None
    if marking.item_id is not None:
        item = await items_repository.lock_item(session, merchant_id, marking.item_id)
    await effects.lock_orders(session, merchant_id, [marking.order_id])
    return item


async def _note(
    session: AsyncSession,
    merchant_id: UUID,
    item: OperationItemRow | None,
    marking: _Marking,
    state: str,
    error: Rejected | None,
) -> None:
    if item is None:
        return
    code = error.meaning if error is not None else None
    item.packages = [
        {**entry, "state": state, "code": code} if entry["id"] == marking.package_id.hex else entry
        for entry in item.packages
    ]
    await _settle(session, merchant_id, item, error)


async def _settle(
    session: AsyncSession, merchant_id: UUID, item: OperationItemRow, error: Rejected | None = None
) -> None:
    """The item follows from its packages."""
    state, code = derive_item(item.packages)
    await operations.settle_item(
        session,
        merchant_id,
        item.id,
        state,
        code,
        retryable=is_retryable(state, code),
        source=item.channel if error is not None and item.channel else "plugosync",
        channel_code=error.code if error else None,
        channel_reason=error.reason if error else None,
        packages=item.packages,
        next_action=next_action_of(code) if code else None,
    )
