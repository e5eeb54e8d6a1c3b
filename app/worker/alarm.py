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


async def ring_from_arq(url: str, ring: Callable[[], None]) -> None:
    """Run arq's worker for ever; when it dies (Valkey away), build a new one after a pause."""

    async def wake(ctx: dict[str, Any], work_id: str) -> None:
        ring()

    pause = 0.5
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
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("alarm_lost", reason=type(error).__name__, retry_in_seconds=pause)
        finally:
            await arq.close()
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)
