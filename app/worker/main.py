"""`plugosync worker`: the process. Its tasks are the claim loop, the sweeper and arq as a mere alarm clock."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio as redis
import structlog
import uvloop

import app.connectors
from app.channels.discovery import load_connectors
from app.channels.http import open_http
from app.channels.limiter import Limiter
from app.core import fail
from app.core.db import Database
from app.core.logging import configure_logging
from app.core.security import Keyring
from app.core.settings import Settings
from app.shops import sealing
from app.work.context import Context
from app.work.waking import Waker
from app.worker.alarm import ring_from_arq
from app.worker.running import Worker
from app.worker.sweeping import sweep_forever

log = structlog.get_logger()


@asynccontextmanager
async def open_context(settings: Settings, *, application: str) -> AsyncIterator[Context]:
    """Every connection of the process, closed at the end. Raises UnsafeRole, WrongKey or ValueError."""
    database = Database(
        settings.require("database_url"),
        pool_size=max(settings.database_pool_size, settings.worker_concurrency),
        read_pool_size=2,
        statement_timeout_ms=60_000,
        application=application,
    )
    redis_url = settings.require("redis_url")
    valkey: redis.Redis = redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
    keyring = Keyring(settings.secret_keys)
    waker = Waker(redis_url)
    database.committed = waker.committed
    async with open_http(settings.http_timeout_seconds) as http:
        limiter = Limiter(valkey, override=settings.channel_requests_per_second)
        try:
            context = Context(
                settings=settings,
                database=database,
                keyring=keyring,
                connectors=load_connectors(app.connectors, http, limiter),
                http=http,
            )
            await database.assert_safe_role()
            await sealing.assert_key_fits(database, keyring)
            yield context
        finally:
            await waker.close()
            await valkey.aclose()
            await database.close()


async def run_until_stopped(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what is in hand is finished within the grace of the lease."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    fail.arm(settings.failpoints, env=settings.env)
    async with open_context(settings, application="worker") as context:
        worker = Worker(context)
        alarm = loop.create_task(ring_from_arq(settings.require("redis_url"), worker.ring))
        sweeper = loop.create_task(sweep_forever(context, worker.id))
        gc.freeze()  # what the start has made stays: no need to look through it again and again
        log.info("worker_ready", worker_id=str(worker.id))
        try:
            await worker.run(stop)
        finally:
            alarm.cancel()
            sweeper.cancel()
            await asyncio.gather(alarm, sweeper, return_exceptions=True)
            log.info("worker_stopped", worker_id=str(worker.id))


def run(settings: Settings) -> None:
    """Entry point of the console script."""
    configure_logging(settings)
    uvloop.run(run_until_stopped(settings))
