"""Writes the record of what happened, in the transaction in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import caller
from app.core.ids import new_id
from app.journal.models import JournalRow

Kind = Literal["general", "pick_pack", "audit"]


async def record(
    session: AsyncSession,
    merchant_id: UUID,
    type: str,
    *,
    subject_id: UUID | None,
    kind: Kind = "general",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    channel_reference: str | None = None,
    succeeded: bool = True,
) -> None:
    """Append one entry about `subject_id` (an order, for general and pick_pack). Who acts comes from the bound caller.

    `before` and `after` hold the changed fields only, never secrets or buyer data.
    """
    who = caller()
    session.add(
        JournalRow(
            merchant_id=merchant_id,
            id=new_id(),
            at=await session.scalar(text("select app_now()")),
            kind=kind,
            type=type,
            actor_type=who.type,
            actor_id=who.id,
            actor_name=who.name,
            subject_id=subject_id,
            before=before or {},
            after=after or {},
            request_id=who.request_id,
            channel_reference=channel_reference,
            succeeded=succeeded,
        )
    )


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One general entry of many that are written together."""

    type: str
    subject_id: UUID
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


async def record_all(session: AsyncSession, merchant_id: UUID, entries: Sequence[NewEntry]) -> None:
    """Append many general entries at once, in their order."""
    if not entries:
        return
    who = caller()
    at = await session.scalar(text("select app_now()"))
    await session.execute(
        insert(JournalRow),
        [
            {
                "merchant_id": merchant_id,
                "id": new_id(),
                "at": at,
                "kind": "general",
                "type": entry.type,
                "actor_type": who.type,
                "actor_id": who.id,
                "actor_name": who.name,
                "subject_id": entry.subject_id,
                "before": entry.before,
                "after": entry.after,
                "request_id": who.request_id,
                "succeeded": True,
            }
            for entry in entries
        ],
    )
