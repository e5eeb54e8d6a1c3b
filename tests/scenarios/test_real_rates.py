"""At the rates which marketplaces allow and we keep to: all other tests are spared them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.dev.environment import channel_environment
from app.work.context import Context
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.sandbox import open_sandbox
from tests.fixtures.world import World
from tests.sync.scene import open_account

LISTED = 100
"""Orders of one list: of a burst these come with few calls, all others take one each."""


@pytest.fixture
def strict_url(home: Path) -> Iterator[str]:
    """A sandbox of its own that counts calls as marketplaces do."""
    with open_sandbox(home / "strict", home / "logs" / "strict.log") as url:
        yield url


@pytest.fixture
async def strict(strict_url: str, control: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Its control API. Time goes on where earlier tests have brought it, for it never goes back."""
    passed = (await control.get("/_control/clock")).json()["offset_seconds"]
    async with httpx.AsyncClient(base_url=strict_url, trust_env=False, timeout=30) as opened:
        await opened.post("/_control/clock", json={"advance_seconds": passed})
        yield opened


@pytest.fixture
async def slow_world(
    strict: httpx.AsyncClient, context: Context, owner_url: str, environment: dict[str, str]
) -> AsyncIterator[World]:
    """Its worker keeps to every channel's own rate."""
    keys = (await strict.get("/_control/credentials")).json()
    own = environment | channel_environment(keys) | {"PLUGOSYNC_SANDBOX_PORT": str(strict.base_url.port)}
    del own["PLUGOSYNC_CHANNEL_REQUESTS_PER_SECOND"]
    world = World(context, owner_url=owner_url, control=strict, environment=own)
    await world.sql("update work set due_at = null")
    yield world
    await world.sql("select set_clock_offset(0)")


@pytest.fixture
async def lazada(slow_world: World, strict: httpx.AsyncClient, merchant: Merchant) -> SimulatedShop:
    """A shop there, connected, whose pushes arrive."""
    made = (await strict.post("/_control/lazada/shops", json={"name": "Toko Ramai"})).json()
    merchant_id = UUID((await merchant.get("/v1/me"))["merchant"]["id"][4:])
    token, shop_id = made["access_token"], str(made["shop_id"])
    # Shops are numbered alike at both sandboxes: one of an earlier test may have had this number.
    await slow_world.sql("delete from shop_claims where api = 'lazada' and external_id = $1", shop_id)
    await open_account(slow_world.context, merchant_id, shop_id, channel="lazada", access_token=token)
    shop = SimulatedShop(strict, "lazada", shop_id)
    await shop.pushes(enabled=True, url=str(merchant.http.base_url.join("/v1/push/lazada")))
    return shop


async def arrive(merchant: Merchant, count: int) -> None:
    """Wait for so many orders."""
    async with asyncio.timeout(30):
        while len(await merchant.orders()) < count:
            await asyncio.sleep(0.1)


async def test_a_burst_of_orders_and_a_sync_of_all_come_to_an_end(
    slow_world: World, merchant: Merchant, lazada: SimulatedShop
) -> None:
    async with slow_world.worker_process():
        numbers = [await lazada.place_orders(count) for count in (30, LISTED)]
        await arrive(merchant, 30 + LISTED)
        operation = (await merchant.post("/v1/sync", {"scope": "orders"}))["id"]
        synced = await merchant.operation(operation, wait=30)

    assert (synced["state"], synced["counts"]["succeeded"]) == ("succeeded", 30 + LISTED)
    assert {order["order_number"] for order in await merchant.orders()} == {one for part in numbers for one in part}
