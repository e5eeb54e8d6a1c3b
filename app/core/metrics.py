"""Figures of one process for Prometheus. No label names a merchant, an order or a shop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import Unavailable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One registry per application, so that two of them in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "plugosync_http_request_seconds",
            "Time until the answer was sent, by route.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.unexpected = Counter("plugosync_unexpected_errors", "Requests answered 500.", registry=self.registry)
        self._due = Gauge("plugosync_work_due", "Pieces of work that are due now.", ("kind",), registry=self.registry)
        self._dead = Gauge("plugosync_work_dead", "Pieces of work given up on.", ("kind",), registry=self.registry)
        self._lag = Gauge(
            "plugosync_work_lag_seconds", "How long the oldest due work waits.", ("kind",), registry=self.registry
        )
        self._effects = Gauge(
            "plugosync_open_effects", "Calls planned, sent or unknown.", ("state",), registry=self.registry
        )
        self._effect_age = Gauge(
            "plugosync_oldest_open_effect_seconds",
            "Age of the oldest call by state.",
            ("state",),
            registry=self.registry,
        )
        self._pushes = Gauge("plugosync_pushes", "Stored pushes by state.", ("state",), registry=self.registry)

    async def render(self, database: Database) -> bytes:
        """The text format; figures of the whole service are read from the database."""
        for gauge in (self._due, self._dead, self._lag, self._effects, self._effect_age, self._pushes):
            gauge.clear()
        with suppress(Unavailable):  # the process's own figures matter most just then
            await database.transact_globally(self._read_figures)
        return generate_latest(self.registry)

    async def _read_figures(self, session: AsyncSession) -> None:
        now: datetime = await session.scalar(text("select app_now()")) or datetime.now(UTC)
        for row in await session.execute(text("select kind, due, dead, oldest_due from work_figures()")):
            self._due.labels(row.kind).set(row.due)
            self._dead.labels(row.kind).set(row.dead)
            lag = (now - row.oldest_due).total_seconds() if row.oldest_due else 0.0
            self._lag.labels(row.kind).set(max(0.0, lag))
        for row in await session.execute(text("select state, n, oldest from effect_figures()")):
            self._effects.labels(row.state).set(row.n)
            self._effect_age.labels(row.state).set((now - row.oldest).total_seconds() if row.oldest else 0.0)
        for row in await session.execute(text("select state, n from push_inbox_counts()")):
            self._pushes.labels(row.state).set(row.n)


@asynccontextmanager
async def serve_metrics(metrics: Metrics, database: Database, *, host: str, port: int) -> AsyncIterator[None]:
    """Answer every request on a port of its own with the figures. Processes that share the port answer in turns."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                await reader.readuntil(b"\r\n\r\n")
                body = await metrics.render(database)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked went away
        finally:
            writer.close()

    server = await asyncio.start_server(converse, host, port, reuse_port=True)
    try:
        yield
    finally:
        server.close()
