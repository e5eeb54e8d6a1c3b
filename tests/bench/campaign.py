"""A campaign: 10,000 pushes in a minute over all channels. None is lost, none doubled, and the lag goes away again."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import asyncpg
import httpx

from tests.bench.stage import Api
from tests.bench.table import Row
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import connect_shop

PUSHES = 10_000
SECONDS = 60
_ORDERS = 2_000
"""In all; what they do not push by themselves is pushed once more, as channels repeat themselves."""
_STEP = 0.5
_PATIENCE_SECONDS = 300


async def measure(api: Api, control_url: str, token: str, owner_url: str) -> list[Row]:
    """Orders and pushes arrive for a minute; then the clock runs until every order is here."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=60, headers=headers) as http,
        httpx.AsyncClient(base_url=control_url, trust_env=False, timeout=60) as control,
    ):
        merchant, owner = Merchant(http), await asyncpg.connect(owner_url)
        try:
            channels = sorted((await control.get("/_control/credentials")).json())
            shops = [await connect_shop(merchant, control, api.url, channel=channel) for channel in channels]
            for shop in shops:
                await shop.pushes(enabled=True, url=f"{api.url}/v1/push/{shop.channel}")
            before = await _count_pushes(owner)
            began = time.perf_counter()
            numbers, worst = await _campaign(shops, merchant, owner, before)
            ended = time.perf_counter()
            pushed = await _count_pushes(owner) - before
            caught_up = await _wait_for(merchant, numbers)
            found = await _find(merchant, numbers)
        finally:
            await owner.close()
    lost = len(numbers) - len(found)
    doubled = sum(count - 1 for count in found.values())
    rate = pushed / (ended - began) * 60
    return [
        Row(
            f"campaign over {len(channels)} channels",
            f"{rate:,.0f} pushes/min",
            f"≥ {PUSHES:,}",
            rate >= PUSHES,
            f"{pushed:,} pushes about {len(numbers):,} orders, on the machine's 2 cores with the sandbox",
        ),
        Row("  lost, doubled", f"{lost}, {doubled}", "0, 0", (lost, doubled) == (0, 0)),
        Row("  most pushes waiting", f"{worst:,}", note="seen each half second"),
        Row("  every order here after the end", f"{caught_up:.1f} s", "≤ 30 s", caught_up <= 30),
    ]


async def _campaign(
    shops: Sequence[SimulatedShop], merchant: Merchant, owner: asyncpg.Connection, before: int
) -> tuple[list[str], int]:
    """Answers the order numbers and the most pushes that waited at once."""
    numbers: list[str] = []
    worst = 0
    began = time.perf_counter()
    steps = round(SECONDS / _STEP)
    for step in range(1, steps + 1):
        wanted = _ORDERS * step // steps - len(numbers)
        each = -(-wanted // len(shops))
        placed = await asyncio.gather(*(shop.place_orders(each) for shop in shops))
        numbers += [number for group in placed for number in group]
        missing = PUSHES * step // steps - (await _count_pushes(owner) - before)
        repeats = [(shop, number) for shop, group in zip(shops, placed, strict=True) for number in group]
        if repeats:
            turns = [repeats[turn % len(repeats)] for turn in range(max(0, missing) // 2)]
            await asyncio.gather(*(shop.push(number, "duplicate") for shop, number in turns))
        worst = max(worst, await owner.fetchval("select count(*) from push_inbox where state = 'waiting'"))
        await asyncio.sleep(max(0.0, began + step * _STEP - time.perf_counter()))
    return numbers, worst


async def _count_pushes(owner: asyncpg.Connection) -> int:
    count: int = await owner.fetchval("select count(*) from push_inbox")
    return count


async def _wait_for(merchant: Merchant, numbers: Sequence[str]) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < _PATIENCE_SECONDS:
        if len(await _find(merchant, numbers)) == len(set(numbers)):
            break
        await asyncio.sleep(0.5)
    return time.perf_counter() - began


async def _find(merchant: Merchant, numbers: Sequence[str]) -> Counter[str]:
    """Orders that are here, by number."""
    found: Counter[str] = Counter()
    for start in range(0, len(numbers), 200):
        found.update(
            order["order_number"] for order in await merchant.orders(order_number=list(numbers[start : start + 200]))
        )
    return found
