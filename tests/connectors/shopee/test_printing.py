"""The asynchronous document flow and the PDF at its end."""

import io
import json
import zipfile
from typing import Any

import httpx
import pytest
import respx

from app.channels.contract import PackageRef, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected, Unavailable
from app.connectors.shopee.connector import ShopeeConnector

A = PackageRef("ORDER-A", "OFG-A", is_only_package=True, tracking_number="SPXID1")
B = PackageRef("ORDER-B", "OFG-B1", is_only_package=False, tracking_number="SPXID2")
C = PackageRef("ORDER-B", "OFG-B2", is_only_package=False, tracking_number="SPXID3")
PDF = b"%PDF-1.4\n%label"
THERMAL, NORMAL = "THERMAL_AIR_WAYBILL", "NORMAL_AIR_WAYBILL"


def results(*elements: dict[str, Any], error: str = "") -> dict[str, Any]:
    return {"error": error, "message": "", "response": {"result_list": list(elements)}}


def offered(order_sn: str, *types: str, **fields: Any) -> dict[str, Any]:
    return {
        "order_sn": order_sn,
        "suggest_shipping_document_type": types[0],
        "selectable_shipping_document_type": list(types),
        **fields,
    }


def sent(route: respx.Route, number: int = -1) -> Any:
    return json.loads(route.calls[number].request.content)


