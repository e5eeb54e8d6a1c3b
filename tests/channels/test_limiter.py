"""The limiter against a real Valkey, and without one."""

import asyncio
import time
from typing import Any, Literal

import pytest
from redis.asyncio import Redis

from app.channels import limiter as module
from app.channels.contract import Rate
from app.channels.errors import Throttled
from app.channels.limiter import Limiter

SLOW = Rate(per_second=0.1, burst=10)
NOWHERE = "redis://127.0.0.1:1/0"


async def take_all(limiter: Limiter, key: str, rate: Rate, priority: Literal["user", "background"] = "user") -> int:
    """How many tokens are there now."""
    taken = 0
    while taken < 1000:
        try:
            await limiter.acquire(key, rate, priority=priority, wait_seconds=0)
        except Throttled:
            break
        taken += 1
    return taken


async def test_all_processes_share_one_bucket(redis: Redis) -> None:
    first, second = Limiter(redis), Limiter(redis)

    assert await take_all(first, "shop-a", SLOW) == 10

    with pytest.raises(Throttled) as refused:
        await second.acquire("shop-a", SLOW)
    assert refused.value.retry_after == pytest.approx(10, abs=1)
    assert await take_all(second, "shop-b", SLOW) == 10


async def test_waiting_calls_keep_to_the_rate(redis: Redis) -> None:
    limiter, rate = Limiter(redis), Rate(per_second=50, burst=5)
    started = time.monotonic()

    await asyncio.gather(*[limiter.acquire("shop", rate, wait_seconds=5) for _ in range(30)])

    # 25 beyond the burst at 50 a second.
    assert time.monotonic() - started >= 0.45


async def test_polls_leave_tokens_for_people(redis: Redis) -> None:
    limiter = Limiter(redis)

    assert await take_all(limiter, "shop", SLOW, "background") == 7
    assert await take_all(limiter, "shop", SLOW, "user") == 3


async def test_polls_work_with_a_burst_of_one(redis: Redis) -> None:
    assert await take_all(Limiter(redis), "shop", Rate(0.1, 1), "background") == 1


async def test_a_pause_asked_by_the_channel_holds_everybody_but_only_there(redis: Redis) -> None:
    asked, other = Limiter(redis), Limiter(redis)

    await asked.backoff("shop:write", 30)

    with pytest.raises(Throttled) as refused:
        await other.acquire("shop:write", SLOW)
    assert refused.value.retry_after == pytest.approx(30, abs=2)
    await other.acquire("shop:read", SLOW)


async def test_a_shorter_pause_does_not_end_a_longer_one(redis: Redis) -> None:
    limiter = Limiter(redis)

    await limiter.backoff("shop", 60)
    await limiter.backoff("shop", 1)

    with pytest.raises(Throttled) as refused:
        await limiter.acquire("shop", SLOW)
    assert refused.value.retry_after == pytest.approx(60, abs=2)


async def test_an_emptied_valkey_costs_nothing(redis: Redis) -> None:
    limiter = Limiter(redis)
    await take_all(limiter, "shop", SLOW)

    await redis.flushall()
    await redis.script_flush()

    assert await take_all(limiter, "shop", SLOW) == 10


async def test_without_valkey_each_process_keeps_to_its_share() -> None:
    limiter = Limiter(Redis.from_url(NOWHERE), workers=2)

    assert await take_all(limiter, "shop", SLOW) == 5
    with pytest.raises(Throttled) as refused:
        await limiter.acquire("shop", SLOW)
    assert refused.value.retry_after == pytest.approx(20, abs=1)


async def test_without_valkey_polls_still_leave_tokens_for_people() -> None:
    limiter = Limiter(None, workers=1)

    assert await take_all(limiter, "shop", SLOW, "background") == 7
    assert await take_all(limiter, "shop", SLOW, "user") == 3


async def test_without_valkey_a_pause_still_holds() -> None:
    limiter = Limiter(None)

    await limiter.backoff("shop", 30)

    with pytest.raises(Throttled) as refused:
        await limiter.acquire("shop", SLOW)
    assert refused.value.retry_after == pytest.approx(30, abs=2)


async def test_a_silent_valkey_delays_one_call_not_all(monkeypatch: pytest.MonkeyPatch, serving: Any) -> None:
    connections = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()

    monkeypatch.setattr(module, "VALKEY_TIMEOUT_SECONDS", 0.1)
    async with serving(say_nothing) as url:
        limiter = Limiter(Redis.from_url(url.replace("http", "redis")), workers=1)
        started = time.monotonic()
        assert await take_all(limiter, "shop", Rate(0.1, 200)) == 200

    assert time.monotonic() - started < 1
    assert len(connections) == 1


async def test_the_setting_overrides_a_channels_own_rate(redis: Redis) -> None:
    assert await take_all(Limiter(redis, override=50), "shop", SLOW) >= 100
