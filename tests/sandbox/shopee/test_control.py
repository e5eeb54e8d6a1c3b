"""The control API: states, clock, ledger, call counts, reset."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox.shopee.conftest import Caller, Control

STEPS = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")


async def test_a_first_start_has_two_shops_with_a_past(control: Control, caller: Caller) -> None:
    shops = (await control.get("credentials"))["shopee"]["shops"][:2]

    for shop in shops:
        caller.shop = shop
        info = (await caller.get("shop/get_shop_info")).json()
        assert (info["error"], info["shop_name"]) == ("", shop["name"])


@pytest.mark.parametrize("start", STEPS[:-1])
async def test_an_order_goes_forward_only(control: Control, caller: Caller, start: str) -> None:
    [number] = await control.place(caller.shop, state="unpaid", packages=2)
    if start != "unpaid":
        await control.advance(number, start)

    truth = await control.truth(number)
    assert (truth["order_number"], truth["shop_id"], truth["state"]) == (number, caller.shop["shop_id"], start)
    assert [package["state"] for package in truth["packages"]] == [start, start]
    for step in STEPS[1 : STEPS.index(start) + 1]:
        assert await control.status(f"shopee/orders/{number}/advance", to=step) == 409
    end = await control.advance(number, "completed")
    assert (end["state"], {package["state"] for package in end["packages"]}) == ("completed", {"completed"})
    assert all(package["tracking_number"] for package in end["packages"])


async def test_what_is_over_stays_over(control: Control, caller: Caller) -> None:
    cancelled, completed = await control.place(caller.shop, 2)
    await control.advance(cancelled, "cancelled")
    await control.advance(completed, "completed")

    for number in (cancelled, completed):
        for step in ("cancelled", "cancel_requested", "delivered"):
            assert await control.status(f"shopee/orders/{number}/advance", to=step) == 409


async def test_unknown_things_are_said_to_be_unknown(control: Control) -> None:
    for path in ("shopee/orders/NOPE", "bukalapak/orders/NOPE", "nothing"):
        answer = await control.http.get(f"/_control/{path}")
        assert (answer.status_code, "detail" in answer.json()) == (404, True)
    assert await control.status("shopee/consent", shop_id="0") == 404
    assert await control.status("bukalapak/shops", name="Toko") == 404
    assert await control.status("shopee/orders", count=1, shop_id="0") == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("shopee/orders", {"count": 0}, "body.count"),
        ("shopee/orders", {"count": 1, "state": "lost"}, "body.state"),
        ("shopee/orders", {"count": 1, "lines": 1, "packages": 2}, "body"),
        ("shopee/orders", {"count": 1, "colour": "red"}, "body.colour"),
        ("shopee/shops", {"name": ""}, "body.name"),
        ("clock", {"advance_seconds": -1}, "body.advance_seconds"),
        ("clock", {"advance_seconds": "inf"}, "body.advance_seconds"),
    ],
)
async def test_a_wrong_request_names_its_field(control: Control, path: str, body: dict[str, Any], field: str) -> None:
    answer = await control.http.post(f"/_control/{path}", json=body)

    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])


async def test_the_clock_applies_what_became_due_in_order_at_its_moment(control: Control, caller: Caller) -> None:
    numbers = await control.place(caller.shop, 5, courier="SPX Standard")
    for number in numbers:
        await caller.ship(number)
    before = await control.get("clock")
    began = datetime.fromisoformat(before["now"]).timestamp()

    after = await control.post("clock", advance_seconds=3600)

    assert 3600 <= after["offset_seconds"] - before["offset_seconds"] < 3601
    given = []
    for number in numbers:
        [event] = (await caller.read("logistics/get_tracking_info", order_sn=number))["tracking_info"]
        assert -5 < event["update_time"] - began < 6, "two to five seconds after the call, not an hour"
        truth = await control.truth(number)
        given.append((truth["packages"][0]["tracking_number"], truth["updated_at"]))
    moments = [moment for _, moment in sorted(given)]
    assert moments == sorted(moments), "numbers were given in the order of their moments"


async def test_what_is_due_also_comes_by_itself(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    await caller.ship(number)

    async with asyncio.timeout(8):  # two to five seconds of real time
        while (await package_status(control, caller, number)) != "LOGISTICS_REQUEST_CREATED":
            await asyncio.sleep(0.1)


async def package_status(control: Control, caller: Caller, number: str) -> str:
    package = (await control.truth(number))["packages"][0]["package_number"]
    [row] = (await caller.read("order/get_package_detail", package_number_list=package))["package_list"]
    status: str = row["fulfillment_status"]
    return status


async def test_calls_are_counted_once_and_for_each_order_they_name(control: Control, caller: Caller) -> None:
    first, second = await control.place(caller.shop, 2)
    package = (await control.truth(first))["packages"][0]["package_number"]

    async def count(**query: Any) -> int:
        rows = (await control.get("calls", operation="get_order", **query))["data"]
        return sum(row["count"] for row in rows)

    before = await count()
    await caller.read("order/get_order_detail", order_sn_list=f"{first},{second}")
    await caller.read("order/get_package_detail", package_number_list=package)

    assert await count() - before == 2
    assert (await count(order_number=first), await count(order_number=second)) == (2, 1)
    assert await count(channel="lazada") == 0
    assert await count(channel="shopee", order_number=first) == 2


async def test_the_ledger_says_what_was_asked_and_what_came_of_it(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    await caller.ship(number, pickup={"address_id": 1, "pickup_time_id": "2"})

    [row] = (await control.get("ledger", channel="shopee", order_number=number))["data"]

    package = (await control.truth(number))["packages"][0]["package_number"]
    assert set(row) == {
        "seq", "at", "channel", "operation", "order_number", "package_number", "effective", "call_id", "params"
    }  # fmt: skip
    assert (row["operation"], row["package_number"], row["effective"]) == ("ship", package, False)
    assert row["params"] == {
        "method": "pickup", "address_id": 1, "pickup_time_id": "2", "error": "logistics.address_not_found"
    }  # fmt: skip
    assert (await control.get("ledger", channel="lazada"))["data"] == []


async def test_the_same_seed_makes_the_same_order_with_another_number(control: Control, caller: Caller) -> None:
    fields = "item_list,recipient_address,total_amount,buyer_username,payment_method"

    async def place() -> tuple[list[str], list[Any]]:
        numbers = await control.place(caller.shop, 3, seed=7)
        query = {"order_sn_list": ",".join(numbers), "response_optional_fields": fields}
        orders = (await caller.read("order/get_order_detail", **query))["order_list"]
        return numbers, [[order[name] for name in fields.split(",")] for order in orders]

    numbers, orders = await place()
    packages = {(await control.truth(number))["packages"][0]["package_number"] for number in numbers}
    await control.post("reset")
    again, same = await place()

    assert set(numbers).isdisjoint(again)
    assert packages.isdisjoint({(await control.truth(one))["packages"][0]["package_number"] for one in again})
    assert orders == same and orders[0] != orders[1]
    assert all(len(number) == 14 for number in (*numbers, *again))


async def test_a_reset_forgets_orders_ledger_and_faults_and_nothing_else(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    await caller.ship(number)
    await control.fault("slow")
    before = await control.get("clock")

    await control.post("reset")

    assert (await control.http.get(f"/_control/shopee/orders/{number}")).status_code == 404
    for path in ("ledger", "faults", "calls"):
        assert (await control.get(path))["data"] == []
    assert (await control.get("clock"))["offset_seconds"] == before["offset_seconds"]
    assert (await caller.get("shop/get_shop_info")).json()["error"] == ""
    await control.pass_time(60)  # what the order still had before it is dropped quietly
