"""The sweeper: a task in every worker that beats, runs periodic duties and numbers the journal.

Expired leases need no sweeping: a lease is the due time moved forward, so the claim loop finds them again by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import ChannelError
from app.core import fail
from app.core.errors import Unavailable
from app.work.context import Context, Duty
from app.worker.registry import load_duties

log = structlog.get_logger()

_PAUSE_SECONDS = 0.25
_DUTY_LEASE = timedelta(seconds=60)
_DUTIES_SECONDS = 5.0
"""After so long the next sweep goes on with what is due."""


async def sweep_forever(context: Context, worker_id: UUID) -> None:
    """Sweep every quarter second until cancelled; a database that is away is waited for."""
    duties = load_duties()
    ticks, is_ready = 0, False
    try:
        while True:
            try:
                if not is_ready:
                    for name, duty in duties.items():
                        await context.database.transact_globally(_ensure_duty, name, duty.every_seconds)
                    is_ready = True
                await sweep_once(context, worker_id, duties, beat=ticks % 8 == 0)
            except Unavailable:
                await asyncio.sleep(1)
            except Exception:  # an outermost loop: the next sweep may do better
                log.exception("sweep_failed")
            ticks += 1
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await asyncio.shield(_say_goodbye(context, worker_id))


async def sweep_once(
    context: Context, worker_id: UUID, duties: Mapping[str, Duty] | None = None, *, beat: bool = True
) -> None:
    """Number the journal and run the duties that are due; each duty runs on one worker at a time."""
    if beat:
        await context.database.transact_globally(_beat, worker_id)
    await context.database.transact_globally(_sequence)
    known = load_duties() if duties is None else duties
    until = asyncio.get_running_loop().time() + _DUTIES_SECONDS
    while (name := await context.database.transact_globally(_claim_duty, list(known))) is not None:
        await _run_duty(context, name, known[name])
        if asyncio.get_running_loop().time() > until:
            return  # those that are due every second must not hold up the heartbeat for ever


async def _run_duty(context: Context, name: str, duty: Duty) -> None:
    """What fails is run again after its lease; what a stop interrupts is anybody's at once."""
    fail.point("sweep.mid")
    try:
        await duty.run(context)
    except asyncio.CancelledError:
        await asyncio.shield(context.database.transact_globally(_release_duty, name))
        raise
    except ChannelError as error:
        log.warning("duty_waits", duty=name, reason=type(error).__name__)
    except Exception:  # an outermost loop: one that always fails must not keep the others from running
        log.exception("duty_failed", duty=name)
    else:
        await context.database.transact_globally(_finish_duty, name)


async def _say_goodbye(context: Context, worker_id: UUID) -> None:
    try:
        await context.database.transact_globally(_forget, worker_id)
    except Unavailable:
        log.warning("heartbeat_left_behind")


async def _beat(session: AsyncSession, worker_id: UUID) -> None:
    await session.execute(text("select beat(:worker)"), {"worker": worker_id})


async def _forget(session: AsyncSession, worker_id: UUID) -> None:
    await session.execute(text("select forget_worker(:worker)"), {"worker": worker_id})


async def _ensure_duty(session: AsyncSession, name: str, seconds: int) -> None:
    await session.execute(text("select ensure_duty(:name, :seconds)"), {"name": name, "seconds": seconds})


async def _sequence(session: AsyncSession) -> None:
    await session.execute(text("select sequence_journal(5000)"))


async def _claim_duty(session: AsyncSession, known: Sequence[str]) -> str | None:
    """Of a newer version's duties nothing is known here: its workers do them."""
    query = text("select claim_duty(:lease, cast(:known as text[]))")
    name: str | None = await session.scalar(query, {"lease": _DUTY_LEASE, "known": known})
    return name


async def _release_duty(session: AsyncSession, name: str) -> None:
    await session.execute(text("select release_duty(:name)"), {"name": name})


async def _finish_duty(session: AsyncSession, name: str) -> None:
    await session.execute(text("select finish_duty(:name)"), {"name": name})
