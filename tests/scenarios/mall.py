"""A merchant who sells on every channel."""

from collections.abc import Mapping, Sequence

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop

Mall = Mapping[str, SimulatedShop]


@pytest.fixture
async def mall(world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str) -> Mall:
    """A shop on every channel."""
    shops = {}
    for channel in sorted(world.context.connectors):
        shops[channel] = await connect_shop(merchant, control, api_url, channel=channel)
    await world.work()
    return shops


async def place(mall: Mall, merchant: Merchant, world: World, each: int) -> dict[str, list[str]]:
    """New orders of every channel, imported."""
    numbers = {channel: await shop.place_orders(each) for channel, shop in mall.items()}
    shop_ids = [shop["id"] for shop in (await merchant.get("/v1/shops", limit=200))["data"]]
    operation = await merchant.import_orders(shop_ids=shop_ids)
    await world.work()
    done = await merchant.operation(operation)
    assert done["state"] == "succeeded", done
    return numbers


async def arrange(mall: Mall, merchant: Merchant, world: World) -> dict[str, list[str]]:
    """An order of every channel, arranged, with its tracking number."""
    numbers = await place(mall, merchant, world, 1)
    await merchant.bulk("receive", spread(numbers))
    await world.work()
    await merchant.arrange(spread(numbers))
    for _ in range(3):
        await world.pass_time(20)
    return numbers


def spread(numbers: Mapping[str, Sequence[str]]) -> list[str]:
    """Channels mixed, as a list sorted by time would be."""
    return [number for group in zip(*numbers.values(), strict=True) for number in group]
