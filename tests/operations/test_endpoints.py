"""Watching, cancelling and retrying over HTTP."""

import asyncio
import json

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World


async def imported(world: World, merchant: Merchant, shop: SimulatedShop, count: int) -> list[str]:
    numbers = await shop.place_orders(count)
    await merchant.import_orders()
    await world.work()
    return numbers


async def test_cancelling_skips_what_nobody_has_begun(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    numbers = await imported(world, merchant, shop, 3)
    operation = await merchant.arrange(numbers, "dropoff")

    await merchant.post(f"/v1/operations/{operation}/cancel")
    await world.work()

    ended = await merchant.operation(operation)
    assert (ended["state"], ended["counts"]["skipped"]) == ("cancelled", 3)
    assert {item["code"] for item in (await merchant.items(operation)).values()} == {"operation_cancelled"}
    assert await shop.effects("ship", numbers) == {}
    late = await merchant.post(f"/v1/operations/{operation}/cancel")
    assert late["state"] == "cancelled"


async def test_what_has_ended_cannot_be_cancelled_and_what_runs_cannot_be_retried(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop, 1)
    operation = await merchant.arrange([number], "dropoff")

    early = await merchant.post(f"/v1/operations/{operation}/retry", expect=409)
    await world.work()
    late = await merchant.post(f"/v1/operations/{operation}/cancel", expect=409)

    assert (early["code"], late["code"]) == ("invalid_state", "invalid_state")


async def test_a_retry_runs_the_failed_orders_again_in_the_same_operation(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop, 1)
    [shop_id] = {order["shop"]["id"] for order in await merchant.orders(order_number=number)}
    gone = [{"shop_id": shop_id, "slot_id": "1"}]
    operation = await merchant.arrange([number], "pickup", per_shop=gone)
    await world.work()
    assert (await merchant.operation(operation))["state"] == "failed"

    again = await merchant.post(f"/v1/operations/{operation}/retry")
    assert (again["id"], again["state"], again["counts"]["pending"]) == (operation, "queued", 1)
    await world.work()

    item = (await merchant.items(operation))[number]
    assert (item["attempts"], item["code"]) == (2, "slot_unavailable")


async def test_progress_comes_as_events_and_the_stream_ends_with_the_operation(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await imported(world, merchant, shop, 3)
    operation = await merchant.arrange(numbers, "dropoff")
    events: list[tuple[str, dict[str, object]]] = []

    async def listen() -> None:
        async with merchant.http.stream("GET", f"/v1/operations/{operation}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind = ""
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    events.append((kind, json.loads(line.removeprefix("data: "))))

    listening = asyncio.ensure_future(listen())
    await world.work()
    async with asyncio.timeout(10):
        await listening

    assert events[-1][0] == "operation"
    assert events[-1][1]["state"] == "succeeded"
    succeeded = {event["order_number"] for kind, event in events if kind == "item" and event["state"] == "succeeded"}
    assert succeeded == set(numbers)


async def test_items_are_listed_in_pages_by_state(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    numbers = await imported(world, merchant, shop, 5)
    operation = await merchant.bulk("hold", numbers, options={"reason": "stok"})
    await world.work()
    path = f"/v1/operations/{operation}/items"

    first = await merchant.get(path, limit=3, state="succeeded")
    second = await merchant.get(path, limit=3, state="succeeded", cursor=first["page"]["next_cursor"])
    none = await merchant.get(path, state="failed")
    foreign = await merchant.http.get(path, params={"cursor": first["page"]["next_cursor"], "state": "failed"})

    assert [item["order_number"] for page in (first, second) for item in page["data"]] == numbers
    assert (second["page"]["next_cursor"], none["data"]) == (None, [])
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_mismatch")


async def test_another_merchants_operation_does_not_exist(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await imported(world, merchant, shop, 1)
    operation = await merchant.bulk("hold", numbers, options={"reason": "stok"})

    for path in ("", "/items", "/events"):
        answer = await other_merchant.http.get(f"/v1/operations/{operation}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    refused = await other_merchant.post(f"/v1/operations/{operation}/cancel", expect=404)
    assert refused["code"] == "not_found"


async def test_options_of_another_action_are_refused_by_name(merchant: Merchant) -> None:
    body = {"action": "hold", "selection": {"order_ids": ["ord_" + "0" * 32]}}

    missing = await merchant.post("/v1/orders/bulk", body, expect=422)
    wrong = await merchant.post("/v1/orders/bulk", {**body, "options": {"reason": "x", "language": "en"}}, expect=422)

    for action, option in (("add_tags", "tags"), ("remove_tags", "tags"), ("set_note", "note")):
        problem = await merchant.post("/v1/orders/bulk", {**body, "action": action}, expect=422)
        assert problem["errors"][0]["pointer"] == f"/options/{option}" and option in problem["detail"]

    assert missing["errors"][0]["pointer"] == "/options/reason"
    assert wrong["errors"][0]["pointer"] == "/options/language"