async def test_tasks_start_with_number_and_type(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.post("/logistics/get_shipping_document_parameter").respond(
        json=results(
            offered("ORDER-A", NORMAL, THERMAL),
            offered("ORDER-B", NORMAL, package_number="OFG-B1"),
            offered("ORDER-B", NORMAL, package_number="OFG-B2", fail_error="logistics.package_can_not_print"),
        )
    )
    route = api.post("/logistics/create_shipping_document").respond(json=results({"order_sn": "ORDER-A"}))

    statuses = await shopee.request_labels(access, [A, B, C])

    assert sent(route)["order_list"] == [
        {"order_sn": "ORDER-A", "shipping_document_type": THERMAL, "tracking_number": "SPXID1"},
        {
            "order_sn": "ORDER-B",
            "package_number": "OFG-B1",
            "shipping_document_type": NORMAL,
            "tracking_number": "SPXID2",
        },
    ]
    # What the answer forgot may have started: polling tells.
    assert {number: (status.state, status.code) for number, status in statuses.items()} == {
        "OFG-A": ("processing", None),
        "OFG-B1": ("processing", None),
        "OFG-B2": ("failed", "label_not_ready"),
    }


async def test_a_failure_inside_the_answer_belongs_to_its_package(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.post("/logistics/get_shipping_document_parameter").respond(json=results(offered("ORDER-A", THERMAL)))
    failure = {
        "order_sn": "ORDER-A",
        "fail_error": "logistics.can_not_print_jit_order",
        "fail_message": "Seller Centre",
    }
    body = results(failure, error="common.batch_api_all_failed")
    api.post("/logistics/create_shipping_document").respond(json=body)

    status = (await shopee.request_labels(access, [A]))["OFG-A"]

    assert (status.state, status.code, status.channel_code) == (
        "failed",
        "label_refused",
        "logistics.can_not_print_jit_order",
    )


@pytest.mark.parametrize("odd", [httpx.ReadTimeout, httpx.Response(500), httpx.Response(200, text="<html>")])
async def test_a_lost_answer_leaves_the_task_to_polling(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, odd: Any
) -> None:
    api.post("/logistics/get_shipping_document_parameter").respond(json=results(offered("ORDER-A", THERMAL)))
    api.post("/logistics/create_shipping_document").mock(side_effect=[odd])

    assert (await shopee.request_labels(access, [A]))["OFG-A"].state == "processing"


@pytest.mark.parametrize(
    ("element", "state", "code"),
    [
        ({"status": "READY"}, "ready", None),
        ({"status": "PROCESSING"}, "processing", None),
        ({"status": "FAILED"}, "failed", "label_not_requested"),
        ({"fail_error": "logistics.tracking_number_invalid"}, "failed", "label_not_ready"),
        (None, "processing", None),
    ],
)
async def test_where_a_task_stands(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, element: Any, state: str, code: str | None
) -> None:
    elements = [{"order_sn": "ORDER-A", **element}] if element else []
    route = api.post("/logistics/get_shipping_document_result").respond(json=results(*elements))

    status = (await shopee.poll_labels(access, [A]))["OFG-A"]

    assert (status.state, status.code) == (state, code)
    assert sent(route)["order_list"] == [{"order_sn": "ORDER-A", "shipping_document_type": THERMAL}]


UNREQUESTED = "logistics.shipping_document_should_print_first"


async def test_a_task_of_another_type_is_found_and_a_missing_one_is_not_invented(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    denied = [
        {"order_sn": "ORDER-A", "fail_error": UNREQUESTED},
        {"order_sn": "ORDER-B", "package_number": "OFG-B1", "fail_error": UNREQUESTED},
    ]
    ready = {"order_sn": "ORDER-B", "package_number": "OFG-B1", "status": "READY"}
    api.post("/logistics/get_shipping_document_parameter").respond(
        json=results(offered("ORDER-A", THERMAL), offered("ORDER-B", NORMAL, package_number="OFG-B1"))
    )
    route = api.post("/logistics/get_shipping_document_result").mock(
        side_effect=[httpx.Response(200, json=results(*denied)), httpx.Response(200, json=results(ready))]
    )

    statuses = await shopee.poll_labels(access, [A, B])

    assert (statuses["OFG-A"].state, statuses["OFG-A"].code) == ("failed", "label_not_requested")
    assert statuses["OFG-B1"].state == "ready"
    assert [element["shipping_document_type"] for element in sent(route)["order_list"]] == [NORMAL]


async def test_a_label_is_downloaded_alone(shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.post("/logistics/download_shipping_document").respond(content=PDF, content_type="application/pdf")

    assert await shopee.fetch_label(access, B) == PDF
    assert sent(route) == {
        "shipping_document_type": THERMAL,
        "order_list": [{"order_sn": "ORDER-B", "package_number": "OFG-B1"}],
    }


async def test_a_label_of_another_type_is_downloaded_as_that(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.post("/logistics/get_shipping_document_parameter").respond(json=results(offered("ORDER-A", NORMAL)))
    refusal = httpx.Response(200, json={"error": UNREQUESTED, "message": "create first"})
    route = api.post("/logistics/download_shipping_document").mock(
        side_effect=[refusal, httpx.Response(200, content=PDF)]
    )

    assert await shopee.fetch_label(access, A) == PDF
    assert sent(route)["shipping_document_type"] == NORMAL


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


async def test_the_pdf_is_taken_out_of_a_zip(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    body = zipped(label_zpl=b"^XA", label_pdf=PDF)
    api.post("/logistics/download_shipping_document").respond(content=body, content_type="application/zip")

    assert await shopee.fetch_label(access, A) == PDF


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (httpx.Response(200, content=b""), Unavailable),
        (httpx.Response(200, html="<html>Label</html>"), Malformed),
        (httpx.Response(200, content=zipped(label_zpl=b"^XA")), Malformed),
        (httpx.Response(200, content=zipped(label_pdf=b"%PDF" + b"0" * 20_000_001)), Malformed),
        (httpx.Response(200, content=zipped(label_pdf=PDF)[:40]), Malformed),
        (httpx.Response(200, json={"error": "", "response": {}}), Malformed),
        (httpx.Response(500, content=PDF), Unavailable),
        (httpx.Response(200, json={"error": "logistics.download_later", "message": "later"}), Unavailable),
        (httpx.Response(200, json={"error": "logistics.package_can_not_print", "message": "x"}), Unavailable),
    ],
)
async def test_what_is_no_label_is_never_handed_on(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    odd: httpx.Response,
    expected: type[ChannelError],
) -> None:
    api.post("/logistics/download_shipping_document").mock(return_value=odd)

    with pytest.raises(ChannelError) as raised:
        await shopee.fetch_label(access, A)
    assert type(raised.value) is expected


@pytest.mark.parametrize(
    "body",
    [
        {"error": UNREQUESTED, "message": "create first"},
        results({"order_sn": "ORDER-A", "fail_error": UNREQUESTED}, error="common.batch_api_all_failed"),
        results({"order_sn": "ORDER-A", "fail_error": UNREQUESTED}),
    ],
)
async def test_a_label_that_was_never_requested_says_so(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, body: dict[str, Any]
) -> None:
    api.post("/logistics/get_shipping_document_parameter").respond(json=results(offered("ORDER-A", THERMAL)))
    api.post("/logistics/download_shipping_document").respond(json=body)

    with pytest.raises(Rejected) as raised:
        await shopee.fetch_label(access, A)
    assert (raised.value.meaning, raised.value.code) == ("label_not_requested", UNREQUESTED)
