"""The order desk over HTTP."""

import json
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import StringConstraints

from app.core.context import caller
from app.core.deps import DatabaseDep, KeyringDep
from app.core.errors import CursorMismatch, RangeInvalid
from app.core.etags import TAGGED, tag_of, versions_of
from app.core.ids import OrderId, ViewId
from app.core.pagination import CursorText, Limit, Page, PageInfo, binding_of, decode_cursor, encode_cursor
from app.core.problems import problems
from app.core.query import asked, parameters_of
from app.identity.deps import Actor, needs
from app.orders import history, saved_views, search, service, tracking, views
from app.orders.deps import DeskDep
from app.orders.errors import (
    CodeAmbiguous,
    CodeUnknown,
    EventTypeUnknown,
    NotArranged,
    NotInWarehouse,
    OrderAlreadyShipped,
    OrderChanged,
    OrderClosed,
    OrderNotFound,
    ParcelMustStop,
    StepOutOfTurn,
    TooManyViews,
    ViewNameTaken,
    ViewNotFound,
    ViewNotYours,
)
from app.orders.filters import OrderFilter, resolve
from app.orders.models import SavedViewRow
from app.orders.schemas import (
    ChangeOrder,
    ChangeView,
    CreateView,
    EventTypes,
    HistoryEntry,
    HoldOrder,
    OrderCountsAnswer,
    OrderDetail,
    OrderFacets,
    OrderPage,
    SavedView,
    SavedViews,
    Scan,
    SearchOrders,
    TakeStep,
    Tracking,
)
from app.work.deps import ContextDep

router = APIRouter(prefix="/v1/orders", tags=["orders"])
desk_router = APIRouter(prefix="/v1", tags=["orders"])

ReadActor = Annotated[Actor, needs("orders:read")]
Filter = Annotated[OrderFilter, Depends(asked(OrderFilter))]
WriteActor = Annotated[Actor, needs("orders:write")]
IfMatch = Annotated[
    str | None,
    Header(max_length=1_000, description="The `ETag` of the order you decided on; refused when it has changed since."),
]

TypeName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_TYPES = "Only entries of these types, as `GET /v1/event-types` lists them for this kind."
_JSON = "application/json"


@router.get(
    "",
    response_model=OrderPage,
    responses=problems(CursorMismatch, RangeInvalid),
    openapi_extra=parameters_of(SearchOrders),
)
async def search_orders(
    actor: ReadActor, query: Annotated[SearchOrders, Depends(asked(SearchOrders))], desk: DeskDep
) -> Response:
    """Search and filter orders. Without `status` and `order_number`, unpaid orders are left out."""
    page = await search.read_page(
        desk,
        actor.merchant_id,
        resolve(query),
        sort=query.sort,
        limit=query.limit,
        cursor=query.cursor,
        with_buyer=actor.can("buyer:read"),
        language=caller().language,
    )
    return Response(page, media_type=_JSON)


@router.get("/counts", responses=problems(RangeInvalid), openapi_extra=parameters_of(OrderFilter))
async def count_orders(actor: ReadActor, query: Filter, desk: DeskDep) -> OrderCountsAnswer:
    """How many orders each tab and stage would list with the same filter, exactly."""
    counts = await search.count_orders(desk, actor.merchant_id, resolve(query), ZoneInfo(query.tz))
    return OrderCountsAnswer.model_validate(counts)


@router.get("/facets", responses=problems(RangeInvalid), openapi_extra=parameters_of(OrderFilter))
async def list_order_facets(actor: ReadActor, query: Filter, desk: DeskDep) -> OrderFacets:
    """Couriers, shops and tags to filter by, with the number of orders each would list, most first."""
    return OrderFacets.model_validate(await search.read_facets(desk, actor.merchant_id, resolve(query)))


@router.get("/{order_id}", response_model=OrderDetail, responses={**TAGGED, **problems(OrderNotFound)})
async def get_order(order_id: OrderId, actor: ReadActor, desk: DeskDep) -> Response:
    """Everything about one order."""
    return await _answer(desk, actor, order_id)


