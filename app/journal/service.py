"""Writes the record of what happened, in the transaction in which it happens."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels import references
from app.core.context import caller
from app.core.ids import new_id
from app.journal.catalogue import Entry
from app.journal.models import JournalRow


async def record(session: AsyncSession, merchant_id: UUID, entry: Entry) -> None:
    """Append one entry. Who acts comes from the bound caller, the channel's reference from its last answer."""
    session.add(JournalRow(**_values(merchant_id, entry, at=await _now(session))))


async def record_all(session: AsyncSession, merchant_id: UUID, entries: Sequence[Entry]) -> None:
    """Append many entries at once, in their order."""
    if entries:
        at = await _now(session)
        await session.execute(insert(JournalRow), [_values(merchant_id, entry, at=at) for entry in entries])


async def _now(session: AsyncSession) -> Any:
    return await session.scalar(text("select app_now()"))


def _values(merchant_id: UUID, entry: Entry, *, at: Any) -> dict[str, Any]:
    who, event = caller(), entry.event
    return {
        "merchant_id": merchant_id,
        "id": new_id(),
        "at": at,
        "kind": event.kind,
        "type": event.name,
        "actor_type": who.type,
        "actor_id": who.id,
        "actor_name": who.name,
        "subject_id": entry.subject_id,
        "before": entry.before.model_dump(mode="json", exclude_unset=True),
        "after": entry.after.model_dump(mode="json", exclude_unset=True),
        "request_id": who.request_id,
        "channel_reference": references.last_heard(),
        "succeeded": event.succeeded,
    }
