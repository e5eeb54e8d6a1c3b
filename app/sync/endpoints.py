"""Imports and pushes over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import StringConstraints

from app.channels.contract import PushRequest
from app.channels.deps import ConnectorsDep
from app.channels.errors import ChannelError
from app.core.context import caller
from app.core.deps import DatabaseDep, SettingsDep
from app.core.errors import NotFound
from app.core.http import BodyTimeout, PayloadTooLarge
from app.core.ids import OrderId, ShopId
from app.core.problems import problems
from app.identity.deps import Actor, needs
from app.operations.answers import ACCEPTED, accepted
from app.operations.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    TooManyOperations,
)
from app.operations.idempotency import IdempotencyDep
from app.operations.schemas import Operation
from app.orders import search
from app.orders.deps import DeskDep
from app.orders.filters import OrderFilter, resolve
from app.orders.schemas import OrderPage
from app.shops.errors import ChannelAway
from app.sync import amounts, completeness, lookup, pushing, refreshing, service
from app.sync.errors import (
    ChannelWithoutShop,
    ImportRangeInvalid,
    OrderNotAtChannel,
    PushForged,
    ShopNotConnected,
    ShopPaused,
    ShopUnknown,
)
from app.sync.schemas import AmountsComparison, Completeness, CompletenessDay, ImportOrders, OrderLookup, SyncAll
from app.work.deps import ContextDep

router = APIRouter(prefix="/v1")
lookup_router = APIRouter(prefix="/v1")
"""Fixed paths below `/orders`: comes before `/orders/{order_id}`."""

_KEY_PROBLEMS = (IdempotencyKeyRequired, IdempotencyKeyInvalid, IdempotencyKeyReused, TooManyOperations)


@router.post(
    "/imports",
    status_code=202,
    tags=["imports"],
    responses={
        **ACCEPTED,
        **problems(*_KEY_PROBLEMS, ImportRangeInvalid, ShopUnknown, ShopNotConnected, ChannelWithoutShop),
    },
)
async def import_orders(
    body: ImportOrders,
    actor: Annotated[Actor, needs("imports:write")],
    database: DatabaseDep,
    connectors: ConnectorsDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Bring orders in: those placed in a time range (default: the last 15 days), or those with these numbers.

    `result.import` counts as it goes. Items are the listed numbers, and orders that could not be read. A channel that
    cannot be reached makes the operation wait, not fail.
    """
    opened = await database.transact(
        service.open_import,
        actor.merchant_id,
        body,
        idempotency,
        connectors=connectors,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)


@lookup_router.get("/orders/lookup", tags=["orders"], responses=problems())
async def look_up_order(
    actor: Annotated[Actor, needs("orders:read")],
    context: ContextDep,
    desk: DeskDep,
    number: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
        Query(
            description="Of an order, a package or a parcel. Blanks, a leading `#`, capitals and small letters make no"
            " difference."
        ),
    ],
) -> OrderLookup:
    """Where is this order? Answers 200 also for one that is not here, and says what mends it."""
    found, order = await lookup.look_up(context, actor.merchant_id, number)
    if order is not None:
        page = await search.read_page(
            desk,
            actor.merchant_id,
            resolve(OrderFilter(order_number=[order.order_number], shop_id=[order.shop_id])),
            sort="-placed_at",
            limit=20,  # a number need not be unique
            cursor=None,
            with_buyer=actor.can("buyer:read"),
            language=caller().language,
        )
        found.order = next((one for one in OrderPage.model_validate_json(page).data if one.id == order.id), None)
    return found


@router.post(
    "/orders/{order_id}/sync",
    status_code=202,
    tags=["orders"],
    responses={**ACCEPTED, **problems(*_KEY_PROBLEMS, NotFound)},
)
async def sync_order(
    order_id: OrderId,
    actor: Annotated[Actor, needs("orders:write")],
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Read one order at its channel again. The operation has one item."""
    opened = await database.transact(
        service.open_sync,
        actor.merchant_id,
        order_id,
        idempotency,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.post(
    "/sync",
    status_code=202,
    tags=["orders"],
    responses={**ACCEPTED, **problems(*_KEY_PROBLEMS, ShopUnknown, ShopNotConnected, ShopPaused)},
)
async def sync_everything(
    body: SyncAll,
    actor: Annotated[Actor, needs("orders:write")],
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """The SYNC button: read open orders again, relink their lines, move the stock they owe, tell the channels.

    Pressed again while it runs, it answers the same operation. When it has ended, the orders' stock is right; channels
    are told soon after.
    """
    opened = await database.transact(
        refreshing.open_sync,
        actor.merchant_id,
        body,
        idempotency,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.get("/shops/{shop_id}/completeness", tags=["shops"], responses=problems(NotFound))
async def get_completeness(
    shop_id: ShopId, actor: Annotated[Actor, needs("shops:read")], database: DatabaseDep
) -> Completeness:
    """Is every order here? Compared every day with the channel's own list; storefronts of one account together."""
    days = await database.transact(completeness.read_days, actor.merchant_id, shop_id)
    data = [CompletenessDay.model_validate(day, from_attributes=True) for day in days]
    return Completeness(is_complete=not any(day.missing for day in data), data=data)


@router.post(
    "/shops/{shop_id}/completeness",
    status_code=202,
    tags=["shops"],
    responses={**ACCEPTED, **problems(*_KEY_PROBLEMS, NotFound, ShopPaused)},
)
async def check_completeness(
    shop_id: ShopId,
    actor: Annotated[Actor, needs("imports:write")],
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Compare the last 15 days with the channel now; what is missing is read.

    Asked for again while it runs, it answers the same operation.
    """
    opened = await database.transact(
        completeness.open_check,
        actor.merchant_id,
        shop_id,
        idempotency,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.post(
    "/orders/{order_id}/amounts/compare",
    tags=["orders"],
    responses=problems(NotFound, OrderNotAtChannel, ChannelAway),
)
async def compare_amounts(
    order_id: OrderId, actor: Annotated[Actor, needs("orders:read")], context: ContextDep
) -> AmountsComparison:
    """Ask the channel again and compare every amount. Nothing is stored."""
    try:
        return await amounts.compare(context, actor.merchant_id, order_id)
    except ChannelError as error:
        raise ChannelAway() from error


@router.post(
    "/push/{channel}",
    tags=["push"],
    response_class=Response,
    responses={
        200: {"description": "Verified and stored; the body is empty."},
        **problems(PushForged, NotFound, BodyTimeout, PayloadTooLarge),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
)
async def receive_push(
    channel: Annotated[str, Path(pattern="^[a-z_]{1,40}$", description="The channel that sends it.")],
    request: Request,
    database: DatabaseDep,
    connectors: ConnectorsDep,
    settings: SettingsDep,
) -> Response:
    """For marketplaces only: a signed push. It is stored before it is answered, and only makes us read the order."""
    query = f"?{request.url.query}" if request.url.query else ""
    push = PushRequest(
        url=f"{settings.base_url}{request.url.path}{query}",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )
    await pushing.accept(database, connectors, channel, push)
    return Response(status_code=200)
