"""What happened to an order, as callers see it, and what can."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Language
from app.core.ids import Prefixed
from app.journal.catalogue import CATALOGUE, Kind, describe
from app.journal.models import JournalRow
from app.orders import repository
from app.orders.errors import EventTypeUnknown
from app.orders.schemas import EntryActor, EventType, HistoryEntry

_ACTORS = {"user": Prefixed("usr"), "api_key": Prefixed("key")}
_KINDS = ("general", "pick_pack", "audit")


async def list_entries(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    *,
    kind: Kind,
    types: Sequence[str],
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> Sequence[JournalRow]:
    """Entries of the order, newest first; of these types only, if any are named. Raises OrderNotFound."""
    await repository.get_order(session, merchant_id, order_id)
    return await repository.list_history(
        session, merchant_id, order_id, kind=kind, types=types, limit=limit, before=before
    )


def check_types(kind: Kind, types: Sequence[str]) -> None:
    """Raises EventTypeUnknown for one that no entry of this kind has."""
    for name in types:
        event = CATALOGUE.get(name)
        if event is None or event.kind != kind:
            raise EventTypeUnknown(parameter="type", type=name, kind=kind)


def list_types(language: Language) -> list[EventType]:
    """The whole catalogue, by kind and type."""
    return [
        EventType(
            type=event.name,
            kind=event.kind,
            text=event.label(language),
            succeeded=event.succeeded,
            before=list(event.before.model_fields),
            after=list(event.after.model_fields),
        )
        for event in sorted(CATALOGUE.values(), key=lambda event: (_KINDS.index(event.kind), event.name))
    ]


def to_entry(row: JournalRow, language: Language) -> HistoryEntry:
    """An entry as callers see it."""
    prefix = _ACTORS.get(row.actor_type)
    actor_id = prefix.format(row.actor_id) if prefix is not None and row.actor_id is not None else None
    return HistoryEntry(
        id=row.id,
        at=row.at,
        kind=row.kind,
        type=row.type,
        actor=EntryActor(type=row.actor_type, id=actor_id, name=row.actor_name),
        before=row.before,
        after=row.after,
        text=describe(row.type, row.before, row.after, language),
        request_id=row.request_id,
        channel_reference=row.channel_reference or None,
        succeeded=row.succeeded,
    )
