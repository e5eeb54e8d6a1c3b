"""Imports inside a transaction: open them, note what became of each order, end windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.core import clock
from app.core.errors import NotFound
from app.core.ids import new_id
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.models import OperationRow
from app.operations.service import NewItem, Opened
from app.orders import reading
from app.orders.reading import OrdersRead
from app.shops import service as shops
from app.shops.models import AccountRow, ShopRow
from app.sync import ranges, repository
from app.sync.errors import ChannelWithoutShop, ShopNotConnected, ShopUnknown
from app.sync.models import ImportWindowRow
from app.sync.schemas import ImportOrders
from app.work import service as work

READ_ORDERS = "sync.orders"
READ_WINDOW = "sync.window"
FIRST_READ = timedelta(days=15)
CHUNK = 100
"""Orders in one piece of work. Many pieces of one account would take the calls from each other."""
WINDOW_CHUNKS = 1_000
"""Chunks from here on belong to windows: they hold the orders a window could not read."""
_FORGET_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class WindowWish:
    """One window to read."""

    account_id: UUID
    since: datetime
    until: datetime


# --- open -------------------------------------------------------------------------------------------------------------


async def open_import(
    session: AsyncSession,
    merchant_id: UUID,
    body: ImportOrders,
    idempotency: Idempotency,
    *,
    connectors: Connectors,
    open_operations_max: int | None = None,
) -> Opened:
    """Store the import with all its windows or numbers. Raises Invalid with the field at fault."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    accounts, shop_rows = await _targets(session, merchant_id, body)
    await repository.forget_old_outcomes(session, merchant_id, _FORGET_AFTER)
    if body.order_numbers is not None:
        return await _open_numbers(session, merchant_id, idempotency, accounts, body.order_numbers, open_operations_max)
    now = await clock.now(session)
    wishes = []
    for account in accounts:
        # Storefronts of one account share their time zone as far as ranges go: its first one's.
        timezone = next(shop.timezone for shop in shop_rows if shop.account_id == account.id)
        since, until = ranges.resolve_range(body.from_, body.to, timezone=timezone, now=now)
        longest = connectors[account.channel].facts.window
        wishes += [WindowWish(account.id, *window) for window in ranges.cut(since, until, longest)]
    return await open_windows(
        session, merchant_id, idempotency, wishes, by="created", open_operations_max=open_operations_max
    )


async def open_windows(
    session: AsyncSession,
    merchant_id: UUID,
    idempotency: Idempotency,
    wishes: Sequence[WindowWish],
    *,
    by: str,
    is_first_read: bool = False,
    open_operations_max: int | None = None,
) -> Opened:
    """An import operation of time windows; each is a piece of work of its own."""
    opened = await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind="import",
        job=READ_ORDERS,
        options={},
        items=[],
        open_parts=len(wishes),
        result={"import": _counts({})},
        open_operations_max=open_operations_max,
    )
    if opened.replayed:
        return opened
    for number, wish in enumerate(wishes):
        window = ImportWindowRow(
            merchant_id=merchant_id,
            id=new_id(),
            operation_id=opened.operation_id,
            account_id=wish.account_id,
            chunk=WINDOW_CHUNKS + number,
            by=by,
            since=wish.since,
            until=wish.until,
            is_first_read=is_first_read,
            state="pending",
        )
        await _add_window(session, merchant_id, window)
    await operations.refresh(session, merchant_id, opened.operation_id)
    return opened


async def _add_window(session: AsyncSession, merchant_id: UUID, window: ImportWindowRow) -> None:
    session.add(window)
    # A seller who asks for an import waits for it; nobody waits for the first read of a new shop.
    priority = work.BACKGROUND if window.is_first_read else work.USER
    await work.add(session, merchant_id, READ_WINDOW, window.id.hex, lane=window.account_id, priority=priority)


async def _open_numbers(
    session: AsyncSession,
    merchant_id: UUID,
    idempotency: Idempotency,
    accounts: Sequence[AccountRow],
    numbers: Sequence[str],
    open_operations_max: int | None,
) -> Opened:
    only = accounts[0].id if len(accounts) == 1 else None
    items = [
        NewItem(
            order_id=None,
            order_number=number,
            account_id=only,
            channel=accounts[0].channel,
            chunk=position // CHUNK,
            details={"external_id": number, "is_number": True},
        )
        for position, number in enumerate(dict.fromkeys(numbers))
    ]
    return await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind="import",
        job=READ_ORDERS,
        options={"account_ids": [account.id.hex for account in accounts]},
        items=items,
        result={"import": _counts({})},
        open_operations_max=open_operations_max,
    )


async def open_sync(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    idempotency: Idempotency,
    *,
    open_operations_max: int | None = None,
) -> Opened:
    """Read one order again, as an operation with one item. Raises NotFound."""
    found = (await reading.locate(session, merchant_id, [order_id])).get(order_id)
    if found is None:
        raise NotFound()
    item = NewItem(
        order_id=order_id,
        order_number=found.order_number,
        account_id=found.account_id,
        shop_id=found.shop_id,
        channel=found.channel,
        details={"external_id": found.external_id},
    )
    return await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind="sync",
        job=READ_ORDERS,
        options={},
        items=[item],
        open_operations_max=open_operations_max,
    )


