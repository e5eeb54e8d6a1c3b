"""Finding, reading, splitting and cancelling orders."""

from itertools import pairwise
from typing import Any

import pytest

from tests.sandbox.shopee.conftest import Caller, Control

DAY = 86_400
ANSWER = "order/handle_buyer_cancellation"


async def detail(caller: Caller, number: str, *fields: str) -> Any:
    query = {"order_sn_list": number, "response_optional_fields": ",".join(fields)}
    [order] = (await caller.read("order/get_order_detail", **query))["order_list"]
    return order


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_range_field": "pay_time"},
        {"page_size": 0},
        {"page_size": 101},
        {"page_size": "--5"},
        {"cursor": "x"},
        {"cursor": "-1"},
        {"order_status": "RETRY_SHIP"},
    ],
)
async def test_a_list_needs_readable_parameters(caller: Caller, wrong: dict[str, Any]) -> None:
    good = {"time_range_field": "update_time", "time_from": 1, "time_to": 2, "page_size": 50}

    assert await caller.error("order/get_order_list", **good) == ""
    assert await caller.error("order/get_order_list", **{**good, **wrong}) == "error_param"


@pytest.mark.parametrize(
    ("since", "until", "error"),
    [(0, 15 * DAY, ""), (0, 15 * DAY + 1, "order.order_list_invalid_time"), (5, 5, "order.order_list_invalid_time")],
)
async def test_a_window_is_at_most_fifteen_days(caller: Caller, since: int, until: int, error: str) -> None:
    query = {"time_range_field": "create_time", "time_from": since, "time_to": until, "page_size": 50}

    assert await caller.error("order/get_order_list", **query) == error


async def test_pages_follow_a_cursor_to_an_empty_one(control: Control, caller: Caller) -> None:
    numbers = await control.place(caller.shop, 5)
    ahead, found, cursor = await control.ahead(), [], ""

    sizes = []
    while True:
        page = await caller.list_orders(ahead=ahead, page_size=2, cursor=cursor)
        found += [row["order_sn"] for row in page["order_list"]]
        sizes.append(len(page["order_list"]))
        cursor = page["next_cursor"]
        if not page["more"]:
            break

    assert sorted(found) == sorted(numbers)
    assert (sizes, cursor) == ([2, 2, 1], "")


