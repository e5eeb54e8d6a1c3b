"""How an effect is brought about at a channel: re-read, remember the intent, call, remember the outcome, read back.

What differs between arranging and receiving is an `Effect`. A chunk may stop at any line and be run again: what
happened at the channel is decided by the ledger and by reading.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels import references
from app.channels.contract import Connector, Handover, Outcomes, PackageRef, ShipmentReading, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.core import clock, fail
from app.core.context import acting_as
from app.fulfilment import handovers, ledger, preparing, shipping
from app.fulfilment.shipping import Parcel
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import reading
from app.shops import access
from app.shops import service as shops
from app.shops.models import ShopRow
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_AT_ONCE = 12
"""Calls of one chunk in flight together; the limiter sets the pace."""
_FRESH_SECONDS = 10.0
"""An order read longer ago than this is read again before its package is sent."""
_FRESH_READS = 5.0
"""At a slow channel: than this many times as long as the read took, or nothing would ever be sent."""
_GUARD_SECONDS = 5.0
"""A process that stood still this long between the `sent` commit and the call does not call."""
_NO_EFFECT = (Throttled, Unavailable, Unauthorized)


class _NotNow(Exception):
    """Left as it is: somebody else has the intent, or the next run reads the order anew before sending."""


@dataclass(slots=True)
class Round:
    """One run of a chunk: when its orders were read, and the longest wait a channel asked for."""

    context: Context
    merchant_id: UUID
    fresh_until: float
    shops: dict[UUID, ShopRow]
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    waits: list[ChannelError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A package and what exactly is asked for it."""

    parcel: Parcel
    handover: Handover | None
    """None where there is nothing to choose."""


Group = Sequence[Chosen]
Send = Callable[[Connector, ShopAccess, Group], Awaitable[Outcomes]]


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of effect: what to ask for, which packages share a call, the call, and the read that decides."""

    choose: Callable[[Round, Parcel], Awaitable[Handover | None]]
    """Raises NotPossible or ChannelError."""
    group: Callable[[Connector, Group], list[Group]]
    """Each group is one call."""
    send: Send
    reserve: Callable[[Connector, ShopAccess], Awaitable[None]]
    read: Callable[[Connector, ShopAccess, Sequence[PackageRef]], Awaitable[Mapping[str, ShipmentReading]]]


async def run_chunk(context: Context, claimed: Claimed, effect: Effect) -> timedelta | None:
    """One run of a chunk. Raises ChannelError when the channel makes the whole chunk wait."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, items = await database.transact(preparing.begin_chunk, merchant_id, operation_id, chunk)
    wait: ChannelError | None = None
    if items:
        item_ids = [item.id for item in items]
        with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
            try:
                await _resolve_unknowns(context, merchant_id, item_ids, effect)
                wait = await _run_items(context, merchant_id, operation, items, effect)
            except ChannelError as error:
                wait = error
            if isinstance(wait, Unauthorized):
                account_id = items[0].account_id
                await database.transact(
                    preparing.give_up_if_disconnected, merchant_id, operation.kind, account_id, item_ids
                )
            after = timedelta(hours=context.settings.attention_after_hours)
            await database.transact(shipping.flag_old_unknowns, merchant_id, item_ids, after)
    again_in = await database.transact(preparing.end_chunk, merchant_id, operation_id, chunk)
    if wait is not None and again_in is not None and again_in <= timedelta(seconds=1):
        raise wait
    return again_in


async def _run_items(
    context: Context, merchant_id: UUID, operation: OperationRow, items: Sequence[OperationItemRow], effect: Effect
) -> ChannelError | None:
    """Do what can be done now. Answers the wait a channel asked for, if any package is left because of it."""
    running = [item for item in items if item.state == "running"]
    if not running:
        return None
    account_id = running[0].account_id
    assert account_id is not None, "items without an order are settled when the operation is opened"
    loop_time = asyncio.get_running_loop().time
    started = loop_time()
    external_ids = [str(item.details["external_id"]) for item in running]
    read = await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")
    fresh_until = started + max(_FRESH_SECONDS, _FRESH_READS * (loop_time() - started))
    item_ids = [item.id for item in running]
    parcels = await context.database.transact(preparing.prepare, merchant_id, operation, item_ids, read)
    if not parcels:
        return None
    shop_rows = await context.database.transact(shops.list_shops, merchant_id)
    this = Round(context, merchant_id, fresh_until, {shop.id: shop for shop in shop_rows})
    await _gather(
        [_choose(this, parcel, effect) for parcel in parcels], then=lambda chosen: _send(this, chosen, effect)
    )
    await context.database.transact(operations.refresh, merchant_id, operation.id)
    await _read_back(context, merchant_id, account_id, parcels)
    return max(this.waits, key=lambda error: error.retry_after or 0.0, default=None)


