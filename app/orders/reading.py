"""Read orders at their channel and store them. One that cannot be read is kept with its reason and stops no other."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels import references
from app.channels.contract import ChannelOrder, Connector, MarksDelivery, OrdersReading
from app.core import clock, fail
from app.core.context import Caller, acting_as, caller
from app.orders import storing, wording
from app.orders.ingesting import Ingested, ingest
from app.orders.storing import DueRead
from app.shops import access
from app.shops import service as shops
from app.shops.access import Priority
from app.shops.models import AccountRow
from app.work import service as work
from app.work.context import Context


@dataclass(frozen=True, slots=True)
class OrdersRead:
    """What became of the orders that were asked for; each is in exactly one of the three."""

    ingested: Ingested = field(default_factory=Ingested)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Id → reason."""
    missing: tuple[str, ...] = ()
    """The channel answered nothing for these."""

    def __add__(self, other: "OrdersRead") -> "OrdersRead":
        return OrdersRead(
            self.ingested + other.ingested, self.unreadable | other.unreadable, self.missing + other.missing
        )


@dataclass(frozen=True, slots=True)
class TimedReading:
    """What a channel told about orders, and the application time at which that read began."""

    orders: OrdersReading
    started_at: datetime


_ABSENCE_PAUSES = (timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=60), timedelta(minutes=10))
"""Before an order that the channel does not know yet is read again."""

Then = Callable[[AsyncSession, UUID, OrdersRead], Awaitable[None]]
"""Runs in the transaction that stores a batch, and commits with it."""


async def read_orders(
    context: Context,
    merchant_id: UUID,
    account_id: UUID,
    external_ids: Sequence[str],
    *,
    priority: Priority,
    then: Then | None = None,
    told: Sequence[TimedReading] = (),
) -> OrdersRead:
    """Read these orders in the channel's batches; each is stored before the next is asked for. Raises ChannelError.

    What was read before the error stays stored, and `then` was told of it.
    No transaction may be open. What cannot be read goes to the quarantine and leaves it when a later read succeeds.
    `told`: what a list has just told of orders; those are not asked for again.
    """
    wanted = list(dict.fromkeys(external_ids))
    account = await context.database.transact(shops.get_account, merchant_id, account_id)
    size = context.connectors[account.channel].facts.detail_batch
    total = OrdersRead()
    for known in told:
        mine = {one.external_id for part in (known.orders.orders, known.orders.unreadable) for one in part}
        asked = [external_id for external_id in wanted if external_id in mine]
        if asked:
            total += await _store_batch(context, merchant_id, account, asked, known, then)
            wanted = [external_id for external_id in wanted if external_id not in mine]
    for start in range(0, len(wanted), size):
        batch = wanted[start : start + size]
        total += await _read_batch(context, merchant_id, account, batch, priority, then)
    return total


async def _read_batch(
    context: Context,
    merchant_id: UUID,
    account: AccountRow,
    batch: list[str],
    priority: Priority,
    then: Then | None,
) -> OrdersRead:
    started_at = await context.database.transact(read_clock, merchant_id)
    with references.hearing():
        reading = await access.call(
            context,
            merchant_id,
            account.id,
            lambda connector, door: connector.get_orders(door, batch),
            priority=priority,
        )
        stored = await _store_batch(context, merchant_id, account, batch, TimedReading(reading, started_at), then)
    if reading.stopped_by is not None:
        raise reading.stopped_by
    return stored


async def _store_batch(
    context: Context,
    merchant_id: UUID,
    account: AccountRow,
    asked: Sequence[str],
    told: TimedReading,
    then: Then | None,
) -> OrdersRead:
    connector = context.connectors[account.channel]
    titles = {name: one.facts.title for name, one in context.connectors.items()}
    channel = Caller(type="channel", name=connector.facts.title, request_id=caller().request_id)
    with acting_as(channel, merchant_id=merchant_id):
        return await context.database.transact(
            _store, merchant_id, account, connector, asked, told.orders, told.started_at, then, titles
        )


async def request_read(
    session: AsyncSession,
    merchant_id: UUID,
    account_id: UUID,
    external_ids: Iterable[str],
    *,
    due_in: timedelta = timedelta(0),
    priority: int = work.BACKGROUND,
) -> None:
    """Ask for a read that begins in `due_in` or later. Doubles coalesce; a request during a read causes another."""
    wanted = list(external_ids)
    if wanted:
        await storing.put_requests(session, merchant_id, account_id, wanted, due_in=due_in, priority=priority)
        await work.add(
            session, merchant_id, "sync.read", str(account_id), lane=account_id, priority=priority, due_in=due_in
        )


