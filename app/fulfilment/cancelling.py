"""Cancel orders, and answer buyers who ask for it: one call per order, kept in the ledger like a shipment."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from app.channels.contract import (
    Cancels,
    ChannelOrder,
    Connector,
    Decision,
    OrderToCancel,
    Outcomes,
    PackageRef,
    ShipmentReading,
    ShipmentState,
    ShopAccess,
)
from app.fulfilment import sending
from app.fulfilment.handovers import NotPossible
from app.fulfilment.sending import Effect, Group, Round, Send
from app.fulfilment.shipping import Parcel
from app.work.context import Context
from app.work.service import Claimed


async def run_cancel_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.cancel`. Raises ChannelError when the channel makes the whole chunk wait."""
    return await sending.run_chunk(context, claimed, _effect(_cancel, _after_cancelling))


async def run_approve_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.approve_cancellation`. Raises ChannelError to wait."""
    return await sending.run_chunk(context, claimed, _effect(_approve, _after_approving))


async def run_reject_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.reject_cancellation`. Raises ChannelError to wait."""
    return await sending.run_chunk(context, claimed, _effect(_reject, _after_rejecting))


# --- the call ---------------------------------------------------------------------------------------------------------


async def _choose(this: Round, parcel: Parcel) -> None:
    connector = this.context.connectors[parcel.channel]
    if not isinstance(connector, Cancels):
        raise NotPossible("not_supported")
    if parcel.params["action"] == "cancel" and parcel.params["reason"] not in reasons_of(connector):
        raise NotPossible("reason_not_accepted")


def reasons_of(connector: Cancels) -> list[str]:
    """Codes of the reasons for which the seller may cancel."""
    return [reason.code for reason in connector.cancellation_reasons()]


def _one_by_one(connector: Connector, chosen: Group) -> list[Group]:
    return [[one] for one in chosen]


async def _reserve(connector: Connector, door: ShopAccess) -> None:
    assert isinstance(connector, Cancels)
    await connector.reserve(door)


async def _cancel(connector: Connector, door: ShopAccess, group: Group) -> Outcomes:
    assert isinstance(connector, Cancels)
    [one] = group
    params = one.parcel.params
    skus = tuple((item_id, model_id) for item_id, model_id in params["skus"])
    order = OrderToCancel(one.parcel.ref.order_external_id, params["is_unpaid"], skus)
    await connector.cancel_order(door, order, params["reason"])
    return {one.parcel.ref.package_number: None}


async def _approve(connector: Connector, door: ShopAccess, group: Group) -> Outcomes:
    return await _answer(connector, door, group, "approve")


async def _reject(connector: Connector, door: ShopAccess, group: Group) -> Outcomes:
    return await _answer(connector, door, group, "reject")


async def _answer(connector: Connector, door: ShopAccess, group: Group, decision: Decision) -> Outcomes:
    assert isinstance(connector, Cancels)
    [one] = group
    ref = one.parcel.ref
    await connector.answer_cancellation(door, ref.order_external_id, decision, one.parcel.params["reason"])
    return {ref.package_number: None}


# --- what a read proves -----------------------------------------------------------------------------------------------

Proof = Callable[[ChannelOrder], ShipmentState]


def _after_cancelling(order: ChannelOrder) -> ShipmentState:
    if order.status == "cancelled" or _is_agreed(order):
        return ShipmentState.ARRANGED
    return ShipmentState.MOOT if order.status in ("on_delivery", "completed") else ShipmentState.ABSENT


def _after_approving(order: ChannelOrder) -> ShipmentState:
    if order.status == "cancelled" or _is_agreed(order):
        return ShipmentState.ARRANGED
    return ShipmentState.ABSENT if _is_asked(order) else ShipmentState.MOOT


def _after_rejecting(order: ChannelOrder) -> ShipmentState:
    if order.status == "cancelled" or _is_agreed(order):
        return ShipmentState.MOOT
    return ShipmentState.ABSENT if _is_asked(order) else ShipmentState.ARRANGED


def _is_asked(order: ChannelOrder) -> bool:
    return order.cancellation is not None and order.cancellation.state == "requested"


def _is_agreed(order: ChannelOrder) -> bool:
    return order.cancellation is not None and order.cancellation.state == "approved"


def _effect(send: Send, proof: Proof) -> Effect:
    async def read(
        connector: Connector, door: ShopAccess, orders: Sequence[PackageRef]
    ) -> Mapping[str, ShipmentReading]:
        told = await connector.get_orders(door, [one.order_external_id for one in orders])
        return {
            order.external_id: ShipmentReading(order.external_id, proof(order), channel_status=order.channel_status)
            for order in told.orders
        }

    return Effect(choose=_choose, group=_one_by_one, send=send, reserve=_reserve, read=read)
