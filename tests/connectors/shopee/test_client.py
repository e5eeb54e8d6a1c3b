"""Odd answers on the wire, and what a call makes of them."""

import hmac
import json
from typing import Any

import httpx
import pytest
import respx
import structlog

from app.channels.contract import ShopAccess
from app.channels.errors import (
    AlreadyDone,
    ChannelError,
    Malformed,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Unknown,
)
from app.connectors.shopee.client import Client

READ, WRITE = "/api/v2/order/get_order_list", "/api/v2/logistics/ship_order"
OK = {"error": "", "message": "", "request_id": "3dad66f4", "response": {"more": False}}


async def read_error(client: Client, access: ShopAccess) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        await client.read(READ, access, {"page_size": 1})
    return raised.value


async def write_error(client: Client, access: ShopAccess) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        await client.write(WRITE, access, {"order_sn": "A"})
    return raised.value


async def test_every_try_of_a_read_is_signed(client: Client, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.get("/order/get_order_list").mock(
        side_effect=[httpx.ReadTimeout, httpx.Response(502), httpx.Response(200, json=OK)]
    )

    answer = await client.read(READ, access, {"page_size": 1})

    assert answer.response == {"more": False}
    assert route.call_count == 3
    for call in route.calls:
        query = dict(call.request.url.params)
        text = f"2001887{READ}{query['timestamp']}{access.access_token}14701711"
        key = b"shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"
        assert query["sign"] == hmac.new(key, text.encode(), "sha256").hexdigest()
        assert query["page_size"] == "1"


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (httpx.Response(500), Unavailable),
        (httpx.Response(502, html="<html>Bad gateway</html>"), Unavailable),
        (httpx.Response(302, headers={"location": "https://elsewhere.test"}), Unavailable),
        (httpx.Response(200, html="<html>Maintenance</html>"), Malformed),
        (httpx.Response(200, content=b'{"error":"","respo'), Malformed),
        (httpx.Response(200, json=["error", ""]), Malformed),
        (httpx.Response(200, json={"response": {}}), Malformed),
        (httpx.Response(200, json={"error": None, "response": {}}), Malformed),
        (httpx.Response(200, content=b"[" * 100_000), Malformed),
        (httpx.Response(200, content=b""), Malformed),
        (httpx.Response(200, json={"error": "error_server", "message": "System error"}), Unavailable),
    ],
)
async def test_a_read_that_stays_unreadable_fails_after_three_tries(
    client: Client, api: respx.MockRouter, access: ShopAccess, odd: httpx.Response, expected: type[ChannelError]
) -> None:
    route = api.get("/order/get_order_list").mock(return_value=odd)

    assert type(await read_error(client, access)) is expected
    assert route.call_count == 3


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(500),
        httpx.Response(500, json={"error": "", "request_id": "r"}),
        httpx.Response(503, json={"error": "error_param", "message": "Wrong parameters"}),
        httpx.Response(302, headers={"location": "https://elsewhere.test"}),
        httpx.Response(200, html="<html>OK</html>"),
        httpx.Response(200, content=b'{"error":"'),
        httpx.Response(200, json={"request_id": "r"}),
        httpx.Response(403, html="<html>Forbidden</html>"),
        httpx.Response(200, json={"error": "logistics.error_timeout", "message": ""}),
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.RemoteProtocolError,
    ],
)
async def test_an_unclear_write_is_unknown_and_sent_once(
    client: Client, api: respx.MockRouter, access: ShopAccess, odd: Any
) -> None:
    route = api.post("/logistics/ship_order").mock(side_effect=[odd])

    assert type(await write_error(client, access)) is Unknown
    assert route.call_count == 1


