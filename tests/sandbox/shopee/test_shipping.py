"""Arranging, tracking, and the labels that come of it."""

import io
from typing import Any

import pikepdf
import pytest

from tests.sandbox.shopee.conftest import Caller, Control

PARAMETER = "logistics/get_shipping_parameter"
THERMAL = "THERMAL_AIR_WAYBILL"
PRINT_FIRST = "logistics.shipping_document_should_print_first"


async def package(caller: Caller, control: Control, number: str) -> Any:
    """The first package as `get_package_detail` shows it."""
    wanted = (await control.truth(number))["packages"][0]["package_number"]
    [row] = (await caller.read("order/get_package_detail", package_number_list=wanted))["package_list"]
    return row


async def slot(caller: Caller, number: str) -> dict[str, Any]:
    address = (await caller.read(PARAMETER, order_sn=number))["pickup"]["address_list"][0]
    return {"address_id": address["address_id"], "pickup_time_id": address["time_slot_list"][0]["pickup_time_id"]}


async def test_shipping_is_not_idempotent_and_a_second_call_is_refused(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)

    first = (await caller.ship(number)).json()
    second = (await caller.ship(number)).json()

    assert (first["error"], "response" in first) == ("", False)
    assert second["error"] == "logistics.package_already_shipped"
    rows = (await control.get("ledger", operation="ship", order_number=number))["data"]
    assert [row["effective"] for row in rows] == [True, False]
    assert rows[0]["params"] == {"method": "dropoff"}
    assert rows[0]["package_number"] == (await control.truth(number))["packages"][0]["package_number"]


