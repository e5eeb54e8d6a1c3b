"""Is every order here, and as the channel has it? Day by day, its list against ours; what is not is read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import Rejected, Unauthorized
from app.core import clock
from app.core.context import acting_as, caller
from app.core.errors import NotFound
from app.journal import service as journal
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.models import OperationRow
from app.operations.service import Opened
from app.orders import reading
from app.orders.reading import OrdersRead, Then
from app.shops import service as shops
from app.sync import events, repository
from app.sync.errors import ShopPaused
from app.sync.models import CompletenessDayRow
from app.sync.sweeping import Listed, list_window
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

KIND = "completeness"
CHECK, DAILY = "sync.check_completeness", "sync.completeness"
DAYS = 15
_SOURCE = "completeness"
_EVERY_DAY, _WHILE_PAUSED = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The account's clock, and its last days, the oldest first; today as far as it has come."""

    zone: ZoneInfo
    today: date
    now: datetime

    def windows(self) -> list[tuple[date, datetime, datetime]]:
        """Day, begin and end."""
        days = [self.today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        begins = [datetime.combine(day, time.min, self.zone) for day in days]
        ends = [*begins[1:], self.now + timedelta(seconds=1)]
        return [(day, begin, end - timedelta(seconds=1)) for day, begin, end in zip(days, begins, ends, strict=True)]


async def open_check(
    session: AsyncSession, merchant_id: UUID, shop_id: UUID, idempotency: Idempotency, *, open_operations_max: int
) -> Opened:
    """An operation that compares the shop's account now, one however often it is asked for.

    Raises NotFound, ShopPaused.
    """
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    shop = await shops.get_shop(session, merchant_id, shop_id)
    if shop.is_paused:
        raise ShopPaused()
    options = {"account_id": shop.account_id.hex}
    running = await operations.find_running(session, merchant_id, KIND, options)
    if running is not None:
        return await operations.join(session, merchant_id, running, idempotency)
    opened = await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind=KIND,
        job=CHECK,
        options=options,
        items=[],
        open_parts=1,
        open_operations_max=open_operations_max,
    )
    if not opened.replayed:
        ref = f"{opened.operation_id.hex}:{shop.account_id.hex}"
        await work.add(session, merchant_id, CHECK, ref, lane=shop.account_id, priority=work.USER)
        await operations.refresh(session, merchant_id, opened.operation_id)
    return opened


