"""The intent ledger: one effect per intent. Every move is a compare-and-set inside the caller's transaction.

planned → sent (committed before the first byte) → confirmed ∣ rejected ∣ unknown. `unknown` is resolved by reading the
channel only; two `absent` readings, the later after the settle window, allow one resend, or prove a refusal.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.fulfilment.models import AttemptRow, IntentRow

OPEN = frozenset({"planned", "sent", "unknown"})
NOT_SENT = frozenset({"planned"})
ANSWERED = frozenset({"sent", "unknown"})
UNKNOWN = frozenset({"unknown"})
MAX_RESENDS = 1
_READ_AFTER = (5, 15, 30, 60, 120, 300, 600)
"""Seconds between readings of an unknown effect."""
_PATIENT_AFTER = 20
"""After so many readings that proved nothing it is read hourly."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What an intent belongs to, read without locking it."""

    item_id: UUID
    order_id: UUID


@dataclass(frozen=True, slots=True)
class Target:
    """What an intent acts on."""

    account_id: UUID
    order_id: UUID
    kind: str
    target: UUID


Verdict = Literal["mine", "busy", "done"]


def digest(params: dict[str, Any]) -> bytes:
    """Equal for equal parameters."""
    return hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).digest()


async def find_latest(session: AsyncSession, merchant_id: UUID, kind: str, target: UUID) -> IntentRow | None:
    """The newest generation of this effect, locked."""
    query = (
        select(IntentRow)
        .where(IntentRow.merchant_id == merchant_id, IntentRow.kind == kind, IntentRow.target == target)
        .order_by(IntentRow.generation.desc())
        .limit(1)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def plan(
    session: AsyncSession, merchant_id: UUID, target: Target, item_id: UUID, params: dict[str, Any], *, was_undone: bool
) -> tuple[Verdict, IntentRow]:
    """Record the wish. `mine`: go on with it; `busy`: another request has it in hand; `done`: it took effect before.

    `was_undone`: a read shows that the channel took a confirmed effect back, so the effect may happen once more.
    """
    latest = await find_latest(session, merchant_id, target.kind, target.target)
    if latest is None:
        return await _insert(session, merchant_id, target, item_id, params, generation=1)
    if latest.state in OPEN:
        return ("mine" if latest.item_id == item_id else "busy"), latest
    if latest.state == "confirmed":
        assert latest.settle_until is not None, "what took effect was sent"
        # Inside the window a read that shows the older state only lags, however new it looks.
        if was_undone and await clock.now(session) >= latest.settle_until:
            return await _insert(session, merchant_id, target, item_id, params, generation=latest.generation + 1)
        return "done", latest
    session.add(
        AttemptRow(
            merchant_id=merchant_id,
            intent_id=latest.id,
            attempt=latest.attempt,
            params=latest.params,
            state=latest.state,
            outcome=latest.outcome,
            sent_at=latest.sent_at,
            ended_at=await clock.now(session),
        )
    )
    latest.state = "planned"
    latest.params = params
    latest.params_hash = digest(params)
    latest.item_id = item_id
    latest.attempt += 1
    latest.outcome = {}
    latest.reads = latest.absent_reads = latest.resends = 0
    latest.next_check_at = None
    return "mine", latest


async def _insert(
    session: AsyncSession, merchant_id: UUID, target: Target, item_id: UUID, params: dict[str, Any], *, generation: int
) -> tuple[Verdict, IntentRow]:
    """Two requests at once: the unique key lets one in, the other sees it and is `busy`."""
    await session.execute(
        insert(IntentRow)
        .values(
            merchant_id=merchant_id,
            id=new_id(),
            account_id=target.account_id,
            order_id=target.order_id,
            kind=target.kind,
            target=target.target,
            generation=generation,
            params=params,
            params_hash=digest(params),
            state="planned",
            item_id=item_id,
            created_at=await clock.now(session),
        )
        .on_conflict_do_nothing()
    )
    latest = await find_latest(session, merchant_id, target.kind, target.target)
    assert latest is not None
    return ("mine" if latest.item_id == item_id else "busy"), latest


async def mark_sent(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    item_id: UUID,
    params: dict[str, Any],
    settle: timedelta,
    lease: timedelta,
) -> int | None:
    """`planned → sent`. Commit this before the first byte. Answers the fence.

    None when the intent moved meanwhile, be it only to another item, whose wish may be another one.
    """
    row = (
        await session.execute(
            text(
                "update effect_intents set state = 'sent', fence = fence + 1, attempt = attempt + 1, call_id ="
                " :call_id,"
                " params = cast(:params as jsonb), params_hash = :hash, sent_at = app_now(), reads = 0, absent_reads"
                " = 0,"
                " settle_until = app_now() + :settle, lease_until = app_now() + :lease, next_check_at = app_now() +"
                " :lease"
                " where merchant_id = :merchant_id and id = :id and item_id = :item_id and state = 'planned'"
                " returning fence"
            ),
            {
                "merchant_id": merchant_id,
                "id": intent_id,
                "item_id": item_id,
                "call_id": new_id(),
                "params": json.dumps(params),
                "hash": digest(params),
                "settle": settle,
                "lease": lease,
            },
        )
    ).one_or_none()
    return None if row is None else row.fence


async def confirm(
    session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, fence: int | None, outcome: dict[str, Any]
) -> IntentRow | None:
    """`sent/unknown → confirmed` by the answer to our call (`fence`) or by a read (`fence=None`). None.

    Nothing to do.
    """
    intent = await get(session, merchant_id, intent_id)
    if intent.state not in ("sent", "unknown") or (fence is not None and intent.fence != fence):
        return None
    intent.state = "confirmed"
    intent.outcome = outcome
    intent.next_check_at = None
    return intent


async def reject(
    session: AsyncSession,
    merchant_id: UUID,
    intent_id: UUID,
    *,
    when: frozenset[str],
    fence: int | None = None,
    item_id: UUID | None = None,
    outcome: dict[str, Any],
) -> IntentRow | None:
    """`→ rejected`, from the states in `when` only.

    NOT_SENT: given up before the call (by `item_id`, where only its own wish may be given up). ANSWERED (with our
    fence): their code is known to mean no effect. UNKNOWN: a read shows the order cancelled or closed.
    """
    intent = await get(session, merchant_id, intent_id)
    if intent.state not in when or (fence is not None and intent.fence != fence):
        return None
    if item_id is not None and intent.item_id != item_id:
        return None
    intent.state = "rejected"
    intent.outcome = outcome
    intent.next_check_at = None
    return intent


async def release(session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, fence: int) -> bool:
    """`sent → planned`: proved to have had no effect (throttled, nothing was sent)."""
    intent = await get(session, merchant_id, intent_id)
    if intent.state != "sent" or intent.fence != fence:
        return False
    intent.state = "planned"
    intent.sent_at = intent.settle_until = intent.lease_until = intent.next_check_at = None
    return True


async def doubt(
    session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, fence: int, outcome: dict[str, Any]
) -> IntentRow | None:
    """`sent → unknown`: it may have taken effect."""
    intent = await get(session, merchant_id, intent_id)
    if intent.state != "sent" or intent.fence != fence:
        return None
    intent.state = "unknown"
    intent.outcome = outcome
    intent.next_check_at = await clock.now(session) + timedelta(seconds=_READ_AFTER[0])
    return intent


async def doubt_expired(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> IntentRow | None:
    """`sent → unknown` for a call whose worker is gone: its lease has ended."""
    intent = await get(session, merchant_id, intent_id)
    now = await clock.now(session)
    if intent.state != "sent" or intent.lease_until is None or intent.lease_until > now:
        return None
    intent.state = "unknown"
    intent.outcome = {"code": "lease_ended"}
    intent.next_check_at = now
    return intent


async def note_absent(
    session: AsyncSession, merchant_id: UUID, intent_id: UUID, *, read_started_at: datetime
) -> Literal["refused", "resend"] | None:
    """A read says the effect is not there. None as long as that proves nothing.

    `resend`: it is proved and the call may be sent once more (`unknown → planned`). `refused`: it is proved, and the
    channel had answered that the order's state does not allow it (`was_refused`), so sending again is no use.
    """
    intent = await get(session, merchant_id, intent_id)
    if intent.state != "unknown":
        return None
    assert intent.settle_until is not None
    is_settled = read_started_at >= intent.settle_until
    # The later of two readings must lie after the settle window: an effect may come late and a read may lag.
    was_refused = intent.outcome.get("was_refused", False)
    if is_settled and intent.absent_reads >= 1 and was_refused:
        return "refused"
    if is_settled and intent.absent_reads >= 1 and intent.resends < MAX_RESENDS:
        intent.state = "planned"
        intent.resends += 1
        intent.sent_at = intent.lease_until = intent.next_check_at = None
        return "resend"
    intent.absent_reads += 1
    _schedule_read(intent, await clock.now(session))
    if is_settled and (was_refused or intent.resends < MAX_RESENDS):
        intent.next_check_at = await clock.now(session) + timedelta(seconds=_READ_AFTER[0])  # one more proves it
    return None


async def note_undecided(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> None:
    """A read proved nothing; look again later."""
    intent = await get(session, merchant_id, intent_id)
    if intent.state == "unknown":
        _schedule_read(intent, await clock.now(session))


def _schedule_read(intent: IntentRow, now: datetime) -> None:
    intent.reads += 1
    assert intent.settle_until is not None
    pause = _READ_AFTER[min(intent.reads, len(_READ_AFTER) - 1)] if intent.reads < _PATIENT_AFTER else 3600
    planned = now + timedelta(seconds=pause)
    intent.next_check_at = min(planned, intent.settle_until) if now < intent.settle_until else planned


async def list_of_items(session: AsyncSession, merchant_id: UUID, item_ids: list[UUID]) -> list[IntentRow]:
    """Open intents of these items."""
    query = (
        select(IntentRow)
        .where(IntentRow.merchant_id == merchant_id, IntentRow.item_id.in_(item_ids), IntentRow.state.in_(OPEN))
        .order_by(IntentRow.id)
        .execution_options(populate_existing=True)
    )
    return list((await session.execute(query)).scalars())


async def list_open_of_orders(session: AsyncSession, merchant_id: UUID, order_ids: list[UUID]) -> list[IntentRow]:
    """What is under way for these orders, and cancellations that reads may not show yet."""
    is_settling = (
        (IntentRow.kind == "cancel") & (IntentRow.state == "confirmed") & (IntentRow.settle_until > func.app_now())
    )
    query = (
        select(IntentRow)
        .where(
            IntentRow.merchant_id == merchant_id,
            IntentRow.order_id.in_(order_ids),
            IntentRow.state.in_(OPEN) | is_settling,
        )
        .order_by(IntentRow.id)
    )
    return list((await session.execute(query)).scalars())


async def find_owner(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> Owner:
    """For those who have to lock item and order before the intent."""
    query = select(IntentRow.item_id, IntentRow.order_id).where(
        IntentRow.merchant_id == merchant_id, IntentRow.id == intent_id
    )
    row = (await session.execute(query)).one()
    return Owner(row.item_id, row.order_id)


async def get(session: AsyncSession, merchant_id: UUID, intent_id: UUID) -> IntentRow:
    """The intent, locked until the transaction ends."""
    return (
        await session.execute(
            select(IntentRow)
            .where(IntentRow.merchant_id == merchant_id, IntentRow.id == intent_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).scalar_one()
