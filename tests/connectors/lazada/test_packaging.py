"""Pack and ready-to-ship: one call, a verdict per unit, and what stays unclear."""

import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from app.channels.contract import Handover, PackageRef, ShopAccess
from app.channels.errors import AlreadyDone, Rejected, Throttled, Unavailable, Unknown
from app.connectors.lazada.connector import LazadaConnector
from tests.connectors.lazada.conftest import item

ORDER = "1612345678901234"
WAITING = PackageRef(ORDER, f"{ORDER}:dropshipping", is_only_package=True)
FIRST, SECOND = PackageRef(ORDER, "FP1", is_only_package=False), PackageRef(ORDER, "FP2", is_only_package=False)
UNITS = [str(1612345679001234 + number) for number in (1, 2)]


def sent(route: respx.Route, name: str) -> Any:
    return json.loads(parse_qs(route.calls.last.request.content.decode())[name][0])


def show_items(api: respx.MockRouter, *units: dict[str, Any]) -> None:
    data = [{"order_id": int(ORDER), "order_items": list(units)}]
    api.get("/orders/items/get").respond(json={"code": "0", "data": data})
    told = {"success": True, "data": {"shipping_allocate_type": "TFS"}}
    api.get("/order/shipment/providers/get").respond(json={"code": "0", "result": told})


def verdicts(*codes: str) -> dict[str, Any]:
    units = [
        {"order_item_id": int(unit), "item_err_code": code, "msg": "m"}
        for unit, code in zip(UNITS, codes, strict=False)
    ]
    told = {"success": True, "data": {"pack_order_list": [{"order_id": int(ORDER), "order_item_list": units}]}}
    return {"code": "0", "result": told}


async def test_units_that_wait_are_packed_together(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show_items(api, item(1), item(2), item(3, status="canceled"), item(4, warehouse_code="other"))
    route = api.post("/order/fulfill/pack").respond(json=verdicts("0", "0"))

    assert await lazada.receive_packages(access, [WAITING]) == {WAITING.package_number: None}

    assert sent(route, "packReq") == {
        "pack_order_list": [{"order_id": int(ORDER), "order_item_list": [int(unit) for unit in UNITS]}],
        "delivery_type": "dropship",
        "shipping_allocate_type": "TFS",
    }


@pytest.mark.parametrize(
    ("codes", "error"),
    [
        (("700026", "700026"), AlreadyDone),
        (("700027", "700027"), Rejected),
        (("700024", "700024"), Throttled),
        (("0", "700026"), Unknown),
        (("1003", "1003"), Unknown),
        (("999999", "999999"), Unknown),
    ],
)
async def test_verdicts(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess, codes: tuple[str, ...], error: type[Exception]
) -> None:
    show_items(api, item(1), item(2))
    api.post("/order/fulfill/pack").respond(json=verdicts(*codes))

    told = (await lazada.receive_packages(access, [WAITING]))[WAITING.package_number]

    assert type(told) is error


async def test_a_unit_left_out_leaves_its_package_out(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show_items(api, item(1), item(2))
    api.post("/order/fulfill/pack").respond(json=verdicts("0"))

    assert await lazada.receive_packages(access, [WAITING]) == {}


@pytest.mark.parametrize(
    ("changes", "error", "meaning"),
    [
        ({"status": "canceled"}, Rejected, "order_cancelled"),
        ({"need_cancel_confirm": True}, Rejected, "cancellation_requested"),
        ({"status": "packed", "package_id": "FP1"}, AlreadyDone, "already_done"),
        ({"is_fbl": 1}, AlreadyDone, "already_done"),
    ],
)
async def test_what_is_not_to_be_packed_is_not_sent(
    lazada: LazadaConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    changes: dict[str, Any],
    error: type[Rejected],
    meaning: str,
) -> None:
    show_items(api, item(1, **changes))
    route = api.post("/order/fulfill/pack").respond(json=verdicts("0"))

    told = (await lazada.receive_packages(access, [WAITING]))[WAITING.package_number]

    assert type(told) is error and isinstance(told, Rejected) and told.meaning == meaning
    assert not route.called


async def test_a_look_that_fails_packs_nothing(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/orders/items/get").respond(status_code=502)
    route = api.post("/order/fulfill/pack").respond(json=verdicts("0"))

    with pytest.raises(Unavailable):
        await lazada.receive_packages(access, [WAITING])
    assert not route.called


async def test_ready_to_ship_takes_several_packages(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    told = [
        {"package_id": "FP1", "item_err_code": "0", "msg": "success"},
        {"package_id": "FP2", "item_err_code": "700000", "msg": "status"},
    ]
    answer = {"code": "0", "result": {"success": True, "data": {"packages": told}}}
    route = api.post("/order/package/rts").respond(json=answer)

    outcomes = await lazada.arrange_shipments(access, [(FIRST, Handover("pickup")), (SECOND, Handover("pickup"))])

    assert outcomes["FP1"] is None and isinstance(outcomes["FP2"], AlreadyDone)
    assert sent(route, "readyToShipReq") == {"packages": [{"package_id": "FP1"}, {"package_id": "FP2"}]}


async def test_what_is_no_package_yet_is_received_first(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    with pytest.raises(Rejected) as raised:
        await lazada.arrange_shipment(access, WAITING, Handover("pickup"))
    assert raised.value.meaning == "receive_first"


@pytest.mark.parametrize(
    "said",
    [
        {"status_code": 500, "json": {"code": "0", "result": {"success": True}}},
        {"json": {"code": "0", "result": {"success": False}}},
        {"json": {"code": "ServiceTimeout", "message": "later"}},
        {"json": {"code": "NeverSeenBefore", "message": "?"}},
        {"content": b"<html>"},
    ],
)
async def test_whatever_is_unclear_is_unknown(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess, said: dict[str, Any]
) -> None:
    api.post("/order/package/rts").mock(return_value=httpx.Response(said.pop("status_code", 200), **said))

    with pytest.raises(Unknown):
        await lazada.arrange_shipment(access, FIRST, Handover("pickup"))


async def test_labels_come_from_lazadas_hosts_only(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    told = {"success": True, "data": {"doc_type": "PDF", "pdf_url": "https://evil.example/label.pdf"}}
    api.get("/order/package/document/get").respond(json={"code": "0", "result": told})

    with pytest.raises(Exception, match="host") as raised:
        await lazada.fetch_label(access, FIRST)
    assert type(raised.value).__name__ == "Malformed"


async def test_a_stock_answer_with_detail_is_a_refusal(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    detail = [{"field": "ItemId", "message": "ITEM_NOT_FOUND", "code": "E0501"}]
    api.post("/product/stock/sellable/update").respond(json={"code": "0", "data": {}, "detail": detail})

    with pytest.raises(Rejected) as raised:
        await lazada.push_stock(access, "1", "2", 3)
    assert raised.value.code == "E0501"
