"""Bulk actions and shipments over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.channels.deps import ConnectorsDep
from app.core.context import caller
from app.core.deps import DatabaseDep, KeyringDep, SettingsDep
from app.core.errors import CursorMismatch
from app.core.ids import OrderId, PackageId
from app.core.pagination import CursorText, Limit, Page
from app.core.problems import problems
from app.fulfilment import cancellations, options, planning, stop_parcels
from app.fulfilment.errors import (
    AlreadyAnswered,
    CancellingUnsupported,
    DeadlinePassed,
    NoOpenCancellation,
    NotCancellable,
    ReasonNotAccepted,
)
from app.fulfilment.planning import Limits, NumberNotTaken, NumberRequired, OptionNotTaken, OptionRequired
from app.fulfilment.schemas import (
    AnswerCancellation,
    ArrangeShipment,
    AskShippingOptions,
    BulkAction,
    CancelOrder,
    OrderReasons,
    ReasonsAnswer,
    ShippingOptionsAnswer,
    StopParcel,
)
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
from app.orders import stopping
from app.orders.errors import OrderNotFound, ParcelNotFound, SelectionEmpty, SelectionTooLarge
from app.shops.errors import ChannelAway
from app.work.deps import ContextDep

router = APIRouter(prefix="/v1", tags=["fulfilment"])

ShipActor = Annotated[Actor, needs("shipments:write")]
ReadActor = Annotated[Actor, needs("orders:read")]
PackActor = Annotated[Actor, needs("orders:write")]
_REFUSALS = (
    IdempotencyKeyRequired,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    TooManyOperations,
    SelectionEmpty,
    SelectionTooLarge,
)


@router.post(
    "/orders/bulk", status_code=202, responses={**ACCEPTED, **problems(*_REFUSALS, OptionNotTaken, OptionRequired)}
)
async def act_on_orders(
    body: BulkAction,
    actor: ShipActor,
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Receive, print, cancel, hold, tag, note or mark many orders. Each has its own outcome in the operation."""
    opened = await database.transact(
        planning.bulk,
        actor.merchant_id,
        body,
        idempotency,
        can_read_buyer=actor.can("buyer:read"),
        limits=Limits.of(settings),
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.post("/shipments/options", responses=problems())
async def ask_shipping_options(
    body: AskShippingOptions, actor: ShipActor, context: ContextDep
) -> ShippingOptionsAnswer:
    """What the channels offer for handing over these orders: methods, pickup addresses with slots, branches."""
    return await options.ask(context, actor.merchant_id, body.order_ids)


@router.post(
    "/shipments", status_code=202, responses={**ACCEPTED, **problems(*_REFUSALS, NumberRequired, NumberNotTaken)}
)
async def arrange_shipments(
    body: ArrangeShipment,
    actor: ShipActor,
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Arrange one order or many, of any shops and channels. Each package is asked for exactly once at its channel."""
    opened = await database.transact(
        planning.arrange,
        actor.merchant_id,
        body,
        idempotency,
        limits=Limits.of(settings),
    )
    return await accepted(database, actor.merchant_id, opened, response)


# --- cancellations ----------------------------------------------------------------------------------------------------

_ONE_ORDER = (IdempotencyKeyRequired, IdempotencyKeyInvalid, IdempotencyKeyReused, TooManyOperations, OrderNotFound)


@router.get("/reasons", responses=problems())
async def list_reasons(actor: ReadActor, connectors: ConnectorsDep) -> ReasonsAnswer:
    """For which reasons the seller may cancel, per channel."""
    return ReasonsAnswer(data=cancellations.list_reasons(connectors, caller().language))


@router.get(
    "/orders/{order_id}/cancellation-reasons", responses=problems(OrderNotFound, CancellingUnsupported, ChannelAway)
)
async def list_cancellation_reasons(order_id: OrderId, actor: ReadActor, context: ContextDep) -> OrderReasons:
    """Reasons to cancel this order and to refuse its buyer's request, and what happens if nobody answers."""
    return await cancellations.read_reasons(context, actor.merchant_id, order_id)


@router.post(
    "/orders/{order_id}/cancellation",
    status_code=202,
    responses={
        **ACCEPTED,
        **problems(*_ONE_ORDER, NoOpenCancellation, AlreadyAnswered, DeadlinePassed, CancellingUnsupported),
    },
)
async def answer_cancellation(
    order_id: OrderId,
    body: AnswerCancellation,
    actor: ShipActor,
    database: DatabaseDep,
    connectors: ConnectorsDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Approve or reject the buyer's request to cancel. The channel is told once."""
    opened = await database.transact(
        cancellations.answer,
        actor.merchant_id,
        order_id,
        body,
        idempotency,
        connectors=connectors,
        limits=Limits.of(settings),
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.post(
    "/orders/{order_id}/cancel",
    status_code=202,
    responses={**ACCEPTED, **problems(*_ONE_ORDER, NotCancellable, ReasonNotAccepted, CancellingUnsupported)},
)
async def cancel_order(
    order_id: OrderId,
    body: CancelOrder,
    actor: ShipActor,
    database: DatabaseDep,
    connectors: ConnectorsDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Cancel the whole order as its seller. It costs the shop's rating at most channels."""
    opened = await database.transact(
        cancellations.cancel,
        actor.merchant_id,
        order_id,
        body,
        idempotency,
        connectors=connectors,
        limits=Limits.of(settings),
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.get("/stop-parcels", responses=problems(CursorMismatch))
async def list_stop_parcels(
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    acknowledged: Annotated[bool, Query(description="Those pulled out already, instead of those still to be.")] = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[StopParcel]:
    """Parcels whose label was printed before the order was cancelled, newest first."""
    return await stop_parcels.read_page(
        database, keyring.cursor_key, actor.merchant_id, is_acknowledged=acknowledged, limit=limit, cursor=cursor
    )


@router.post("/stop-parcels/{package_id}/acknowledge", status_code=204, responses=problems(ParcelNotFound))
async def acknowledge_stop_parcel(package_id: PackageId, actor: PackActor, database: DatabaseDep) -> None:
    """The parcel is out. Saying it twice is saying it once."""
    await database.transact(stopping.acknowledge, actor.merchant_id, package_id)
