"""What becomes of Lazada's orders and items, odd ones too."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from app.channels.contract import ChannelOrder, ShopAccess, Tokens
from app.channels.errors import Malformed, Rejected, Throttled, Unauthorized
from app.connectors.lazada.connector import LazadaConnector
from app.connectors.lazada.mapping import orders, statuses
from tests.connectors.lazada.conftest import UPDATED, item, order

NUMBER = "1612345678901234"


def show(api: respx.MockRouter, told: dict[str, Any], *units: dict[str, Any]) -> None:
    api.get("/order/get").respond(json={"code": "0", "data": told})
    group = {"order_id": told["order_id"], "order_items": list(units)}
    api.get("/orders/items/get").respond(json={"code": "0", "data": [group]})


async def read(lazada: LazadaConnector, access: ShopAccess) -> ChannelOrder:
    reading = await lazada.get_orders(access, [NUMBER])
    assert (reading.unreadable, reading.missing) == ((), ())
    return reading.orders[0]


async def test_units_become_lines_and_groups_to_pack(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show(
        api,
        order(),
        item(1),
        item(2),
        item(3, sku="TOPI", sku_id="7", paid_price=50000, warehouse_code="gudang-2"),
    )

    found = await read(lazada, access)

    assert (found.status, found.first_step, found.order_number) == ("ordered", "call", NUMBER)
    assert [(line.sku, line.quantity, line.unit_price) for line in found.lines] == [
        ("KAOS-MERAH-M", 2, Decimal("124000.0")),
        ("TOPI", 1, Decimal(50000)),
    ]
    waiting = {package.package_number: package for package in found.packages}
    assert set(waiting) == {f"{NUMBER}:dropshipping", f"{NUMBER}:gudang-2"}
    assert all(package.awaits_receipt and package.status == "to_process" for package in waiting.values())
    assert found.total is not None and (found.total.amount, found.total.basis) == (Decimal("257000.00"), "derived")
    assert found.updated_at == UPDATED, "items change without their order"
    assert found.ship_by == datetime(2026, 3, 4, 16, 59, 59, tzinfo=UTC)


async def test_a_packed_part_and_a_waiting_part(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show(
        api, order(), item(1, status="packed", package_id="FP1", tracking_code="LX1", shipment_provider="LEX"), item(2)
    )

    found = await read(lazada, access)

    assert found.status == "ordered"
    packed, waiting = found.packages
    assert (packed.package_number, packed.tracking_number, packed.awaits_receipt) == ("FP1", "LX1", False)
    assert waiting.awaits_receipt


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["unpaid"], "unpaid"),
        (["pending", "shipped"], "ordered"),
        (["repacked"], "ordered"),
        (["packed", "canceled"], "ready_to_ship"),
        (["ready_to_ship_pending"], "ready_to_ship"),
        (["ready_to_ship", "delivered"], "ready_to_ship"),
        (["shipped"], "on_delivery"),
        (["failed_delivery"], "on_delivery"),
        (["shipped_back"], "on_delivery"),
        (["delivered"], "on_delivery"),
        (["confirmed"], "completed"),
        (["returned"], "completed"),
        (["lost_by_3pl"], "completed"),
        (["canceled", "canceled"], "cancelled"),
    ],
)
def test_an_order_is_as_far_as_its_slowest_item(states: list[str], expected: str) -> None:
    assert statuses.order_status(states) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "beamed_up"}, "unknown status"),
        ({"currency": ""}, "no currency"),
        ({"order_item_id": ""}, "order_item_id"),
    ],
)
async def test_an_order_that_cannot_be_understood_is_kept(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess, changes: dict[str, Any], reason: str
) -> None:
    show(api, order(), item(1, **changes))

    reading = await lazada.get_orders(access, [NUMBER])

    [kept] = reading.unreadable
    assert kept.external_id == NUMBER and reason in kept.reason and b"KAOS" in kept.raw


async def test_a_buyers_request_has_its_deadline(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    asked = {"need_cancel_confirm": "true", "cancel_trigger_time": 1772600000000, "reverse_order_id": 9, "reason": "x"}
    show(api, order(), item(1, **asked))

    found = await read(lazada, access)

    assert found.cancellation is not None
    assert found.cancellation.respond_by == datetime.fromtimestamp(1772600000, UTC)


def show_requests(api: respx.MockRouter, *rows: dict[str, Any]) -> respx.Route:
    return api.get("/reverse/getreverseordersforseller").respond(
        json={"code": "0", "result": {"success": True, "items": list(rows)}}
    )


def request(number: int, **changes: Any) -> dict[str, Any]:
    lines = [{"reverse_order_line_id": number, "reason_text": "salah ukuran"}]
    values = {"reverse_order_id": number, "trade_order_id": int(NUMBER), "request_type": "CANCEL"}
    return values | {"reverse_order_lines": lines} | changes


@pytest.mark.parametrize(("state", "expected"), [("packed", "requested"), ("shipped", None)])
async def test_a_request_without_flags_is_found_in_the_reverse_list(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess, state: str, expected: str | None
) -> None:
    show(api, order(), item(1, status=state, package_id="FP1"))
    show_requests(api, request(9))

    cancellation = (await read(lazada, access)).cancellation

    assert (cancellation and (cancellation.state, cancellation.reason)) == (expected and (expected, "salah ukuran"))


async def test_an_agreed_cancellation_is_not_shipped(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show(api, order(), item(1, is_cancel_pending=True, reason="x"))

    found = await read(lazada, access)

    assert found.cancellation is not None and found.cancellation.state == "approved"
    assert found.not_shippable == "cancellation_confirming"


@pytest.mark.parametrize(
    ("initiator", "expected"), [("buyer-cancel", "approved"), ("cancellation-seller", None), ("null-null", None)]
)
async def test_who_cancelled(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess, initiator: str, expected: str | None
) -> None:
    show(api, order(), item(1, status="canceled", cancel_return_initiator=initiator))

    found = await read(lazada, access)

    assert found.status == "cancelled" and (found.cancellation and found.cancellation.state) == expected


async def test_every_request_about_an_order_is_answered(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show(api, order(), item(1, need_cancel_confirm=True, reverse_order_id=9), item(2))
    asked = show_requests(api, request(9), request(10), request(11, request_type="RETURN"))
    decided = api.get("/order/reverse/cancel/seller/decide")
    decided.side_effect = [
        httpx.Response(200, json={"code": "131", "message": "E131: Nothing to decide"}),
        httpx.Response(200, json={"code": "0", "data": None}),
    ]

    await lazada.answer_cancellation(access, NUMBER, "approve", None)

    assert [call.request.url.params["reverse_order_id"] for call in decided.calls] == ["9", "10"]
    assert asked.calls.last.request.url.params["trade_order_id"] == NUMBER


async def test_an_item_without_sku_still_is_a_line(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    show(api, order(), item(1, sku="", sku_id="", product_id="", shop_sku=""))

    [line] = (await read(lazada, access)).lines

    assert (line.sku, line.quantity) == ("", 1) and line.external_id


def test_both_time_formats() -> None:
    expected = datetime(2026, 3, 2, 2, 15, 27, tzinfo=UTC)
    assert orders.parse_time("2026-03-02 09:15:27 +0700") == expected
    assert orders.parse_time("2026-03-02T09:15:27+07:00") == expected


async def test_the_list_brings_whole_orders_with_few_calls(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    rows = [order(order_id=1_000 + one, order_number=1_000 + one) for one in range(100)]
    listed = api.get("/orders/get").respond(json={"code": "0", "data": {"countTotal": 100, "orders": rows}})

    def answer(request: httpx.Request) -> httpx.Response:
        ids = [int(one) for one in request.url.params["order_ids"].strip("[]").split(",")]
        return httpx.Response(
            200, json={"code": "0", "data": [{"order_id": one, "order_items": [item(1)]} for one in ids]}
        )

    units = api.get("/orders/items/get").mock(side_effect=answer)
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)

    page = await lazada.list_orders(access, by="updated", since=since, until=until, cursor=None)

    assert page.reading is not None and len(page.reading.orders) == 100
    assert (listed.call_count, units.call_count) == (1, 2)
    assert page.next_cursor == "2026-03-01T00:00:00+00:00|100"


async def test_rows_left_out_of_a_page_do_not_end_the_list(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    rows = [order(order_id=1_000 + one) for one in range(60)]
    api.get("/orders/get").respond(json={"code": "0", "data": {"countTotal": 70, "orders": rows}})
    api.get("/orders/items/get").respond(json={"code": "39", "message": "E039"})
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)

    first = await lazada.list_orders(access, by="updated", since=since, until=until, cursor=None)
    last = await lazada.list_orders(access, by="updated", since=since, until=until, cursor=first.next_cursor)

    assert (first.next_cursor, last.next_cursor) == ("2026-03-01T00:00:00+00:00|60", None)


async def test_a_consent_for_several_markets_connects_this_ones_seller(
    lazada: LazadaConnector, api: respx.MockRouter
) -> None:
    users = [{"country": "my", "seller_id": "1"}, {"country": "id", "seller_id": "2"}]
    told = {"access_token": "a", "refresh_token": "r", "expires_in": 60, "country": "cb", "country_user_info": users}
    api.post("/auth/token/create").respond(json={"code": "0", **told})

    [granted] = await lazada.exchange({"code": "0_1"})

    assert granted.account_ids == ("2",)


async def test_a_list_that_is_too_deep_begins_anew_at_its_last_row(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    rows = [order(order_id=1 + one) for one in range(100)]
    api.get("/orders/get").respond(json={"code": "0", "data": {"orders": rows}})
    api.get("/orders/items/get").respond(json={"code": "39", "message": "E039"})
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    deep = "2026-03-01T00:00:00+00:00|4900"

    page = await lazada.list_orders(access, by="updated", since=since, until=until, cursor=deep)

    assert page.next_cursor == "2026-03-02T02:20:03+00:00|0"
    stuck = "2026-03-02T02:20:03+00:00|4900"
    with pytest.raises(Malformed):
        await lazada.list_orders(access, by="updated", since=since, until=until, cursor=stuck)


@pytest.mark.parametrize(
    ("said", "error", "retry_after"),
    [
        ({"code": "ApiCallLimit", "message": "this ban will last 7 seconds"}, Throttled, 7.0),
        ({"code": "AppCallLimit", "message": "this ban will last 0 more seconds"}, Throttled, 1.0),
        ({"code": "998", "message": "mega campaign"}, Throttled, 60.0),
        ({"code": "IllegalAccessToken", "message": "expired"}, Unauthorized, None),
    ],
)
async def test_gateway_codes(
    lazada: LazadaConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    said: dict[str, str],
    error: type[Exception],
    retry_after: float | None,
) -> None:
    api.get("/seller/get").respond(json=said)

    with pytest.raises(error) as raised:
        await lazada.fetch_account(access)

    assert getattr(raised.value, "retry_after", None) == retry_after


async def test_many_orders_are_read_with_one_list_and_a_few_single_calls(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    listed = [order(order_id=number, order_number=number) for number in (1, 2, 3, 9)]
    api.get("/orders/get").respond(json={"code": "0", "data": {"count": 4, "orders": listed}})
    single = api.get("/order/get", params={"order_id": "4"})
    single.respond(json={"code": "0", "data": order(order_id=4, order_number=4)})
    groups = [{"order_id": number, "order_items": [item(number, order_id=number)]} for number in (1, 2, 3, 4)]
    api.get("/orders/items/get").respond(json={"code": "0", "data": groups})

    reading = await lazada.get_orders(access, ["1", "2", "3", "4"])

    assert [found.external_id for found in reading.orders] == ["1", "2", "3", "4"]
    assert single.call_count == 1


async def test_a_pause_in_the_middle_keeps_what_was_read(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    busy = {"code": "ApiCallLimit", "message": "this ban will last 1 seconds"}

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["order_id"])
        told = {"code": "0", "data": order(order_id=number, order_number=number)}
        return httpx.Response(200, json={2: {"code": "16", "message": "E016"}, 6: busy}.get(number, told))

    api.get("/orders/get").respond(json={"code": "0", "data": {"orders": [order(order_id=9, order_number=9)]}})
    single = api.get("/order/get").mock(side_effect=answer)
    units = api.get("/orders/items/get")
    groups = [{"order_id": one, "order_items": [item(one, order_id=one)]} for one in (1, 3, 4, 5, 9)]
    units.respond(json={"code": "0", "data": groups})

    reading = await lazada.get_orders(access, ["1", "2", "3", "4", "5", "6", "7", "8", "9"])

    assert [found.external_id for found in reading.orders] == ["1", "3", "4", "5", "9"]
    assert (reading.missing, isinstance(reading.stopped_by, Throttled)) == (("2",), True)
    assert single.call_count == 6
    assert set(units.calls.last.request.url.params["order_ids"].strip("[]").split(",")) == {"1", "3", "4", "5", "9"}


async def test_one_wrong_id_among_many_costs_few_calls(
    lazada: LazadaConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    rows = [order(order_id=1_000 + one, order_number=1_000 + one) for one in range(32)]
    api.get("/orders/get").respond(json={"code": "0", "data": {"countTotal": 32, "orders": rows}})

    def answer(request: httpx.Request) -> httpx.Response:
        ids = [int(one) for one in request.url.params["order_ids"].strip("[]").split(",")]
        groups = [{"order_id": one, "order_items": [item(1)]} for one in ids]
        refused = {"code": "37", "message": "E037"}
        return httpx.Response(200, json=refused if 1_007 in ids else {"code": "0", "data": groups})

    units = api.get("/orders/items/get").mock(side_effect=answer)
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)

    page = await lazada.list_orders(access, by="updated", since=since, until=until, cursor=None)

    assert page.reading is not None and page.reading.missing == ("1007",)
    assert (len(page.reading.orders), units.call_count) == (31, 11)


@pytest.mark.parametrize(("code", "is_final"), [("IllegalRefreshToken", True), ("IncompleteSignature", False)])
async def test_only_a_dead_token_needs_the_seller(
    lazada: LazadaConnector, api: respx.MockRouter, code: str, is_final: bool
) -> None:
    """A wrong secret of ours would otherwise cost every shop its consent."""
    api.post("/auth/token/refresh").respond(json={"code": code, "type": "ISV", "message": "refused"})
    tokens = Tokens("access", "refresh", datetime(2026, 11, 25, tzinfo=UTC), None)

    with pytest.raises(Unauthorized if is_final else Rejected):
        await lazada.refresh("400700000001", tokens)
