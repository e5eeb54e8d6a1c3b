"""How long a bulk of 100 takes at marketplaces that answer after 200 ms."""

import statistics
import time
from typing import Any

import httpx

from tests.bench.stage import Api
from tests.bench.table import Row
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import connect_shop

ORDERS = 100
LATENCY_MS = 200
_LOCAL_ROUNDS = 5
_WRITES_PER_SECOND = 3
"""What the service allows itself at the simulated marketplace; the limiter's burst comes on top."""


async def measure(api: Api, control_url: str, token: str, *, has_limits: bool) -> Row:
    """Place 100 orders, import them, arrange them all; the clock runs from the request to the end of the operation."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=60, headers=headers) as http,
        httpx.AsyncClient(base_url=control_url, trust_env=False, timeout=60) as control,
    ):
        merchant = Merchant(http)
        shop = await connect_shop(merchant, control, api.url)
        times = [await _arrange(merchant, shop) for _ in range(1 if has_limits else _LOCAL_ROUNDS)]
    middle, slowest = statistics.median(times), max(times)
    if has_limits:
        floor = ORDERS / _WRITES_PER_SECOND
        note = f"{_WRITES_PER_SECOND} writes/s allow nothing under {floor:.0f} s"
        return Row(f"bulk arrange of {ORDERS}, faithful limits", f"{middle:.1f} s", "≤ 45 s", middle <= 45, note)
    figure = f"p50 {middle:.1f} s, slowest of {len(times)} {slowest:.1f} s"
    note = f"{LATENCY_MS} ms per call, one worker"
    return Row(f"bulk arrange of {ORDERS}, no limits", figure, "p95 ≤ 10 s", slowest <= 10, note)


async def _arrange(merchant: Merchant, shop: SimulatedShop) -> float:
    numbers = await shop.place_orders(ORDERS)
    imported = await _finish(merchant, await merchant.import_orders(order_numbers=numbers))
    assert imported["state"] == "succeeded", imported
    body = {"selection": {"order_ids": await merchant.ids(numbers)}, "handover": {"method": "pickup"}}
    began = time.perf_counter()
    done = await _finish(merchant, (await merchant.post("/v1/shipments", body))["id"])
    took = time.perf_counter() - began
    assert done["counts"]["succeeded"] == ORDERS, done
    return took


async def _finish(merchant: Merchant, operation_id: str) -> dict[str, Any]:
    while True:
        operation = await merchant.operation(operation_id, wait=30)
        if operation["finished_at"] is not None:
            return operation