async def _gather(
    choices: Sequence[Awaitable[Chosen | None]], *, then: Callable[[list[Chosen]], Awaitable[None]]
) -> None:
    """Choose for all, then go on with those that can be sent. A fault of ours surfaces once the others are through."""
    chosen = await asyncio.gather(*choices, return_exceptions=True)
    await then([one for one in chosen if isinstance(one, Chosen)])
    for outcome in chosen:
        if isinstance(outcome, BaseException):
            raise outcome


async def _choose(this: Round, parcel: Parcel, effect: Effect) -> Chosen | None:
    async with this.gate:
        with references.hearing():
            try:
                return Chosen(parcel, await effect.choose(this, parcel))
            except handovers.NotPossible as error:
                await _fail_unsent(this, parcel, error.code, params=error.params)
            except Rejected as error:
                code = "wrong_state" if isinstance(error, AlreadyDone) else error.meaning
                await _fail_unsent(this, parcel, code, error=error)
            except ChannelError as error:
                this.waits.append(error)
        return None


async def _send(this: Round, chosen: list[Chosen], effect: Effect) -> None:
    if not chosen:
        return
    connector = this.context.connectors[chosen[0].parcel.channel]
    groups = effect.group(connector, chosen)
    outcomes = await asyncio.gather(*(_send_in_turn(this, group, effect) for group in groups), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome  # only once the others have written what became of them


async def _send_in_turn(this: Round, group: Group, effect: Effect) -> None:
    async with this.gate:
        with references.hearing():
            await _send_group(this, group, effect)


async def _send_group(this: Round, group: Group, effect: Effect) -> None:
    """One call, and what became of each package of it."""
    fences: dict[UUID, int] = {}
    try:
        outcomes = await access.call(
            this.context,
            this.merchant_id,
            group[0].parcel.account_id,
            lambda connector, door: _commit_and_call(this, group, effect, connector, door, fences),
        )
    except _NotNow as reason:
        log.info("not_sent", intent_ids=[str(one.parcel.intent_id) for one in group], reason=str(reason))
        return
    except ChannelError as error:
        outcomes = {one.parcel.ref.package_number: error for one in group}
        if not fences:
            await _take_no_call(this, group, error)
            return
    for one in group:
        fence = fences.get(one.parcel.intent_id)
        if fence is not None:
            await _take_outcome(this, one.parcel, fence, _outcome_of(one.parcel, outcomes), effect)


def _outcome_of(parcel: Parcel, outcomes: Outcomes) -> ChannelError | None:
    silence = Unknown("not_mentioned", "the answer does not mention the package")
    return outcomes.get(parcel.ref.package_number, silence)


async def _commit_and_call(
    this: Round, group: Group, effect: Effect, connector: Connector, door: ShopAccess, fences: dict[UUID, int]
) -> Outcomes:
    """Commit `sent` for the whole group, then call once. A refusal that proves no effect puts them back to planned."""
    await effect.reserve(connector, door)
    if asyncio.get_running_loop().time() > this.fresh_until:
        raise _NotNow("the order was read too long ago")
    stood_since = time.clock_gettime(time.CLOCK_BOOTTIME)
    fail.point("intent.before_sent_commit")
    fences |= await this.context.database.transact(
        _mark_sent,
        this.merchant_id,
        group,
        settle=timedelta(seconds=connector.facts.settle_seconds),
        lease=timedelta(seconds=this.context.settings.http_timeout_seconds + _GUARD_SECONDS + 5),
    )
    ours = [one for one in group if one.parcel.intent_id in fences]
    if not ours:
        raise _NotNow("somebody else has the intent")
    fail.point("intent.after_sent_commit")
    try:
        if time.clock_gettime(time.CLOCK_BOOTTIME) - stood_since > _GUARD_SECONDS:
            raise Unavailable("stood_still", "the process was paused before the call")
        return await effect.send(connector, door, ours)
    except _NO_EFFECT:
        await this.context.database.transact(_release, this.merchant_id, dict(fences))
        fences.clear()
        raise


async def _mark_sent(
    session: AsyncSession, merchant_id: UUID, group: Group, *, settle: timedelta, lease: timedelta
) -> dict[UUID, int]:
    """Intent → fence, of those that are still ours to send."""
    fences = {}
    for one in sorted(group, key=lambda one: one.parcel.intent_id):
        fence = await ledger.mark_sent(
            session,
            merchant_id,
            one.parcel.intent_id,
            item_id=one.parcel.item_id,
            params=one.parcel.params or shipping.params_of(one.handover),
            settle=settle,
            lease=lease,
        )
        if fence is not None:
            fences[one.parcel.intent_id] = fence
    return fences


async def _release(session: AsyncSession, merchant_id: UUID, fences: Mapping[UUID, int]) -> None:
    for intent_id in sorted(fences):
        await ledger.release(session, merchant_id, intent_id, fence=fences[intent_id])


async def _take_no_call(this: Round, group: Group, error: ChannelError) -> None:
    """Nothing was sent: the channel refused before, or makes us wait."""
    if not isinstance(error, Rejected):
        this.waits.append(error)
        return
    code = "wrong_state" if isinstance(error, AlreadyDone) else error.meaning
    for one in group:
        await _fail_unsent(this, one.parcel, code, error=error)


async def _fail_unsent(
    this: Round, parcel: Parcel, code: str, *, error: ChannelError | None = None, params: dict[str, str] | None = None
) -> None:
    await this.context.database.transact(
        shipping.fail_parcel,
        this.merchant_id,
        parcel.intent_id,
        when=ledger.NOT_SENT,
        item_id=parcel.item_id,
        code=code,
        error=error,
        params=params,
    )


async def _take_outcome(this: Round, parcel: Parcel, fence: int, error: ChannelError | None, effect: Effect) -> None:
    """Write down what the answer says about one package."""
    database, merchant_id, intent_id = this.context.database, this.merchant_id, parcel.intent_id
    if error is None:
        fail.point("call.after_response")
        await database.transact(shipping.confirm, merchant_id, intent_id, fence=fence, evidence="answer")
        fail.point("confirm.after_commit")
    elif isinstance(error, _NO_EFFECT):
        await database.transact(_release, merchant_id, {intent_id: fence})
        this.waits.append(error)
    elif isinstance(error, Rejected) and not isinstance(error, AlreadyDone):
        await database.transact(
            shipping.fail_parcel,
            merchant_id,
            intent_id,
            when=ledger.ANSWERED,
            fence=fence,
            code=error.meaning,
            error=error,
        )
    else:
        log.warning("effect_unknown", intent_id=str(intent_id), channel_code=error.code)
        await database.transact(shipping.doubt, merchant_id, intent_id, fence=fence, error=error)
        if isinstance(error, AlreadyDone):  # done before: read at once, adopt what is there
            await _read_now(this, parcel, effect)


async def _read_now(this: Round, parcel: Parcel, effect: Effect) -> None:
    try:
        await _read_and_note(this.context, this.merchant_id, parcel.account_id, {parcel.intent_id: parcel.ref}, effect)
    except ChannelError as error:
        log.info("read_back_waits", reason=type(error).__name__)


# --- reading ----------------------------------------------------------------------------------------------------------


async def _resolve_unknowns(context: Context, merchant_id: UUID, item_ids: list[UUID], effect: Effect) -> None:
    """Read the channel for every unknown effect whose reading is due."""
    due = await context.database.transact(shipping.due_readings, merchant_id, item_ids)
    by_account: dict[UUID, dict[UUID, PackageRef]] = {}
    for intent, ref in due:
        by_account.setdefault(intent.account_id, {})[intent.id] = ref
    for account_id, wanted in by_account.items():
        await _read_and_note(context, merchant_id, account_id, wanted, effect)


async def _read_and_note(
    context: Context, merchant_id: UUID, account_id: UUID, wanted: dict[UUID, PackageRef], effect: Effect
) -> None:
    async def read(connector: Connector, door: ShopAccess) -> Mapping[str, ShipmentReading]:
        return await effect.read(connector, door, list(wanted.values()))

    read_started_at = await context.database.transact(_now, merchant_id)
    with references.hearing():
        readings = await access.call(context, merchant_id, account_id, read)
        for intent_id, ref in wanted.items():
            await context.database.transact(
                shipping.note_reading,
                merchant_id,
                intent_id,
                readings.get(ref.package_number),
                read_started_at=read_started_at,
            )


async def _now(session: AsyncSession, merchant_id: UUID) -> datetime:
    return await clock.now(session)


async def _read_back(context: Context, merchant_id: UUID, account_id: UUID, parcels: Sequence[Parcel]) -> None:
    """Read the orders once more for number and state; arranged ones still without a number are read again later."""
    external_ids = sorted({parcel.ref.order_external_id for parcel in parcels})
    try:
        await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")
    except ChannelError as error:
        log.info("read_back_waits", reason=type(error).__name__)
        due_in = timedelta(seconds=error.retry_after or 1)
        await context.database.transact(
            reading.request_read, merchant_id, account_id, external_ids, due_in=due_in, priority=work.USER
        )
    order_ids = sorted({parcel.order_id for parcel in parcels})
    await context.database.transact(shipping.request_tracking_numbers, merchant_id, account_id, order_ids)
