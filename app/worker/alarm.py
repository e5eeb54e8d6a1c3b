"""arq as an alarm clock: a wake-up rings the claim loop and nothing else.

So its death, its doubles and its losses cost seconds.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from arq import Worker as ArqWorker
from arq import func
from redis.exceptions import RedisError

from app.work.waking import JOB, QUEUE, deserialize, redis_settings, serialize

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0


async def ring_from_arq(url: str, ring: Callable[[], None]) -> None:
    """Run arq's worker for ever; when it dies (Valkey away), build a new one after a pause."""

    async def wake(ctx: dict[str, Any], work_id: str) -> None:
        ring()

    while True:
        arq = ArqWorker(
            functions=[func(wake, name=JOB, keep_result=0)],
            redis_settings=redis_settings(url),
            queue_name=QUEUE,
            handle_signals=False,
            keep_result=0,
            max_tries=1_000_000,
            max_jobs=64,
            queue_read_limit=512,
            job_timeout=5,
            poll_delay=0.05,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        try:
            await arq.async_run()
        except Exception as error:  # an outermost loop: whatever ended this one, the next may live
            log.warning("alarm_lost", reason=type(error).__name__)
        finally:
            await _close(arq)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _close(arq: ArqWorker) -> None:
    """arq says goodbye to Valkey, which may be what is away."""
    try:
        await arq.close()
    except (RedisError, OSError, TimeoutError) as error:
        log.info("alarm_closed_without_valkey", reason=type(error).__name__)
