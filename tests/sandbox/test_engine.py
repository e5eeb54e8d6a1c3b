"""Faults, clock, ledger: what the sandbox promises to those who test on it."""

import asyncio
import time

import httpx
import pytest

from tests.sandbox.conftest import Caller, Control, Sandbox


async def place(control: Control, caller: Caller) -> str:
    return (await control.place(caller.shop["shop_id"]))[0]


async def fault(control: Control, mode: str, operation: str = "ship", **more: object) -> None:
    await control.post("faults", channel="shopee", operation=operation, mode=mode, **more)


@pytest.mark.parametrize(
    ("mode", "effects"),
    [
        ("timeout_before", []),
        ("timeout_after", [True]),
        ("error_before", []),
        ("error_after", [True]),
        ("disconnect", [True]),
        ("malformed", [True]),
        ("truncated", [True]),
        ("throttle", []),
    ],
)
async def test_each_fault_strikes_once_with_the_effect_it_promises(
    control: Control, caller: Caller, mode: str, effects: list[bool]
) -> None:
    number = await place(control, caller)
    await fault(control, mode)

    try:
        answer = await caller.ship(number)
        readable = answer.json().get("error") == "" if answer.is_success and mode != "malformed" else False
    except httpx.HTTPError:
        readable = False

    assert not readable
    assert await control.effects("ship", number) == effects
    [planned] = (await control.get("faults"))["data"]
    assert (planned["mode"], planned["injected"]) == (mode, 1)
    expected = "logistics.package_already_shipped" if effects else ""
    assert (await caller.ship(number)).json()["error"] == expected, "the fault was for one call"


async def test_throttling_speaks_the_channels_own_words(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await fault(control, "throttle")

    answer = await caller.ship(number)

    assert (answer.json()["error"], answer.headers["Retry-After"]) == ("error_rate_limit", "2")


async def test_a_late_effect_comes_after_the_client_gave_up_and_its_delay(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await fault(control, "late_effect", delay_ms=60_000)

    with pytest.raises(httpx.TimeoutException):
        await caller.ship(number)
    assert await control.effects("ship", number) == []
    async with asyncio.timeout(5):
        while await control.effects("ship", number) != [True]:
            await control.post("clock", advance_seconds=61)

    assert (await control.get(f"shopee/orders/{number}"))["state"] == "arranged"


async def test_stale_reads_show_the_state_before_the_write(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await fault(control, "stale_read", delay_ms=120_000)
    await caller.ship(number)
    package = (await control.get(f"shopee/orders/{number}"))["packages"][0]["package_number"]

    async def is_arranged() -> bool:
        path = "/api/v2/order/get_package_detail"
        [row] = (await caller.get(path, package_number_list=package)).json()["response"]["package_list"]
        return bool(row["is_shipment_arranged"])

    assert not await is_arranged()
    assert (await control.get(f"shopee/orders/{number}"))["state"] == "arranged", "the control API tells the truth"
    await control.post("clock", advance_seconds=121)
    assert await is_arranged()


async def test_duplicates_can_be_accepted_and_faults_stack(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await fault(control, "accept_duplicates", probability=1)
    await fault(control, "error_after")

    assert (await caller.ship(number)).status_code == 500
    assert (await caller.ship(number)).json()["error"] == ""

    assert await control.effects("ship", number) == [True, True]


async def test_a_lost_rotation_leaves_the_old_refresh_token_spent(control: Control, caller: Caller) -> None:
    await fault(control, "rotate_then_drop", "token_refresh")
    path = "/api/v2/auth/access_token/get"
    body = {
        "refresh_token": caller.shop["refresh_token"],
        "partner_id": int(caller.credentials["app_key"]),
        "shop_id": int(caller.shop["shop_id"]),
    }

    async def refresh() -> httpx.Response:
        return await caller.http.post(path, params=caller.public_query(path), json=body)

    with pytest.raises(httpx.HTTPError):
        await refresh()
    assert (await refresh()).json()["error"] == "error_auth"


async def test_impossible_moves_and_unknown_things_are_refused(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await control.post(f"shopee/orders/{number}/advance", to="delivered")

    back = await control.http.post(f"/_control/shopee/orders/{number}/advance", json={"to": "arranged"})
    nobody = await control.http.get("/_control/shopee/orders/NOPE")
    nowhere = await control.http.post("/_control/bukalapak/orders", json={"count": 1})
    wrong = await control.http.post("/_control/faults", json={"channel": "shopee", "operation": "ship", "mode": "x"})

    assert (back.status_code, nobody.status_code, nowhere.status_code) == (409, 404, 404)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body.mode")


async def test_numbers_never_repeat_not_even_with_the_same_seed_after_a_reset(control: Control, caller: Caller) -> None:
    first = await control.place(caller.shop["shop_id"], 3, seed=7)
    await control.post("reset")

    second = await control.place(caller.shop["shop_id"], 3, seed=7)

    assert set(first).isdisjoint(second)
    assert (await control.get("ledger"))["data"] == []
    assert (await control.http.get(f"/_control/shopee/orders/{first[0]}")).status_code == 404


async def test_the_ledger_of_what_was_answered_survives_a_kill(
    sandbox: Sandbox, control: Control, caller: Caller
) -> None:
    number = await place(control, caller)
    assert (await caller.ship(number)).json()["error"] == ""
    await control.post("clock", advance_seconds=3600)
    offset = (await control.get("clock"))["offset_seconds"]

    sandbox.kill()
    sandbox.start()

    assert await control.effects("ship", number) == [True]
    assert (await control.get(f"shopee/orders/{number}"))["state"] == "arranged"
    assert (await control.get("clock"))["offset_seconds"] == offset
    assert (await caller.ship(number)).json()["error"] == "logistics.package_already_shipped"


async def test_a_slow_answer_has_had_its_effect_when_it_arrives(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await fault(control, "slow", delay_ms=300)

    started = time.monotonic()
    pending = asyncio.ensure_future(caller.ship(number))
    while await control.effects("ship", number) != [True]:
        await asyncio.sleep(0.01)
    assert not pending.done()
    assert (await pending).json()["error"] == ""
    assert time.monotonic() - started >= 0.3
