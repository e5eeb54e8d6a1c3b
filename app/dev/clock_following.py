"""Copies the sandbox's clock into the database, so that application time passes as it does at the marketplaces."""

import asyncio
import threading

import asyncpg
import httpx

_PAUSE_SECONDS = 0.5
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError, KeyError, ValueError)


async def copy_offset(sandbox_url: str, owner_url: str) -> None:
    """Copy it once."""
    connection = await asyncpg.connect(owner_url, timeout=5)
    try:
        async with httpx.AsyncClient(base_url=sandbox_url, timeout=5, trust_env=False) as sandbox:
            await _copy(sandbox, connection)
    finally:
        await connection.close()


async def follow(sandbox_url: str, owner_url: str, stopping: threading.Event) -> None:
    """Copy it twice a second; a sandbox or database that is away is waited for."""
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=5, trust_env=False) as sandbox:
        while not stopping.is_set():
            try:
                connection = await asyncpg.connect(owner_url, timeout=5)
                try:
                    while not stopping.is_set():
                        await _copy(sandbox, connection)
                        await asyncio.sleep(_PAUSE_SECONDS)
                finally:
                    connection.terminate()
            except _AWAY:
                await asyncio.sleep(_PAUSE_SECONDS)


def follow_in_background(sandbox_url: str, owner_url: str, stopping: threading.Event) -> None:
    """Follow on a thread until `stopping`."""
    threading.Thread(
        target=lambda: asyncio.run(follow(sandbox_url, owner_url, stopping)), name="clock", daemon=True
    ).start()


async def _copy(sandbox: httpx.AsyncClient, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    offset = float((await sandbox.get("/_control/clock")).json()["offset_seconds"])
    await connection.execute("select set_clock_offset($1)", offset)
