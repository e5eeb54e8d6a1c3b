"""The simulated Shopee refuses what the real one refuses, and moves as the real one moves."""

import io
import time
from typing import Any

import pikepdf
import pytest

from tests.sandbox.conftest import Caller, Control

LIST = "/api/v2/order/get_order_list"
DOCUMENTS = "/api/v2/logistics/"


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        ({"partner_id": None, "sign": None}, "error_param", 200),
        ({"timestamp": 1_600_000_000}, "error_param", 200),
        ({"sign": None}, "error_param", 200),
        ({"sign": "0" * 64}, "error_sign", 403),
    ],
)
async def test_the_gate_answers_the_first_thing_that_is_wrong(
    caller: Caller, changes: dict[str, object], error: str, status: int
) -> None:
    answer = await caller.get(LIST, changes)

    assert (answer.json()["error"], answer.status_code) == (error, status)


async def test_a_token_opens_its_own_shop_only(control: Control, caller: Caller) -> None:
    other = await control.post("shopee/shops", name="Toko Lain")
    mine = caller.shop
    caller.shop = {**mine, "shop_id": other["shop_id"]}
    foreign = await caller.get(LIST)
    caller.shop = {**mine, "access_token": "unknown"}
    unknown = await caller.get(LIST)

    assert foreign.json()["error"] == "error_auth"
    assert (unknown.json()["error"], unknown.status_code) == ("invalid_acceess_token", 403)


async def test_a_window_of_sixteen_days_is_refused(caller: Caller) -> None:
    now = int(time.time())
    window: dict[str, Any] = {
        "time_range_field": "update_time",
        "time_from": now - 16 * 86_400,
        "time_to": now,
        "page_size": 50,
    }

    assert (await caller.get(LIST, **window)).json()["error"] == "order.order_list_invalid_time"


async def test_fields_nobody_asked_for_are_absent(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    path = "/api/v2/order/get_order_detail"

    [bare] = (await caller.get(path, order_sn_list=number)).json()["response"]["order_list"]
    [full] = (
        await caller.get(path, order_sn_list=number, response_optional_fields="item_list,recipient_address")
    ).json()["response"]["order_list"]

    assert "item_list" not in bare
    assert "*" in full["recipient_address"]["name"]


async def test_shipping_is_not_idempotent_and_a_second_call_is_refused(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])

    first = (await caller.ship(number)).json()
    second = (await caller.ship(number)).json()

    assert (first["error"], "response" in first) == ("", False)
    assert second["error"] == "logistics.package_already_shipped"
    assert await control.effects("ship", number) == [True, False]


async def test_number_and_status_follow_on_the_sandbox_clock(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    await caller.ship(number)
    path = "/api/v2/logistics/get_tracking_number"
    assert (await caller.get(path, order_sn=number)).json()["response"]["tracking_number"] == ""

    await control.post("clock", advance_seconds=30)

    truth = await control.get(f"shopee/orders/{number}")
    assert (truth["state"], truth["packages"][0]["state"]) == ("arranged", "arranged")
    given = (await caller.get(path, order_sn=number)).json()["response"]["tracking_number"]
    assert given == truth["packages"][0]["tracking_number"] != ""


async def test_a_slot_that_is_not_offered_is_refused(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    options = (await caller.get("/api/v2/logistics/get_shipping_parameter", order_sn=number)).json()["response"]
    address = options["pickup"]["address_list"][0]

    gone = await caller.ship(number, pickup={"address_id": address["address_id"], "pickup_time_id": "1"})
    slot = address["time_slot_list"][0]["pickup_time_id"]
    good = await caller.ship(number, pickup={"address_id": address["address_id"], "pickup_time_id": slot})

    assert gone.json()["error"] == "logistics.ship_order_pickup_time_invalid"
    assert good.json()["error"] == ""


async def test_a_split_order_needs_its_package_number(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"], lines=2, packages=2)
    packages = (await control.get(f"shopee/orders/{number}"))["packages"]

    blind = await caller.ship(number)
    named = await caller.ship(number, package_number=packages[0]["package_number"], dropoff={})

    assert blind.json()["error"] == "logistics.ship_order_need_pacakge_number"
    assert named.json()["error"] == ""


async def test_a_cancellation_request_closes_the_order_for_shipping_until_answered(
    control: Control, caller: Caller
) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    await control.post(f"shopee/orders/{number}/advance", to="cancel_requested")
    answer = "/api/v2/order/handle_buyer_cancellation"

    refused = (await caller.ship(number)).json()
    rejected = (await caller.post(answer, {"order_sn": number, "operation": "REJECT"})).json()
    again = (await caller.post(answer, {"order_sn": number, "operation": "REJECT"})).json()

    assert refused["error"] == "logistics.ship_order_not_ready_to_ship"
    assert (rejected["error"], again["error"]) == ("", "order.cancel_order_invalid_status")
    assert (await control.get(f"shopee/orders/{number}"))["cancellation"] == "rejected"
    assert (await caller.ship(number)).json()["error"] == ""


async def test_labels_are_a6_pdfs_made_by_a_task(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    await caller.ship(number)
    await control.post("clock", advance_seconds=30)
    tracking = (await control.get(f"shopee/orders/{number}"))["packages"][0]["tracking_number"]
    entry = {"order_sn": number, "shipping_document_type": "THERMAL_AIR_WAYBILL"}
    wanted = {"shipping_document_type": "THERMAL_AIR_WAYBILL", "order_list": [{"order_sn": number}]}

    early = (await caller.post(DOCUMENTS + "download_shipping_document", wanted)).json()
    create = {"order_list": [{**entry, "tracking_number": tracking}]}
    await caller.post(DOCUMENTS + "create_shipping_document", create)
    [pending] = (await caller.post(DOCUMENTS + "get_shipping_document_result", {"order_list": [entry]})).json()[
        "response"
    ]["result_list"]
    await control.post("clock", advance_seconds=10)
    label = await caller.post(DOCUMENTS + "download_shipping_document", wanted)

    assert early["error"] == "logistics.shipping_document_should_print_first"
    assert pending["status"] == "PROCESSING"
    with pikepdf.open(io.BytesIO(label.content)) as pdf:
        [page] = pdf.pages
        width, height = (float(side) for side in page.mediabox[2:])
        assert (round(width), round(height)) == (298, 420)
