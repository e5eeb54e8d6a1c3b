"""`mass_ship_order`: one call for several packages of one courier, and what each of them is told."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx

from app.channels.contract import Handover, PackageRef, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Unknown
from app.connectors.shopee.connector import ShopeeConnector

PICKUP = Handover("pickup", address_id="118454205", slot_id="1763830800")
MANUAL = Handover("manual", courier="JNE", tracking_number="AK1")
FIRST = PackageRef("2511223K7QH5XA", "OFG1", is_only_package=True, courier="J&T Express")
SECOND = PackageRef("2511223K7QH5XB", "OFG2", is_only_package=True, courier="J&T Express")
SLOT_GONE = {"error": "logistics.ship_order_pickup_time_invalid", "message": "gone", "request_id": "1"}
SHIPPED = {"error": "logistics.package_already_shipped", "message": "done", "request_id": "1"}
OK = {"error": "", "message": "", "request_id": "1"}


def answer(shipped: list[str], failed: list[str]) -> dict[str, Any]:
    groups = {
        "success_list": [{"package_number": one} for one in shipped],
        "fail_list": [{"package_number": one, "fail_reason": "no"} for one in failed],
    }
    return {**OK, "response": groups}


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


async def test_one_choice_for_all(shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1", "OFG2"], []))

    outcomes = await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)])

    assert outcomes == {"OFG1": None, "OFG2": None}
    assert sent(route) == {
        "package_list": [{"package_number": "OFG1"}, {"package_number": "OFG2"}],
        "pickup": {"address_id": 118454205, "pickup_time_id": "1763830800"},
    }


async def test_own_numbers_are_named_per_package(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    route = api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1", "OFG2"], []))

    await shopee.arrange_shipments(access, [(FIRST, MANUAL), (SECOND, replace(MANUAL, tracking_number="AK2"))])

    assert sent(route)["non_integrated"] == {
        "tracking_number": [
            {"package_number": "OFG1", "tracking_number": "AK1"},
            {"package_number": "OFG2", "tracking_number": "AK2"},
        ]
    }


@pytest.mark.parametrize(
    ("said", "error", "meaning"), [(SLOT_GONE, Rejected, "slot_unavailable"), (SHIPPED, AlreadyDone, "already_done")]
)
async def test_a_failure_in_the_list_is_asked_about_alone(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    said: dict[str, Any],
    error: type[ChannelError],
    meaning: str,
) -> None:
    api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1"], ["OFG2"]))
    api.get("/order/get_package_detail").respond(json={**OK, "response": {"package_list": []}})
    alone = api.post("/logistics/ship_order").respond(json=said)

    outcomes = await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)])

    told = outcomes["OFG2"]
    assert outcomes["OFG1"] is None
    assert type(told) is error and isinstance(told, Rejected) and told.meaning == meaning
    assert sent(alone)["order_sn"] == SECOND.order_external_id and alone.call_count == 1


async def test_a_failure_that_goes_well_alone_is_done(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    """Another warehouse than the first package's: the call could not take it along."""
    api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1"], ["OFG2"]))
    api.post("/logistics/ship_order").respond(json=OK)

    assert await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)]) == {"OFG1": None, "OFG2": None}


async def test_a_late_failure_is_read_back_not_sent_again(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.connectors.shopee.arranging.RESEND_WITHIN_SECONDS", -1.0)
    api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1"], ["OFG2"]))
    alone = api.post("/logistics/ship_order").respond(json=OK)

    outcomes = await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)])

    assert isinstance(outcomes["OFG2"], AlreadyDone) and not alone.called


async def test_a_package_in_neither_list_is_left_out(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.post("/logistics/mass_ship_order").respond(json=answer(["OFG1"], []))

    assert await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)]) == {"OFG1": None}


@pytest.mark.parametrize("said", [{"json": {**OK, "response": {"success_list": "all"}}}, {"status_code": 502}])
async def test_an_unreadable_verdict_is_unknown(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, said: dict[str, Any]
) -> None:
    api.post("/logistics/mass_ship_order").mock(return_value=httpx.Response(said.pop("status_code", 200), **said))

    with pytest.raises(Unknown):
        await shopee.arrange_shipments(access, [(FIRST, PICKUP), (SECOND, PICKUP)])


def test_what_needs_a_field_of_its_own_goes_alone(shopee: ShopeeConnector) -> None:
    assert shopee.batch_of(FIRST, PICKUP) == shopee.batch_of(SECOND, PICKUP)
    assert shopee.batch_of(FIRST, PICKUP) != shopee.batch_of(replace(SECOND, courier="SPX Standard"), PICKUP)
    assert shopee.batch_of(FIRST, PICKUP) != shopee.batch_of(SECOND, replace(PICKUP, slot_id="1763917200"))
    alone = (Handover("dropoff", sender_name="Toko Maju"), Handover("dropoff", tracking_number="01"))
    assert [shopee.batch_of(FIRST, handover) for handover in alone] == [None, None]
    assert shopee.batch_of(replace(FIRST, courier=None), PICKUP) is None
