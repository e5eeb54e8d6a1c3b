"""Imports and pushes over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.channels.contract import PushRequest
from app.channels.deps import ConnectorsDep
from app.core.deps import DatabaseDep, SettingsDep
from app.core.errors import NotFound
from app.core.http import BodyTimeout, PayloadTooLarge
from app.core.ids import OrderId
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
from app.sync import pushing, service
from app.sync.errors import ChannelWithoutShop, ImportRangeInvalid, PushForged, ShopNotConnected, ShopUnknown
from app.sync.schemas import ImportOrders

router = APIRouter(prefix="/v1")

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
