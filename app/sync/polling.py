"""Each account is asked for changed orders every minute, whether or not pushes arrive."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import ChannelError, Throttled
from app.core import clock, fail
from app.core.errors import NotFound
from app.operations.idempotency import Idempotency
from app.orders import reading
from app.orders.reading import OrdersRead
from app.shops import service as shops
from app.shops.models import AccountRow
from app.sync import completeness, ranges, service
from app.sync.sweeping import Listed, list_window
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

OVERLAP = timedelta(minutes=10)
_FIRST_LOOK_BACK = timedelta(days=1)
_UNANSWERED = "The channel lists this order but does not answer for it."
_Turn = Literal["gone", "paused", "ready"]


async def poll_account(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.poll`, for ever again. A failed poll leaves the checkpoint alone and is repeated whole."""
    account_id, merchant_id = UUID(claimed.ref), claimed.merchant_id
    again_in = timedelta(seconds=context.settings.poll_seconds)
    turn, account, now = await context.database.transact(_begin, merchant_id, account_id)
    if turn == "gone" or account is None:
        return None
    if turn == "paused":
        return again_in
    try:
        await _catch_up(context, merchant_id, account, now)
    except ChannelError as error:
        log.warning("poll_failed", account_id=str(account_id), reason=type(error).__name__, channel_code=error.code)
        reason = f"{type(error).__name__}: {error.code}".rstrip(": ")
        await context.database.transact(shops.record_account_error, merchant_id, account_id, reason)
        if isinstance(error, Throttled) and error.retry_after is not None:
            again_in = max(again_in, timedelta(seconds=error.retry_after))
    return again_in


async def _begin(
    session: AsyncSession, merchant_id: UUID, account_id: UUID
) -> tuple[_Turn, AccountRow | None, datetime]:
    now = await clock.now(session)
    try:
        account = await shops.get_account(session, merchant_id, account_id)
    except NotFound:
        return "gone", None, now
    if not account.is_active:
        return "gone", account, now
    is_paused = await shops.is_account_paused(session, merchant_id, account_id)
    return ("paused" if is_paused else "ready"), account, now


async def _catch_up(context: Context, merchant_id: UUID, account: AccountRow, now: datetime) -> None:
    """Read from the checkpoint to now, after an outage in several windows; each whole one moves the checkpoint."""
    since = (account.checkpoint_at or now - _FIRST_LOOK_BACK) - OVERLAP
    longest = context.connectors[account.channel].facts.window
    for begin, end in ranges.cut(since, now, longest):
        listed = await list_window(
            context,
            merchant_id,
            account.id,
            by="updated",
            since=begin,
            until=end,
            priority="background",
            is_only_look=False,
        )
        # The window ends by the channel's clock: what it stamps later belongs to the next one.
        await _read_window(context, merchant_id, account.id, listed, min(end, listed.channel_now))


async def _read_window(
    context: Context, merchant_id: UUID, account_id: UUID, listed: Listed, checkpoint_at: datetime
) -> None:
    """Store every listed order; the checkpoint commits with the last batch."""
    left = set(listed.external_ids)

    async def note(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        left.difference_update(read.ingested.ids, read.unreadable)
        if not left:
            await _finish(session, merchant_id, account_id, checkpoint_at, ())

    missing, told = listed.external_ids, listed.told
    for _ in range(2):
        if not missing:
            break
        read = await reading.read_orders(
            context, merchant_id, account_id, missing, priority="background", then=note, told=told
        )
        missing, told = list(read.missing), ()
    if left or not listed.external_ids:
        await context.database.transact(_finish, merchant_id, account_id, checkpoint_at, tuple(sorted(left)))


async def _finish(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, checkpoint_at: datetime, unanswered: tuple[str, ...]
) -> None:
    """Orders the channel lists but does not answer for are kept as failed, and asked for again soon."""
    failures = [(external_id, _UNANSWERED, b"") for external_id in unanswered]
    await reading.quarantine(session, merchant_id, account_id, failures)
    await reading.request_read(session, merchant_id, account_id, unanswered, due_in=OVERLAP)
    await completeness.ensure_daily(session, merchant_id, account_id)
    fail.point("import.before_checkpoint")
    await shops.record_account_ok(session, merchant_id, account_id, checkpoint_at=checkpoint_at)


async def begin_backfill(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.backfill`: import what changed in the last 15 days at a newly connected account."""
    await context.database.transact(_open_backfill, claimed.merchant_id, context, claimed)
    return None


async def _open_backfill(session: AsyncSession, merchant_id: UUID, context: Context, claimed: Claimed) -> None:
    account = await shops.get_account(session, merchant_id, UUID(claimed.ref))
    now = await clock.now(session)
    longest = context.connectors[account.channel].facts.window
    wishes = [service.WindowWish(account.id, *window) for window in ranges.cut(now - service.FIRST_READ, now, longest)]
    # The key makes one operation of a run that is repeated; a later request is a run of its own.
    key = Idempotency("system", "sync.backfill", f"{claimed.id}:{claimed.wanted}", b"")
    await service.open_windows(session, merchant_id, key, wishes, by="updated", is_first_read=True)
