"""Options, the bodies that arrange a shipment, and what a read proves."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from app.channels.contract import Handover, PackageRef, ShipmentState, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Unavailable, Unknown
from app.connectors.shopee.connector import ShopeeConnector

Recorded = Callable[[str], dict[str, Any]]
NUMBER, PACKAGE = "2511223K7QH5XA", "OFG219329748205969"
DROPOFF = Handover("dropoff")
OK = {"error": "", "message": "", "request_id": "3dad66f4"}


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


# --- options ----------------------------------------------------------------------------------------------------------


async def test_options_name_methods_addresses_and_slots(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    route = api.get("/logistics/get_shipping_parameter").respond(json=recorded("shipping_parameter"))

    options = await shopee.fetch_shipping_options(access, package)

    assert "package_number" not in route.calls.last.request.url.params
    pickup, dropoff = options.methods
    assert (pickup.method, pickup.required) == ("pickup", ("address_id", "slot_id"))
    (address,) = pickup.addresses
    assert (address.id, address.is_default) == ("118454205", True)
    assert address.text == "Jl. Dago 10, Coblong, KOTA BANDUNG, JAWA BARAT, 40132"
    whole_day, morning = address.slots
    assert (whole_day.id, whole_day.starts_at, whole_day.ends_at) == (
        "1763830800",
        datetime(2025, 11, 22, 17, tzinfo=UTC),
        None,
    )
    # 09:00 to 12:00 in Jakarta on 24 November.
    assert morning.starts_at == datetime(2025, 11, 24, 2, tzinfo=UTC)
    assert morning.ends_at == datetime(2025, 11, 24, 5, tzinfo=UTC)
    assert (dropoff.method, dropoff.required, dropoff.branches) == ("dropoff", (), ())


async def test_a_split_package_is_asked_for_by_number(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    route = api.get("/logistics/get_shipping_parameter").respond(json=recorded("shipping_parameter"))

    await shopee.fetch_shipping_options(access, replace(package, is_only_package=False))

    assert route.calls.last.request.url.params["package_number"] == PACKAGE


async def test_every_parameter_has_our_name(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    body = recorded("shipping_parameter")
    body["response"] |= {
        "info_needed": {
            "dropoff": ["branch_id", "sender_real_name", "tracking_no"],
            "non_integrated": ["tracking_number"],
        },
        "dropoff": {"branch_list": [{"branch_id": 12345, "city": "KOTA BANDUNG", "address": "Jl. Merdeka 1"}]},
    }
    api.get("/logistics/get_shipping_parameter").respond(json=body)

    dropoff, manual = (await shopee.fetch_shipping_options(access, package)).methods

    assert dropoff.required == ("branch_id", "sender_name", "tracking_number")
    assert [(branch.id, branch.text) for branch in dropoff.branches] == [("12345", "Jl. Merdeka 1, KOTA BANDUNG")]
    assert (manual.method, manual.required) == ("manual", ("tracking_number",))


async def test_without_slots_the_courier_decides_and_no_slot_is_required(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    body = recorded("shipping_parameter")
    body["response"]["pickup"]["address_list"][0]["time_slot_list"] = None
    api.get("/logistics/get_shipping_parameter").respond(json=body)

    pickup = (await shopee.fetch_shipping_options(access, package)).methods[0]

    assert (pickup.required, pickup.addresses[0].slots) == (("address_id",), ())


async def test_a_method_with_a_parameter_we_do_not_know_is_not_offered(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    body = recorded("shipping_parameter")
    body["response"]["info_needed"]["dropoff"] = ["slug"]
    api.get("/logistics/get_shipping_parameter").respond(json=body)

    assert [entry.method for entry in (await shopee.fetch_shipping_options(access, package)).methods] == ["pickup"]


@pytest.mark.parametrize(
    "body",
    [
        {"error": "", "response": {"info_needed": {}}},
        {"error": "error_param", "message": "OFG list type is not TO_PROCESS"},
        {
            "error": "error_param",
            "message": "Shipping parameters can only be obtained when package is ready to be shipped",
        },
    ],
)
async def test_an_arranged_package_has_no_options(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, body: dict[str, Any]
) -> None:
    api.get("/logistics/get_shipping_parameter").respond(json=body)

    assert (await shopee.fetch_shipping_options(access, package)).methods == ()


async def test_a_cancelled_order_says_so(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    body = {"error": "error_status", "message": "The order has been cancelled."}
    api.get("/logistics/get_shipping_parameter").respond(json=body)

    with pytest.raises(Rejected) as raised:
        await shopee.fetch_shipping_options(access, package)
    assert raised.value.meaning == "order_cancelled"


# --- arranging --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handover", "body"),
    [
        (
            Handover("pickup", address_id="118454205", slot_id="1763830800"),
            {"pickup": {"address_id": 118454205, "pickup_time_id": "1763830800"}},
        ),
        (Handover("pickup", address_id="118454205"), {"pickup": {"address_id": 118454205}}),
        (Handover("pickup"), {"pickup": {}}),
        (DROPOFF, {"dropoff": {}}),
        (Handover("dropoff", branch_id="12345"), {"dropoff": {"branch_id": 12345}}),
        (Handover("dropoff", sender_name="Toko Maju"), {"dropoff": {"sender_real_name": "Toko Maju"}}),
        (Handover("dropoff", tracking_number="0123456789"), {"dropoff": {"tracking_number": "0123456789"}}),
        (
            Handover("manual", courier="JNE", tracking_number="AK224200239740W"),
            {"non_integrated": {"tracking_number": "AK224200239740W"}},
        ),
    ],
)
async def test_each_hand_over_has_its_body(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    package: PackageRef,
    handover: Handover,
    body: dict[str, Any],
) -> None:
    route = api.post("/logistics/ship_order").respond(json=OK)

    await shopee.arrange_shipment(access, package, handover)
    assert sent(route) == {"order_sn": NUMBER, **body}
    await shopee.arrange_shipment(access, replace(package, is_only_package=False), handover)
    assert sent(route) == {"order_sn": NUMBER, "package_number": PACKAGE, **body}


async def test_an_id_of_another_channel_is_refused_unsent(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    with pytest.raises(Rejected) as raised:
        await shopee.arrange_shipment(access, package, Handover("pickup", address_id="wh-7"))

    assert raised.value.meaning == "address_invalid"
    assert not api.calls


async def test_an_unwanted_package_number_is_left_out_once(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    refusal = httpx.Response(200, json={"error": "logistics.ship_order_not_need_pacakge_number", "message": "x"})
    route = api.post("/logistics/ship_order").mock(side_effect=[refusal, httpx.Response(200, json=OK)])

    await shopee.arrange_shipment(access, replace(package, is_only_package=False), DROPOFF)

    assert route.call_count == 2
    assert sent(route) == {"order_sn": NUMBER, "dropoff": {}}


async def test_a_missing_package_number_means_the_packages_changed(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    route = api.post("/logistics/ship_order").respond(
        json={"error": "logistics.ship_order_need_pacakge_number", "message": "Please request with package_number"}
    )

    with pytest.raises(Rejected) as raised:
        await shopee.arrange_shipment(access, package, DROPOFF)
    assert raised.value.meaning == "packages_changed"
    assert route.call_count == 1


PICKUP = Handover("pickup", address_id="1", slot_id="2")
NOT_READY = {"error": "logistics.ship_order_not_ready_to_ship", "message": "The order is not ready to ship."}


def show_package(api: respx.MockRouter, recorded: Recorded, status: str, **fields: Any) -> respx.Route:
    body = recorded("package_detail")
    body["response"]["package_list"][0] |= {"fulfillment_status": status, **fields}
    return api.get("/order/get_package_detail").respond(json=body)


async def test_a_failed_pick_up_is_arranged_again_with_the_other_call(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    api.post("/logistics/ship_order").respond(json=NOT_READY)
    show_package(api, recorded, "LOGISTICS_PICKUP_RETRY")
    route = api.post("/logistics/update_shipping_order").respond(json=OK)

    await shopee.arrange_shipment(access, package, PICKUP)

    assert sent(route) == {"order_sn": NUMBER, "pickup": {"address_id": 1, "pickup_time_id": "2"}}
    with pytest.raises(Rejected) as raised:
        await shopee.arrange_shipment(access, package, DROPOFF)
    assert raised.value.meaning == "handover_not_offered"


@pytest.mark.parametrize("status", ["LOGISTICS_READY", "LOGISTICS_REQUEST_CREATED"])
async def test_any_other_refusal_is_left_to_a_read_back(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    package: PackageRef,
    recorded: Recorded,
    status: str,
) -> None:
    api.post("/logistics/ship_order").respond(json=NOT_READY)
    show_package(api, recorded, status)
    route = api.post("/logistics/update_shipping_order").respond(json=OK)

    with pytest.raises(AlreadyDone) as raised:
        await shopee.arrange_shipment(access, package, PICKUP)
    assert raised.value.code == "logistics.ship_order_not_ready_to_ship"
    assert not route.called


async def test_a_second_call_is_not_made_late(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    package: PackageRef,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.connectors.shopee.arranging.RESEND_WITHIN_SECONDS", -1.0)
    api.post("/logistics/ship_order").respond(json=NOT_READY)
    show_package(api, recorded, "LOGISTICS_PICKUP_RETRY")
    route = api.post("/logistics/update_shipping_order").respond(json=OK)

    with pytest.raises(AlreadyDone):
        await shopee.arrange_shipment(access, package, PICKUP)
    assert not route.called


async def test_a_failing_look_after_a_refusal_never_hides_the_refusal(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    api.post("/logistics/ship_order").respond(json=NOT_READY)
    api.get("/order/get_package_detail").respond(status_code=500)

    with pytest.raises(AlreadyDone):
        await shopee.arrange_shipment(access, package, PICKUP)


@pytest.mark.parametrize(("odd", "expected"), [(httpx.ReadTimeout, Unknown), (httpx.ConnectError, Unavailable)])
async def test_a_lost_answer_is_not_sent_again(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, odd: Any, expected: Any
) -> None:
    route = api.post("/logistics/ship_order").mock(side_effect=odd)

    with pytest.raises(ChannelError) as raised:
        await shopee.arrange_shipment(access, package, DROPOFF)
    assert type(raised.value) is expected
    assert route.call_count == 1


# --- reading back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order_status", "package_status", "is_arranged", "state"),
    [
        ("PROCESSED", "LOGISTICS_REQUEST_CREATED", False, "arranged"),
        ("READY_TO_SHIP", "LOGISTICS_REQUEST_CREATED", False, "arranged"),
        ("READY_TO_SHIP", "LOGISTICS_READY", True, "arranged"),
        ("PROCESSED", "LOGISTICS_READY", False, "arranged"),
        ("SHIPPED", "LOGISTICS_PICKUP_DONE", False, "arranged"),
        ("COMPLETED", "LOGISTICS_DELIVERY_DONE", False, "arranged"),
        ("IN_CANCEL", "LOGISTICS_REQUEST_CREATED", False, "arranged"),
        ("READY_TO_SHIP", "LOGISTICS_READY", False, "absent"),
        ("RETRY_SHIP", "LOGISTICS_PICKUP_RETRY", False, "absent"),
        ("PROCESSED", "LOGISTICS_PICKUP_RETRY", False, "absent"),
        ("IN_CANCEL", "LOGISTICS_READY", False, "undecided"),
        ("CANCELLED", "LOGISTICS_INVALID", False, "moot"),
        ("CANCELLED", "LOGISTICS_REQUEST_CREATED", False, "moot"),
        ("READY_TO_SHIP", "LOGISTICS_REQUEST_CANCELED", False, "moot"),
        ("READY_TO_SHIP", "LOGISTICS_ON_THE_MOON", False, None),
    ],
)
async def test_what_both_reads_prove(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    package: PackageRef,
    recorded: Recorded,
    order_status: str,
    package_status: str,
    is_arranged: bool,
    state: str | None,
) -> None:
    orders = recorded("order_detail")
    orders["response"]["order_list"][0]["order_status"] = order_status
    api.get("/order/get_order_detail").respond(json=orders)
    show_package(api, recorded, package_status, is_shipment_arranged=is_arranged)

    reading = (await shopee.read_shipments(access, [package])).get(PACKAGE)

    assert (reading.state if reading else None) == (ShipmentState(state) if state else None)
    assert reading is None or reading.has_open_cancellation is (order_status == "IN_CANCEL")
    assert reading is None or reading.channel_status == package_status


async def test_a_tracking_number_proves_nothing(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    api.get("/order/get_order_detail").respond(json=recorded("order_detail"))
    show_package(api, recorded, "LOGISTICS_READY", tracking_number="SPXID05236113497C")

    reading = (await shopee.read_shipments(access, [package]))[PACKAGE]

    assert (reading.state, reading.tracking_number) == (ShipmentState.ABSENT, "SPXID05236113497C")
    assert reading.courier == "SPX Standard"


@pytest.mark.parametrize(("lost", "kept"), [("order", "package"), ("package", "order")])
async def test_absence_needs_both_reads(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    package: PackageRef,
    recorded: Recorded,
    lost: str,
    kept: str,
) -> None:
    api.get(f"/order/get_{lost}_detail").respond(json={"error": "", "response": {f"{lost}_list": []}})
    api.get(f"/order/get_{kept}_detail").respond(json=recorded(f"{kept}_detail"))

    assert await shopee.read_shipments(access, [package]) == {}


async def test_an_order_in_several_packages_proves_nothing_for_one_of_them(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    orders = recorded("order_detail")
    orders["response"]["order_list"][0]["order_status"] = "PROCESSED"
    api.get("/order/get_order_detail").respond(json=orders)
    show_package(api, recorded, "LOGISTICS_READY")

    reading = (await shopee.read_shipments(access, [replace(package, is_only_package=False)]))[PACKAGE]

    assert reading.state is ShipmentState.ABSENT


async def test_a_read_that_fails_says_nothing(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    api.get("/order/get_order_detail").respond(status_code=502)
    show_package(api, recorded, "LOGISTICS_READY")

    with pytest.raises(Unavailable):
        await shopee.read_shipments(access, [package])


# --- tracking ---------------------------------------------------------------------------------------------------------


async def test_scans_come_oldest_first(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef, recorded: Recorded
) -> None:
    api.get("/logistics/get_tracking_info").respond(json=recorded("tracking_info"))

    events = await shopee.fetch_tracking(access, package)

    assert [event.code for event in events] == ["ORDER_CREATED", "PICKED_UP"]
    assert events[1].at - events[0].at == timedelta(seconds=10000)
    assert events[1].text == "Paket telah diserahkan ke kurir"


async def test_too_early_means_no_scans(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    api.get("/logistics/get_tracking_info").respond(json={"error": "logistics.error_status_limit", "message": "early"})

    assert await shopee.fetch_tracking(access, package) == ()
