"""Buyers change their minds, sellers run out of stock. It is decided once, and nothing cancelled leaves."""

from typing import Any

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop
from tests.scenarios.mall import Mall, place, spread


async def ask_to_cancel(mall: Mall, merchant: Merchant, world: World, numbers: dict[str, list[str]]) -> None:
    """Buyers ask; every order is read again."""
    for channel, mine in numbers.items():
        for number in mine:
            await mall[channel].advance(number, "cancel_requested")
    await read_again(merchant, world, spread(numbers))


async def read_again(merchant: Merchant, world: World, numbers: list[str]) -> None:
    for order_id in await merchant.ids(numbers):
        await merchant.post(f"/v1/orders/{order_id}/sync")
    await world.work()


async def states(merchant: Merchant, operation: str) -> set[tuple[str, str | None]]:
    return {(item["state"], item["code"]) for item in (await merchant.items(operation)).values()}


async def test_one_queue_for_the_requests_of_all_channels(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 2)
    await ask_to_cancel(mall, merchant, world, numbers)
    await merchant.bulk("receive", spread(numbers))
    arranging = await merchant.arrange(spread(numbers))
    await world.work()

    queue = await merchant.orders(cancellation="requested", sort="respond_by")
    deadlines = [order["cancellation"]["respond_by"] for order in queue]
    assert sorted(order["order_number"] for order in queue) == sorted(spread(numbers))
    assert deadlines == sorted(deadlines, key=lambda one: one or "9"), "the most urgent first, those without last"
    assert await states(merchant, arranging) == {("skipped", "cancellation_requested")}
    for channel, shop in mall.items():
        assert not await shop.effects("ship", numbers[channel]), channel

    approving = await merchant.bulk("approve_cancellation", [mine[0] for mine in numbers.values()])
    rejecting = await merchant.bulk("reject_cancellation", [mine[1] for mine in numbers.values()])
    await world.work()

    assert await states(merchant, approving) == await states(merchant, rejecting) == {("succeeded", None)}
    for channel, (cancelled, kept) in numbers.items():
        shop = mall[channel]
        assert (await shop.truth(cancelled))["cancellation"] == "approved"
        assert (await shop.truth(kept))["cancellation"] == "rejected"
        assert [await shop.calls("answer_cancellation", number) for number in (cancelled, kept)] == [1, 1], channel
        assert (await merchant.order(cancelled))["status"] == "cancelled"
        order = await merchant.order(kept)
        assert order["status"] != "cancelled" and (order["cancellation"] or {}).get("state") != "requested"
        [approved] = await merchant.history(cancelled, type="cancellation.approved")
        [rejected] = await merchant.history(kept, type="cancellation.rejected")
        references = [approved["channel_reference"], rejected["channel_reference"]]
        assert len(set(references)) == 2 or channel == "plugo_store", "each answer of a marketplace has its own"
    again = await merchant.bulk("approve_cancellation", [mine[1] for mine in numbers.values()])
    await world.work()
    assert {code for _, code in await states(merchant, again)} <= {"already_answered", "no_open_cancellation"}


@pytest.mark.parametrize("mode", ["timeout_after", "error_before"])
async def test_a_lost_answer_to_a_buyer_is_read_back_and_never_given_twice(
    world: World, merchant: Merchant, mall: Mall, mode: str
) -> None:
    numbers = await place(mall, merchant, world, 1)
    await ask_to_cancel(mall, merchant, world, numbers)
    for shop in mall.values():
        await shop.plan_fault("answer_cancellation", mode)

    operation = await merchant.bulk("reject_cancellation", spread(numbers))
    await world.work()
    await read_again(merchant, world, spread(numbers))  # may show the end of the request before we know it is our doing
    for seconds in (5, 30, 60, 120, 300, 900, 60, 60):
        await world.pass_time(seconds)

    assert await states(merchant, operation) == {("succeeded", None)}
    for channel, [number] in numbers.items():
        rows = await mall[channel].ledger("answer_cancellation", [number])
        assert [effective for calls in rows.values() for effective in calls].count(True) == 1, channel
        assert (await mall[channel].truth(number))["cancellation"] == "rejected"
        assert (await merchant.order(number))["cancellation"]["state"] == "rejected", channel


