"""What goes wrong on request, and what has happened by then."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.sandbox.shopee.conftest import Caller, Control


async def place(control: Control, caller: Caller) -> str:
    return (await control.place(caller.shop))[0]


@pytest.mark.parametrize(
    ("mode", "error", "effects"),
    [
        ("timeout_before", httpx.ReadTimeout, []),
        ("timeout_after", httpx.ReadTimeout, [True]),
        ("disconnect", httpx.RemoteProtocolError, [True]),
        ("truncated", httpx.RemoteProtocolError, [True]),
    ],
)
async def test_answers_that_never_arrive(
    control: Control, caller: Caller, impatient: Caller, mode: str, error: type[Exception], effects: list[bool]
) -> None:
    number = await place(control, caller)
    await control.fault(mode)

    with pytest.raises(error):
        await impatient.ship(number)

    await only_this_call_was_struck(control, caller, number, mode, effects)


@pytest.mark.parametrize(
    ("mode", "status", "effects"),
    [("error_before", 500, []), ("error_after", 500, [True]), ("malformed", 200, [True]), ("throttle", 200, [])],
)
async def test_answers_that_say_nothing(
    control: Control, caller: Caller, mode: str, status: int, effects: list[bool]
) -> None:
    number = await place(control, caller)
    await control.fault(mode)

    answer = await caller.ship(number)

    assert answer.status_code == status
    if mode == "throttle":
        assert (answer.json()["error"], answer.headers["Retry-After"]) == ("error_rate_limit", "2")
    else:
        with pytest.raises(ValueError):
            answer.json()
    await only_this_call_was_struck(control, caller, number, mode, effects)


async def only_this_call_was_struck(
    control: Control, caller: Caller, number: str, mode: str, effects: list[bool]
) -> None:
    assert await control.effects("ship", number) == effects
    [planned] = (await control.get("faults"))["data"]
    assert (planned["mode"], planned["injected"]) == (mode, 1)
    expected = "logistics.package_already_shipped" if effects else ""
    assert (await caller.ship(number)).json()["error"] == expected


async def test_a_slow_answer_has_had_its_effect_when_it_arrives(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await control.fault("slow", delay_ms=300)

    started = time.monotonic()
    pending = asyncio.ensure_future(caller.ship(number))
    while await control.effects("ship", number) != [True]:
        await asyncio.sleep(0.01)
    assert not pending.done()
    assert (await pending).json()["error"] == ""
    assert time.monotonic() - started >= 0.3


async def late_call(control: Control, impatient: Caller, number: str) -> None:
    """A shipment whose caller gave up, and whose effect is now on the clock."""
    with pytest.raises(httpx.ReadTimeout):
        await impatient.ship(number)
    assert await control.effects("ship", number) == []
    await asyncio.sleep(0.05)  # the sandbox hears that the client is gone


async def test_a_late_effect_comes_after_the_client_gave_up_and_its_delay(
    control: Control, caller: Caller, impatient: Caller
) -> None:
    number = await place(control, caller)
    await control.fault("late_effect", delay_ms=60_000)
    await late_call(control, impatient, number)

    await control.pass_time(55)
    assert await control.effects("ship", number) == []
    await control.http.delete("/_control/faults")  # what is on its way still comes
    await control.pass_time(6)

    assert await control.effects("ship", number) == [True]
    assert (await control.truth(number))["state"] == "arranged"


async def test_a_late_effect_and_a_resend_are_two_effects_when_duplicates_are_accepted(
    control: Control, caller: Caller, impatient: Caller
) -> None:
    number = await place(control, caller)
    await control.fault("accept_duplicates", probability=1)
    await control.fault("late_effect", delay_ms=60_000)
    await late_call(control, impatient, number)

    assert (await caller.ship(number)).json()["error"] == ""
    await control.pass_time(61)

    assert await control.effects("ship", number) == [True, True]


async def test_a_late_effect_that_finds_the_parcel_gone_changes_nothing(
    control: Control, caller: Caller, impatient: Caller
) -> None:
    number = await place(control, caller)
    await control.fault("late_effect", delay_ms=60_000)
    await late_call(control, impatient, number)

    assert (await caller.ship(number)).json()["error"] == ""
    await control.pass_time(61)

    assert await control.effects("ship", number) == [True, False]


async def test_stale_reads_show_the_state_before_the_write_everywhere(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    package = (await control.truth(number))["packages"][0]["package_number"]
    await control.fault("stale_read", "*", delay_ms=120_000)
    await caller.read("order/get_order_detail", order_sn_list=number)  # reads use no stale_read up

    await caller.ship(number)

    async def seen() -> tuple[str, bool, str, str]:
        [order] = (await caller.read("order/get_order_detail", order_sn_list=number))["order_list"]
        [parcel] = (await caller.read("order/get_package_detail", package_number_list=package))["package_list"]
        given = await caller.read("logistics/get_tracking_number", order_sn=number)
        options = await caller.error("logistics/get_shipping_parameter", order_sn=number)
        return order["order_status"], parcel["is_shipment_arranged"], given["tracking_number"], options

    await control.pass_time(100)
    assert await seen() == ("READY_TO_SHIP", False, "", "")
    assert (await control.truth(number))["state"] == "arranged", "the control API tells the truth"
    assert (await caller.ship(number)).json()["error"] == "logistics.package_already_shipped", "and so do writes"
    await control.pass_time(21)
    status, is_arranged, tracking, options = await seen()
    assert (status, is_arranged, options) == ("PROCESSED", True, "error_param") and tracking != ""


async def test_duplicates_can_be_accepted_and_faults_stack(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await control.fault("accept_duplicates", probability=1)
    await control.fault("error_after")

    assert (await caller.ship(number)).status_code == 500
    assert (await caller.ship(number)).json()["error"] == ""

    assert await control.effects("ship", number) == [True, True]
    injected = {one["mode"]: one["injected"] for one in (await control.get("faults"))["data"]}
    assert injected == {"accept_duplicates": 2, "error_after": 1}


async def test_a_lost_rotation_leaves_the_old_refresh_token_spent(control: Control, caller: Caller) -> None:
    await control.fault("rotate_then_drop", "token_refresh")

    with pytest.raises(httpx.RemoteProtocolError):
        await caller.refresh(caller.shop["refresh_token"])

    assert (await caller.refresh(caller.shop["refresh_token"]))["error"] == "error_auth"


@pytest.mark.parametrize(
    ("operation", "path", "answer"),
    [
        ("list_orders", "order/get_order_list", "order_list"),
        ("get_order", "order/get_order_detail", "order_list"),
        ("list_listings", "product/get_item_list", "item"),
    ],
)
async def test_an_answer_may_leave_something_out(
    control: Control, caller: Caller, operation: str, path: str, answer: str
) -> None:
    numbers = await control.place(caller.shop, 3)
    ahead = await control.ahead() + int(time.time())
    window = {"time_range_field": "update_time", "time_from": ahead - 3600, "time_to": ahead + 3600, "page_size": 50}
    queries: dict[str, dict[str, Any]] = {
        "list_orders": window,
        "get_order": {"order_sn_list": ",".join(numbers)},
        "list_listings": {"offset": 0, "page_size": 50, "item_status": "NORMAL"},
    }
    await control.fault("omit_item", operation)

    struck = (await caller.read(path, **queries[operation]))[answer]
    whole = (await caller.read(path, **queries[operation]))[answer]

    assert struck == whole[1:] and len(whole) >= 3


async def test_a_mass_call_may_leave_out_what_it_did(control: Control, caller: Caller) -> None:
    numbers = await control.place(caller.shop, 2, courier="SPX Standard")
    entries = [{"package_number": (await control.truth(number))["packages"][0]["package_number"]} for number in numbers]
    await control.fault("omit_item")

    done = await caller.write("logistics/mass_ship_order", package_list=entries, dropoff={})

    assert (len(done["success_list"]), done["fail_list"]) == (1, [])
    assert [await control.effects("ship", number) for number in numbers] == [[True], [True]]


def flat(found: list[list[str]]) -> list[str]:
    return [row for page in found for row in page]


async def pages(caller: Caller, ahead: int) -> list[list[str]]:
    """Follow the cursor, two rows a page."""
    found: list[list[str]] = []
    cursor = ""
    while True:
        page = await caller.list_orders(ahead=ahead, page_size=2, cursor=cursor)
        found.append([row["order_sn"] for row in page["order_list"]])
        cursor = page["next_cursor"]
        if not page["more"]:
            return found


@pytest.mark.parametrize("wish", [{"times": 1}, {"probability": 1}])
async def test_rows_may_come_twice_and_the_pages_still_end(
    control: Control, caller: Caller, wish: dict[str, Any]
) -> None:
    await control.place(caller.shop, 5)
    ahead = await control.ahead()
    rows = flat(await pages(caller, ahead))

    await control.fault("duplicate_page", "list_orders", **wish)
    async with asyncio.timeout(5):
        found = await pages(caller, ahead)

    assert found[1][0] == found[0][1], "what stood on one page stands on the next again"
    assert sorted(set(flat(found))) == sorted(rows)


async def test_rows_may_slip_between_two_pages(control: Control, caller: Caller) -> None:
    await control.place(caller.shop, 5)
    ahead = await control.ahead()
    rows = flat(await pages(caller, ahead))

    await control.fault("shifting_page", "list_orders")

    assert flat(await pages(caller, ahead)) == [*rows[:2], *rows[3:]]


async def test_a_label_may_come_truncated(control: Control, caller: Caller) -> None:
    number = await place(control, caller)
    await caller.ship(number)
    await control.pass_time(30)
    tracking = (await control.truth(number))["packages"][0]["tracking_number"]
    entries = [{"order_sn": number, "tracking_number": tracking}]
    await caller.write("logistics/create_shipping_document", order_list=entries)
    await control.pass_time(10)
    await control.fault("truncated", "download_label")

    half, whole = [
        (await caller.post("logistics/download_shipping_document", {"order_list": entries})).content for _ in range(2)
    ]

    assert half.startswith(b"%PDF") and whole.startswith(half) and len(half) == len(whole) // 2


async def test_a_fault_may_wait_for_one_order(control: Control, caller: Caller) -> None:
    spared, meant = await control.place(caller.shop, 2)
    await control.fault("error_before", order_number=meant)

    assert (await caller.ship(spared)).json()["error"] == ""
    assert (await caller.ship(meant)).status_code == 500


async def test_chance_repeats_with_its_seed_and_stops_at_its_limit(control: Control, caller: Caller) -> None:
    async def strikes(**wish: Any) -> list[bool]:
        await control.http.delete("/_control/faults")
        await control.fault("error_before", "get_tracking", **wish)
        answers = [await caller.get("logistics/get_tracking_number", order_sn="X") for _ in range(30)]
        return [answer.status_code == 500 for answer in answers]

    first, again, other = [await strikes(probability=0.5, seed=seed) for seed in (1, 1, 2)]

    assert first == again != other
    assert 5 < sum(first) < 25
    assert sum(await strikes(probability=0.5, seed=1, times=3)) == 3
    assert await strikes(times=2) == [True] * 2 + [False] * 28


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "explode"}, "body.mode"),
        ({"operation": "dance"}, "body.operation"),
        ({"mode": "rotate_then_drop"}, "body.mode"),
        ({"probability": 2}, "body.probability"),
        ({"times": 0}, "body.times"),
        ({"sometimes": True}, "body.sometimes"),
    ],
)
async def test_a_fault_nobody_can_plan_names_its_field(control: Control, changes: dict[str, Any], field: str) -> None:
    body = {"channel": "shopee", "operation": "ship", "mode": "slow", **changes}

    answer = await control.http.post("/_control/faults", json=body)

    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])
    assert await control.status("faults", channel="bukalapak", operation="ship", mode="slow") == 404
