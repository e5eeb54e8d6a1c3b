"""Bulk actions and shipments over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response

from app.core.deps import DatabaseDep, SettingsDep
from app.core.problems import problems
from app.fulfilment import options, planning
from app.fulfilment.planning import NumberNotTaken, NumberRequired, OptionNotTaken, ReasonRequired
from app.fulfilment.schemas import ArrangeShipment, AskShippingOptions, BulkAction, ShippingOptionsAnswer
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
from app.orders.errors import SelectionEmpty, SelectionTooLarge
from app.work.deps import ContextDep

router = APIRouter(prefix="/v1", tags=["fulfilment"])

ShipActor = Annotated[Actor, needs("shipments:write")]
_REFUSALS = (
    IdempotencyKeyRequired,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    TooManyOperations,
    SelectionEmpty,
    SelectionTooLarge,
)


@router.post(
    "/orders/bulk", status_code=202, responses={**ACCEPTED, **problems(*_REFUSALS, OptionNotTaken, ReasonRequired)}
)
async def act_on_orders(
    body: BulkAction,
    actor: ShipActor,
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Receive, print, hold, release or mark many orders. The answer is an operation; each order has its own outcome."""
    opened = await database.transact(
        planning.bulk,
        actor.merchant_id,
        body,
        idempotency,
        can_read_buyer=actor.can("buyer:read"),
        bulk_max_orders=settings.bulk_max_orders,
        at_risk_hours=settings.sla_at_risk_hours,
        open_operations_max=settings.open_operations_max,
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
        bulk_max_orders=settings.bulk_max_orders,
        at_risk_hours=settings.sla_at_risk_hours,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)
