"""`make bench`: load many orders, measure as the service's role over real HTTP, print the figures beside the goals."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import uvloop
from rich.console import Console

from app.core.db import Database
from app.core.migrations import upgrade_database
from app.dev.servers import EmbeddedServers
from tests.bench import arranging, campaign, reading, stage
from tests.bench.dataset import Dataset, drop_slow_indexes, load
from tests.bench.reading import Reader
from tests.bench.table import Row, show

T = TypeVar("T")
console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _prepare(servers: EmbeddedServers, orders: int) -> tuple[Dataset, str]:
    """Half of the orders belong to somebody else."""
    await upgrade_database(servers.migration_database_url, servers.database_url)
    database = Database(servers.database_url, application="bench")
    owner = await asyncpg.connect(servers.migration_database_url.replace("+asyncpg", ""))
    try:
        merchant_id, token = await stage.found_merchant(database)
        other_id, _ = await stage.found_merchant(database)
        indexes = await drop_slow_indexes(owner)
        data = await load(owner, UUID(merchant_id), orders - orders // 2, seed=1)
        await load(owner, UUID(other_id), orders // 2, seed=2)
        for statement in indexes:
            await owner.execute(statement)
        await owner.execute("select fold_order_counts()")
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
        await database.close()
    return data, token


def _read(servers: EmbeddedServers, home: Path, orders: int) -> list[Row]:
    began = time.monotonic()
    with console.status(f"Loading {orders:,} orders ..."):
        data, token = _run(_prepare(servers, orders))
    console.print(f"{orders:,} orders of two merchants loaded in {time.monotonic() - began:.0f} s.", style="dim")
    owner_url = servers.migration_database_url.replace("+asyncpg", "")
    with (
        stage.api(home, stage.environment(servers, home)) as api,
        stage.reference(home, owner_url, str(data.merchant_id)) as reference_url,
        console.status("Reading ..."),
    ):
        return _run(reading.measure(Reader(api, token, data), reference_url))


def _arrange(servers: EmbeddedServers, home: Path, *, has_limits: bool) -> Row:
    # Both rounds in one folder: the sandbox goes on numbering its shops, and a shop is connected only once.
    with (
        console.status("Arranging ..."),
        stage.service(servers, home, latency_ms=arranging.LATENCY_MS, has_limits=has_limits) as (api, control),
    ):
        return _run(_arrange_as_somebody(servers, api, control, has_limits=has_limits))


def _campaign(servers: EmbeddedServers, home: Path) -> list[Row]:
    with console.status("Campaign ..."), stage.service(servers, home, latency_ms=0, has_limits=False) as (api, control):
        return _run(_campaign_of_somebody(servers, api, control))


async def _campaign_of_somebody(servers: EmbeddedServers, api: stage.Api, control: str) -> list[Row]:
    database = Database(servers.database_url, application="bench")
    try:
        _, token = await stage.found_merchant(database)
    finally:
        await database.close()
    owner_url = servers.migration_database_url.replace("+asyncpg", "")
    return await campaign.measure(api, control, token, owner_url)


async def _arrange_as_somebody(servers: EmbeddedServers, api: stage.Api, control: str, *, has_limits: bool) -> Row:
    database = Database(servers.database_url, application="bench")
    try:
        _, token = await stage.found_merchant(database)
    finally:
        await database.close()
    return await arranging.measure(api, control, token, has_limits=has_limits)


def main() -> None:
    """Everything, in a folder of its own that is removed afterwards."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--orders", type=int, default=200_000, help="orders to load, half of them another merchant's")
    parser.add_argument("--only", choices=("reading", "arranging", "campaign"), help="measure only this part")
    wishes = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="plugosync-bench-"))
    password = secrets.token_hex(8)
    try:
        with EmbeddedServers(
            home, owner_password=password, app_password=f"app-{password}", valkey_password=password
        ) as servers:
            rows: list[Row] = []
            if wishes.only in (None, "reading"):
                rows += _read(servers, home, wishes.orders)
            else:
                _run(upgrade_database(servers.migration_database_url, servers.database_url))
            if wishes.only in (None, "arranging"):
                rows += [_arrange(servers, home, has_limits=has_limits) for has_limits in (False, True)]
            if wishes.only in (None, "campaign"):
                rows += _campaign(servers, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    show(console, f"{wishes.orders:,} orders, role plugosync_app, 2 API-side processes on this machine", rows)


if __name__ == "__main__":
    main()
