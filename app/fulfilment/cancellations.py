"""One order: its reasons, the seller's cancellation, the answer to its buyer. Refused before anything is stored."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import CancellationReason, Cancels, Connector, Connectors, ShopAccess
from app.channels.errors import ChannelError, Rejected
from app.core import clock
from app.core.context import Language, caller
from app.fulfilment import cancelling, planning
from app.fulfilment.errors import (
    AlreadyAnswered,
    CancellingUnsupported,
    DeadlinePassed,
    NoOpenCancellation,
    NotCancellable,
    ReasonNotAccepted,
)
from app.fulfilment.planning import Limits
from app.fulfilment.schemas import (
    AnswerCancellation,
    BulkAction,
    BulkOptions,
    CancelOrder,
    ChannelReasons,
    OrderReasons,
    ReasonOffered,
)
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.service import Opened
from app.orders import actions
from app.orders import service as orders
from app.orders.models import OrderRow
from app.orders.schemas import Selection
from app.shops import access
from app.shops.errors import ChannelAway
from app.work.context import Context

log = structlog.get_logger()


async def answer(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    body: AnswerCancellation,
    idempotency: Idempotency,
    *,
    connectors: Connectors,
    limits: Limits,
) -> Opened:
    """Open the operation that answers the buyer. Raises OrderNotFound and a Conflict that says why not."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    order = await orders.get_order(session, merchant_id, order_id)
    _canceller(connectors, order)
    if order.cancellation is None:
        raise NoOpenCancellation()
    if order.cancellation != "requested" or order.status == "cancelled":
        raise AlreadyAnswered(state=order.cancellation)
    if order.respond_by is not None and order.respond_by <= await clock.now(session):
        raise DeadlinePassed(respond_by=order.respond_by.isoformat(timespec="seconds"))
    action = "approve_cancellation" if body.decision == "approve" else "reject_cancellation"
    options = (
        BulkOptions(reason=body.reason) if body.reason is not None and body.decision == "reject" else BulkOptions()
    )
    wish = BulkAction(action=action, selection=Selection(order_ids=[order_id]), options=options)
    return await planning.bulk(session, merchant_id, wish, idempotency, can_read_buyer=False, limits=limits)


async def cancel(
    session: AsyncSession,
    merchant_id: UUID,
    order_id: UUID,
    body: CancelOrder,
    idempotency: Idempotency,
    *,
    connectors: Connectors,
    limits: Limits,
) -> Opened:
    """Open the operation that cancels. Raises OrderNotFound, ReasonNotAccepted, NotCancellable."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    order = await orders.get_order(session, merchant_id, order_id)
    reasons = cancelling.reasons_of(_canceller(connectors, order))
    if body.reason not in reasons:
        raise ReasonNotAccepted(pointer="/reason", reasons=", ".join(reasons))
    code = actions.refusal("cancel", order)
    if code is not None:
        raise NotCancellable(reason=actions.text_of(code, caller().language))
    wish = BulkAction(
        action="cancel", selection=Selection(order_ids=[order_id]), options=BulkOptions(reason=body.reason)
    )
    return await planning.bulk(session, merchant_id, wish, idempotency, can_read_buyer=False, limits=limits)


async def read_reasons(context: Context, merchant_id: UUID, order_id: UUID) -> OrderReasons:
    """What may be said about this order; the reasons to refuse an open request are asked from the channel.

    Raises OrderNotFound, CancellingUnsupported, ChannelAway.
    """
    order = await context.database.transact(orders.get_order, merchant_id, order_id)
    cancels = _canceller(context.connectors, order)
    offered: tuple[CancellationReason, ...] = ()
    if order.cancellation == "requested":

        async def fetch(connector: Connector, door: ShopAccess) -> tuple[CancellationReason, ...]:
            assert isinstance(connector, Cancels)
            return await connector.fetch_rejection_reasons(door, order.external_id)

        try:
            offered = await access.call(context, merchant_id, order.account_id, fetch)
        except Rejected:
            log.warning("no_rejection_reasons", order_id=str(order_id))  # a rejection without a reason is possible
        except ChannelError as error:
            raise ChannelAway() from error
    language = caller().language
    ends_by_itself = context.connectors[order.channel].facts.cancellation_response is not None
    return OrderReasons(
        cancel=_shown(cancels.cancellation_reasons(), language),
        reject=_shown(offered, language),
        respond_by=order.respond_by,
        if_unanswered=("approved" if ends_by_itself else "none") if order.cancellation == "requested" else None,
    )


def list_reasons(connectors: Connectors, language: Language) -> list[ChannelReasons]:
    """Of every channel where the seller can cancel."""
    return [
        ChannelReasons(channel=name, cancel=_shown(connector.cancellation_reasons(), language))
        for name, connector in sorted(connectors.items())
        if isinstance(connector, Cancels)
    ]


def _canceller(connectors: Connectors, order: OrderRow) -> Cancels:
    connector = connectors[order.channel]
    if not isinstance(connector, Cancels):
        raise CancellingUnsupported()
    return connector


def _shown(reasons: Sequence[CancellationReason], language: Language) -> list[ReasonOffered]:
    return [ReasonOffered(code=one.code, text=one.text_id if language == "id" else one.text_en) for one in reasons]
