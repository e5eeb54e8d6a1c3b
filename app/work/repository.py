"""Every query of durable work."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def upsert(
    session: AsyncSession,
    merchant_id: UUID,
    kind: str,
    wanted: Sequence[tuple[UUID, str, UUID | None]],
    *,
    priority: int,
    due_in: timedelta,
) -> list[tuple[UUID, int]]:
    """Keep work of one kind: id (of what is new), ref and lane of each. Refs are unlike, and in order.

    Its id and a number that no earlier wake-up of it carried, of each.
    """
    rows = await session.execute(
        text(
            "insert into work as w (merchant_id, id, kind, ref, lane, priority, due_at)"
            " select :merchant_id, one.id, :kind, one.ref, one.lane, :priority, app_now() + :due_in"
            " from unnest(cast(:ids as uuid[]), cast(:refs as text[]), cast(:lanes as uuid[])) as one (id, ref, lane)"
            " on conflict (merchant_id, kind, ref) do update set wanted = w.wanted + 1, dispatch_no ="
            " w.dispatch_no + 1,"
            " is_dead = false, attempts = case when w.is_dead then 0 else w.attempts end,"
            " priority = least(w.priority, excluded.priority),"
            " due_at = case when w.is_leased and w.due_at > app_now() then w.due_at"
            " else least(coalesce(w.due_at, excluded.due_at), excluded.due_at) end"
            " returning w.id, w.dispatch_no"
        ),
        {
            "merchant_id": merchant_id,
            "kind": kind,
            "ids": [work_id for work_id, _, _ in wanted],
            "refs": [ref for _, ref, _ in wanted],
            "lanes": [lane for _, _, lane in wanted],
            "priority": priority,
            "due_in": due_in,
        },
    )
    return [(row.id, row.dispatch_no) for row in rows]


async def finish(
    session: AsyncSession,
    merchant_id: UUID,
    work_id: UUID,
    fence: int,
    seen: int,
    *,
    again_in: timedelta | None,
    error: str | None,
    attempts: int,
) -> bool:
    """Close the run that saw `seen` triggers; due at once when more came meanwhile. False when the fence was raised."""
    result = await session.execute(
        text(
            "update work set is_leased = false, last_error = cast(:error as text), attempts = :attempts,"
            " is_dead = is_dead and cast(:error as text) is not null,"
            " done = case when cast(:again_in as interval) is null then :seen else done end,"
            " due_at = case when wanted > :seen then app_now()"
            " when cast(:again_in as interval) is not null then app_now() + cast(:again_in as interval) end"
            " where merchant_id = :merchant_id and id = :id and fence = :fence returning 1"
        ),
        {
            "merchant_id": merchant_id,
            "id": work_id,
            "fence": fence,
            "seen": seen,
            "again_in": again_in,
            "error": error,
            "attempts": attempts,
        },
    )
    return result.first() is not None


async def bury(
    session: AsyncSession, merchant_id: UUID, work_id: UUID, fence: int, error: str, again_in: timedelta
) -> bool:
    """Mark as dead, to be tried again much later. False when the fence was raised."""
    result = await session.execute(
        text(
            "update work set is_leased = false, is_dead = true, due_at = app_now() + :again_in, last_error = :error"
            " where merchant_id = :merchant_id and id = :id and fence = :fence returning 1"
        ),
        {"merchant_id": merchant_id, "id": work_id, "fence": fence, "error": error, "again_in": again_in},
    )
    return result.first() is not None


async def keep(session: AsyncSession, merchant_id: UUID, work_id: UUID, fence: int, lease: timedelta) -> bool:
    """Move the end of the lease. False when the fence was raised."""
    result = await session.execute(
        text(
            "update work set due_at = app_now() + :lease"
            " where merchant_id = :merchant_id and id = :id and fence = :fence and is_leased returning 1"
        ),
        {"merchant_id": merchant_id, "id": work_id, "fence": fence, "lease": lease},
    )
    return result.first() is not None


async def hasten(session: AsyncSession, merchant_id: UUID, lane: UUID) -> list[tuple[UUID, int]]:
    """Make what waits in a lane due now; ids and fresh wake-up numbers."""
    rows = await session.execute(
        text(
            "update work set due_at = app_now(), dispatch_no = dispatch_no + 1"
            " where merchant_id = :merchant_id and lane = :lane and not is_leased and due_at > app_now()"
            " returning id, dispatch_no"
        ),
        {"merchant_id": merchant_id, "lane": lane},
    )
    return [(row.id, row.dispatch_no) for row in rows]


async def find_due_at(session: AsyncSession, merchant_id: UUID, kind: str, ref: str) -> datetime | None:
    """When `(kind, ref)` runs next (or until when it is leased); None when nothing is due."""
    due_at: datetime | None = await session.scalar(
        text("select due_at from work where merchant_id = :merchant_id and kind = :kind and ref = :ref"),
        {"merchant_id": merchant_id, "kind": kind, "ref": ref},
    )
    return due_at
