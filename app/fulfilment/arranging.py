"""Arrange shipments: re-read, remember the intent, call, remember the outcome, read back.

A chunk may stop at any line and be run again: what happened at the channel is decided by the ledger and by reading.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ArrangesShipments, Connector, Handover, PackageRef, ShipmentReading, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable
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
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_AT_ONCE = 12
"""Packages of one chunk in flight together; the limiter sets the pace."""
_FRESH_SECONDS = 10.0
"""An order read longer ago than this is read again before its package is sent."""
_GUARD_SECONDS = 5.0
"""A process that stood still this long between the `sent` commit and the call does not call."""


class _NotNow(Exception):
    """Left as it is: somebody else has the intent, or the next run reads the order anew before sending."""


@dataclass(slots=True)
class _Round:
    """One run of a chunk: when its orders were read, and the longest wait a channel asked for."""

    context: Context
    merchant_id: UUID
    fresh_until: float
    shops: dict[UUID, ShopRow]
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    waits: list[ChannelError] = field(default_factory=list)


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.arrange_shipment`. Raises ChannelError when the channel makes the whole chunk wait."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, items = await database.transact(preparing.begin_chunk, merchant_id, operation_id, chunk)
    wait: ChannelError | None = None
    if items:
        item_ids = [item.id for item in items]
        with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
            try:
                await _resolve_unknowns(context, merchant_id, item_ids)
                wait = await _arrange(context, merchant_id, operation, items)
            except ChannelError as error:
                wait = error
            if isinstance(wait, Unauthorized):
                await database.transact(preparing.give_up_if_disconnected, merchant_id, items[0].account_id, item_ids)
            after = timedelta(hours=context.settings.attention_after_hours)
            await database.transact(shipping.flag_old_unknowns, merchant_id, item_ids, after)
    again_in = await database.transact(preparing.end_chunk, merchant_id, operation_id, chunk)
    if wait is not None and again_in is not None and again_in <= timedelta(seconds=1):
        raise wait
    return again_in


async def _arrange(
    context: Context, merchant_id: UUID, operation: OperationRow, items: Sequence[OperationItemRow]
) -> ChannelError | None:
    """Arrange what can be arranged now. Answers the wait a channel asked for, if any package is left because of it."""
    running = [item for item in items if item.state == "running"]
    if not running:
        return None
    account_id = running[0].account_id
    assert account_id is not None, "items without an order are settled when the operation is opened"
    loop_time = asyncio.get_running_loop().time
    fresh_until = loop_time() + _FRESH_SECONDS
    external_ids = [str(item.details["external_id"]) for item in running]
    read = await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")
    item_ids = [item.id for item in running]
    parcels = await context.database.transact(preparing.prepare, merchant_id, operation, item_ids, read)
    if not parcels:
        return None
    shop_rows = await context.database.transact(shops.list_shops, merchant_id)
    this = _Round(context, merchant_id, fresh_until, {shop.id: shop for shop in shop_rows})
    outcomes = await asyncio.gather(*(_arrange_parcel(this, parcel) for parcel in parcels), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome  # only once the others have written what became of them
    await context.database.transact(operations.refresh, merchant_id, operation.id)
    await _read_back(context, merchant_id, account_id, parcels)
    return max(this.waits, key=lambda error: error.retry_after or 0.0, default=None)


async def _arrange_parcel(this: _Round, parcel: Parcel) -> None:
    async with this.gate:
        database, merchant_id = this.context.database, this.merchant_id
        fences: list[int] = []
        try:
            handover = await _choose(this, parcel)
            await access.call(
                this.context,
                merchant_id,
                parcel.account_id,
                lambda connector, door: _send(this, parcel, handover, connector, door, fences),
            )
        except handovers.NotPossible as error:
            await database.transact(
                shipping.fail_parcel,
                merchant_id,
                parcel.intent_id,
                when=ledger.NOT_SENT,
                item_id=parcel.item_id,
                code=error.code,
                params=error.params,
            )
        except Rejected as error:
            await _take_refusal(this, parcel, fences[-1] if fences else None, error)
        except (Throttled, Unavailable, Unauthorized) as error:
            this.waits.append(error)
        except ChannelError as error:
            if not fences:
                this.waits.append(error)
                return
            log.warning("effect_unknown", intent_id=str(parcel.intent_id), channel_code=error.code)
            await database.transact(shipping.doubt, merchant_id, parcel.intent_id, fence=fences[-1], error=error)
        except _NotNow as reason:
            log.info("not_sent", intent_id=str(parcel.intent_id), reason=str(reason))
        else:
            fail.point("call.after_response")
            await database.transact(
                shipping.confirm, merchant_id, parcel.intent_id, fence=fences[-1], evidence="answer"
            )
            fail.point("confirm.after_commit")


async def _choose(this: _Round, parcel: Parcel) -> Handover:
    """What exactly to ask for, from the options the channel gives now."""

    async def options(connector: Connector, door: ShopAccess) -> Handover:
        assert isinstance(connector, ArrangesShipments)
        shop = this.shops[parcel.shop_id]
        return handovers.choose(
            await connector.fetch_shipping_options(door, parcel.ref),
            parcel.wish,
            timezone=ZoneInfo(shop.timezone),
            sender_name=parcel.sender_name or shop.name,
        )

    return await access.call(this.context, this.merchant_id, parcel.account_id, options)


async def _send(
    this: _Round, parcel: Parcel, handover: Handover, connector: Connector, door: ShopAccess, fences: list[int]
) -> None:
    """Commit `sent`, then call. A refusal that proves no effect puts the intent back to planned."""
    assert isinstance(connector, ArrangesShipments)
    database = this.context.database
    await connector.reserve(door)
    if asyncio.get_running_loop().time() > this.fresh_until:
        raise _NotNow("the order was read too long ago")
    stood_since = time.clock_gettime(time.CLOCK_BOOTTIME)
    fail.point("intent.before_sent_commit")
    fence = await database.transact(
        ledger.mark_sent,
        this.merchant_id,
        parcel.intent_id,
        item_id=parcel.item_id,
        params=shipping.params_of(handover),
        settle=timedelta(seconds=connector.facts.settle_seconds),
        lease=timedelta(seconds=this.context.settings.http_timeout_seconds + _GUARD_SECONDS + 5),
    )
    if fence is None:
        raise _NotNow("somebody else has the intent")
    fences.append(fence)
    fail.point("intent.after_sent_commit")
    try:
        if time.clock_gettime(time.CLOCK_BOOTTIME) - stood_since > _GUARD_SECONDS:
            raise Unavailable("stood_still", "the process was paused before the call")
        await connector.arrange_shipment(door, parcel.ref, handover)
    except (Throttled, Unavailable, Unauthorized):
        await database.transact(ledger.release, this.merchant_id, parcel.intent_id, fence=fence)
        fences.pop()
        raise


async def _take_refusal(this: _Round, parcel: Parcel, fence: int | None, error: Rejected) -> None:
    """Known to have had no effect, unless it is refused as done before: then read at once, adopt what is there."""
    database, merchant_id = this.context.database, this.merchant_id
    if fence is None:
        await database.transact(
            shipping.fail_parcel,
            merchant_id,
            parcel.intent_id,
            when=ledger.NOT_SENT,
            item_id=parcel.item_id,
            code="wrong_state" if isinstance(error, AlreadyDone) else error.meaning,
            error=error,
        )
        return
    if not isinstance(error, AlreadyDone):
        await database.transact(
            shipping.fail_parcel,
            merchant_id,
            parcel.intent_id,
            when=ledger.ANSWERED,
            fence=fence,
            code=error.meaning,
            error=error,
        )
        return
    await database.transact(shipping.doubt, merchant_id, parcel.intent_id, fence=fence, error=error)
    try:
        await _read_and_note(this.context, merchant_id, parcel.account_id, {parcel.intent_id: parcel.ref})
    except ChannelError as read_error:
        log.info("read_back_waits", reason=type(read_error).__name__)


async def _resolve_unknowns(context: Context, merchant_id: UUID, item_ids: list[UUID]) -> None:
    """Read the channel for every unknown effect whose reading is due."""
    due = await context.database.transact(shipping.due_readings, merchant_id, item_ids)
    by_account: dict[UUID, dict[UUID, PackageRef]] = {}
    for intent, ref in due:
        by_account.setdefault(intent.account_id, {})[intent.id] = ref
    for account_id, wanted in by_account.items():
        await _read_and_note(context, merchant_id, account_id, wanted)


async def _read_and_note(context: Context, merchant_id: UUID, account_id: UUID, wanted: dict[UUID, PackageRef]) -> None:
    async def read(connector: Connector, door: ShopAccess) -> dict[str, ShipmentReading]:
        assert isinstance(connector, ArrangesShipments)
        return dict(await connector.read_shipments(door, list(wanted.values())))

    read_started_at = await context.database.transact(_now, merchant_id)
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
    """Read the arranged orders once more for number and state; those still without a number are read again later."""
    external_ids = sorted({parcel.ref.order_external_id for parcel in parcels})
    try:
        await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")
    except ChannelError as error:
        log.info("read_back_waits", reason=type(error).__name__)
    order_ids = sorted({parcel.order_id for parcel in parcels})
    await context.database.transact(shipping.request_tracking_numbers, merchant_id, account_id, order_ids)
