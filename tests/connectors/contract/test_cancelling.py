"""The seller's cancellation and the answer to a buyer's request."""

from typing import Any

import pytest

from app.channels.contract import Cancels, ChannelOrder, OrderToCancel, ShipmentState
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unknown
from tests.connectors.contract.stand import Stand, raised


def to_cancel(order: ChannelOrder) -> OrderToCancel:
    skus = tuple((line.item_id, line.model_id) for line in order.lines)
    return OrderToCancel(order.external_id, order.status == "unpaid", skus)


def canceller(stand: Stand) -> Cancels:
    if not isinstance(stand.connector, Cancels):
        pytest.skip("nothing can be cancelled here")
    return stand.connector


@pytest.mark.parametrize(("decision", "is_cancelled"), [("approve", True), ("reject", False)])
async def test_a_buyers_request_is_seen_and_answered(stand: Stand, decision: Any, is_cancelled: bool) -> None:
    cancels = canceller(stand)
    number, [package] = await stand.ready()
    handover = await stand.first_choice(package)
    await stand.advance(number, "cancel_requested")

    order = await stand.read(number)
    if order.status == "cancelled":
        pytest.skip("this channel decides at once")
    assert order.cancellation is not None and order.cancellation.state == "requested"
    before = (await stand.ships.read_shipments(stand.access, [package]))[package.package_number]
    assert (before.state, before.has_open_cancellation) == (ShipmentState.UNDECIDED, True)
    refused = await raised(stand.ships.arrange_shipment(stand.access, package, handover))
    assert isinstance(refused, Rejected), refused
    assert await stand.effects("ship", number) == 0

    reasons = await cancels.fetch_rejection_reasons(stand.access, order.external_id)
    reason = reasons[-1].code if reasons and decision == "reject" else None
    await cancels.answer_cancellation(stand.access, order.external_id, decision, reason)

    after = await stand.read(number)
    assert (after.status == "cancelled") is is_cancelled
    assert (await stand.truth(number))["cancellation"] == ("approved" if is_cancelled else "rejected")
    expected = ShipmentState.MOOT if is_cancelled else ShipmentState.ABSENT
    assert await stand.state_of(package) is expected
    again = await raised(cancels.answer_cancellation(stand.access, order.external_id, decision, None))
    assert isinstance(again, AlreadyDone), again
    assert await stand.effects("answer_cancellation", number) == 1


async def test_a_request_that_nobody_made_cannot_be_answered(stand: Stand) -> None:
    [number] = await stand.place()
    order = await stand.read(number)

    error = await raised(canceller(stand).answer_cancellation(stand.access, order.external_id, "reject", None))

    assert isinstance(error, Rejected)
    assert await stand.effects("answer_cancellation", number) == 0


async def test_the_seller_cancels(stand: Stand) -> None:
    [number] = await stand.place(lines=2)
    order = await stand.read(number)
    reason = canceller(stand).cancellation_reasons()[0].code

    await canceller(stand).cancel_order(stand.access, to_cancel(order), reason)

    assert (await stand.read(number)).status == "cancelled"
    again = await raised(canceller(stand).cancel_order(stand.access, to_cancel(order), reason))
    assert isinstance(again, AlreadyDone), again
    assert await stand.effects("cancel", number) == 1


@pytest.mark.parametrize(
    ("mode", "error", "is_there"),
    [("timeout_after", Unknown, True), ("error_before", Unknown, False), ("throttle", Throttled, False)],
)
async def test_a_broken_cancellation_is_classified(
    stand: Stand, mode: str, error: type[ChannelError], is_there: bool
) -> None:
    [number] = await stand.place()
    order = await stand.read(number)
    await stand.fault("cancel", mode)

    raised_error = await raised(
        canceller(stand).cancel_order(stand.access, to_cancel(order), canceller(stand).cancellation_reasons()[0].code)
    )

    assert type(raised_error) is error
    assert ((await stand.read(number)).status == "cancelled") is is_there


def test_reasons_are_told_in_both_languages(stand: Stand) -> None:
    reasons = canceller(stand).cancellation_reasons()

    assert reasons and all(reason.code and reason.text_en and reason.text_id for reason in reasons)
