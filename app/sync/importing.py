"""Imports at work: read windows and listed orders, count them, keep what cannot be read. Every run may be repeated."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connector, FindsOrders, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected
from app.core.context import acting_as
from app.journal import service as journal
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import reading
from app.orders.reading import OrdersRead, TimedReading
from app.shops import access
from app.sync import events, refreshing, repository, service
from app.sync.models import ImportWindowRow
from app.sync.sweeping import list_window
from app.work.context import Context
from app.work.service import Claimed

_UNANSWERED = "The channel lists this order but does not answer for it."
_MALFORMED_TRIES = 6
_STEP = 500
"""Orders of a window looked up at once, to skip those an earlier run has stored."""


async def run_window(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.window`. Raises ChannelError: the window then waits and is read again."""
    window_id = UUID(hex=claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    begun = await database.transact(service.begin_window, merchant_id, window_id)
    if begun is None:
        return None
    window, operation = begun
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        try:
            await _read_window(context, merchant_id, window)
        except Rejected as error:
            await database.transact(service.end_window, merchant_id, window_id, "failed", error.meaning)
            return None
        except Malformed:
            if claimed.attempts < _MALFORMED_TRIES:
                raise
            await database.transact(service.end_window, merchant_id, window_id, "failed", "channel_unreadable")
            return None
        await database.transact(service.end_window, merchant_id, window_id, "succeeded")
    return None


async def _read_window(context: Context, merchant_id: UUID, window: ImportWindowRow) -> None:
    by: Literal["created", "updated"] = "created" if window.by == "created" else "updated"
    listed = await list_window(
        context,
        merchant_id,
        window.account_id,
        by=by,
        since=window.since,
        until=window.until,
        priority="background",
        is_only_look=True,
    )
    ids = listed.external_ids
    for start in range(0, len(ids), _STEP):
        part = ids[start : start + _STEP]
        done = await context.database.transact(
            repository.list_done, merchant_id, window.operation_id, window.account_id, part
        )
        await _read_part(context, merchant_id, window, [one for one in part if one not in done], listed.told)


async def _read_part(
    context: Context,
    merchant_id: UUID,
    window: ImportWindowRow,
    external_ids: list[str],
    told: Sequence[TimedReading],
) -> None:
    async def note(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        await service.note_window_batch(session, merchant_id, window, read, read.unreadable)

    async def note_last(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        unanswered = dict.fromkeys(read.missing, _UNANSWERED)
        failures = [(external_id, reason, b"") for external_id, reason in unanswered.items()]
        await reading.quarantine(session, merchant_id, window.account_id, failures)
        await service.note_window_batch(session, merchant_id, window, read, read.unreadable | unanswered)

    read = await reading.read_orders(
        context, merchant_id, window.account_id, external_ids, priority="background", then=note, told=told
    )
    # An answer may leave an order out; one more question, then it is kept as failed.
    await reading.read_orders(
        context, merchant_id, window.account_id, read.missing, priority="background", then=note_last
    )


# --- orders by number -------------------------------------------------------------------------------------------------


async def run_orders(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.orders`: read the orders of a chunk's items, wherever they are. Raises ChannelError to wait."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, items = await database.transact(operations.start_chunk, merchant_id, operation_id, chunk)
    if operation.cancel_requested_at is not None:
        await database.transact(_skip_items, merchant_id, operation_id, items)
        return None
    wait: ChannelError | None = None
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        left = {str(item.details["external_id"]): item.id for item in items}
        numbers = {str(item.details["external_id"]) for item in items if item.details.get("is_number")}
        accounts = _accounts_of(operation, items)
        kept = await database.transact(repository.find_failed, merchant_id, list(left))
        for account_id in accounts:
            # What could not be read is kept by its id: no number of it is known.
            asked = numbers - {one for one in numbers if (account_id, one) in kept}
            try:
                ids = await _find_ids(context, merchant_id, account_id, list(left), asked)
                found = await _read_items(context, merchant_id, operation, account_id, left, ids)
                left = {external_id: item_id for external_id, item_id in left.items() if external_id not in found}
            except ChannelError as error:
                wait = error
        if wait is None:
            reasons = {one: (account_id, kept[account_id, one]) for account_id, one in kept if account_id in accounts}
            await database.transact(_fail_items, merchant_id, operation, left, reasons)
    await database.transact(refreshing.end_chunk, merchant_id, operation_id)
    if wait is not None:
        raise wait
    return None


def _accounts_of(operation: OperationRow, items: Sequence[OperationItemRow]) -> list[UUID]:
    known = dict.fromkeys(item.account_id for item in items if item.account_id is not None)
    return list(known) or [UUID(hex=one) for one in operation.options.get("account_ids", ())]


async def _find_ids(
    context: Context, merchant_id: UUID, account_id: UUID, wanted: Sequence[str], numbers: Collection[str]
) -> dict[str, str]:
    """External id → what was asked for. At most channels an order's number is its id."""

    async def find(connector: Connector, door: ShopAccess) -> Mapping[str, str] | None:
        asked = [one for one in wanted if one in numbers]
        return await connector.find_orders(door, asked) if isinstance(connector, FindsOrders) and asked else None

    found = await access.call(context, merchant_id, account_id, find)
    if found is None:
        return {one: one for one in wanted}
    return {found[one] if one in numbers else one: one for one in wanted if one not in numbers or one in found}


async def _read_items(
    context: Context,
    merchant_id: UUID,
    operation: OperationRow,
    account_id: UUID,
    left: Mapping[str, UUID],
    ids: Mapping[str, str],
) -> set[str]:
    """Read what this account has of them, settle those items; answers which of `left` were found."""

    async def settle(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        if operation.kind == "import":
            outcomes = service.outcomes_of(read)
            await service.note_outcomes(session, merchant_id, operation.id, account_id, outcomes)
        places = await reading.locate(session, merchant_id, list(read.ingested.ids.values()))
        for external_id, order_id in read.ingested.ids.items():
            item = await operations.settle_item(session, merchant_id, left[ids[external_id]], "succeeded")
            item.order_id, item.account_id = order_id, account_id
            item.shop_id, item.channel = places[order_id].shop_id, places[order_id].channel
        for external_id, reason in read.unreadable.items():
            await _fail_item(session, merchant_id, operation, left[ids[external_id]], account_id, reason)

    read = await reading.read_orders(context, merchant_id, account_id, list(ids), priority="user", then=settle)
    again = await reading.read_orders(context, merchant_id, account_id, read.missing, priority="user", then=settle)
    return {ids[external_id] for external_id in ids.keys() - set(again.missing)}


async def _skip_items(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, items: Sequence[OperationItemRow]
) -> None:
    """A read leaves nothing half done: those that were begun are given up as well."""
    for item in items:
        await operations.settle_item(session, merchant_id, item.id, "skipped", "operation_cancelled")
    await refreshing.end_chunk(session, merchant_id, operation_id)


async def _fail_items(
    session: AsyncSession,
    merchant_id: UUID,
    operation: OperationRow,
    left: Mapping[str, UUID],
    kept: Mapping[str, tuple[UUID, str]],
) -> None:
    """Nobody answered for these. `kept`: account and reason of those that could not be read before; they exist."""
    for one in [one for one in left if one in kept and operation.kind == "import"]:
        await service.note_outcomes(session, merchant_id, operation.id, kept[one][0], {one: "failed"})
    for one, item_id in left.items():
        if one in kept:
            await _fail_item(session, merchant_id, operation, item_id, *kept[one])
        else:
            item = await operations.settle_item(session, merchant_id, item_id, "failed", "not_found")
            await _record_failure(session, merchant_id, operation, item)


async def _fail_item(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, item_id: UUID, account_id: UUID, reason: str
) -> None:
    """The order is there and cannot be read; it may be tried again."""
    item = await operations.settle_item(
        session, merchant_id, item_id, "failed", "imported_failed", retryable=True, text_params={"reason": reason}
    )
    item.account_id = account_id
    await _record_failure(session, merchant_id, operation, item)


async def _record_failure(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, item: OperationItemRow
) -> None:
    """An order that is here has it in its history: who wanted it read in vain."""
    if item.order_id is None:
        return
    failure = events.ReadFailure(code=str(item.code))
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        await journal.record(session, merchant_id, events.SYNC_FAILED(item.order_id, after=failure))
