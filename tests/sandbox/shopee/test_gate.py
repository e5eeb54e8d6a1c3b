"""Who may call, and what the first wrong thing is answered with."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.shopee.conftest import Caller, Control, Sandbox, open_http

LIST = "/api/v2/order/get_order_list"
BAD_TOKEN = ("invalid_acceess_token", 403)


async def ask(caller: Caller, path: str = LIST, method: str = "GET", **changes: Any) -> tuple[str, int]:
    """Call with changed common parameters (None leaves one out)."""
    query = {name: value for name, value in {**caller.query(path), **changes}.items() if value is not None}
    answer = await caller.http.request(method, path, params=query)
    return answer.json()["error"], answer.status_code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"partner_id": None, "timestamp": None, "sign": None}, ("error_param", 200)),
        ({"partner_id": 1, "timestamp": None, "sign": "0"}, ("invalid_partner_id", 200)),
        ({"timestamp": None, "sign": "0"}, ("error_param", 200)),
        ({"timestamp": "²", "sign": "0"}, ("error_param", 200)),
        ({"sign": None, "access_token": "unknown"}, ("error_param", 200)),
        ({"sign": "0" * 64, "access_token": "unknown"}, ("error_sign", 403)),
        ({"sign": "ü"}, ("error_sign", 403)),
        ({"page_size": "what a wrong parameter is worth"}, ("error_param", 200)),
    ],
)
async def test_the_first_wrong_thing_is_answered(
    caller: Caller, changes: dict[str, Any], expected: tuple[str, int]
) -> None:
    assert await ask(caller, **changes) == expected


@pytest.mark.parametrize(("skew", "is_accepted"), [(-310, False), (-290, True), (290, True), (310, False)])
async def test_a_signature_lives_five_minutes_of_real_time(
    control: Control, caller: Caller, skew: int, is_accepted: bool
) -> None:
    await control.pass_time(3600)  # the sandbox clock is nothing to the caller's signature

    query = caller.query(LIST, at=int(time.time()) + skew)
    answer = (await caller.http.get(LIST, params=query)).json()

    assert ("time_range_field" in answer["message"]) == is_accepted
    assert ("expired" in answer["message"]) != is_accepted


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v2/order/nothing"), ("POST", LIST), ("GET", "/favicon.ico")]
)
async def test_an_unknown_path_or_verb_is_said_before_anything_else(caller: Caller, method: str, path: str) -> None:
    answer = (await caller.http.request(method, path)).json()

    assert answer["error"] == "error_param" and "request path is incorrect" in answer["message"]


async def test_the_signature_covers_neither_query_nor_body(caller: Caller) -> None:
    assert (await caller.list_orders(page_size=1, anything="else"))["more"] is False


async def test_a_token_opens_its_own_shop_only(control: Control, caller: Caller) -> None:
    other = await control.post("shopee/shops", name="Toko Lain")
    mine = caller.shop

    caller.shop = {**mine, "shop_id": other["shop_id"]}
    foreign = await ask(caller)
    caller.shop = {**mine, "access_token": "unknown"}
    unknown = await ask(caller)
    caller.shop = {**mine, "access_token": ""}
    missing = await ask(caller, access_token=None)

    assert (foreign, unknown, missing) == (("error_auth", 200), BAD_TOKEN, ("error_param", 200))


async def test_an_access_token_lives_four_hours_of_the_sandbox_clock(control: Control, caller: Caller) -> None:
    await control.pass_time(4 * 3600 - 60)
    assert await ask(caller, page_size=1) == ("error_param", 200), "still let in, then asked for its window"
    await control.pass_time(61)

    assert await ask(caller) == BAD_TOKEN


async def test_a_shop_that_took_its_consent_back_is_closed(control: Control, caller: Caller) -> None:
    await control.fault("revoke_token", "list_orders")

    assert await ask(caller) == BAD_TOKEN
    assert await ask(caller) == ("error_auth", 200)
    assert (await caller.refresh(caller.shop["refresh_token"]))["error"] == "error_auth"
    shops = (await control.get("credentials"))["shopee"]["shops"]
    [published] = [shop for shop in shops if shop["shop_id"] == caller.shop["shop_id"]]
    assert published["access_token"] is None, "reading credentials does not consent for the seller"


async def test_answers_carry_the_sandbox_clock(control: Control, caller: Caller) -> None:
    await control.pass_time(86_400)

    answer = await caller.get("shop/get_shop_info")

    now = (await control.get("clock"))["now"]
    assert answer.headers["Date"].split()[1] == now[8:10]


@pytest.fixture
async def limited(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Control, Caller]]:
    started = Sandbox(tmp_path_factory.mktemp("limited"), PLUGOSYNC_SANDBOX_RATE_LIMIT="faithful")
    async with open_http(started.url) as http:
        control = Control(http)
        credentials = (await control.get("credentials"))["shopee"]
        async with open_http(credentials["base_url"]) as door:
            yield control, Caller(door, credentials, credentials["shops"][0])
    started.kill()


async def test_an_app_that_calls_too_often_is_slowed_down(limited: tuple[Control, Caller]) -> None:
    control, caller = limited

    started = time.monotonic()
    errors = [(await caller.refusal("order/set_note", order_sn="NOPE")) for _ in range(150)]
    allowed = 40 + 20 * (time.monotonic() - started)

    assert set(errors) == {"error_not_found", "error_rate_limit"}
    assert 40 <= errors.count("error_not_found") <= allowed + 1
    [counted] = (await control.get("calls", operation="set_note"))["data"]
    assert counted["count"] == errors.count("error_not_found"), "a throttled call was not executed"
