"""Streams the order report: PostgreSQL writes the rows from one snapshot, a short queue passes them on."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.db import Database
from app.core.errors import RangeInvalid
from app.journal import service as journal
from app.orders import listing, search
from app.orders.filters import Search, resolve
from app.reports import columns, events
from app.reports.columns import Cells
from app.reports.errors import TooManyExports
from app.reports.schemas import ExportOrders

Query = tuple[str, list[Any]]
"""A statement and its parameters."""
Build = Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[Query]]
LONGEST = timedelta(days=90)
BYTE_ORDER_MARK = "\ufeff".encode()
_QUEUED_CHUNKS = 8
_WAIT_SECONDS = 5
_MOST_AT_ONCE = 3
PATIENCE = (
    "set local statement_timeout = '15min'; set local transaction_timeout = 0; set local transaction_timeout = '15min'"
)
"""A slow reader holds the snapshot that long at most. A running timer is only stopped by 0, then set anew."""

# Pages and counts share the pool of connections: exports may not take all of it.
_gate = asyncio.Semaphore(_MOST_AT_ONCE)


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """One of the few exports that may run. Raises TooManyExports."""
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await _gate.acquire()
    except TimeoutError:
        raise TooManyExports() from None
    try:
        yield
    finally:
        _gate.release()


async def begin_export(session: AsyncSession, merchant_id: UUID, wish: ExportOrders) -> Search:
    """The orders to write. Notes who takes data out and by which filters, not what they looked for.

    Raises RangeInvalid: a report covers at most 90 days, the last ones unless the caller says something else.
    """
    wanted = _limit_range(resolve(wish), ZoneInfo(wish.tz), await clock.now(session))
    filters = sorted(wish.model_fields_set - {"grain", "columns", "excel"})
    export = events.Export(grain=wish.grain, columns=wish.columns, filters=filters)
    await journal.record(session, merchant_id, events.EXPORTED(None, after=export))
    return wanted


def _limit_range(wanted: Search, zone: ZoneInfo, now: datetime) -> Search:
    if wanted.placed_from is None:
        until = now if wanted.placed_before is None else wanted.placed_before
        return replace(wanted, placed_from=until - LONGEST)
    until = now if wanted.placed_before is None else wanted.placed_before
    # Days are compared by the wall clock: one of them may have 25 hours.
    start, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (wanted.placed_from, until))
    if end - start > LONGEST + timedelta(microseconds=1):
        raise RangeInvalid(parameter="placed_from", detail="A report covers at most 90 days.")
    return wanted


async def open_export(
    database: Database, merchant_id: UUID, wish: ExportOrders, wanted: Search, *, with_buyer: bool, at_risk_hours: int
) -> AsyncIterator[bytes]:
    """The report in pieces. Raises TooManyExports and Unavailable before the first piece.

    A failure on the way raises out of the iteration, so that the connection breaks and the cut is seen.
    """

    async def build(connection: "asyncpg.Connection[asyncpg.Record]") -> Query:
        cells = Cells(for_excel=wish.excel)
        return await build_query(connection, merchant_id, wish, wanted, cells, with_buyer, at_risk_hours)

    return await stream(database, merchant_id, build)


async def stream(database: Database, merchant_id: UUID, build: Build) -> AsyncIterator[bytes]:
    """What a query answers as a CSV in pieces. Raises and breaks off as `open_export` does."""
    pieces = _stream(database, merchant_id, build)
    return _with_first(await anext(pieces), pieces)


async def _with_first(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _stream(database: Database, merchant_id: UUID, build: Build) -> AsyncGenerator[bytes, None]:
    async with turn():
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUED_CHUNKS)
        copying = asyncio.create_task(_copy(database, merchant_id, build, queue))
        try:
            mark = BYTE_ORDER_MARK
            while (piece := await queue.get()) is not None:
                # No cell holds a line break, so each of these ends a row.
                yield mark + piece.replace(b"\n", b"\r\n")
                mark = b""
            await copying
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)


async def _copy(
    database: Database,
    merchant_id: UUID,
    build: Build,
    queue: asyncio.Queue[bytes | None],
) -> None:
    """Fill the queue; None ends it. After a failure what is still queued is dropped: it must not look whole."""
    is_whole = False
    try:
        isolation = "repeatable read"
        async with database.read_transaction(merchant_id, isolation=isolation, custom_plans=True) as connection:
            await connection.execute(PATIENCE)
            query, args = await build(connection)
            await connection.copy_from_query(query, *args, output=queue.put, format="csv", header=True)
        is_whole = True
    finally:
        if not is_whole:
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)
    await queue.put(None)


async def build_query(
    connection: "asyncpg.Connection[asyncpg.Record]",
    merchant_id: UUID,
    wish: ExportOrders,
    wanted: Search,
    cells: Cells,
    with_buyer: bool,
    at_risk_hours: int,
) -> Query:
    """The report as one query with its parameters, for a transaction that is open."""
    settled = await search.settle(connection.fetch, merchant_id, wanted)
    statement = listing.export_rows(settled, merchant_id, at_risk_hours=at_risk_hours)
    shops = await connection.fetch(columns.SHOPS, merchant_id)
    names = json.dumps({str(shop[0]): shop[3 if cells.is_workbook else 2] for shop in shops})
    args = [*statement.args, names]
    zones: dict[str, list[UUID]] = {}
    for shop in shops:
        zones.setdefault(shop[1], []).append(shop[0])
    chosen = columns.of_order(
        wish.columns, cells, with_buyer=with_buyer, shop_names=f"${len(args)}::text::jsonb", zones=zones
    )
    return _report(statement, wish, cells, chosen, is_empty=settled.is_impossible), args


def _report(
    statement: listing.Statement, wish: ExportOrders, cells: Cells, chosen: dict[str, str], *, is_empty: bool
) -> str:
    lines = ""
    if wish.grain == "line":
        chosen = chosen | columns.of_line(cells)
        lines = (
            " cross join lateral (select * from order_lines l where l.merchant_id = o.merchant_id and l.order_id = o.id"
            " order by l.position, l.id) l"
        )
    listed = ", ".join(f"{expression} {name}" for name, expression in chosen.items())
    nothing = " where false" if is_empty else ""
    order_by = ", ".join(f"o.{part}" for part in statement.order_by.split(", "))
    return f"select {listed} from ({statement.rows}) o{lines}{nothing} order by {order_by}"