async def test_a_shipment_in_doubt_does_not_keep_the_buyer_waiting(
    world: World, merchant: Merchant, mall: Mall
) -> None:
    numbers = await place(mall, merchant, world, 2)
    await merchant.bulk("receive", spread(numbers))
    await world.work()
    for channel, shop in mall.items():
        for number in numbers[channel]:
            await shop.plan_fault("ship", "timeout_before", order_number=number)
    arranging = await merchant.arrange(spread(numbers))
    await world.work()
    assert await states(merchant, arranging) == {("unknown", "effect_unknown")}
    await ask_to_cancel(mall, merchant, world, numbers)

    approving = await merchant.bulk("approve_cancellation", [mine[0] for mine in numbers.values()])
    rejecting = await merchant.bulk("reject_cancellation", [mine[1] for mine in numbers.values()])
    await world.work()
    assert await states(merchant, approving) == await states(merchant, rejecting) == {("succeeded", None)}
    for seconds in (30, 120, 1300, 60, 60, 60):
        await world.pass_time(seconds)

    outcomes = {number: (item["state"], item["code"]) for number, item in (await merchant.items(arranging)).items()}
    for channel, (cancelled, kept) in numbers.items():
        assert [*(await mall[channel].effects("ship", [kept])).values()] == [1], channel
        assert not await mall[channel].effects("ship", [cancelled]), channel
        assert outcomes[kept] == ("succeeded", None), channel
        assert outcomes[cancelled] == ("failed", "order_cancelled"), channel


async def test_the_channels_own_reasons_to_refuse_are_taken(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 1)
    await ask_to_cancel(mall, merchant, world, numbers)
    answered = {}
    for channel, [number] in numbers.items():
        [order_id] = await merchant.ids([number])
        path = f"/v1/orders/{order_id}/cancellation"
        await mall[channel].plan_fault("*", "error_before", times=20)
        away = await merchant.http.get(f"{path}-reasons")
        await mall[channel].heal()
        reasons = [one["code"] for one in (await merchant.get(f"{path}-reasons"))["reject"]]
        if reasons:
            assert (away.status_code, away.json()["code"]) == (503, "channel_unavailable"), channel
            if channel == "lazada":
                foreign = await merchant.post(path, {"decision": "reject", "reason": "bored"})
                await world.work()
                assert await states(merchant, foreign["id"]) == {("failed", "reason_not_accepted")}
        wish = {"reason": max(reasons, key=len)} if reasons else {}
        answered[channel] = (await merchant.post(path, {"decision": "reject"} | wish))["id"]
    await world.work()

    for channel, [number] in numbers.items():
        assert await states(merchant, answered[channel]) == {("succeeded", None)}, channel
        assert (await mall[channel].truth(number))["cancellation"] == "rejected"
    assert (await merchant.order(numbers["tokopedia"][0]))["status"] == "ordered", "an answer receives nothing"


