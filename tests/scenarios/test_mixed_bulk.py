"""A hundred orders of every channel in one request each: receive, arrange, print. No shop holds up another."""

import asyncio
from collections import Counter

from app.channels.contract import MarksDelivery
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, place, spread

FINAL = ("succeeded", "skipped", "failed")


async def test_a_hundred_orders_of_all_channels_in_one_go(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 100 // len(mall))
    selected = spread(numbers)
    first_steps = {entry["channel"]: entry["first_step"] for entry in (await merchant.get("/v1/channels"))["data"]}

    receiving = await merchant.bulk("receive", selected)
    await world.work()
    items = await merchant.items(receiving)
    for channel, mine in numbers.items():
        expected = ("succeeded", None) if first_steps[channel] == "receive" else ("skipped", "not_needed")
        assert {(items[number]["state"], items[number]["code"]) for number in mine} == {expected}, channel

    arranging = await merchant.arrange(selected)
    await world.work()
    items = await merchant.items(arranging)
    assert Counter(item["state"] for item in items.values()) == {"succeeded": len(selected)}, [
        (item["channel"], item["code"], item["channel_code"]) for item in items.values() if item["state"] != "succeeded"
    ]
    assert {item["handover_effective"] for item in items.values()} <= {"pickup", "dropoff"}
    for channel, shop in mall.items():
        effects = await shop.effects("ship", numbers[channel])
        assert len(effects) >= len(numbers[channel]) and set(effects.values()) == {1}, channel
    await world.pass_time(60)

    printing = await merchant.bulk("print_labels", selected)
    for _ in range(6):
        await world.pass_time(20)
    done = await merchant.operation(printing)
    assert done["counts"]["succeeded"] == len(selected), await _refusals(merchant, printing)
    [document] = done["result"]["documents"]
    pack = await merchant.get(f"/v1/documents/{document['id']}")
    assert [page["order_number"] for page in pack["manifest"]] == selected, "in the order of the selection"
    printed = {order["print_status"] for order in await merchant.orders(order_number=selected)}
    assert printed == {"printed"}


async def _refusals(merchant: Merchant, operation: str) -> list[tuple[str, str, str]]:
    items = (await merchant.items(operation)).values()
    return [(item["channel"], item["state"], item["code"]) for item in items if item["state"] != "succeeded"]


async def test_calls_are_shared_where_the_channel_takes_several(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 6)
    await merchant.bulk("receive", spread(numbers))
    await world.work()
    await merchant.arrange(spread(numbers))
    await world.work()

    for channel, shop in mall.items():
        facts = world.context.connectors[channel].facts
        for operation, batch in (("receive", facts.receive_batch), ("ship", facts.arrange_batch)):
            rows = [row for row in await shop.rows(operation) if row["order_number"] in numbers[channel]]
            calls = Counter(row["call_id"] for row in rows if row["effective"])
            if batch > 1 and calls:
                assert len(calls) < 6, f"{channel} {operation}: {calls}"  # Shopee has five couriers


async def test_no_shop_holds_up_another(world: World, merchant: Merchant, mall: Mall) -> None:
    """One shop answers 429, one takes five seconds; the others are done before either."""
    numbers = await place(mall, merchant, world, 3)
    await merchant.bulk("receive", spread(numbers))
    await world.work()
    throttled, slow, *others = sorted(mall)
    await mall[throttled].plan_fault("ship", "throttle", times=1000)
    await mall[slow].plan_fault("ship", "slow", times=1000, delay_ms=5_000)

    operation = await merchant.arrange(spread(numbers))
    waiting: set[str] = set()
    async with world.worker_process(PLUGOSYNC_HTTP_TIMEOUT_SECONDS="20"), asyncio.timeout(60):
        while True:
            items = await merchant.items(operation)
            waiting = {item["channel"] for item in items.values() if item["state"] not in FINAL}
            if not waiting & set(others):
                break
            await asyncio.sleep(0.1)
        assert {throttled, slow} <= waiting, "nobody waited for them"
        assert {items[number]["state"] for channel in others for number in numbers[channel]} == {"succeeded"}
        await mall[throttled].heal()
        while True:
            items = await merchant.items(operation)
            if all(item["state"] in FINAL for item in items.values()):
                break
            await asyncio.sleep(0.2)

    assert {item["state"] for item in items.values()} == {"succeeded"}
    for channel, shop in mall.items():
        assert set((await shop.effects("ship", numbers[channel])).values()) == {1}


async def test_own_couriers_are_the_merchants_word(world: World, merchant: Merchant, mall: Mall) -> None:
    """Where no courier reports, the merchant marks dispatch and delivery; elsewhere there is nothing to mark."""
    numbers = await place(mall, merchant, world, 2)
    selected = spread(numbers)
    await merchant.bulk("receive", selected)
    await world.work()
    await merchant.arrange(selected)
    await world.work()

    dispatching = await merchant.items(await _run(world, merchant, "mark_dispatched", selected))
    delivering = await merchant.items(await _run(world, merchant, "mark_delivered", selected))

    for channel, mine in numbers.items():
        is_own = isinstance(world.context.connectors[channel], MarksDelivery)
        expected = "succeeded" if is_own else "skipped"
        assert {dispatching[number]["state"] for number in mine} == {expected}
        assert {delivering[number]["state"] for number in mine} == {expected}
        if is_own:
            assert {order["status"] for order in await merchant.orders(order_number=mine)} == {"completed"}
            assert set((await mall[channel].effects("dispatch", mine)).values()) == {1}
            assert {(await mall[channel].truth(number))["state"] for number in mine} <= {"delivered", "completed"}


async def _run(world: World, merchant: Merchant, action: str, numbers: list[str]) -> str:
    operation = await merchant.bulk(action, numbers)
    await world.work()
    return operation
