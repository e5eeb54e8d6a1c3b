"""Read again the orders that somebody asked for: after a push, after an effect of ours."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.orders import reading
from app.orders.reading import OrdersRead
from app.orders.storing import DueRead
from app.shops.access import Priority
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

_MOST = 50
_MOST_ROUNDS = 20


async def read_requested(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `sync.read`: everything of one account that is due. Raises ChannelError to wait."""
    account_id, merchant_id = UUID(claimed.ref), claimed.merchant_id
    wait: timedelta | None = None
    for _ in range(_MOST_ROUNDS):
        due, started_at = await context.database.transact(_list_due, merchant_id, account_id)
        if due:
            await _read(context, merchant_id, account_id, due, started_at)
        wait = await context.database.transact(reading.find_next_read, merchant_id, account_id)
        if wait is None or wait > timedelta(0):
            return wait
    return wait


async def _read(
    context: Context, merchant_id: UUID, account_id: UUID, due: list[DueRead], started_at: datetime
) -> None:
    """A wish is fulfilled in the transaction that stores its order: an error later on costs no order twice."""
    answered: set[str] = set()

    async def note(session: AsyncSession, merchant_id: UUID, read: OrdersRead) -> None:
        told = read.ingested.ids.keys() | read.unreadable.keys()
        answered.update(told)
        await reading.finish_reads(
            session, merchant_id, account_id, [one for one in due if one.external_id in told], started_at=started_at
        )

    priority: Priority = "user" if due[0].priority == work.USER else "background"
    wanted = [one.external_id for one in due]
    await reading.read_orders(context, merchant_id, account_id, wanted, priority=priority, then=note)
    absent = [one for one in due if one.external_id not in answered]
    await context.database.transact(reading.finish_absent, merchant_id, account_id, absent, started_at=started_at)


async def _list_due(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> tuple[list[DueRead], datetime]:
    """What to read in the next call: never a user's wish together with background ones."""
    due = await reading.list_due_reads(session, merchant_id, account_id, _MOST)
    return [one for one in due if one.priority == due[0].priority], await clock.now(session)