async def test_a_late_cancellation_shows_as_soon_as_a_read_has_confirmed_it(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    hidden = "update accounts set checkpoint_at = app_now() + interval '1 day' where external_id like '%' || $1"
    await world.sql(hidden, shop.shop_id)  # no poll finds it
    await shop.plan_fault("cancel", "late_effect", delay_ms=20_000)

    operation = await merchant.bulk("cancel", [number], options={"reason": "CUSTOMER_REQUEST"})
    await world.work()
    assert await states(merchant, operation) == {("unknown", "effect_unknown")}
    while (await merchant.operation(operation))["finished_at"] is None:
        await world.pass_time(10)

    assert await states(merchant, operation) == {("succeeded", None)}
    assert (await merchant.order(number))["status"] == "cancelled"


async def test_the_seller_cancels_for_the_channels_own_reasons(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 1)
    reasons = {one["channel"]: one["cancel"][0]["code"] for one in (await merchant.get("/v1/reasons"))["data"]}
    foreign = await merchant.bulk("cancel", spread(numbers), options={"reason": "bored"})
    await world.work()
    assert await states(merchant, foreign) == {("failed", "reason_not_accepted")}

    operation = await merchant.bulk("cancel", spread(numbers), options={"reasons": reasons})
    await world.work()

    assert await states(merchant, operation) == {("succeeded", None)}
    for channel, [number] in numbers.items():
        assert [*(await mall[channel].ledger("cancel", [number])).values()] == [[True]], channel
        assert (await merchant.order(number))["status"] == "cancelled"
    late = await merchant.arrange(spread(numbers))
    await world.work()
    assert await states(merchant, late) == {("skipped", "order_cancelled")}


async def test_no_label_is_printed_while_a_buyer_waits_for_an_answer(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await printed_order(world, merchant, shop)
    printing = await merchant.bulk("print_labels", [number])
    await shop.advance(number, "cancel_requested")
    await world.work()

    refused = {("skipped", "cancellation_requested")}
    assert await states(merchant, printing) == refused, "the request came after the order to print"
    assert await states(merchant, await merchant.bulk("print_labels", [number], dry_run=True)) == refused
    [label] = [one for one in (await merchant.order(number))["next_actions"] if one["action"] == "print_labels"]
    assert (label["is_allowed"], label["code"]) == (False, "cancellation_requested")

    await merchant.bulk("reject_cancellation", [number])
    await world.work()
    again = await merchant.bulk("print_labels", [number])
    await world.work()
    assert await states(merchant, again) == {("succeeded", None)}


async def test_a_parcel_printed_before_the_cancellation_is_to_be_pulled_out(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await printed_order(world, merchant, shop)
    await shop.advance(number, "cancel_requested")
    await read_again(merchant, world, [number])
    plan = await merchant.bulk("approve_cancellation", [number], dry_run=True)
    [item] = (await merchant.items(plan)).values()
    [skipped] = (
        await merchant.items(await merchant.bulk("cancel", [number], dry_run=True, options={"reason": "OUT_OF_STOCK"}))
    ).values()
    assert (skipped["state"], skipped["effect"]) == ("skipped", None), "what is not done undoes nothing"
    tracking_number = (await merchant.order(number))["packages"][0]["tracking_number"]
    assert item["effect"]["stop_parcels"] == [tracking_number] and item["effect"]["packages"] == 1
    assert (await merchant.get("/v1/stop-parcels"))["data"] == [], "a plan changes nothing"

    await merchant.post(f"/v1/operations/{plan}/apply")
    await world.work()

    [parcel] = (await merchant.get("/v1/stop-parcels"))["data"]
    assert (parcel["order_number"], parcel["tracking_number"]) == (number, tracking_number)
    assert parcel["barcode"].startswith("<svg")
    answer = await merchant.http.post(f"/v1/stop-parcels/{parcel['package_id']}/acknowledge")
    assert answer.status_code == 204
    assert (await merchant.get("/v1/stop-parcels"))["data"] == []
    [done] = (await merchant.get("/v1/stop-parcels", acknowledged=True))["data"]
    assert done["acknowledged_by"]
    [stopped] = await merchant.history(number, type="parcel.stopped")
    [to_stop] = await merchant.history(number, type="parcel.to_stop")
    package = {"package_number": parcel["package_number"], "tracking_number": tracking_number}
    assert stopped["to"] == to_stop["to"] == package
    [approved] = await merchant.history(number, type="cancellation.approved")
    assert approved["from"] == {"cancellation": "requested"}


async def printed_order(world: World, merchant: Merchant, shop: SimulatedShop) -> str:
    number = await shop.place_order()
    await merchant.import_orders(channel=shop.channel)
    await world.work()
    await merchant.arrange([number])
    await world.pass_time(30)
    printing = await merchant.bulk("print_labels", [number])
    for _ in range(4):
        await world.pass_time(15)
    assert await states(merchant, printing) == {("succeeded", None)}
    return number


async def post(merchant: Merchant, path: str, body: dict[str, Any]) -> tuple[int, str]:
    answer = await merchant.http.post(path, json=body, headers={"Idempotency-Key": f"{path}{body}"})
    return answer.status_code, answer.json().get("code", "")


async def test_what_cannot_be_answered_is_refused_before_anything_is_stored(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    number, late = await shop.place_orders(2)
    await merchant.import_orders()
    await world.work()
    [order_id, late_id] = await merchant.ids([number, late])
    path = f"/v1/orders/{order_id}/cancellation"
    approve = {"decision": "approve"}

    assert await post(merchant, path, approve) == (409, "no_open_cancellation")
    assert await post(other_merchant, path, approve) == (404, "not_found")
    assert await post(merchant, f"/v1/orders/{order_id}/cancel", {"reason": "bored"}) == (422, "reason_not_accepted")
    for one in (number, late):
        await shop.advance(one, "cancel_requested")
    await read_again(merchant, world, [number, late])
    assert await post(merchant, f"/v1/orders/{order_id}/cancel", {"reason": "OUT_OF_STOCK"}) == (409, "not_cancellable")
    reasons = await merchant.get(f"/v1/orders/{order_id}/cancellation-reasons")
    assert reasons["respond_by"] and reasons["if_unanswered"] == "approved"
    assert await post(merchant, path, approve | {"decision": "perhaps"}) == (422, "validation_failed")

    answered = await merchant.post(path, {"decision": "reject"})
    await world.work()

    assert [item["state"] for item in (await merchant.items(answered["id"])).values()] == ["succeeded"]
    assert await post(merchant, path, {"decision": "reject"}) == (409, "already_answered")
    await world.sql("update orders set respond_by = app_now() - interval '1 s' where order_number = $1", late)
    assert await post(merchant, f"/v1/orders/{late_id}/cancellation", approve) == (409, "deadline_passed")


async def test_what_the_channel_answers_to_an_attempt_is_on_record(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    await merchant.arrange([number])
    await world.work()
    await world.pass_time(60)  # from its tracking number on, Shopee cancels no order for the seller

    cancelling = await merchant.bulk("cancel", [number], options={"reason": "CUSTOMER_REQUEST"})
    await world.work()

    operation = await merchant.operation(cancelling)
    refused, numbered, arranged, imported = await merchant.history(number)
    assert (refused["type"], refused["succeeded"]) == ("order.cancel_unknown", False)
    assert refused["to"] == {"channel_code": "order.error_limit"}
    assert (refused["actor"]["type"], refused["request_id"]) == ("user", operation["request_id"])
    assert (numbered["type"], numbered["actor"]["type"]) == ("package.tracking_number_assigned", "channel")
    assert arranged["to"] == {"stage": "processed", "handover": "pickup", "evidence": "answer"}
    references = {entry["channel_reference"] for entry in (refused, numbered, arranged, imported)}
    assert len(references) == 4 and all(len(one) == 32 for one in references), "the marketplace's own, one per answer"

    for seconds in (30, 300, 1300, 60, 60):
        await world.pass_time(seconds)
    [item] = (await merchant.items(cancelling)).values()
    assert (item["state"], item["code"], item["channel_code"]) == ("failed", "wrong_state", "order.error_limit")
    assert await shop.calls("cancel", number) == 1, "what was refused is not asked for again"
    assert (await merchant.order(number))["status"] == "ready_to_ship"


async def test_lazada_cancels_no_unpaid_order_for_the_seller(
    world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str
) -> None:
    shop = await connect_shop(merchant, control, api_url, channel="lazada")
    await world.work()
    number = await shop.place_order(state="unpaid")
    await merchant.import_orders(channel="lazada")
    await world.work()

    operation = await merchant.bulk("cancel", [number], options={"reason": "10000021"})
    await world.work()

    assert await states(merchant, operation) == {("failed", "wrong_state")}
    assert await shop.calls("cancel", number) == 0


async def test_a_cancellation_in_doubt_keeps_the_parcel_back(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    await shop.plan_fault("cancel", "timeout_before")
    cancelling = await merchant.bulk("cancel", [number], options={"reason": "CUSTOMER_REQUEST"})
    await world.work()
    assert await states(merchant, cancelling) == {("unknown", "effect_unknown")}
    [doubt] = await merchant.history(number, type="order.cancel_unknown")
    assert (doubt["succeeded"], doubt["channel_reference"]) == (False, None), "nothing was answered"

    arranging = await merchant.arrange([number])
    await world.work()

    assert await states(merchant, arranging) == {("skipped", "already_in_progress")}
    assert not await shop.effects("ship", [number])
    for seconds in (30, 120, 1300, 60, 60):
        await world.pass_time(seconds)
    assert await states(merchant, cancelling) == {("succeeded", None)}, "sent once more after the settle window"
    assert (await merchant.order(number))["status"] == "cancelled"


async def test_a_read_that_lags_behind_our_answer_opens_no_request_again(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    await shop.advance(number, "cancel_requested")
    await read_again(merchant, world, [number])
    await shop.plan_fault("answer_cancellation", "stale_read", delay_ms=60_000)

    answering = await merchant.bulk("reject_cancellation", [number])
    await world.work()
    await read_again(merchant, world, [number])

    assert await states(merchant, answering) == {("succeeded", None)}
    assert (await merchant.order(number))["cancellation"]["state"] == "rejected"
    assert await merchant.orders(cancellation="requested") == []
