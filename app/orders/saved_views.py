"""Saved views: a filter with a name, of one person or shared with colleagues."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.journal import service as journal
from app.orders import events
from app.orders.errors import TooManyViews, ViewNameTaken, ViewNotFound, ViewNotYours
from app.orders.models import SavedViewRow
from app.orders.schemas import ChangeView, CreateView

MOST = 200
"""Per person."""


async def list_views(session: AsyncSession, merchant_id: UUID, owner_id: UUID) -> Sequence[SavedViewRow]:
    """One's own and the shared ones, by name."""
    query = (
        select(SavedViewRow)
        .where(
            SavedViewRow.merchant_id == merchant_id,
            or_(SavedViewRow.owner_id == owner_id, SavedViewRow.is_shared),
        )
        .order_by(SavedViewRow.name, SavedViewRow.id)
    )
    return (await session.scalars(query)).all()


async def create_view(
    session: AsyncSession, merchant_id: UUID, owner_id: UUID, owner_name: str, body: CreateView
) -> SavedViewRow:
    """Raises ViewNameTaken, TooManyViews."""
    count = await session.scalar(
        select(func.count()).where(SavedViewRow.merchant_id == merchant_id, SavedViewRow.owner_id == owner_id)
    )
    if (count or 0) >= MOST:
        raise TooManyViews(most=MOST)
    view_id = new_id()
    made = await session.execute(
        insert(SavedViewRow)
        .values(
            merchant_id=merchant_id,
            id=view_id,
            owner_id=owner_id,
            owner_name=owner_name,
            name=body.name,
            filter=_filter_of(body),
            sort=body.sort,
            is_shared=body.is_shared,
            updated_at=func.app_now(),
        )
        .on_conflict_do_nothing(index_elements=["merchant_id", "owner_id", "name"])
        .returning(SavedViewRow.id)
    )
    if made.one_or_none() is None:
        raise ViewNameTaken(pointer="/name", name=body.name)
    await journal.record(session, merchant_id, events.VIEW_CREATED(view_id, after=events.ViewName(name=body.name)))
    return await _get(session, merchant_id, view_id, owner_id)


async def change_view(
    session: AsyncSession, merchant_id: UUID, view_id: UUID, owner_id: UUID, body: ChangeView
) -> SavedViewRow:
    """Only its owner may. Raises ViewNotFound, ViewNotYours, ViewNameTaken."""
    view = await _get(session, merchant_id, view_id, owner_id, lock=True)
    if view.owner_id != owner_id:
        raise ViewNotYours(owner=view.owner_name)
    wanted: dict[str, Any] = body.model_dump(exclude_unset=True, exclude_none=True, exclude={"filter"})
    if body.filter is not None:
        wanted["filter"] = _filter_of(body)
    try:
        async with session.begin_nested():
            for name, value in wanted.items():
                setattr(view, name, value)
            view.updated_at = await clock.now(session)
    except IntegrityError:  # of what is changed here only the name is unique
        raise ViewNameTaken(pointer="/name", name=wanted["name"]) from None
    return view


async def delete_view(session: AsyncSession, merchant_id: UUID, view_id: UUID, owner_id: UUID) -> None:
    """Only its owner may. Raises ViewNotFound, ViewNotYours."""
    view = await _get(session, merchant_id, view_id, owner_id, lock=True)
    if view.owner_id != owner_id:
        raise ViewNotYours(owner=view.owner_name)
    await session.delete(view)
    await journal.record(session, merchant_id, events.VIEW_DELETED(view_id, events.ViewName(name=view.name)))


def _filter_of(body: CreateView | ChangeView) -> dict[str, Any]:
    """As sent: what was left out stays left out."""
    assert body.filter is not None
    return body.filter.model_dump(mode="json", exclude_unset=True)


async def _get(
    session: AsyncSession, merchant_id: UUID, view_id: UUID, owner_id: UUID, *, lock: bool = False
) -> SavedViewRow:
    view = await session.get(
        SavedViewRow, (merchant_id, view_id), with_for_update={"key_share": True} if lock else None
    )
    if view is None or (view.owner_id != owner_id and not view.is_shared):
        raise ViewNotFound()
    return view
