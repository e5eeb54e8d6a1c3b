"""Orders that are received first, shared calls, and parcels the merchant carries."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.channels.errors import Rejected, Unavailable, Unknown
from app.core.db import Database
from app.fulfilment import auto_receiving, options
from app.orders import effects
from app.shops import service as shops
from tests.scenarios.dock import Dock, open_dock
from tests.scenarios.packhouse import REFUSED, Packhouse, waiting
from tests.sync import market


@pytest.fixture
async def house(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[Dock]:
    async with open_dock(database, owner_url, tmp_path, Packhouse()) as opened:
        yield opened


def at(dock: Dock) -> Packhouse:
    assert isinstance(dock.quay, Packhouse)
    return dock.quay


async def place(dock: Dock, number: str, *packages: str, **changes: Any) -> None:
    """An order that waits to be received."""
    made = tuple(waiting(one) for one in packages)
    placed = market.now() - timedelta(minutes=10)
    values: dict[str, Any] = {"packages": made, "status": "ordered", "first_step": "call"} | changes
    dock.quay.place(market.order(number, shop=dock.scene.account.external_id, at=placed, **values))
    await dock.sync(number)


async def place_at_gate(dock: Dock, number: str, **changes: Any) -> None:
    """An order at our own gate."""
    values: dict[str, Any] = {"packages": (market.package(f"G{number}", lines={}),), "first_step": "gate"}
    await place(dock, number, **(values | changes))


# --- receiving at the channel -----------------------------------------------------------------------------------------


async def test_receiving_makes_packages_with_one_call_for_all(house: Dock) -> None:
    await place(house, "A1", "1")
    await place(house, "A2", "2", "3")

    operation = await house.bulk("receive", "A1", "A2")
    await house.work()

    assert [await house.outcome(operation, one) for one in ("A1", "A2")] == [("succeeded", None)] * 2
    assert at(house).receive_calls == [["W1", "W2", "W3"]]
    order = await house.order("A2")
    assert (order["status"], order["stage"], order["received_by"]) == ("ready_to_ship", "to_process", "user")
    assert ("order.received", "user") in await house.history("A1")
    again = await house.bulk("receive", "A1")
    await house.work()
    assert await house.outcome(again, "A1") == ("skipped", "already_done")
    assert at(house).receipts == {"W1": 1, "W2": 1, "W3": 1}


async def test_what_is_not_received_is_not_arranged(house: Dock) -> None:
    await place(house, "A1", "1")

    operation = await house.arrange("A1")
    await house.work()

    assert await house.outcome(operation, "A1") == ("skipped", "receive_first")
    assert (await house.item(operation, "A1")).next_action == "receive"
    assert at(house).arrange_calls == []


async def test_a_read_that_fails_after_receiving_is_made_up_for(house: Dock) -> None:
    """By who asks for the options at once, and in any case a moment later."""
    for number in ("A1", "A2"):
        await place(house, number, number[1])
        at(house).read_errors = [None, Unavailable("http_503", "busy")]
        await house.bulk("receive", number)
        await house.work()
    first, second = await house.order("A1"), await house.order("A2")

    offered = await options.ask(house.scene.context, house.merchant_id, [first["id"]])
    assert (offered.exceptions, len(offered.groups)) == ([], 1)
    assert await numbers_of(house, first["id"]) == ["FW1"]
    assert await numbers_of(house, second["id"]) == ["W2"]

    await house.pass_time(2)
    assert await numbers_of(house, second["id"]) == ["FW2"]


async def numbers_of(house: Dock, order_id: UUID) -> list[str]:
    packages = await house.scene.context.database.transact(effects.list_packages, house.merchant_id, [order_id])
    return [package.package_number for package in packages[order_id]]


@pytest.mark.parametrize(("lost", "times"), [("lost_after_effect", 1), ("lost_before_effect", 1)])
async def test_a_lost_answer_to_receiving_is_read_back(house: Dock, lost: Any, times: int) -> None:
    await place(house, "A1", "1")
    at(house).steps["W1"] = [lost]
    operation = await house.bulk("receive", "A1")
    await house.work()
    assert await house.outcome(operation, "A1") == ("unknown", "effect_unknown")

    await house.settle()

    assert await house.outcome(operation, "A1") == ("succeeded", None)
    assert at(house).receipts["W1"] == times
    assert len(at(house).receive_calls) == (1 if lost == "lost_after_effect" else 2)
    assert await house.open_intents() == []


async def test_a_refusal_among_others_stays_alone(house: Dock) -> None:
    await place(house, "A1", "1")
    await place(house, "A2", "2")
    at(house).steps["W1"] = [REFUSED]

    operation = await house.bulk("receive", "A1", "A2")
    await house.work()

    item = await house.item(operation, "A1")
    assert (item.state, item.code, item.channel_code, item.retryable) == ("failed", "wrong_state", "700026", True)
    assert await house.outcome(operation, "A2") == ("succeeded", None)
    assert (await house.order("A1"))["status"] == "ordered"
    await house.retry(operation)
    await house.work()
    assert await house.outcome(operation, "A1") == ("succeeded", None)


async def test_a_reading_that_lags_does_not_undo_a_receipt(house: Dock) -> None:
    """The order shows as received, and arranging waits for the number its package goes on under."""
    await place(house, "A1", "1")
    before = house.quay.orders["A1"]
    operation = await house.bulk("receive", "A1")
    await house.work()
    house.quay.place(before)
    await house.sync("A1")
    after = house.quay.orders["A1"]
    assert (await house.order("A1"))["status"] == "ready_to_ship"

    arranging = await house.arrange("A1")
    await house.work()
    at(house).receipts.clear()
    house.quay.place(after)
    at(house).pack("A1", "W1")
    await house.pass_time(2, 2)

    assert await house.outcome(operation, "A1") == ("succeeded", None)
    assert await house.outcome(arranging, "A1") == ("succeeded", None)
    assert at(house).effects == {"FW1": 1}


async def test_a_package_taken_apart_later_is_received_again(house: Dock) -> None:
    await place(house, "A1", "1")
    await house.bulk("receive", "A1")
    await house.work()
    await house.pass_time(61)
    house.quay.change("A1", packages=(waiting("1"),), status="ordered")
    await house.read("A1")
    assert (await house.order("A1"))["status"] == "ordered"

    operation = await house.bulk("receive", "A1")
    await house.work()

    assert await house.outcome(operation, "A1") == ("succeeded", None)
    assert at(house).receipts["W1"] == 2


# --- shared calls -----------------------------------------------------------------------------------------------------


async def received(dock: Dock, *numbers: str) -> None:
    for number in numbers:
        await place(dock, f"A{number}", number)
    await dock.bulk("receive", *(f"A{number}" for number in numbers))
    await dock.work()


async def test_packages_share_a_call_and_each_has_its_own_outcome(house: Dock) -> None:
    await received(house, "1", "2", "3")
    at(house).steps["FW2"] = [Rejected("21011007", "after-sale", meaning="cancellation_requested")]
    at(house).left_out = {"FW3"}

    operation = await house.arrange("A1", "A2", "A3")
    await house.work()

    assert sorted(at(house).arrange_calls[0]) == ["FW1", "FW2", "FW3"] and len(at(house).arrange_calls) == 1
    assert await house.outcome(operation, "A1") == ("succeeded", None)
    assert await house.outcome(operation, "A2") == ("failed", "cancellation_requested")
    assert await house.outcome(operation, "A3") == ("unknown", "effect_unknown"), "the answer does not mention it"
    await house.settle()
    assert await house.outcome(operation, "A3") == ("succeeded", None)
    assert at(house).effects == {"FW1": 1, "FW3": 1}


async def test_a_shared_call_whose_answer_is_lost_is_never_sent_again(house: Dock) -> None:
    await received(house, "1", "2")
    at(house).whole_call = [Unknown("no_answer", "ReadTimeout")]

    operation = await house.arrange("A1", "A2")
    await house.work()
    assert [await house.outcome(operation, one) for one in ("A1", "A2")] == [("unknown", "effect_unknown")] * 2
    await house.settle()

    assert [await house.outcome(operation, one) for one in ("A1", "A2")] == [("succeeded", None)] * 2
    assert at(house).effects == {"FW1": 1, "FW2": 1} and len(at(house).arrange_calls) == 1


# --- our own gate -----------------------------------------------------------------------------------------------------


async def test_a_gate_is_passed_without_a_call(house: Dock) -> None:
    await place_at_gate(house, "A1")
    assert (await house.order("A1"))["status"] == "ordered"

    operation = await house.bulk("receive", "A1")
    await house.work()

    assert await house.outcome(operation, "A1") == ("succeeded", None)
    assert at(house).receive_calls == []
    assert (await house.order("A1"))["status"] == "ready_to_ship"
    house.quay.change("A1", buyer_message="halo")
    await house.sync("A1")
    assert (await house.order("A1"))["status"] == "ready_to_ship", "the channel goes on calling it new"


async def test_arranging_at_the_gate_receives_first(house: Dock) -> None:
    await place_at_gate(house, "A1")

    operation = await house.arrange("A1")
    await house.work()

    assert await house.outcome(operation, "A1") == ("succeeded", None)
    entries = await house.history("A1")
    told = [entry for entry in entries if entry[0] in ("order.received", "shipment.arranged")]
    assert told == [("order.received", "implied"), ("shipment.arranged", None)]


async def test_a_buyer_who_wants_out_stays_before_the_gate(house: Dock) -> None:
    await place_at_gate(house, "A1")
    house.quay.request_cancellation("A1")

    operation = await house.bulk("receive", "A1")
    await house.work()

    assert await house.outcome(operation, "A1") == ("skipped", "cancellation_requested")
    assert (await house.order("A1"))["status"] == "ordered"


async def test_urgent_orders_pass_at_once_and_shipped_ones_have_passed(house: Dock) -> None:
    await place_at_gate(house, "A1", is_urgent=True)
    await place_at_gate(house, "A2")
    await place_at_gate(house, "A3", is_urgent=True, channel_hold_reason="remorse")
    house.quay.change("A2", status="ready_to_ship", packages=(market.package("GA2", "processed", lines={}),))
    await house.sync("A2")

    found = {number: await house.order(number) for number in ("A1", "A2", "A3")}
    assert {number: (row["status"], row["received_by"]) for number, row in found.items()} == {
        "A1": ("ready_to_ship", "auto"),
        "A2": ("ready_to_ship", "implied"),
        "A3": ("ordered", None),
    }


@pytest.mark.parametrize(
    ("wish", "received_now"),
    [
        ({"mode": "off", "value": None}, set()),
        ({"mode": "immediately", "value": None}, {"new", "old", "late"}),
        ({"mode": "after_minutes", "value": 30}, {"old"}),
        ({"mode": "before_deadline", "value": 6}, {"late"}),
    ],
)
async def test_a_shop_receives_by_itself_as_it_wishes(
    house: Dock, wish: dict[str, Any], received_now: set[str]
) -> None:
    paid = market.now()
    await place_at_gate(house, "new", paid_at=paid, ship_by=paid + timedelta(hours=20))
    await place_at_gate(house, "old", paid_at=paid - timedelta(minutes=40), ship_by=paid + timedelta(hours=20))
    await place_at_gate(house, "late", paid_at=paid, ship_by=paid + timedelta(hours=5))
    await place_at_gate(house, "asked", paid_at=paid - timedelta(days=1))
    house.quay.request_cancellation("asked")
    await house.sync("asked")
    shop_id = (await house.order("new"))["shop_id"]
    await house.scene.context.database.transact(shops.change_shop, house.merchant_id, shop_id, {"auto_receive": wish})

    for _ in range(2):  # a second look asks for nothing twice
        await auto_receiving.receive_due(house.scene.context)
    await house.work()

    rows = await house.scene.sql("select order_number, received_by from orders where merchant_id = $1")
    assert {row["order_number"] for row in rows if row["received_by"] == "auto"} == received_now
    operations = await house.scene.sql("select id from operations where merchant_id = $1")
    assert len(operations) == (1 if received_now else 0)


# --- own courier ------------------------------------------------------------------------------------------------------


async def test_the_merchant_marks_what_left_and_what_arrived(house: Dock) -> None:
    await received(house, "1")
    early = await house.bulk("mark_dispatched", "A1")
    await house.arrange("A1")
    await house.work()
    assert await house.outcome(early, "A1") == ("skipped", "not_arranged")
    at(house).mark_errors = [REFUSED]
    await house.bulk("mark_dispatched", "A1")
    await house.work()
    assert await house.scene.failures("A1") == [("shipment.dispatch_failed", "wrong_state", "700026")]
    at(house).mark_errors = [Unavailable("no_answer", "ConnectError")]

    dispatching = await house.bulk("mark_dispatched", "A1")
    await house.pass_time(1, 5, 10)

    assert await house.outcome(dispatching, "A1") == ("succeeded", None)
    assert (await house.order("A1"))["status"] == "on_delivery"
    delivering = await house.bulk("mark_delivered", "A1")
    await house.work()
    assert await house.outcome(delivering, "A1") == ("succeeded", None)
    assert (await house.order("A1"))["status"] == "completed"
    assert at(house).marks == [("FW1", "dispatched"), ("FW1", "delivered")]
    types = [type for type, _ in await house.history("A1")]
    assert types.index("shipment.dispatched") < types.index("shipment.delivered")


async def test_a_mark_outruns_a_reading_that_lags(house: Dock) -> None:
    await received(house, "1")
    await house.arrange("A1")
    await house.work()
    at(house).lagging["FW1"] = True

    await house.bulk("mark_dispatched", "A1")
    await house.work()
    house.quay.change("A1", buyer_message="halo")
    await house.sync("A1")

    assert (await house.order("A1"))["status"] == "on_delivery"


async def test_parcels_have_a_number_of_ours_where_no_courier_gives_one(house: Dock) -> None:
    await received(house, "1", "2")

    await house.arrange("A1", "A2")
    await house.work()

    numbers = {(await house.order(one))["tracking_number"] for one in ("A1", "A2")}
    assert numbers == {"PLG00000000018", "PLG00000000026"}
