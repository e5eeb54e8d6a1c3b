"""Odd answers on the wire, and what every status means."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from app.channels.contract import ChannelOrder, Handover, PackageRef, ShopAccess, Tokens
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.connectors.tiktok_shop.connector import TikTokShopConnector
from tests.connectors.tiktok_shop.conftest import SHOP, order

TOKENS = Tokens("access", "refresh", datetime(2026, 11, 25, tzinfo=UTC), None)
PACKAGE = PackageRef("580000000000000001", "1150000000000000001", is_only_package=True)


async def read(tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess, **changes: Any) -> ChannelOrder:
    told = order(**changes)
    api.get("/order/202507/orders").respond(json={"code": 0, "data": {"orders": [told]}})
    api.post("/return_refund/202602/cancellations/search").respond(json={"code": 0, "data": {}})
    reading = await tiktok.get_orders(access, [told["id"]])
    assert (reading.unreadable, reading.missing) == ((), ())
    return reading.orders[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("UNPAID", "unpaid"),
        ("ON_HOLD", "ordered"),
        ("AWAITING_SHIPMENT", "ready_to_ship"),
        ("PARTIALLY_SHIPPING", "ready_to_ship"),
        ("AWAITING_COLLECTION", "ready_to_ship"),
        ("IN_TRANSIT", "on_delivery"),
        ("DELIVERED", "on_delivery"),
        ("COMPLETED", "completed"),
        ("CANCELLED", "cancelled"),
        ("CANCEL", "cancelled"),
    ],
)
async def test_every_status(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess, status: str, expected: str
) -> None:
    found = await read(tiktok, api, access, status=status)

    assert (found.status, found.channel_status, found.channel) == (expected, status, "tiktok_shop")


@pytest.mark.parametrize(
    ("status", "cancels", "collects"),
    [
        ("AWAITING_SHIPMENT", 1795645720, 1795559320),
        ("AWAITING_COLLECTION", 1795904920, 1795559320),
        ("IN_TRANSIT", 1797200920, None),
        ("DELIVERED", None, None),
        ("CANCELLED", None, None),
    ],
)
async def test_the_clocks_that_run_for_the_seller(
    tiktok: TikTokShopConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    status: str,
    cancels: int | None,
    collects: int | None,
) -> None:
    clocks = {
        "tts_sla_time": 1795559320,
        "pick_up_cut_off_time": 1795516120,
        "shipping_due_time": 1795645720,
        "collection_due_time": 1795904920,
        "delivery_due_time": 1797200920,
    }

    found = await read(tiktok, api, access, status=status, **clocks)

    assert found.ship_by == datetime.fromtimestamp(1795472920, UTC)
    assert found.cancels_at == (datetime.fromtimestamp(cancels, UTC) if cancels else None)
    assert found.collect_by == (datetime.fromtimestamp(collects, UTC) if collects else None)
    assert found.pickup_cutoff_at == (datetime.fromtimestamp(1795516120, UTC) if collects else None)
    assert (await read(tiktok, api, access)).pickup_cutoff_at is None, "no such clock, no deadline"


async def test_an_order_on_hold_says_why_and_until_when(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    found = await read(tiktok, api, access, status="ON_HOLD")

    assert found.channel_hold_reason == "remorse_period"
    assert found.channel_hold_until == datetime.fromtimestamp(1795300120 + 3600, UTC)
    assert (await read(tiktok, api, access)).channel_hold_reason is None


async def test_tokopedias_paid_orders_wait_at_our_gate(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    waiting = await read(tiktok, api, access, commerce_platform="TOKOPEDIA")
    shipped = await read(tiktok, api, access, commerce_platform="TOKOPEDIA", status="IN_TRANSIT")

    assert (waiting.channel, waiting.shop_external_id) == ("tokopedia", SHOP)
    assert (waiting.status, waiting.first_step) == ("ordered", "gate")
    assert shipped.status == "on_delivery"


@pytest.mark.parametrize(("initiator", "expected"), [("BUYER", "approved"), ("SELLER", None), ("SYSTEM", None)])
async def test_who_cancelled(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess, initiator: str, expected: str | None
) -> None:
    found = await read(tiktok, api, access, status="CANCELLED", cancellation_initiator=initiator, cancel_reason="x")

    assert (found.cancellation and found.cancellation.state) == expected


async def test_units_are_counted(tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    found = await read(tiktok, api, access)

    assert [(line.sku, line.quantity) for line in found.lines] == [("KAOS-HTM-L", 2)]
    assert found.packages[0].lines == {found.lines[0].external_id: 2}


@pytest.mark.parametrize("changes", [{"status": "TELEPORTED"}, {"payment": {}}, {"update_time": "soon"}])
async def test_what_cannot_be_read_is_kept_as_evidence(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess, changes: dict[str, Any]
) -> None:
    orders = [order(**changes), order(id="580000000000000002")]
    api.get("/order/202507/orders").respond(json={"code": 0, "data": {"orders": orders}})

    reading = await tiktok.get_orders(access, [one["id"] for one in orders])

    assert [one.external_id for one in reading.orders] == ["580000000000000002"]
    assert [one.external_id for one in reading.unreadable] == ["580000000000000001"]


@pytest.mark.parametrize(
    ("status", "payload", "expected"),
    [
        (200, {"code": 21011040, "message": "already shipped"}, AlreadyDone),
        (200, {"code": 21011007, "message": "after-sale request"}, Rejected),
        (401, {"code": 106001, "message": "sign wrong", "data": None}, Rejected),
        (401, {"code": 105002, "message": "expired"}, Unauthorized),
        (429, {"code": 36009002, "message": "too many"}, Throttled),
        (200, {"code": 36009007, "message": "gateway timeout"}, Unknown),
        (200, {"code": 99999999, "message": "nobody listed this"}, Unknown),
        (503, {"code": 36009003, "message": "internal"}, Unknown),
        (200, "<html>", Unknown),
    ],
)
async def test_what_a_refused_shipment_means(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess, status: int, payload: Any, expected: type
) -> None:
    answer = httpx.Response(status, text=payload) if isinstance(payload, str) else httpx.Response(status, json=payload)
    api.post(f"/fulfillment/202309/packages/{PACKAGE.package_number}/ship").mock(return_value=answer)

    with pytest.raises(ChannelError) as caught:
        await tiktok.arrange_shipment(access, PACKAGE, Handover("pickup"))

    assert type(caught.value) is expected


async def test_who_fails_among_many_is_named(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    other = PackageRef("580000000000000002", "1150000000000000002", is_only_package=True)
    error = {"code": 21011041, "message": "cancelled", "detail": {"package_id": other.package_number}}
    api.post("/fulfillment/202309/packages/ship").respond(json={"code": 0, "data": {"errors": [error]}})

    outcomes = await tiktok.arrange_shipments(access, [(PACKAGE, Handover("pickup")), (other, Handover("pickup"))])

    assert outcomes[PACKAGE.package_number] is None
    refusal = outcomes[other.package_number]
    assert isinstance(refusal, Rejected) and refusal.meaning == "order_cancelled"


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (36004005, "refresh token is invalid", Unauthorized),
        (36004004, "invalid auth code", Unauthorized),
        (99999999, "nobody listed this", Unauthorized),
        (36009004, "Invalid app_key", Rejected),
        (36009002, "too many requests", Throttled),
        (36009007, "gateway timeout", Unknown),
    ],
)
async def test_a_refused_refresh_needs_the_seller_unless_it_is_our_fault_or_theirs(
    tiktok: TikTokShopConnector, api: respx.MockRouter, code: int, message: str, expected: type
) -> None:
    api.get("/api/v2/token/refresh").respond(json={"code": code, "message": message})

    with pytest.raises(ChannelError) as caught:
        await tiktok.refresh(SHOP, TOKENS)

    assert type(caught.value) is expected
    if isinstance(caught.value, Unauthorized):
        assert caught.value.is_final


async def test_a_read_that_fails_is_tried_again_and_then_unavailable(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    route = api.get("/order/202507/orders").respond(503, text="overload")

    with pytest.raises(Unavailable):
        await tiktok.get_orders(access, ["580000000000000001"])

    assert route.call_count == 3


async def test_a_pause_among_single_reads_keeps_what_was_read(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = request.url.params["ids"]
        if "," in ids or ids == "2":
            return httpx.Response(200, json={"code": 21001001, "message": "another seller's"})
        if ids == "4":
            return httpx.Response(200, json={"code": 36009002, "message": "too many requests"})
        return httpx.Response(200, json={"code": 0, "data": {"orders": [order(id=ids)]}})

    route = api.get("/order/202507/orders").mock(side_effect=answer)

    reading = await tiktok.get_orders(access, ["1", "2", "3", "4", "5"])

    assert ([found.external_id for found in reading.orders], reading.missing) == (["1", "3"], ("2",))
    assert isinstance(reading.stopped_by, Throttled) and route.call_count == 5


async def test_a_pause_among_labels_leaves_the_others_waiting(
    tiktok: TikTokShopConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    packages = [PackageRef("580000000000000001", str(number), is_only_package=True) for number in range(4)]
    document = "/fulfillment/202309/packages/{}/shipping_documents"
    for number in range(4):
        busy = {"code": 36009002, "message": "too many requests"}
        ready = {"code": 0, "data": {"doc_url": "https://api.tiktok.test/label.pdf"}}
        api.get(document.format(number)).respond(json=busy if number == 1 else ready)

    told = await tiktok.poll_labels(access, packages)

    assert [told[package.package_number].state for package in packages] == ["ready"] + ["processing"] * 3