@router.get("/{order_id}/history", responses=problems(OrderNotFound, CursorMismatch, EventTypeUnknown))
async def list_order_history(
    order_id: OrderId,
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    kind: Annotated[Literal["general", "pick_pack"], Query(description="Of the order, or of its packing.")] = "general",
    type: Annotated[list[TypeName], Query(max_length=100, description=_TYPES)] = [],  # noqa: B006 (never changed)
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[HistoryEntry]:
    """What happened to the order and who did it, newest first."""
    history.check_types(kind, type)
    binding = binding_of(actor.merchant_id, f"history:{order_id}", [kind, *sorted(set(type))])
    before = None
    if cursor is not None:
        at, last_id = decode_cursor(keyring.cursor_key, binding, cursor)
        before = (datetime.fromisoformat(at), UUID(last_id))
    rows = await database.transact(
        history.list_entries, actor.merchant_id, order_id, kind=kind, types=type, limit=limit + 1, before=before
    )
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = encode_cursor(keyring.cursor_key, binding, [last.at.isoformat(), str(last.id)])
    data = [history.to_entry(row, caller().language) for row in rows[:limit]]
    return Page(data=data, page=PageInfo(next_cursor=next_cursor, limit=limit))


@router.get("/{order_id}/tracking", responses=problems(OrderNotFound))
async def get_order_tracking(order_id: OrderId, actor: ReadActor, context: ContextDep) -> Tracking:
    """The courier's scans per package, oldest first. When the channel cannot be asked, those we know."""
    return await tracking.read_tracking(context, actor.merchant_id, order_id)


@desk_router.get("/event-types", responses=problems())
async def list_event_types(actor: ReadActor) -> EventTypes:
    """Every type of history entries, with a label in your language and the fields of `from` and `to`.

    What the fields mean is in the schema `EventCatalogue` of this document.
    """
    return EventTypes(data=history.list_types(caller().language))


# --- changes ----------------------------------------------------------------------------------------------------------


@router.post(
    "/{order_id}/hold",
    response_model=OrderDetail,
    responses={**TAGGED, **problems(OrderNotFound, OrderAlreadyShipped, OrderClosed)},
)
async def hold_order(
    order_id: OrderId, body: HoldOrder, actor: WriteActor, database: DatabaseDep, desk: DeskDep
) -> Response:
    """Keep an order out of every shipment until it is released. A held order keeps its first reason."""
    await database.transact(service.hold_order, actor.merchant_id, order_id, reason=body.reason)
    return await _answer(desk, actor, order_id)


@router.delete("/{order_id}/hold", response_model=OrderDetail, responses={**TAGGED, **problems(OrderNotFound)})
async def release_order(order_id: OrderId, actor: WriteActor, database: DatabaseDep, desk: DeskDep) -> Response:
    """Let a held order go on."""
    await database.transact(service.release_order, actor.merchant_id, order_id)
    return await _answer(desk, actor, order_id)


@router.patch("/{order_id}", response_model=OrderDetail, responses={**TAGGED, **problems(OrderNotFound, OrderChanged)})
async def change_order(
    order_id: OrderId,
    body: ChangeOrder,
    actor: WriteActor,
    database: DatabaseDep,
    desk: DeskDep,
    if_match: IfMatch = None,
) -> Response:
    """Set the order's note and tags."""
    await database.transact(service.change_order, actor.merchant_id, order_id, body, versions=versions_of(if_match))
    return await _answer(desk, actor, order_id)


@router.post(
    "/{order_id}/pick-pack",
    response_model=OrderDetail,
    responses={**TAGGED, **problems(OrderNotFound, StepOutOfTurn, NotInWarehouse, NotArranged)},
)
async def take_pick_pack_step(
    order_id: OrderId, body: TakeStep, actor: WriteActor, database: DatabaseDep, desk: DeskDep
) -> Response:
    """Note a step of picking and packing; they follow each other. The step taken last may be sent again."""
    await database.transact(service.take_step, actor.merchant_id, order_id, action=body.action)
    return await _answer(desk, actor, order_id)


@desk_router.post(
    "/scan",
    response_model=OrderDetail,
    responses={
        **TAGGED,
        **problems(CodeUnknown, CodeAmbiguous, ParcelMustStop, StepOutOfTurn, NotInWarehouse, NotArranged),
    },
)
async def scan_code(body: Scan, actor: WriteActor, database: DatabaseDep, desk: DeskDep) -> Response:
    """Pick and pack by scanner: the code finds the order, the step is noted. A cancelled parcel is refused."""
    order_id = await database.transact(service.scan, actor.merchant_id, scanned=body.code, action=body.action)
    return await _answer(desk, actor, order_id)


# --- saved views ------------------------------------------------------------------------------------------------------


@desk_router.get("/views", responses=problems())
async def list_views(actor: ReadActor, database: DatabaseDep) -> SavedViews:
    """Your own views and those colleagues share."""
    rows = await database.transact(saved_views.list_views, actor.merchant_id, actor.id)
    return SavedViews(data=[_to_view(row, actor) for row in rows])


@desk_router.post("/views", status_code=201, responses=problems(ViewNameTaken, TooManyViews, RangeInvalid))
async def create_view(body: CreateView, actor: WriteActor, database: DatabaseDep) -> SavedView:
    """Keep a filter under a name."""
    resolve(body.filter, pointer="/filter")  # one that can never work is refused now
    row = await database.transact(saved_views.create_view, actor.merchant_id, actor.id, actor.name, body)
    return _to_view(row, actor)


@desk_router.patch("/views/{view_id}", responses=problems(ViewNotFound, ViewNotYours, ViewNameTaken, RangeInvalid))
async def change_view(view_id: ViewId, body: ChangeView, actor: WriteActor, database: DatabaseDep) -> SavedView:
    """Rename, refilter, share or keep to yourself."""
    if body.filter is not None:
        resolve(body.filter, pointer="/filter")
    row = await database.transact(saved_views.change_view, actor.merchant_id, view_id, actor.id, body)
    return _to_view(row, actor)


@desk_router.delete("/views/{view_id}", status_code=204, responses=problems(ViewNotFound, ViewNotYours))
async def delete_view(view_id: ViewId, actor: WriteActor, database: DatabaseDep) -> None:
    """Forget a view."""
    await database.transact(saved_views.delete_view, actor.merchant_id, view_id, actor.id)


def _to_view(row: SavedViewRow, actor: Actor) -> SavedView:
    return SavedView(
        id=row.id,
        name=row.name,
        filter=row.filter,
        sort=row.sort,
        is_shared=row.is_shared,
        is_mine=row.owner_id == actor.id,
        owner=row.owner_name,
        updated_at=row.updated_at,
    )


async def _answer(desk: DeskDep, actor: Actor, order_id: UUID) -> Response:
    with_buyer = actor.can("buyer:read")
    detail = await search.read_order(
        desk, actor.merchant_id, order_id, with_buyer=with_buyer, language=caller().language
    )
    if detail is None:
        raise OrderNotFound()
    complete = views.complete(detail, order_id, with_buyer=with_buyer)
    return Response(
        json.dumps(complete, ensure_ascii=False, separators=(",", ":")),
        media_type=_JSON,
        headers={"ETag": tag_of(detail["version"])},
    )
