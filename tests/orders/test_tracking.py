"""The courier's scans, asked for at the marketplace."""

from typing import Any

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World


async def send(world: World, merchant: Merchant, shop: SimulatedShop) -> str:
    """An order that is on its way, as we know too."""
    number = await shop.place_order(lines=1)
    await merchant.import_orders()
    await world.work()
    await merchant.arrange([number])
    await world.work()
    await world.pass_time(120)
    for step in ("collected", "in_transit"):
        await shop.advance(number, step)
    await world.pass_time(120)
    return number


async def ways(merchant: Merchant, number: str) -> list[dict[str, Any]]:
    order = await merchant.order(number)
    packages: list[dict[str, Any]] = (await merchant.get(f"/v1/orders/{order['id']}/tracking"))["packages"]
    return packages


async def test_scans_come_from_the_channel_and_are_kept(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    number = await send(world, merchant, shop)

    [way] = await ways(merchant, number)
    asked = await shop.count_reads("get_tracking", number)
    [again] = await ways(merchant, number)

    assert way["tracking_number"] and way["status"] == "in_transit"
    times = [event["at"] for event in way["events"]]
    assert len(times) >= 2 and times == sorted(times)
    assert all(event["code"] and event["text"] for event in way["events"])
    assert again == way
    assert asked >= 1
    assert await shop.count_reads("get_tracking", number) == asked  # fresh: not asked for again


async def test_a_channel_that_is_away_leaves_the_scans_we_know(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await send(world, merchant, shop)
    [known] = await ways(merchant, number)
    await world.pass_time(60)
    await shop.plan_fault("get_tracking", "error_before", times=10)

    [way] = await ways(merchant, number)

    assert await shop.injected("error_before") >= 1
    assert way == known and known["events"]

    await shop.heal()
    await shop.advance(number, "delivered")
    await world.pass_time(60)
    [delivered] = await ways(merchant, number)
    assert len(delivered["events"]) > len(known["events"])
