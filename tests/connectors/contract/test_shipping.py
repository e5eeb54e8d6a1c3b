"""Receiving, arranging in each hand-over, and what a read proves afterwards."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.channels.contract import ArrangesInBatches, Handover, MarksDelivery, PackageRef, Receives, ShipmentState
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unknown
from tests.connectors.contract.stand import Stand, raised

BROKEN: list[tuple[str, type[ChannelError], bool]] = [
    ("timeout_before", Unknown, False),
    ("timeout_after", Unknown, True),
    ("error_before", Unknown, False),
    ("error_after", Unknown, True),
    ("disconnect", Unknown, True),
    ("malformed", Unknown, True),
    ("truncated", Unknown, True),
    ("throttle", Throttled, False),
]
"""Fault, error, whether it took effect."""


# --- receiving --------------------------------------------------------------------------------------------------------


@pytest.fixture
def receiver(stand: Stand) -> Receives:
    if not isinstance(stand.connector, Receives):
        pytest.skip("nothing is received by a call")
    return stand.connector


async def state_of_receipt(stand: Stand, receiver: Receives, package: PackageRef) -> ShipmentState:
    return (await receiver.read_receipts(stand.access, [package]))[package.package_number].state


async def test_receiving_makes_packages(stand: Stand, receiver: Receives) -> None:
    numbers = await stand.place(2, lines=2, packages=2)
    waiting = [package for number in numbers for package in await stand.packages(number)]
    before = await stand.read(numbers[0])
    assert (before.status, before.first_step) == ("ordered", "call")
    assert len(waiting) == 4 and all(package.awaits_receipt for package in before.packages)
    assert {await state_of_receipt(stand, receiver, package) for package in waiting} == {ShipmentState.ABSENT}

    outcomes = await receiver.receive_packages(stand.access, waiting)

    assert outcomes == {package.package_number: None for package in waiting}
    assert {await state_of_receipt(stand, receiver, package) for package in waiting} == {ShipmentState.ARRANGED}
    for number in numbers:
        order = await stand.read(number)
        assert (order.status, len(order.packages)) == ("ready_to_ship", 2)
        assert not any(package.awaits_receipt for package in order.packages)
        assert {package.status for package in order.packages} == {"to_process"}
        assert await stand.effects("receive", number) == 2
    again = await receiver.receive_packages(stand.access, waiting)
    assert all(isinstance(error, Rejected) for error in again.values()), again


@pytest.mark.parametrize(("mode", "error", "is_there"), BROKEN)
async def test_a_broken_receipt_is_classified_and_read_back(
    stand: Stand, receiver: Receives, mode: str, error: type[ChannelError], is_there: bool
) -> None:
    [number] = await stand.place()
    [package] = await stand.packages(number)
    await stand.fault("receive", mode)

    assert type(await raised(receiver.receive_packages(stand.access, [package]))) is error

    expected = ShipmentState.ARRANGED if is_there else ShipmentState.ABSENT
    assert await state_of_receipt(stand, receiver, package) is expected
    assert await stand.effects("receive", number) == is_there


async def test_a_package_left_out_of_the_answer_is_not_called_received(stand: Stand, receiver: Receives) -> None:
    numbers = await stand.place(2)
    packages = [package for number in numbers for package in await stand.packages(number)]
    await stand.fault("receive", "omit_item")

    outcomes = await receiver.receive_packages(stand.access, packages)

    assert len(outcomes) == 1 and set(outcomes.values()) == {None}
    assert sum([await stand.effects("receive", number) for number in numbers]) == 2


# --- arranging --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pickup", "dropoff", "manual"])
async def test_each_hand_over_is_arranged_once(stand: Stand, method: str) -> None:
    number, [package] = await stand.ready()
    handover = await stand.choose(package, method)
    if handover is None:
        assert method not in stand.connector.facts.handovers or method == "manual"
        pytest.skip("not offered for this order")
    assert await stand.state_of(package) is ShipmentState.ABSENT

    await stand.ships.arrange_shipment(stand.access, package, handover)

    assert await stand.state_of(package) is ShipmentState.ARRANGED
    # A courier of the seller's own is on the way as soon as its number is known, says Shopee.
    assert (await stand.read(number)).packages[0].status in ("processed", "in_transit")
    assert isinstance(await raised(stand.ships.arrange_shipment(stand.access, package, handover)), AlreadyDone)
    assert await stand.effects("ship", number) == 1
    await stand.pass_time(120)
    if method == "manual":
        assert (await stand.packages(number))[0].tracking_number == handover.tracking_number


async def test_each_package_of_an_order_is_its_own(stand: Stand) -> None:
    _, packages = await stand.ready(packages=2, lines=2)
    if len(packages) == 1:
        pytest.skip("one package per order here")
    first, second = packages

    await stand.arrange(first)

    readings = await stand.ships.read_shipments(stand.access, [first, second])
    assert readings[first.package_number].state is ShipmentState.ARRANGED
    assert readings[second.package_number].state is ShipmentState.ABSENT


@pytest.mark.parametrize(("mode", "error", "is_there"), BROKEN)
async def test_a_broken_arrangement_is_classified_and_read_back(
    stand: Stand, mode: str, error: type[ChannelError], is_there: bool
) -> None:
    number, [package] = await stand.ready()
    handover = await stand.first_choice(package)
    await stand.fault("ship", mode)

    assert type(await raised(stand.ships.arrange_shipment(stand.access, package, handover))) is error

    assert await stand.state_of(package) is (ShipmentState.ARRANGED if is_there else ShipmentState.ABSENT)
    assert await stand.effects("ship", number) == is_there


async def test_a_late_effect_is_absent_first_and_arranged_later(stand: Stand) -> None:
    _, [package] = await stand.ready()
    handover = await stand.first_choice(package)
    await stand.fault("ship", "late_effect", delay_ms=90_000)

    assert isinstance(await raised(stand.ships.arrange_shipment(stand.access, package, handover)), Unknown)

    assert await stand.state_of(package) is ShipmentState.ABSENT
    # The delay starts when the server notices that its client is gone.
    await until(lambda: stand.pass_time(30), lambda: stand.state_of(package), ShipmentState.ARRANGED)


async def test_a_reading_that_lags_shows_the_state_before(stand: Stand) -> None:
    _, [package] = await stand.ready()
    await stand.fault("ship", "stale_read", delay_ms=60_000)

    await stand.arrange(package)

    assert await stand.state_of(package) is ShipmentState.ABSENT
    await stand.pass_time(61)
    assert await stand.state_of(package) is ShipmentState.ARRANGED


async def test_a_cancelled_order_is_moot(stand: Stand) -> None:
    number, [package] = await stand.ready()
    handover = await stand.first_choice(package)
    await stand.advance(number, "cancelled")

    assert await stand.state_of(package) is ShipmentState.MOOT
    error = await raised(stand.ships.arrange_shipment(stand.access, package, handover))
    assert isinstance(error, Rejected)
    assert await stand.effects("ship", number) == 0


async def alike(stand: Stand, count: int) -> list[tuple[PackageRef, Handover]]:
    """Packages of one courier, each with what is asked for it."""
    number, packages = await stand.ready()
    courier = (await stand.read(number)).packages[0].courier
    for _ in range(count - 1):
        packages += (await stand.ready(courier=courier))[1]
    return [(package, await stand.first_choice(package)) for package in packages]


async def test_packages_share_a_call(stand: Stand) -> None:
    if not isinstance(stand.connector, ArrangesInBatches):
        pytest.skip("each package has a call of its own")
    parcels = await alike(stand, 3)
    assert len({stand.connector.batch_of(package, handover) for package, handover in parcels}) == 1
    await stand.arrange(parcels[0][0])

    outcomes = await stand.connector.arrange_shipments(stand.access, parcels)

    names = [package.package_number for package, _ in parcels]
    assert isinstance(outcomes[names[0]], AlreadyDone)
    assert {outcomes[name] for name in names[1:]} == {None}
    rows = (await stand.get("ledger", channel=stand.channel, operation="ship"))["data"]
    calls = {row["call_id"] for row in rows if row["package_number"] in names[1:]}
    assert len(calls) == 1, "one call"


async def test_a_package_left_out_of_a_shared_answer_is_not_called_arranged(stand: Stand) -> None:
    if not isinstance(stand.connector, ArrangesInBatches):
        pytest.skip("each package has a call of its own")
    parcels = await alike(stand, 2)
    await stand.fault("ship", "malformed")

    error = await raised(stand.connector.arrange_shipments(stand.access, parcels))

    assert isinstance(error, Unknown)
    assert {await stand.state_of(package) for package, _ in parcels} == {ShipmentState.ARRANGED}


# --- own courier ------------------------------------------------------------------------------------------------------


async def test_the_merchant_marks_dispatch_and_delivery(stand: Stand) -> None:
    if not isinstance(stand.connector, MarksDelivery):
        pytest.skip("couriers report")
    number, [package] = await stand.ready()
    await stand.arrange(package)

    await stand.connector.mark_dispatched(stand.access, package, await stand.now())
    sent = await stand.read(number)
    await stand.connector.mark_delivered(stand.access, package, await stand.now())
    arrived = await stand.read(number)

    assert (sent.status, sent.packages[0].status) == ("on_delivery", "in_transit")
    assert (arrived.status, arrived.packages[0].status) == ("completed", "delivered")
    assert await stand.effects("dispatch", number) == await stand.effects("deliver", number) == 1


async def until(
    act: Callable[[], Awaitable[object]], look: Callable[[], Awaitable[object]], wanted: object, tries: int = 100
) -> None:
    """Act until it shows."""
    for _ in range(tries):
        await act()
        if await look() is wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{wanted} never showed")
