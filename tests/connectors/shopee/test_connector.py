"""Which calls the connector makes and what it makes of their answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from app.channels.contract import ConsentStart, OrderToCancel, PackageRef, PushRequest, ShopAccess, Tokens
from app.channels.errors import AlreadyDone, Malformed, Rejected, Throttled, Unauthorized, Unknown
from app.connectors.shopee.client import Client
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.settings import ShopeeSettings

Recorded = Callable[[str], dict[str, Any]]
NUMBER, PACKAGE = "2511223K7QH5XA", "OFG219329748205969"
SINCE = datetime(2025, 11, 10, tzinfo=UTC)
DATE = {"date": "Sun, 22 Nov 2026 03:04:05 GMT"}
CHANNEL_NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
NOT_FOUND = {"error": "error_not_found", "message": "Wrong parameters, detail: the order is not found."}


def sent(route: respx.Route) -> Any:
    """The JSON body of the last request."""
    return json.loads(route.calls.last.request.content)


def asked(route: respx.Route, number: int = -1) -> httpx.QueryParams:
    """The query of a request."""
    params: httpx.QueryParams = route.calls[number].request.url.params
    return params


# --- authorisation ----------------------------------------------------------------------------------------------------


def test_consent_goes_to_the_sellers_page(shopee: ShopeeConnector) -> None:
    url = urlsplit(shopee.authorization_url(ConsentStart("st4te", "https://hub.example.id/cb?x=1", CHANNEL_NOW)))

    assert url.netloc + url.path == "open.shopee.test/auth"
    assert parse_qs(url.query) == {
        "partner_id": ["2001887"],
        "auth_type": ["seller"],
        "redirect_uri": ["https://hub.example.id/cb?x=1"],
        "response_type": ["code"],
        "state": ["st4te"],
    }


def test_the_older_consent_link_is_signed_and_carries_the_state_in_the_redirect(
    client: Client, settings: ShopeeSettings
) -> None:
    auth_url = "https://api.shopee.test/api/v2/shop/auth_partner"
    shopee = ShopeeConnector(client, settings.model_copy(update={"auth_url": auth_url}))

    query = parse_qs(
        urlsplit(shopee.authorization_url(ConsentStart("st4te", "https://hub.example.id/cb", CHANNEL_NOW))).query
    )

    assert query["redirect"] == ["https://hub.example.id/cb?state=st4te"]
    assert len(query["sign"][0]) == 64 and query["timestamp"][0].isdigit()


async def test_a_code_becomes_tokens_on_the_channels_clock(
    shopee: ShopeeConnector, api: respx.MockRouter, recorded: Recorded
) -> None:
    route = api.post("/auth/token/get").respond(json=recorded("token"), headers=DATE)

    (credential,) = await shopee.exchange({"code": "c0de", "shop_id": "14701711", "state": "x"})

    assert sent(route) == {"code": "c0de", "partner_id": 2001887, "shop_id": 14701711}
    assert "access_token" not in asked(route)
    assert credential.account_ids == ("14701711",)
    assert credential.tokens.access_token == "6d6f636b2d6163636573732d746f6b656e"
    assert credential.tokens.access_expires_at == CHANNEL_NOW + timedelta(hours=4)
    assert credential.tokens.refresh_expires_at == CHANNEL_NOW + timedelta(days=30)


async def test_a_main_account_opens_all_its_shops(
    shopee: ShopeeConnector, api: respx.MockRouter, recorded: Recorded
) -> None:
    body = recorded("token") | {"shop_id_list": [1, 2], "merchant_id_list": [9], "expire_in": 1795315445}
    route = api.post("/auth/token/get").respond(json=body, headers=DATE)

    credentials = await shopee.exchange({"code": "c0de", "main_account_id": "77"})

    assert sent(route)["main_account_id"] == 77
    assert [credential.account_ids for credential in credentials] == [("1",), ("2",)]
    assert credentials[0].tokens.access_expires_at == datetime.fromtimestamp(1795315445, UTC)


@pytest.mark.parametrize(
    "callback",
    [{}, {"code": "c"}, {"shop_id": "1"}, {"code": "c", "shop_id": "1'; drop"}, {"code": "c", "shop_id": "9" * 5000}],
)
async def test_a_callback_without_code_or_shop_is_refused(shopee: ShopeeConnector, callback: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        await shopee.exchange(callback)


async def test_a_used_code_is_refused(shopee: ShopeeConnector, api: respx.MockRouter) -> None:
    api.post("/auth/token/get").respond(json={"error": "error_auth", "message": "Invalid code"})

    with pytest.raises(Rejected):
        await shopee.exchange({"code": "c", "shop_id": "1"})


async def test_tokens_rotate(shopee: ShopeeConnector, api: respx.MockRouter, recorded: Recorded) -> None:
    body = recorded("token") | {"access_token": "new", "refresh_token": "newer", "shop_id": 14701711}
    route = api.post("/auth/access_token/get").respond(json=body)

    tokens = await shopee.refresh("14701711", Tokens("old", "older", CHANNEL_NOW))

    assert sent(route) == {"refresh_token": "older", "partner_id": 2001887, "shop_id": 14701711}
    assert (tokens.access_token, tokens.refresh_token) == ("new", "newer")


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(200, json={"error": "", "access_token": "new"}),
        httpx.Response(500),
        httpx.Response(200, json={"error": "error_inner", "message": ""}),
    ],
)
async def test_a_lost_rotation_is_unknown(shopee: ShopeeConnector, api: respx.MockRouter, odd: httpx.Response) -> None:
    route = api.post("/auth/access_token/get").mock(return_value=odd)

    with pytest.raises(Unknown):
        await shopee.refresh("14701711", Tokens("old", "older", CHANNEL_NOW))
    assert route.call_count == 1


async def test_a_spent_refresh_token_needs_the_seller(shopee: ShopeeConnector, api: respx.MockRouter) -> None:
    api.post("/auth/access_token/get").respond(
        status_code=403, json={"error": "error_shop_refresh_token", "message": ""}
    )

    with pytest.raises(Unauthorized) as raised:
        await shopee.refresh("14701711", Tokens("old", "older", CHANNEL_NOW))
    assert raised.value.is_final


async def test_an_account_is_one_shop(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    api.get("/shop/get_shop_info").respond(json=recorded("shop_info"))

    account = await shopee.fetch_account(access)

    assert [(shop.channel, shop.external_id, shop.name) for shop in account.shops] == [
        ("shopee", "14701711", "Toko Maju")
    ]
    assert account.authorization_expires_at == datetime.fromtimestamp(1791536000, UTC)


# --- orders -----------------------------------------------------------------------------------------------------------


async def test_a_window_is_listed_page_by_page(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    route = api.get("/order/get_order_list").respond(json=recorded("order_list"), headers=DATE)
    window = {"by": "updated", "since": SINCE, "until": SINCE + timedelta(days=15)}

    page = await shopee.list_orders(access, cursor=None, **window)  # type: ignore[arg-type]
    await shopee.list_orders(access, cursor="7", **window)  # type: ignore[arg-type]

    assert (page.external_ids, page.next_cursor) == ((NUMBER, "2511223K7QH5XB"), "20")
    assert page.channel_now == CHANNEL_NOW
    first = asked(route, 0)
    assert (first["time_range_field"], first["page_size"], "cursor" in first) == ("update_time", "100", False)
    assert int(first["time_to"]) - int(first["time_from"]) == 15 * 86400
    assert "order_status" not in first
    assert asked(route)["cursor"] == "7"


@pytest.mark.parametrize(("span", "seconds"), [(timedelta(0), 1), (timedelta(days=15, microseconds=1), 15 * 86400)])
async def test_windows_stay_within_what_shopee_accepts(
    shopee: ShopeeConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    recorded: Recorded,
    span: timedelta,
    seconds: int,
) -> None:
    route = api.get("/order/get_order_list").respond(json=recorded("order_list"))

    await shopee.list_orders(access, by="created", since=SINCE, until=SINCE + span, cursor=None)

    query = asked(route)
    assert query["time_range_field"] == "create_time"
    assert int(query["time_to"]) - int(query["time_from"]) == seconds


@pytest.mark.parametrize(("more", "cursor"), [(False, "20"), (True, "")])
async def test_a_list_ends_by_either_sign(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded, more: bool, cursor: str
) -> None:
    body = recorded("order_list")
    body["response"] |= {"more": more, "next_cursor": cursor}
    api.get("/order/get_order_list").respond(json=body)

    page = await shopee.list_orders(access, by="updated", since=SINCE, until=SINCE + timedelta(1), cursor=None)

    assert page.next_cursor is None


async def test_a_list_without_end_or_with_a_nameless_row_is_malformed(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    body = recorded("order_list")
    api.get("/order/get_order_list").respond(json=body)
    with pytest.raises(Malformed):
        await shopee.list_orders(access, by="updated", since=SINCE, until=SINCE, cursor="20")

    body["response"]["order_list"].append({"order_status": "READY_TO_SHIP"})
    api.get("/order/get_order_list").respond(json=body)
    with pytest.raises(Malformed):
        await shopee.list_orders(access, by="updated", since=SINCE, until=SINCE, cursor=None)


async def test_orders_are_read_with_their_packages(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    packages = recorded("package_detail")
    packages["response"]["package_list"][0] |= {"tracking_number": "SPXID05236113497C", "is_shipment_arranged": True}
    details = api.get("/order/get_order_detail").respond(json=recorded("order_detail"))
    numbers = api.get("/order/get_package_detail").respond(json=packages)

    reading = await shopee.get_orders(access, [NUMBER, "UNKNOWN"])

    assert asked(details)["order_sn_list"] == f"{NUMBER},UNKNOWN"
    assert "package_list" in asked(details)["response_optional_fields"]
    assert asked(details)["request_order_status_pending"] == "true"
    assert asked(numbers)["package_number_list"] == PACKAGE
    (parcel,) = reading.orders[0].packages
    assert (parcel.status, parcel.tracking_number) == ("processed", "SPXID05236113497C")
    assert reading.missing == ("UNKNOWN",)


async def test_orders_shopee_does_not_know_are_missing(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/order/get_order_detail").respond(json=NOT_FOUND)

    reading = await shopee.get_orders(access, ["A", "B"])

    assert (reading.orders, reading.unreadable, reading.missing) == ((), (), ("A", "B"))


async def test_packages_are_asked_for_in_batches(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    orders = recorded("order_detail")
    only = orders["response"]["order_list"][0]
    only["package_list"] = [{**only["package_list"][0], "package_number": f"OFG{n}"} for n in range(51)]
    api.get("/order/get_order_detail").respond(json=orders)
    route = api.get("/order/get_package_detail").respond(json={"error": "", "response": {"package_list": None}})

    await shopee.get_orders(access, [NUMBER])

    assert [len(asked(route, n)["package_number_list"].split(",")) for n in range(2)] == [50, 1]


async def test_a_broken_package_detail_breaks_only_its_order(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    orders, packages = recorded("order_detail"), recorded("package_detail")
    orders["response"]["order_list"] += recorded("order_detail_split")["response"]["order_list"]
    packages["response"]["package_list"][0]["is_shipment_arranged"] = "perhaps"
    api.get("/order/get_order_detail").respond(json=orders)
    api.get("/order/get_package_detail").respond(json=packages)

    reading = await shopee.get_orders(access, [NUMBER, "2511223K7QH5XB"])

    assert [entry.external_id for entry in reading.unreadable] == [NUMBER]
    assert [order.external_id for order in reading.orders] == ["2511223K7QH5XB"]


# --- cancellation -----------------------------------------------------------------------------------------------------


async def test_out_of_stock_names_the_items(shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    order = OrderToCancel("2511223K7QH5XB", is_unpaid=False, skus=(("31", "0"), ("32", "7"), ("31", "0")))
    route = api.post("/order/cancel_order").respond(json={"error": "", "response": {"update_time": 1}})

    await shopee.cancel_order(access, order, "OUT_OF_STOCK")
    assert sent(route)["item_list"] == [{"item_id": 31, "model_id": 0}, {"item_id": 32, "model_id": 7}]
    await shopee.cancel_order(access, order, "CUSTOMER_REQUEST")
    assert sent(route) == {"order_sn": "2511223K7QH5XB", "cancel_reason": "CUSTOMER_REQUEST"}
    with pytest.raises(Rejected):
        await shopee.cancel_order(access, order, "BORED")
    assert route.call_count == 2


@pytest.mark.parametrize(("decision", "operation"), [("approve", "ACCEPT"), ("reject", "REJECT")])
async def test_a_buyers_request_is_answered(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, decision: Any, operation: str
) -> None:
    route = api.post("/order/handle_buyer_cancellation").respond(json={"error": "", "response": {"update_time": 1}})

    await shopee.answer_cancellation(access, NUMBER, decision, "any")

    assert sent(route) == {"order_sn": NUMBER, "operation": operation}


async def test_a_request_that_is_gone_is_already_done(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    body = {"error": "order.cancel_order_invalid_status", "message": "Order status should be IN_CANCEL"}
    api.post("/order/handle_buyer_cancellation").respond(json=body)

    with pytest.raises(AlreadyDone):
        await shopee.answer_cancellation(access, NUMBER, "approve", None)


# --- stock ------------------------------------------------------------------------------------------------------------


async def test_listings_are_items_and_their_models(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, recorded: Recorded
) -> None:
    items = api.get("/product/get_item_list").respond(json=recorded("item_list"))
    api.get("/product/get_item_base_info").respond(json=recorded("item_base_info"))
    models = api.get("/product/get_model_list").respond(json=recorded("model_list"))

    page = await shopee.list_listings(access, None)

    assert page.next_cursor == "50"
    assert asked(items).get_list("item_status") == ["NORMAL", "UNLIST"]
    assert models.call_count == 1 and asked(models)["item_id"] == "2600144043"
    assert [(entry.item_id, entry.model_id, entry.sku, entry.variation, entry.stock) for entry in page.listings] == [
        ("2600144043", "10004405040", "KAOS-MERAH-M", "Merah,M", 42),
        ("2600144043", "10004405041", "KAOS", "Biru,L", 0),
        ("31", "0", "TOPI", "", 12),
    ]
    assert [entry.price for entry in page.listings] == [100000, None, 50000]


async def test_stock_is_set_absolutely(shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.post("/product/update_stock").respond(
        json={"error": "", "response": {"success_list": [], "failure_list": []}}
    )

    await shopee.push_stock(access, "2600144043", "0", 0)

    stock_list = [{"model_id": 0, "seller_stock": [{"stock": 0}]}]
    assert sent(route) == {"item_id": 2600144043, "stock_list": stock_list}


async def test_stock_refused_inside_a_success_is_refused(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    failure = {"model_id": 5, "failed_reason": "Total stock must be more than reserved stock."}
    api.post("/product/update_stock").respond(json={"error": "", "response": {"failure_list": [failure]}})

    with pytest.raises(Rejected) as raised:
        await shopee.push_stock(access, "1", "5", 2)
    assert "reserved" in raised.value.reason


# --- pushes -----------------------------------------------------------------------------------------------------------


def push(**body: Any) -> PushRequest:
    return PushRequest("https://hub.example.id/webhooks/shopee", {}, json.dumps(body).encode())


@pytest.mark.parametrize("code", [3, 4, 15, 29, 30, 47])
@pytest.mark.parametrize("field", ["ordersn", "order_sn"])
def test_pushes_about_an_order_trigger_its_reading(shopee: ShopeeConnector, code: int, field: str) -> None:
    message = shopee.parse_push(
        push(code=code, shop_id=14701711, timestamp=1763790051, data={field: NUMBER, "items": []})
    )

    assert (message.kind, message.account_external_id, message.order_external_id) == ("order", "14701711", NUMBER)
    assert message.sent_at == datetime.fromtimestamp(1763790051, UTC)


@pytest.mark.parametrize(
    "data",
    [
        {"shop_id": 14701711},
        {"shopid": 14701711},
        {"shop_id_list": [14701711], "main_account_id": 5},
        {"extra": "shop id 14701711 (ID) has been deauthorized"},
    ],
)
def test_a_revoked_consent_is_recognised_in_every_spelling(shopee: ShopeeConnector, data: dict[str, Any]) -> None:
    message = shopee.parse_push(push(code=2, partner_id=2001887, timestamp=1, data=data))

    assert (message.kind, message.account_external_id) == ("authorization_revoked", "14701711")


@pytest.mark.parametrize("code", [1, 5, 8, 12, 23, 28, 99])
def test_other_pushes_are_ignored(shopee: ShopeeConnector, code: int) -> None:
    assert shopee.parse_push(push(code=code, shop_id=1, data={"anything": [1]})).kind == "ignored"


def test_the_consoles_test_message_is_accepted_unsigned(shopee: ShopeeConnector) -> None:
    request = push(code=0, data={"verify_info": "This is a Verification message."})

    assert shopee.verify_push(request)
    assert shopee.parse_push(request).kind == "verification"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"code":"x"}', b'{"code":3,"data":{}}', b'{"code":3,"shop_id":1,"data":{"ordersn":null}}'],
)
def test_unreadable_pushes_are_malformed(shopee: ShopeeConnector, body: bytes) -> None:
    with pytest.raises(Malformed):
        shopee.parse_push(PushRequest("https://hub.example.id/", {}, body))


# --- pace -------------------------------------------------------------------------------------------------------------


async def test_effects_do_not_wait_for_the_limiter_but_reserving_does(
    shopee: ShopeeConnector, api: respx.MockRouter, access: ShopAccess, package: PackageRef
) -> None:
    api.post("/order/handle_buyer_cancellation").respond(json={"error": ""})
    await shopee._client._limiter.backoff("shopee:14701711:write", 30)

    with pytest.raises(Throttled):
        await shopee.reserve(access)
    await shopee.answer_cancellation(access, NUMBER, "approve", None)
    await shopee.reserve(replace(access, limiter_key="another"))
