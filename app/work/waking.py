"""Wake-ups through arq: ids only, sent after the commit, free to be lost."""

import asyncio
import json
from typing import Any
from uuid import UUID

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

log = structlog.get_logger()

QUEUE = "plugosync:wake"
JOB = "wake"


def serialize(value: dict[str, Any]) -> bytes:
    """JSON instead of pickle: write access to Valkey must not mean code execution."""
    return json.dumps(value, default=str).encode()


def deserialize(raw: bytes) -> dict[str, Any]:
    """The counterpart of serialize."""
    value = json.loads(raw)
    assert isinstance(value, dict)
    return value


def redis_settings(url: str) -> RedisSettings:
    """Settings that give up quickly: a wake-up is worth no waiting."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 1
    settings.conn_retry_delay = 0
    settings.conn_timeout = 1
    return settings


class Waker:
    """Sends one wake-up per piece of work that a transaction asked for.

    Failures are only logged: the poll finds the work.
    """

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url)
        self._pool: ArqRedis | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()
        self._away_until = 0.0

    def committed(self, info: dict[str, Any]) -> None:
        """Hook for Database.committed: wakes workers for what was added, without keeping the caller waiting."""
        wakes = info.pop("wakes", None)
        if wakes:
            task = asyncio.get_running_loop().create_task(self._send(wakes))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, wakes: list[tuple[UUID, int]]) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return
        try:
            pool = await self._open()
            for work_id, dispatch_no in wakes:
                await pool.enqueue_job(JOB, str(work_id), _job_id=f"{work_id}:{dispatch_no}")
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = loop.time() + 2
            log.warning("wake_up_lost", reason=type(error).__name__, count=len(wakes))

    async def _open(self) -> ArqRedis:
        async with self._opening:
            if self._pool is None:
                self._pool = await create_pool(
                    self._settings, job_serializer=serialize, job_deserializer=deserialize, default_queue_name=QUEUE
                )
        return self._pool

    async def close(self) -> None:
        """Drop wake-ups that are still on their way (the poll finds the work) and close the connection."""
        for task in list(self._tasks):
            task.cancel()
        if self._pool is not None:
            await self._pool.aclose()
