"""Is every order here? Day by day, the ids the channel lists against ours; what is missing is read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import Rejected, Unauthorized
from app.core import clock
from app.core.context import acting_as
from app.core.errors import NotFound
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.service import Opened
from app.orders import reading
from app.shops import service as shops
from app.sync import repository
from app.sync.repository import DayCheck
from app.sync.sweeping import list_window
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

KIND = "completeness"
CHECK, DAILY = "sync.check_completeness", "sync.completeness"
DAYS = 15
_EVERY_DAY = timedelta(days=1)


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
    """An operation that compares the shop's account now, one however often it is asked for. Raises NotFound."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    shop = await shops.get_shop(session, merchant_id, shop_id)
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
    operation, _ = await context.database.transact(operations.start_chunk, merchant_id, operation_id, 0)
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        is_done = True
        try:
            await _check(context, merchant_id, UUID(hex=account_hex))
        except (Rejected, NotFound):
            is_done = False
        await context.database.transact(_end, merchant_id, operation_id, is_done)
    return None


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
        await _check(context, merchant_id, account_id)
    except NotFound:
        return None
    except (Rejected, Unauthorized) as error:
        log.warning("completeness_not_checked", account_id=str(account_id), channel_code=error.code)
    return _EVERY_DAY


async def _check(context: Context, merchant_id: UUID, account_id: UUID) -> None:
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
        ids = listed.external_ids
        here = await context.database.transact(repository.list_here, merchant_id, account_id, ids)
        missing = [one for one in ids if one not in here.stored and one not in here.failed]
        if missing:
            log.warning("orders_missing", account_id=str(account_id), day=str(day), count=len(missing))
            await reading.read_orders(
                context, merchant_id, account_id, missing, priority="background", told=listed.told
            )
        after = await context.database.transact(repository.list_here, merchant_id, account_id, ids)
        check = DayCheck(
            day=day,
            at_channel=len(ids),
            here=len(after.stored),
            healed=len(after.stored) - len(here.stored),
            failed=len(after.failed),
            missing=[one for one in ids if one not in after.stored and one not in after.failed],
        )
        await context.database.transact(_store, merchant_id, account_id, check)


async def _store(session: AsyncSession, merchant_id: UUID, account_id: UUID, check: DayCheck) -> None:
    await repository.put_day(session, merchant_id, account_id, check)


async def _plan(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> _Plan:
    zones = [shop.timezone for shop in await shops.list_shops(session, merchant_id) if shop.account_id == account_id]
    zone = ZoneInfo(zones[0] if zones else "Asia/Jakarta")
    now = await clock.now(session)
    return _Plan(zone, now.astimezone(zone).date(), now)


async def read_days(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> Sequence[DayCheck]:
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