@pytest.mark.parametrize("odd", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_a_write_that_was_not_sent_is_unavailable(
    client: Client, api: respx.MockRouter, access: ShopAccess, odd: Any
) -> None:
    api.post("/logistics/ship_order").mock(side_effect=odd)

    assert type(await write_error(client, access)) is Unavailable


@pytest.mark.parametrize("status", [200, 403, 400])
async def test_the_verdict_is_in_the_body_whatever_the_status(
    client: Client, api: respx.MockRouter, access: ShopAccess, status: int
) -> None:
    route = api.post("/logistics/ship_order")

    route.mock(return_value=httpx.Response(status, json={"error": "", "message": "", "request_id": "r"}))
    await client.write(WRITE, access, {})
    route.mock(
        return_value=httpx.Response(status, json={"error": " logistics.package_already_shipped", "message": "x"})
    )
    assert type(await write_error(client, access)) is AlreadyDone
    route.mock(return_value=httpx.Response(status, json={"error": "invalid_acceess_token", "message": "x"}))
    assert type(await write_error(client, access)) is Unauthorized


async def test_a_refusal_is_not_tried_again(client: Client, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.get("/order/get_order_list").respond(
        json={"error": "order.order_list_invalid_time", "message": "15 days"}
    )

    error = await read_error(client, access)

    assert type(error) is Rejected and (error.code, error.reason) == ("order.order_list_invalid_time", "15 days")
    assert route.call_count == 1


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(429, headers={"retry-after": "40"}, text="slow down"),
        httpx.Response(200, headers={"retry-after": "40"}, json={"error": "error_rate_limit", "message": "Too many"}),
    ],
)
async def test_a_throttled_account_is_left_alone_by_everybody(
    client: Client, api: respx.MockRouter, access: ShopAccess, odd: httpx.Response
) -> None:
    route = api.get("/order/get_order_list").mock(return_value=odd)

    first, second = await read_error(client, access), await read_error(client, access)

    assert isinstance(first, Throttled) and first.retry_after == 40
    assert isinstance(second, Throttled) and second.retry_after == pytest.approx(40, abs=2)
    assert route.call_count == 1


async def test_a_waiting_allocation_leaves_the_account_free(
    client: Client, api: respx.MockRouter, access: ShopAccess
) -> None:
    body = {"error": "logistics.error_param", "message": "The order is being allocated, please wait"}
    route = api.post("/logistics/ship_order").respond(json=body)

    await write_error(client, access)
    await client.reserve(access)

    assert isinstance(await write_error(client, access), Throttled)
    assert route.call_count == 2


async def test_a_batch_that_failed_as_a_whole_still_tells_each_failure(
    client: Client, api: respx.MockRouter, access: ShopAccess
) -> None:
    element = {"order_sn": "A", "fail_error": "logistics.package_can_not_print"}
    body = {"error": "common.batch_api_all_failed", "message": "Failed", "response": {"result_list": [element]}}
    api.get("/order/get_order_list").respond(json=body)

    assert (await client.read(READ, access)).response == {"result_list": [element]}


async def test_empty_objects_survive(client: Client, api: respx.MockRouter, access: ShopAccess) -> None:
    route = api.post("/logistics/ship_order").respond(json={"error": "", "request_id": "r"})

    await client.write(WRITE, access, {"order_sn": "A", "dropoff": {}})

    assert json.loads(route.calls[0].request.content) == {"order_sn": "A", "dropoff": {}}


async def test_calls_are_logged_without_secrets(client: Client, api: respx.MockRouter, access: ShopAccess) -> None:
    api.post("/logistics/ship_order").respond(json={"error": "error_server", "message": "canary", "request_id": "r-7"})

    with structlog.testing.capture_logs() as logs:
        await write_error(client, access)

    (entry,) = [entry for entry in logs if entry["event"] == "channel_call"]
    assert entry["endpoint"] == "logistics/ship_order"
    assert (entry["code"], entry["status"], entry["channel_request_id"]) == ("error_server", 200, "r-7")
    assert not any(secret in repr(logs) for secret in (access.access_token, "sign=", "canary", "shpk4d"))