async def _targets(
    session: AsyncSession, merchant_id: UUID, body: ImportOrders
) -> tuple[list[AccountRow], list[ShopRow]]:
    """The accounts and storefronts that are meant, all of them connected."""
    accounts = {account.id: account for account in await shops.list_accounts(session, merchant_id)}
    every = {shop.id: shop for shop in await shops.list_shops(session, merchant_id)}
    if body.channel is not None:
        chosen = [
            shop for shop in every.values() if shop.channel == body.channel and accounts[shop.account_id].is_active
        ]
        if not chosen:
            raise ChannelWithoutShop(pointer="/channel", channel=body.channel[:40])
    else:
        chosen = []
        for position, shop_id in enumerate(body.shop_ids or ()):
            if shop_id not in every:
                raise ShopUnknown(pointer=f"/shop_ids/{position}")
            if not accounts[every[shop_id].account_id].is_active:
                raise ShopNotConnected(pointer=f"/shop_ids/{position}")
            chosen.append(every[shop_id])
    meant = dict.fromkeys(shop.account_id for shop in chosen)
    return [accounts[account_id] for account_id in meant], chosen


# --- note -------------------------------------------------------------------------------------------------------------


def outcomes_of(read: OrdersRead) -> dict[str, str]:
    """What became of each order of a batch, in the words of an import's counts."""
    new, updated = set(read.ingested.new), set(read.ingested.updated)
    found = {
        external_id: "new" if order_id in new else "updated" if order_id in updated else "unchanged"
        for external_id, order_id in read.ingested.ids.items()
    }
    return found | dict.fromkeys(read.unreadable, "failed")


def _counts(outcomes: Mapping[str, int]) -> dict[str, int]:
    parts = {name: outcomes.get(name, 0) for name in ("new", "updated", "unchanged", "failed")}
    return {"found": sum(parts.values()), **parts}


async def note_outcomes(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, account_id: UUID, outcomes: Mapping[str, str]
) -> list[str]:
    """Count these orders, each once however often it is read. Answers those whose outcome is new."""
    first = await repository.put_outcomes(session, merchant_id, operation_id, account_id, outcomes)
    # The operation is locked last, after every order, and before counting: whoever counts last counts everything.
    await operations.lock_operation(session, merchant_id, operation_id)
    counts = _counts(await repository.count_outcomes(session, merchant_id, operation_id))
    await operations.add_result(session, merchant_id, operation_id, "import", counts)
    return first


async def note_window_batch(
    session: AsyncSession, merchant_id: UUID, window: ImportWindowRow, read: OrdersRead, failures: Mapping[str, str]
) -> None:
    """Count a batch of a window; orders that could not be read become failed items, to be tried again by hand."""
    outcomes = outcomes_of(read) | dict.fromkeys(failures, "failed")
    first = await note_outcomes(session, merchant_id, window.operation_id, window.account_id, outcomes)
    account = await shops.get_account(session, merchant_id, window.account_id)
    await operations.add_items(
        session,
        merchant_id,
        window.operation_id,
        [
            NewItem(
                order_id=None,
                order_number=external_id,
                account_id=window.account_id,
                channel=account.channel,
                chunk=window.chunk,
                state="failed",
                code="imported_failed",
                retryable=True,
                text_params={"reason": failures[external_id]},
                details={"external_id": external_id},
            )
            for external_id in first
            if external_id in failures
        ],
    )


async def begin_window(
    session: AsyncSession, merchant_id: UUID, window_id: UUID
) -> tuple[ImportWindowRow, OperationRow] | None:
    """The window if it is still to be read. One whose import was cancelled ends here."""
    window = await repository.find_window(session, merchant_id, window_id)
    if window is None or window.state != "pending":
        return None
    operation, _ = await operations.start_chunk(session, merchant_id, window.operation_id, window.chunk)
    if operation.cancel_requested_at is not None:
        await end_window(session, merchant_id, window_id, "cancelled", "operation_cancelled")
        return None
    return window, operation


async def end_window(
    session: AsyncSession, merchant_id: UUID, window_id: UUID, state: str, code: str | None = None
) -> None:
    """Close the window; the last one ends the operation."""
    window = await repository.find_window(session, merchant_id, window_id)
    assert window is not None, "windows are never deleted while their operation runs"
    await operations.lock_operation(session, merchant_id, window.operation_id)
    if window.state == "pending":
        window.state, window.code = state, code
        if state == "succeeded" and window.is_first_read:
            await shops.record_account_ok(session, merchant_id, window.account_id, complete_since=window.since)
    states = [one.state for one in await repository.list_windows(session, merchant_id, window.operation_id)]
    await operations.set_open_parts(
        session,
        merchant_id,
        window.operation_id,
        states.count("pending"),
        states.count("failed"),
        states.count("succeeded"),
    )
    await operations.refresh(session, merchant_id, window.operation_id)