async def test_flag_status_and_number_follow_one_after_the_other(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    before = await package(caller, control, number)
    await caller.ship(number)
    accepted = await package(caller, control, number)
    await control.pass_time(30)
    after = await package(caller, control, number)

    facts = ("fulfillment_status", "is_shipment_arranged")
    assert [before[name] for name in facts] == ["LOGISTICS_READY", False]
    assert [accepted[name] for name in facts] == ["LOGISTICS_READY", True]
    assert [after[name] for name in facts] == ["LOGISTICS_REQUEST_CREATED", True]
    assert (before["tracking_number"], accepted["tracking_number"]) == ("", "")
    given = await caller.read("logistics/get_tracking_number", order_sn=number)
    assert given["tracking_number"] == after["tracking_number"] != ""


async def test_a_pickup_needs_an_address_and_a_slot_that_are_offered(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    good = await slot(caller, number)

    async def refused(**pickup: Any) -> str:
        error: str = (await caller.ship(number, pickup=pickup)).json()["error"]
        return error

    assert await refused() == "logistics.ship_order_need_address_pickup_time"
    assert await refused(address_id=good["address_id"]) == "logistics.ship_order_need_address_pickup_time"
    assert await refused(**{**good, "address_id": 1}) == "logistics.address_not_found"
    assert await refused(**{**good, "pickup_time_id": "1"}) == "logistics.ship_order_pickup_time_invalid"
    assert await refused(**good) == ""
    assert await control.effects("ship", number) == [False] * 4 + [True]


async def test_a_slot_goes_with_time(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    old = await slot(caller, number)

    await control.pass_time(4 * 86_400)
    shops = (await control.get("credentials"))["shopee"]["shops"]
    caller.shop = next(shop for shop in shops if shop["shop_id"] == caller.shop["shop_id"])

    gone = (await caller.ship(number, pickup=old)).json()["error"]
    assert gone == "logistics.ship_order_pickup_time_invalid"
    assert (await caller.ship(number, pickup=await slot(caller, number))).json()["error"] == ""


@pytest.mark.parametrize("body", [{}, {"pickup": {}, "dropoff": {}}, {"dropoff": None}, {"dropoff": []}])
async def test_exactly_one_method_is_named(control: Control, caller: Caller, body: dict[str, Any]) -> None:
    [number] = await control.place(caller.shop)

    error = await caller.refusal("logistics/ship_order", order_sn=number, **body)

    assert error == "logistics.ship_order_only_support_one_type"


async def test_an_own_courier_takes_the_parcel_at_once(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)

    bare = (await caller.ship(number, non_integrated={})).json()["error"]
    long = (await caller.ship(number, non_integrated={"tracking_number": "X" * 65})).json()["error"]
    good = (await caller.ship(number, non_integrated={"tracking_number": "AK224200239740W"})).json()["error"]

    assert (bare, long, good) == ("logistics.ship_order_need_tracking_number", "logistics.error_param", "")
    truth = await control.truth(number)
    assert (truth["state"], truth["packages"][0]["tracking_number"]) == ("collected", "AK224200239740W")
    assert (await package(caller, control, number))["fulfillment_status"] == "LOGISTICS_PICKUP_DONE"


async def test_couriers_differ_in_what_they_offer(control: Control, caller: Caller) -> None:
    [instant] = await control.place(caller.shop, courier="GoSend Instant")
    [own] = await control.place(caller.shop, courier="Kurir Toko")

    at_once = await caller.read(PARAMETER, order_sn=instant)
    by_hand = await caller.read(PARAMETER, order_sn=own)

    assert at_once["info_needed"] == {"pickup": ["address_id"]}
    address = at_once["pickup"]["address_list"][0]
    assert address["time_slot_list"] is None
    assert by_hand["info_needed"] == {"non_integrated": ["tracking_no"]}
    assert (await caller.ship(own)).json()["error"] == "logistics.ship_order_unsupport_dropoff"
    picked_up = await caller.ship(instant, pickup={"address_id": address["address_id"]})
    assert picked_up.json()["error"] == ""
    await control.pass_time(30)
    assert (await caller.read("logistics/get_tracking_number", order_sn=instant))["pickup_code"] != ""
    assert await control.status("shopee/orders", count=1, courier="Nobody") == 404


async def test_a_package_number_belongs_to_split_orders_only(control: Control, caller: Caller) -> None:
    [split] = await control.place(caller.shop, packages=2)
    [whole] = await control.place(caller.shop)
    first, second = [one["package_number"] for one in (await control.truth(split))["packages"]]
    only = (await control.truth(whole))["packages"][0]["package_number"]

    async def ship(number: str, **more: Any) -> str:
        error: str = (await caller.ship(number, dropoff={}, **more)).json()["error"]
        return error

    assert await ship(split) == "logistics.ship_order_need_pacakge_number"
    assert await ship(split, package_number=only) == "logistics.package_number_not_exist"
    assert await ship(whole, package_number=only) == "logistics.ship_order_not_need_pacakge_number"
    assert await ship(whole, package_number="") == "logistics.ship_order_not_need_pacakge_number"
    assert await ship(split, package_number=first) == ""
    await control.pass_time(30)
    states = [one["state"] for one in (await control.truth(split))["packages"]]
    assert (states, (await control.truth(split))["state"]) == (["arranged", "paid"], "paid")
    assert await ship(split, package_number=second) == ""


async def test_parameters_are_for_what_is_still_to_arrange(control: Control, caller: Caller) -> None:
    arranged, cancelled = await control.place(caller.shop, 2)
    await caller.ship(arranged)
    await control.advance(cancelled, "cancelled")

    assert await caller.error(PARAMETER, order_sn=arranged) == "error_param"
    assert await caller.error(PARAMETER, order_sn=cancelled) == "error_status"
    assert await caller.error(PARAMETER, order_sn="NOPE") == "error_not_found"
    assert (await caller.ship(cancelled)).json()["error"] == "error_status"


async def test_many_packages_are_arranged_in_one_call(control: Control, caller: Caller) -> None:
    numbers = await control.place(caller.shop, 3, courier="SPX Standard")
    [other] = await control.place(caller.shop, courier="JNE Reguler")
    await caller.ship(numbers[2])
    packages = [(await control.truth(number))["packages"][0]["package_number"] for number in (*numbers, other)]
    entries = [{"package_number": number} for number in (*packages, "OFG0")]

    options = await caller.write("logistics/get_mass_shipping_parameter", package_list=entries)
    done = await caller.write("logistics/mass_ship_order", package_list=entries, dropoff={})
    await control.pass_time(30)
    given = await caller.write("logistics/get_mass_tracking_number", package_list=entries)

    assert [one["package_number"] for one in options["success_list"]] == packages[:2]
    assert [one["package_number"] for one in done["success_list"]] == packages[:2]
    assert {one["package_number"] for one in done["fail_list"]} == {*packages[2:], "OFG0"}
    assert all(one["tracking_number"] for one in given["success_list"][:3])
    rows = (await control.get("ledger", operation="ship"))["data"]
    mine = [row for row in rows if row["order_number"] in numbers[:2]]
    assert len(mine) == 2 and len({row["call_id"] for row in mine}) == 1, "one call, a row for each package"


async def test_a_timeline_grows_from_arranged_to_delivered(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop)
    path = "logistics/get_tracking_info"
    early = await caller.error(path, order_sn=number)

    for step in ("arranged", "collected", "in_transit", "delivered"):
        await control.pass_time(900)
        await control.advance(number, step)
    events = (await caller.read(path, order_sn=number))["tracking_info"]

    assert early == "logistics.error_status_limit"
    assert [event["logistics_status"] for event in events] == [
        "DELIVERED", "DELIVERY_PENDING", "PICKED_UP", "PICKED_UP", "ORDER_CREATED"
    ]  # fmt: skip
    moments = [event["update_time"] for event in events]
    assert moments == sorted(moments, reverse=True) and moments[0] - moments[-1] >= 3 * 900
    assert await caller.error(path, order_sn="NOPE") == "logistics.invalid_error"


async def arranged_orders(control: Control, caller: Caller, count: int, **wish: Any) -> list[tuple[str, str]]:
    """Order and tracking number each."""
    numbers = await control.place(caller.shop, count, **{"courier": "SPX Standard", **wish})
    for number in numbers:
        await caller.ship(number)
    await control.pass_time(30)
    return [(number, (await control.truth(number))["packages"][0]["tracking_number"]) for number in numbers]


async def test_labels_are_a6_pdfs_made_by_a_task(control: Control, caller: Caller) -> None:
    orders = await arranged_orders(control, caller, 2)
    entries = [
        {"order_sn": number, "tracking_number": tracking, "shipping_document_type": THERMAL}
        for number, tracking in orders
    ]
    wanted = {"shipping_document_type": THERMAL, "order_list": [{"order_sn": number} for number, _ in orders]}

    async def statuses() -> list[str]:
        result = await caller.write("logistics/get_shipping_document_result", order_list=entries)
        return [one["status"] for one in result["result_list"]]

    early = await caller.refusal("logistics/download_shipping_document", **wanted)
    await caller.write("logistics/create_shipping_document", order_list=entries)
    begun = await statuses()
    pending = await caller.refusal("logistics/download_shipping_document", **wanted)
    await control.pass_time(10)
    ready = await statuses()
    file, again = [(await caller.post("logistics/download_shipping_document", wanted)).content for _ in range(2)]

    assert (early, pending) == (PRINT_FIRST, "logistics.download_later")
    assert (begun, ready) == (["PROCESSING"] * 2, ["READY"] * 2)
    assert file == again
    with pikepdf.open(io.BytesIO(file)) as pdf:
        assert len(pdf.pages) == 2
        for page, (number, tracking) in zip(pdf.pages, orders, strict=True):
            width, height = (float(side) for side in page.mediabox[2:])
            assert (round(width), round(height)) == (298, 420)
            text = text_of(page)
            assert number in text and tracking in text


def text_of(page: pikepdf.Page) -> str:
    """What the page's content stream shows as text."""
    shown = [
        bytes(operand)
        for instruction in pikepdf.parse_content_stream(page)
        if str(instruction.operator) == "Tj"
        for operand in instruction.operands
        if isinstance(operand, pikepdf.String)
    ]
    return b"\n".join(shown).decode("latin-1")


async def test_a_label_belongs_to_a_type_a_number_and_a_time(control: Control, caller: Caller) -> None:
    [(number, tracking)] = await arranged_orders(control, caller, 1)
    [unshipped] = await control.place(caller.shop)
    create, result = "logistics/create_shipping_document", "logistics/get_shipping_document_result"

    async def failure(path: str, **entry: Any) -> str:
        answer = (await caller.post(path, {"order_list": [{"order_sn": number, **entry}]})).json()
        if answer["error"] == "":
            return ""
        assert answer["error"] == "common.batch_api_all_failed"
        error: str = answer["response"]["result_list"][0]["fail_error"]
        return error

    assert await failure(create, tracking_number="OLD") == "logistics.tracking_number_invalid"
    assert await failure(create, order_sn=unshipped) == "logistics.tracking_number_invalid"
    assert await failure(create, order_sn="NOPE") == "logistics.order_not_exist"
    odd = await failure(create, tracking_number=tracking, shipping_document_type="A5")
    assert odd == "logistics.shipping_document_type_invalid"
    assert await failure(create, tracking_number=tracking, shipping_document_type=THERMAL) == ""
    assert await failure(create, tracking_number=tracking, shipping_document_type=THERMAL) == "", "may be repeated"
    assert await control.effects("create_label", number) == [False, False, True, False]
    assert await failure(result, shipping_document_type="NORMAL_AIR_WAYBILL") == PRINT_FIRST
    await control.advance(number, "collected")
    closed = {"shipping_document_type": THERMAL, "order_list": [{"order_sn": number}]}
    assert await caller.refusal("logistics/download_shipping_document", **closed) == "logistics.order_status_error"


async def test_a_batch_of_labels_fails_one_by_one(control: Control, caller: Caller) -> None:
    [(number, tracking)] = await arranged_orders(control, caller, 1)
    entries = [{"order_sn": number, "tracking_number": tracking}, {"order_sn": "NOPE"}]

    answer = (await caller.post("logistics/create_shipping_document", {"order_list": entries})).json()

    assert (answer["error"], [one["order_sn"] for one in answer["warning"]]) == ("", ["NOPE"])
    assert [one["fail_error"] for one in answer["response"]["result_list"]] == ["", "logistics.order_not_exist"]


async def test_labels_of_two_couriers_are_not_merged(control: Control, caller: Caller) -> None:
    orders = [
        *await arranged_orders(control, caller, 1, courier="SPX Standard"),
        *await arranged_orders(control, caller, 1, courier="JNE Reguler"),
    ]
    entries = [{"order_sn": number, "tracking_number": tracking} for number, tracking in orders]
    await caller.write("logistics/create_shipping_document", order_list=entries)
    await control.pass_time(10)

    error = await caller.refusal("logistics/download_shipping_document", order_list=entries)

    assert error == "logistics.packages_can_not_download_together"
