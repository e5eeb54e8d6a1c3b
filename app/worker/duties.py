"""Duties that belong to no domain: number the journal, fold the counts, throw away what has expired."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.work.context import Context, Duty


async def _call(session: AsyncSession, function: str) -> None:
    await session.execute(text(f"select {function}"))  # a constant of this module


async def _fold_counts(context: Context) -> None:
    await context.database.transact_globally(_call, "fold_order_counts()")


async def _purge(context: Context) -> None:
    await context.database.transact_globally(_call, "purge_finished_work()")
    await context.database.transact_globally(_call, "purge_expired()")


DUTIES = {
    "worker.fold_counts": Duty(every_seconds=1, run=_fold_counts),
    "worker.purge": Duty(every_seconds=3600, run=_purge),
}
