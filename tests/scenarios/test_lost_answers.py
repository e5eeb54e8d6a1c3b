"""The marketplace did it, or did not, and nobody said so. The seller's parcel still goes out once.

The sandbox runs with `accept_duplicates`: a second ship call would be a second parcel, as at a marketplace without a
guard.
"""

from collections import Counter

import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World

SETTLE_SECONDS = 1200


async def settle(world: World) -> None:
    """Let every reading that is due in the settle window and after it happen."""
    for seconds in (6, 20, 40, 70, 150, 320, 620, SETTLE_SECONDS, 30, 30, 60):
        await world.pass_time(seconds)


async def prepare(world: World, merchant: Merchant, shop: SimulatedShop, count: int) -> list[str]:
    numbers = await shop.place_orders(count)
    await merchant.import_orders()
    await world.work()
    await shop.plan_fault("ship", "accept_duplicates", probability=1)
    return numbers


async def expect_each_shipped_once(
    merchant: Merchant, shop: SimulatedShop, numbers: list[str], operation: str
) -> dict[str, str]:
    items = await merchant.items(operation)
    assert Counter(item["state"] for item in items.values()) == {"succeeded": len(numbers)}
    effects = await shop.effects("ship", numbers)
    assert (len(effects), set(effects.values())) == (len(numbers), {1})
    assert (await merchant.operation(operation))["state"] == "succeeded"
    return {number: item["state"] for number, item in items.items()}


async def test_an_answer_lost_after_the_effect_is_adopted_by_reading(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 4)
    await shop.plan_fault("ship", "timeout_after", times=2)

    operation = await merchant.arrange(numbers, "dropoff")
    await world.work()
    unknown = [number for number, item in (await merchant.items(operation)).items() if item["state"] == "unknown"]
    assert len(unknown) >= await shop.injected("timeout_after") == 2, "a lost call leaves all its packages in doubt"
    assert (await merchant.operation(operation))["state"] == "running"
    await settle(world)

    await expect_each_shipped_once(merchant, shop, numbers, operation)
    for number in numbers:
        assert await shop.calls("ship", number) == 1, "a redundant call costs the seller's success rate"


@pytest.mark.parametrize("mode", ["error_after", "truncated"])
async def test_any_unreadable_answer_after_the_effect_is_adopted(
    world: World, merchant: Merchant, shop: SimulatedShop, mode: str
) -> None:
    numbers = await prepare(world, merchant, shop, 2)
    await shop.plan_fault("ship", mode)

    operation = await merchant.arrange(numbers, "dropoff")
    await world.work()
    assert await shop.injected(mode) == 1
    await settle(world)

    await expect_each_shipped_once(merchant, shop, numbers, operation)


async def test_no_effect_is_sent_once_more_but_only_after_the_settle_window(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await prepare(world, merchant, shop, 1)
    await shop.plan_fault("ship", "timeout_before")

    operation = await merchant.arrange([number], "dropoff")
    await world.work()
    for seconds in (6, 20, 40, 70, 150, 320):
        await world.pass_time(seconds)
    assert (await merchant.items(operation))[number]["state"] == "unknown"
    assert await shop.effects("ship", [number]) == {}
    await world.pass_time(SETTLE_SECONDS)
    await world.pass_time(30)
    await world.pass_time(30)

    await expect_each_shipped_once(merchant, shop, [number], operation)


async def test_an_effect_that_comes_late_behind_reads_that_lag_is_not_repeated(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 4)
    await shop.plan_fault("ship", "late_effect", times=2, delay_ms=300_000)
    await shop.plan_fault("ship", "stale_read", probability=1, delay_ms=600_000)

    operation = await merchant.arrange(numbers, "dropoff")
    await world.work()
    assert await shop.injected("late_effect") == 2
    await settle(world)

    await expect_each_shipped_once(merchant, shop, numbers, operation)
    for number in numbers:
        assert await shop.calls("ship", number) == 1


async def test_a_lagging_read_does_not_invite_a_second_arrange(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await prepare(world, merchant, shop, 1)
    await shop.plan_fault("ship", "stale_read", probability=1, delay_ms=600_000)
    await merchant.arrange([number], "dropoff")
    await world.work()

    await merchant.import_orders()
    await world.pass_time(30)

    order = await merchant.order(number)
    assert order["stage"] == "processed"
    again = await merchant.arrange([number], "dropoff")
    await world.work()
    assert (await merchant.items(again))[number]["code"] == "already_done"
    assert set((await shop.effects("ship", [number])).values()) == {1}


async def test_a_throttled_shop_is_served_later_and_nothing_is_doubted(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 3)
    await shop.plan_fault("ship", "throttle", times=3)

    operation = await merchant.arrange(numbers, "dropoff")
    for _ in range(6):
        await world.pass_time(10)

    await expect_each_shipped_once(merchant, shop, numbers, operation)


async def test_a_revoked_token_leaves_the_work_waiting_and_a_new_consent_resumes_it(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await prepare(world, merchant, shop, 2)
    await shop.plan_fault("ship", "revoke_token")

    operation = await merchant.arrange(numbers, "dropoff")
    for _ in range(3):
        await world.pass_time(61)
    assert (await merchant.operation(operation))["state"] == "running"
    items = (await merchant.items(operation)).values()
    assert {(item["code"], item["next_action"]) for item in items} == {("needs_reauth", "reauthorize")}
    [listed] = [one for one in (await merchant.get("/v1/shops"))["data"] if one["external_id"] == shop.shop_id]
    assert (await merchant.get(f"/v1/shops/{listed['id']}/health"))["auth"]["state"] == "needs_reauth"

    await world.consent_again(merchant, shop)
    for _ in range(3):
        await world.pass_time(61)

    await expect_each_shipped_once(merchant, shop, numbers, operation)