async def list_due_reads(session: AsyncSession, merchant_id: UUID, account_id: UUID, most: int) -> list[DueRead]:
    """What is to be read now, users' wishes first. Nothing of a shop that is disconnected: those wishes are dropped.

    Of a paused one only what users wish for: the others wait until it resumes.
    """
    account = await shops.get_account(session, merchant_id, account_id)
    if not account.is_active:
        await storing.delete_requests(session, merchant_id, account_id)
    lowest = await _lowest_priority(session, merchant_id, account_id)
    return await storing.list_due_requests(session, merchant_id, account_id, most, lowest=lowest)


async def finish_reads(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, reads: Sequence[DueRead], *, started_at: datetime
) -> None:
    """These were read, by calls that began at `started_at` or later."""
    await storing.finish_requests(session, merchant_id, account_id, reads, started_at=started_at)


async def finish_absent(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, reads: Sequence[DueRead], *, started_at: datetime
) -> None:
    """The channel knew nothing of these. Its reads may lag behind its pushes; an order that never comes is given up."""
    again = {one: _ABSENCE_PAUSES[one.absences] for one in reads if one.absences < len(_ABSENCE_PAUSES)}
    if again:
        await storing.postpone_requests(session, merchant_id, account_id, again)
    given_up = [one for one in reads if one not in again]
    if given_up:
        await storing.finish_requests(session, merchant_id, account_id, given_up, started_at=started_at)


async def find_next_read(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> timedelta | None:
    """The time until the next read is due (zero or less: now).

    None when nothing waits, or only for the end of a pause: that asks for a run of its own.
    """
    lowest = await _lowest_priority(session, merchant_id, account_id)
    return await storing.find_next_request(session, merchant_id, account_id, lowest=lowest)


async def _lowest_priority(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> int:
    is_paused = await shops.is_account_paused(session, merchant_id, account_id)
    return work.USER if is_paused else work.BACKGROUND


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an order is to be read."""

    account_id: UUID
    shop_id: UUID
    channel: str
    external_id: str
    order_number: str


async def locate(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, Whereabouts]:
    """By order; those that are unknown are left out."""
    return {
        stored.id: Whereabouts(*(stored.row[field.name] for field in fields(Whereabouts)))
        for stored in await storing.load(session, merchant_id, order_ids)
    }


async def quarantine(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, failures: Sequence[tuple[str, str, bytes]]
) -> None:
    """Keep orders (id, reason, raw) that could not be read."""
    cleaned = [(wording.clean(one, 200), wording.clean(reason, 1_000), raw) for one, reason, raw in failures]
    await storing.put_failures(session, merchant_id, account_id, cleaned)


async def read_clock(session: AsyncSession, merchant_id: UUID) -> datetime:
    """When a read begins, in application time."""
    return await clock.now(session)


async def _store(
    session: AsyncSession,
    merchant_id: UUID,
    account: AccountRow,
    connector: Connector,
    asked: Sequence[str],
    reading: OrdersReading,
    started_at: datetime,
    then: Then | None,
    titles: Mapping[str, str],
) -> OrdersRead:
    good: list[ChannelOrder] = []
    failures = [(one.external_id, one.reason, one.raw) for one in reading.unreadable if one.external_id in asked]
    for order in reading.orders:
        if order.external_id not in asked:
            continue  # nobody asked, so nobody would count it
        fault = wording.find_fault(order)
        if fault is None:
            good.append(order)
        else:
            failures.append((order.external_id, fault, repr(order).encode("utf-8", "backslashreplace")))
    ingested = await ingest(
        session,
        merchant_id,
        account,
        good,
        read_started_at=started_at,
        cancellation_response=connector.facts.cancellation_response,
        is_own_courier=isinstance(connector, MarksDelivery),
        titles=titles,
    )
    await storing.delete_failures(session, merchant_id, account.id, list(ingested.ids))
    await quarantine(session, merchant_id, account.id, failures)
    missing = tuple(one for one in reading.missing if one in asked)
    result = OrdersRead(ingested, {external_id: reason for external_id, reason, _ in failures}, missing)
    if then is not None:
        await then(session, merchant_id, result)
    fail.point("import.page")
    return result
