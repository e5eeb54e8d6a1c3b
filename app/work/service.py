"""Durable work inside a transaction: add, finish, keep. Claiming across merchants is in repository.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.work import repository

USER = 0
BACKGROUND = 5
MOST_WAITS = 6
"""Waits are counted up to here, as far as the pause after them grows."""
DEAD_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A piece of work that is ours until its lease ends, as long as nobody raises the fence."""

    merchant_id: UUID
    id: UUID
    kind: str
    ref: str
    fence: int
    wanted: int
    attempts: int


async def add(
    session: AsyncSession,
    merchant_id: UUID,
    kind: str,
    ref: str,
    *,
    lane: UUID | None = None,
    priority: int = USER,
    due_in: timedelta = timedelta(0),
) -> None:
    """Ask for one (more) run of `(kind, ref)`. A request during a run causes another run after it.

    `lane` is the account whose channel the work waits on. Workers are woken after the commit.
    """
    await add_many(session, merchant_id, kind, {ref: lane}, priority=priority, due_in=due_in)


async def add_many(
    session: AsyncSession,
    merchant_id: UUID,
    kind: str,
    wanted: Mapping[str, UUID | None],
    *,
    priority: int = USER,
    due_in: timedelta = timedelta(0),
) -> None:
    """Ask for one (more) run of each `kind` and ref, on its lane."""
    if not wanted:
        return
    # In one order, so that two who ask for the same never wait for each other.
    rows = [(new_id(), ref, wanted[ref]) for ref in sorted(wanted)]
    asked = await repository.upsert(session, merchant_id, kind, rows, priority=priority, due_in=due_in)
    if due_in <= timedelta(0):
        session.info.setdefault("wakes", []).extend(asked)


async def finish(
    session: AsyncSession,
    merchant_id: UUID,
    claimed: Claimed,
    *,
    again_in: timedelta | None = None,
    error: str | None = None,
    is_waiting: bool = False,
) -> bool:
    """End this run; `again_in` makes it due again. False when the lease was lost: then nothing was written.

    `is_waiting`: the error is not the work's own, so it never makes it poisonous, however often it comes.
    """
    attempts = 0 if error is None else claimed.attempts
    return await repository.finish(
        session,
        merchant_id,
        claimed.id,
        claimed.fence,
        claimed.wanted,
        again_in=again_in,
        error=error,
        attempts=min(attempts, MOST_WAITS) if is_waiting else attempts,
    )


async def bury(session: AsyncSession, merchant_id: UUID, claimed: Claimed, error: str) -> bool:
    """Poisoned work stays visible as dead. It is tried now and then: a newer version may be able to do it."""
    return await repository.bury(session, merchant_id, claimed.id, claimed.fence, error, DEAD_PAUSE)


async def keep(session: AsyncSession, merchant_id: UUID, claimed: Claimed, lease: timedelta) -> bool:
    """Renew the lease. False when it was lost: stop and write nothing."""
    return await repository.keep(session, merchant_id, claimed.id, claimed.fence, lease)


async def hasten(session: AsyncSession, merchant_id: UUID, lane: UUID) -> None:
    """What waits for this account need not wait any longer (it can be reached again)."""
    session.info.setdefault("wakes", []).extend(await repository.hasten(session, merchant_id, lane))


async def find_next_run(session: AsyncSession, merchant_id: UUID, kind: str, ref: str) -> datetime | None:
    """When `(kind, ref)` is due next; None when it is not."""
    return await repository.find_due_at(session, merchant_id, kind, ref)