async def run_check(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.check_completeness`, asked for by a person. Raises ChannelError to wait."""
    operation_hex, account_hex = claimed.ref.split(":")
    operation_id, merchant_id = UUID(hex=operation_hex), claimed.merchant_id
    operation = await context.database.transact(_begin, merchant_id, operation_id)
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        is_done = True
        try:
            await _check(context, merchant_id, UUID(hex=account_hex), operation_id)
        except (Rejected, NotFound):
            is_done = False
        await context.database.transact(_end, merchant_id, operation_id, is_done)
    return None


async def _begin(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> OperationRow:
    """A run that is repeated looks at every day again; what an earlier one has mended stays mended."""
    operation, _ = await operations.start_chunk(session, merchant_id, operation_id, 0)
    counts = operation.result.get(_SOURCE, {})
    counts = {"days": 0, "missing": 0, "healed": 0, "refreshed": 0, "failed": 0} | {
        name: counts[name] for name in ("healed", "refreshed") if name in counts
    }
    await operations.add_result(session, merchant_id, operation_id, _SOURCE, counts)
    return operation


async def _end(session: AsyncSession, merchant_id: UUID, operation_id: UUID, is_done: bool) -> None:
    await operations.set_open_parts(session, merchant_id, operation_id, 0, int(not is_done), int(is_done))
    await operations.refresh(session, merchant_id, operation_id)


async def run_daily(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.completeness`, every day again. Raises ChannelError to wait."""
    account_id, merchant_id = UUID(hex=claimed.ref), claimed.merchant_id
    try:
        account = await context.database.transact(shops.get_account, merchant_id, account_id)
        if not account.is_active:
            return None
        if await context.database.transact(shops.is_account_paused, merchant_id, account_id):
            return _WHILE_PAUSED
        await _check(context, merchant_id, account_id)
    except NotFound:
        return None
    except (Rejected, Unauthorized) as error:
        log.warning("completeness_not_checked", account_id=str(account_id), channel_code=error.code)
    return _EVERY_DAY


# --- compare ----------------------------------------------------------------------------------------------------------


async def _check(context: Context, merchant_id: UUID, account_id: UUID, operation_id: UUID | None = None) -> None:
    """Every day for itself, stored at once: a stop loses one day's comparison, no order."""
    plan = await context.database.transact(_plan, merchant_id, account_id)
    for day, since, until in plan.windows():
        listed = await list_window(
            context,
            merchant_id,
            account_id,
            by="created",
            since=since,
            until=until,
            priority="background",
            is_only_look=True,
        )
        await _compare(context, _Day(merchant_id, account_id, operation_id, day), listed)
    await context.database.transact(_tell_health, merchant_id, account_id)


@dataclass(frozen=True, slots=True)
class _Day:
    """What is compared, and for whom."""

    merchant_id: UUID
    account_id: UUID
    operation_id: UUID | None
    day: date


async def _compare(context: Context, this: _Day, listed: Listed) -> None:
    """Read what is missing, and what may be out of date.

    Orders that came whole with the list cost no call: all of those. Of the others only those that are not over here.
    """
    ids, merchant_id = listed.external_ids, this.merchant_id
    here = await context.database.transact(repository.put_day, merchant_id, this.account_id, this.day, ids)
    missing = here.missing(ids)
    if missing:
        log.warning("orders_missing", account_id=str(this.account_id), day=str(this.day), count=len(missing))
    whole = {order.external_id for known in listed.told for order in known.orders.orders}
    doubtful = [one for one in ids if one in here.open or (one in here.stored and one in whole)]
    await reading.read_orders(
        context,
        merchant_id,
        this.account_id,
        [*missing, *doubtful],
        priority="background",
        told=listed.told,
        then=_noting(this),
    )
    await context.database.transact(_end_day, merchant_id, this, ids)


def _noting(this: _Day) -> Then:
    who = caller()  # the orders themselves are stored in the channel's name

    async def note(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        healed, refreshed = read.ingested.new, read.ingested.updated
        if not healed and not refreshed:
            return
        was = dict.fromkeys(healed, "missing") | dict.fromkeys(refreshed, "outdated")
        with acting_as(who, merchant_id=merchant_id):
            entries = [events.HEALED(one, after=events.Healing(source=_SOURCE, was=how)) for one, how in was.items()]
            await journal.record_all(session, merchant_id, entries)
        counts = {"healed": len(healed), "refreshed": len(refreshed)}
        await repository.add_healed(session, merchant_id, this.account_id, this.day, **counts)
        await _count(session, merchant_id, this.operation_id, **counts)

    return note


async def _end_day(session: AsyncSession, merchant_id: UUID, this: _Day, external_ids: Sequence[str]) -> None:
    here = await repository.put_day(session, merchant_id, this.account_id, this.day, external_ids)
    counts = {"days": 1, "missing": len(here.missing(external_ids)), "failed": len(here.failed)}
    await _count(session, merchant_id, this.operation_id, **counts)


async def _count(session: AsyncSession, merchant_id: UUID, operation_id: UUID | None, **more: int) -> None:
    """Add to what the operation tells, if a person asked."""
    if operation_id is None:
        return
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    counts = operation.result[_SOURCE]
    added = {name: counts[name] + count for name, count in more.items()}
    await operations.add_result(session, merchant_id, operation_id, _SOURCE, {**counts, **added})


async def _tell_health(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    days = await repository.list_days(session, merchant_id, account_id, DAYS)
    await shops.record_comparison(
        session,
        merchant_id,
        account_id,
        missing=sum(one.at_channel - one.here - one.failed for one in days),
        healed=sum(one.healed for one in days),
        refreshed=sum(one.refreshed for one in days),
    )


async def _plan(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> _Plan:
    zones = [shop.timezone for shop in await shops.list_shops(session, merchant_id) if shop.account_id == account_id]
    zone = ZoneInfo(zones[0] if zones else "Asia/Jakarta")
    now = await clock.now(session)
    return _Plan(zone, now.astimezone(zone).date(), now)


async def read_days(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> Sequence[CompletenessDayRow]:
    """What the last comparisons of the shop's account found, the newest day first. Raises NotFound."""
    shop = await shops.get_shop(session, merchant_id, shop_id)
    return await repository.list_days(session, merchant_id, shop.account_id)


async def ensure_daily(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    """Have the account compared every day from now on."""
    if await work.find_next_run(session, merchant_id, DAILY, account_id.hex) is None:
        await work.add(
            session,
            merchant_id,
            DAILY,
            account_id.hex,
            lane=account_id,
            priority=work.BACKGROUND,
            due_in=_EVERY_DAY,
        )