async def test_rows_carry_a_status_only_when_asked(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    ahead = await control.ahead()

    bare = await caller.list_orders(ahead=ahead, order_status="READY_TO_SHIP")
    asked = await caller.list_orders(ahead=ahead, response_optional_fields="order_status")

    assert bare["order_list"] == [{"order_sn": number}]
    assert asked["order_list"] == [{"order_sn": number, "order_status": "READY_TO_SHIP"}]
    assert (await caller.list_orders(ahead=ahead, order_status="CANCELLED"))["order_list"] == []


async def test_an_unlisted_order_is_read_by_its_number_only(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop, is_listed=False)

    assert (await caller.list_orders(ahead=await control.ahead()))["order_list"] == []
    assert (await detail(caller, number))["order_sn"] == number


async def test_every_change_moves_the_update_time(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop, state="unpaid")
    moments = [(await detail(caller, number))["update_time"]]

    for step in ("paid", "edited", "arranged", "collected", "in_transit", "delivered", "completed"):
        await control.pass_time(20)
        await control.advance(number, step)
        moments.append((await detail(caller, number))["update_time"])

    assert all(later >= earlier + 20 for earlier, later in pairwise(moments)), moments


async def test_fields_nobody_asked_for_are_absent(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop, lines=2)

    bare = await detail(caller, number)
    full = await detail(caller, number, "item_list", "recipient_address", "total_amount", "estimated_shipping_fee")

    assert set(bare) == {
        "order_sn", "region", "currency", "cod", "order_status", "message_to_seller", "create_time", "update_time",
        "days_to_ship", "ship_by_date",
    }  # fmt: skip
    goods = sum(line["model_discounted_price"] * line["model_quantity_purchased"] for line in full["item_list"])
    assert full["total_amount"] == goods + full["estimated_shipping_fee"]
    assert all("*" in full["recipient_address"][part] for part in ("name", "phone", "full_address"))


async def test_numbers_come_joined_or_repeated_and_unknown_ones_are_named(control: Control, caller: Caller) -> None:
    first, second = await control.place(caller.shop, 2)
    [foreign] = await control.place(await control.post("shopee/shops", name="Toko Lain"))
    path = "order/get_order_detail"

    joined = (await caller.get(path, order_sn_list=f"{first},{second},{foreign}")).json()
    repeated = await caller.read(path, order_sn_list=[first, second])

    assert [order["order_sn"] for order in joined["response"]["order_list"]] == [first, second]
    assert joined["warning"] == [foreign]
    assert [order["order_sn"] for order in repeated["order_list"]] == [first, second]
    assert await caller.error(path, order_sn_list=foreign) == "error_not_found"
    assert await caller.error(path, order_sn_list=",".join(map(str, range(51)))) == "error_param"


async def test_there_are_no_parcels_before_the_payment(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop, state="unpaid")

    unpaid = await detail(caller, number, "package_list", "pay_time")
    await control.advance(number, "paid")
    paid = await detail(caller, number, "package_list", "pay_time")

    assert (unpaid["order_status"], unpaid["package_list"], unpaid["pay_time"]) == ("UNPAID", [], None)
    assert (paid["order_status"], len(paid["package_list"])) == ("READY_TO_SHIP", 1)
    assert paid["pay_time"] > 0 and paid["ship_by_date"] > paid["pay_time"]


async def test_a_cash_order_is_paid_at_the_door(control: Control, caller: Caller) -> None:
    numbers = await control.place(caller.shop, 60)
    orders = [await detail(caller, number, "pay_time", "payment_method") for number in numbers]
    cash = next(order for order in orders if order["cod"])

    before = cash["pay_time"]
    await control.advance(cash["order_sn"], "delivered")

    assert (cash["payment_method"], cash["order_status"], before) == ("Cash on Delivery", "READY_TO_SHIP", None)
    assert (await detail(caller, cash["order_sn"], "pay_time"))["pay_time"] > 0


async def test_packages_are_found_by_what_there_is_to_do(control: Control, caller: Caller) -> None:
    to_process, processed = await control.place(caller.shop, 2)
    await control.advance(processed, "arranged")

    async def search(status: int) -> list[str]:
        body = {"filter": {"package_status": status}, "pagination": {"page_size": 10, "cursor": ""}}
        return [one["order_sn"] for one in (await caller.write("order/search_package_list", **body))["packages_list"]]

    assert (await search(2), await search(3)) == ([to_process], [processed])
    assert sorted(await search(0)) == sorted([to_process, processed])
    assert await caller.refusal("order/search_package_list", pagination=[]) == "error_param"
    shipments = await caller.read("order/get_shipment_list", page_size=10)
    assert [one["order_sn"] for one in shipments["order_list"]] == [to_process]


async def test_an_order_is_split_and_joined_again_with_new_package_numbers(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop, lines=3)
    lines = (await detail(caller, number, "item_list"))["item_list"]
    keys = [{"item_id": line["item_id"], "model_id": line["model_id"]} for line in lines]
    before = (await control.truth(number))["packages"]

    partly = await caller.refusal("order/split_order", order_sn=number, package_list=[{"item_list": keys[:1]}])
    groups = [{"item_list": keys[:1]}, {"item_list": keys[1:]}]
    split = await caller.write("order/split_order", order_sn=number, package_list=groups)
    again = await caller.refusal("order/split_order", order_sn=number, package_list=groups)
    packages = (await detail(caller, number, "package_list", "split_up"))["package_list"]
    await caller.write("order/unsplit_order", order_sn=number)
    after = (await control.truth(number))["packages"]

    assert (partly, again) == ("order.order_split_item_error", "order.order_has_been_split")
    assert [len(one["item_list"]) for one in split["package_list"]] == [1, 2]
    assert [one["package_number"] for one in packages] == [one["package_number"] for one in split["package_list"]]
    all_numbers = {one["package_number"] for one in (*before, *packages, *after)}
    assert len(all_numbers) == 4
    path = "order/get_package_detail"
    assert await caller.error(path, package_number_list=before[0]["package_number"]) == "error_not_found"


async def test_a_seller_cancels_until_there_is_a_tracking_number(control: Control, caller: Caller) -> None:
    open_order, shipped = await control.place(caller.shop, 2)
    await caller.ship(shipped)
    await control.pass_time(30)
    path = "order/cancel_order"

    bare = await caller.refusal(path, order_sn=open_order, cancel_reason="OUT_OF_STOCK")
    wrong = await caller.refusal(path, order_sn=open_order, cancel_reason="BORED")
    await caller.write(path, order_sn=open_order, cancel_reason="CUSTOMER_REQUEST")
    twice = await caller.refusal(path, order_sn=open_order, cancel_reason="CUSTOMER_REQUEST")
    late = await caller.refusal(path, order_sn=shipped, cancel_reason="CUSTOMER_REQUEST")

    assert (bare, wrong) == ("order.error_param", "order.error_param")
    assert (twice, late) == ("order.error_limit", "order.error_limit")
    assert await control.effects("cancel", open_order) == [False, False, True, False]
    order = await detail(caller, open_order, "cancel_by", "cancel_reason", "package_list")
    assert (order["order_status"], order["cancel_by"], order["cancel_reason"]) == (
        "CANCELLED", "seller", "CUSTOMER_REQUEST"
    )  # fmt: skip
    assert order["package_list"][0]["logistics_status"] == "LOGISTICS_INVALID"


async def test_a_cancellation_request_closes_the_order_until_it_is_rejected(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    await control.advance(number, "cancel_requested")
    asked = await detail(caller, number, "buyer_cancel_reason", "package_list")

    refused = (await caller.ship(number)).json()["error"]
    await caller.write(ANSWER, order_sn=number, operation="REJECT")
    again = await caller.refusal(ANSWER, order_sn=number, operation="REJECT")

    assert (asked["order_status"], bool(asked["buyer_cancel_reason"])) == ("IN_CANCEL", True)
    assert asked["package_list"][0]["logistics_status"] == "LOGISTICS_READY"
    assert (refused, again) == ("logistics.ship_order_not_ready_to_ship", "order.cancel_order_invalid_status")
    assert (await control.truth(number))["cancellation"] == "rejected"
    assert await control.status(f"shopee/orders/{number}/advance", to="cancel_requested") == 409, "a buyer asks once"
    assert (await caller.ship(number)).json()["error"] == ""


async def test_a_request_while_the_carrier_is_being_told_leads_back_to_processed(
    control: Control, caller: Caller
) -> None:
    [number] = await control.place(caller.shop)
    await caller.ship(number)
    await control.advance(number, "cancel_requested")
    await control.pass_time(30)

    await caller.write(ANSWER, order_sn=number, operation="REJECT")

    assert (await detail(caller, number))["order_status"] == "PROCESSED"


async def test_an_unanswered_request_is_accepted_after_a_day(control: Control, caller: Caller) -> None:
    accepted, forgotten = await control.place(caller.shop, 2)
    for number in (accepted, forgotten):
        await control.advance(number, "cancel_requested")

    await caller.write(ANSWER, order_sn=accepted, operation="ACCEPT")
    await control.pass_time(DAY - 60)
    before = (await control.truth(forgotten))["cancellation"]
    await control.pass_time(61)

    assert before == "requested"
    for number in (accepted, forgotten):
        truth = await control.truth(number)
        assert (truth["state"], truth["cancellation"]) == ("cancelled", "approved")
    assert await control.effects("answer_cancellation", forgotten) == []


async def test_a_note_is_kept(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)

    answer = (await caller.post("order/set_note", {"order_sn": number, "note": "hati-hati"})).json()

    assert (answer["error"], "response" in answer) == ("", False)
    assert (await detail(caller, number, "note"))["note"] == "hati-hati"
