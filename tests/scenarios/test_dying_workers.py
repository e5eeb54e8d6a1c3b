"""Workers die, Valkey forgets. A bulk of a hundred still ships every parcel once."""

from collections import Counter

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World

FINAL = {"succeeded", "skipped", "failed"}


async def prepare(world: World, merchant: Merchant, shop: SimulatedShop, count: int) -> list[str]:
    numbers = await shop.place_orders(count)
    await merchant.import_orders()
    await world.work()
    await shop.plan_fault("ship", "accept_duplicates", probability=1)
    return numbers


async def expect_all_shipped_once(merchant: Merchant, shop: SimulatedShop, numbers: list[str], operation: str) -> None:
    items = await merchant.items(operation)
    assert Counter(item["state"] for item in items.values()) == {"succeeded": len(numbers)}
    effects = await shop.effects("ship", numbers)
    assert (len(effects), set(effects.values())) == (len(numbers), {1})


async def test_a_worker_killed_in_the_middle_of_a_hundred(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 100)
    operation = await merchant.arrange(numbers, "dropoff")

    # The process ends itself by SIGKILL right after its 31st call was answered, before anything of it is stored.
    await world.run_worker_process(until_killed=True, failpoints="call.after_response:31:kill")
    counts = (await merchant.operation(operation))["counts"]
    assert 0 < counts["succeeded"] < 100
    for seconds in (61, 20, 40, 70, 150, 320, 620, 1200, 30, 30):
        await world.pass_time(seconds)

    await expect_all_shipped_once(merchant, shop, numbers, operation)


async def test_a_worker_killed_between_commit_and_call(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    numbers = await prepare(world, merchant, shop, 10)
    operation = await merchant.arrange(numbers, "dropoff")

    await world.run_worker_process(until_killed=True, failpoints="intent.after_sent_commit:2:kill")
    for seconds in (61, 20, 40, 70, 150, 320, 620, 1200, 30, 30, 60):
        await world.pass_time(seconds)

    await expect_all_shipped_once(merchant, shop, numbers, operation)


async def test_valkey_emptied_in_the_middle_costs_nothing(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 60)

    async with world.worker_process():
        operation = await merchant.arrange(numbers, "dropoff")
        await world.empty_valkey()
        ended = await merchant.operation(operation, wait=30)

    assert ended["state"] == "succeeded"
    await expect_all_shipped_once(merchant, shop, numbers, operation)


async def test_everything_completes_without_valkey(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    numbers = await prepare(world, merchant, shop, 20)

    async with world.worker_process(redis_url="redis://127.0.0.1:1/0"):
        operation = await merchant.arrange(numbers, "dropoff")
        ended = await merchant.operation(operation, wait=30)

    assert ended["state"] == "succeeded"
    await expect_all_shipped_once(merchant, shop, numbers, operation)
