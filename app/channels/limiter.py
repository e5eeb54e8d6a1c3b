"""One token bucket per account and endpoint family, in Valkey, shared by all workers."""

import asyncio
import math
import random
import time
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.channels.contract import Rate
from app.channels.errors import Throttled

log = structlog.get_logger(__name__)

BACKGROUND_SHARE = 0.7
"""Part of a bucket that polls may empty; the rest is always there for people."""
WAIT_SECONDS = 2.0
"""A call waits up to this long for its token."""
VALKEY_RETRY_SECONDS = 5.0
"""After a failure Valkey is asked again this much later, so that its loss delays no call."""
VALKEY_TIMEOUT_SECONDS = 1.0

# Answers the milliseconds to wait; 0 = a token was taken. Valkey's own clock, so workers' clocks do not matter.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, burst, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'closed_until')
local closed_until = tonumber(kept[3] or 0)
if closed_until > now then return closed_until - now end
local tokens = math.min(burst, tonumber(kept[1] or burst) + (now - tonumber(kept[2] or now)) * rate / 1000)
local wait = 0
if tokens >= 1 + floor then tokens = tokens - 1 else wait = math.ceil((1 + floor - tokens) * 1000 / rate) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], 60000 + math.ceil(burst * 1000 / rate))
return wait
"""

_CLOSE = """
local time = redis.call('TIME')
local until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
if until_ms > tonumber(redis.call('HGET', KEYS[1], 'closed_until') or 0) then
  redis.call('HSET', KEYS[1], 'closed_until', until_ms)
  redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) + 60000)
end
return 0
"""


@dataclass(slots=True)
class _LocalBucket:
    """What one process keeps for itself while Valkey is away."""

    tokens: float
    at: float
    closed_until: float = 0.0

    def take(self, rate: Rate, floor: float, now: float) -> float:
        """Seconds to wait; 0 = a token was taken."""
        if self.closed_until > now:
            return self.closed_until - now
        self.tokens = min(rate.burst, self.tokens + (now - self.at) * rate.per_second)
        self.at = now
        if self.tokens >= 1 + floor:
            self.tokens -= 1
            return 0.0
        return (1 + floor - self.tokens) / rate.per_second


class Limiter:
    """Paces calls to channels. Without Valkey each process keeps to its share of the rate, never to none."""

    def __init__(self, redis: Redis | None, *, workers: int = 2, override: float | None = None) -> None:
        self._redis = redis
        self._workers = max(1, workers)
        self._override = override
        self._take = redis.register_script(_TAKE) if redis is not None else None
        self._close = redis.register_script(_CLOSE) if redis is not None else None
        self._valkey_away_until = 0.0
        self._local: dict[str, _LocalBucket] = {}

    async def acquire(
        self,
        key: str,
        rate: Rate,
        *,
        priority: Literal["user", "background"] = "user",
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """Take one token, waiting for it up to `wait_seconds`. Raises Throttled with the time to come back."""
        rate = self._effective(rate)
        floor = min(rate.burst * (1 - BACKGROUND_SHARE), rate.burst - 1) if priority == "background" else 0.0
        deadline = time.monotonic() + wait_seconds
        while (wait := await self._wait_for_token(key, rate, floor)) > 0:
            if time.monotonic() + wait > deadline:
                raise Throttled("local_limit", "Our own pace for this account is used up.", retry_after=wait)
            # Those who wait for the same token come back one after another.
            await asyncio.sleep(wait + random.uniform(0, 0.5) / rate.per_second)  # noqa: S311 (jitter)

    async def backoff(self, key: str, seconds: float) -> None:
        """Nobody calls this account's family for so long: the channel itself asked for a pause."""
        now = time.monotonic()
        bucket = self._local.setdefault(key, _LocalBucket(tokens=0.0, at=now))
        bucket.closed_until = max(bucket.closed_until, now + seconds)
        await self._run(self._close, key, [math.ceil(seconds * 1000)])

    def _effective(self, rate: Rate) -> Rate:
        if self._override is None:
            return rate
        return Rate(self._override, max(1, math.ceil(self._override * 2)))

    async def _wait_for_token(self, key: str, rate: Rate, floor: float) -> float:
        milliseconds = await self._run(self._take, key, [rate.per_second, rate.burst, floor])
        if milliseconds is not None:
            return milliseconds / 1000
        share = Rate(rate.per_second / self._workers, max(1, rate.burst // self._workers))
        now = time.monotonic()
        bucket = self._local.setdefault(key, _LocalBucket(tokens=float(share.burst), at=now))
        return bucket.take(share, min(floor / self._workers, share.burst - 1), now)

    async def _run(self, script: Any, key: str, arguments: list[float]) -> int | None:
        """The script's answer, or None while Valkey cannot be asked."""
        if script is None or time.monotonic() < self._valkey_away_until:
            return None
        try:
            async with asyncio.timeout(VALKEY_TIMEOUT_SECONDS):
                return int(await script(keys=[f"limiter:{key}"], args=arguments))
        except (RedisError, OSError, TimeoutError) as error:
            self._valkey_away_until = time.monotonic() + VALKEY_RETRY_SECONDS
            log.warning("limiter_without_valkey", reason=type(error).__name__)
            return None
