"""The processes a bench runs against, as `make run` would start them; all end with the block."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.core.db import Database
from app.core.ids import new_id
from app.dev.environment import channel_environment
from app.dev.processes import answers, find_free_port, find_free_row, spawn, stop, wait_until
from app.dev.servers import EmbeddedServers
from app.identity import service as identity
from app.identity.keys import make_key
from app.identity.roles import SCOPES

ROOT = Path(__file__).parents[2]
_SECRET = "a-key-for-the-bench-alone-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Api:
    """A running API."""

    url: str
    pid: int


def environment(servers: EmbeddedServers, home: Path, **more: str) -> dict[str, str]:
    """Settings of API and worker."""
    return {
        **os.environ,
        "PLUGOSYNC_HOME": str(home),
        "PLUGOSYNC_DATABASE_URL": servers.database_url,
        "PLUGOSYNC_REDIS_URL": servers.redis_url,
        "PLUGOSYNC_SECRET_KEYS": _SECRET,
        **more,
    }


@contextmanager
def api(home: Path, env: dict[str, str]) -> Iterator[Api]:
    """One API process behind real HTTP."""
    port = find_free_port()
    log = home / "logs" / "api.log"
    process = spawn(
        [sys.executable, "-m", "app.cli", "api"], log=log, env=env | {"PLUGOSYNC_PORT": str(port)}, cwd=ROOT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/healthz"), process, what="The API", log=log, seconds=30)
        yield Api(url, process.pid)
    finally:
        stop(process)


@contextmanager
def reference(home: Path, database_url: str, merchant_id: str) -> Iterator[str]:
    """The reference handler in a process of its own."""
    port = find_free_port()
    log = home / "logs" / "reference.log"
    options = ("--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log")
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.bench.reference:create_app", *options]
    env = {**os.environ, "BENCH_DATABASE_URL": database_url, "BENCH_MERCHANT_ID": merchant_id}
    process = spawn(command, log=log, env=env, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(url), process, what="The reference", log=log, seconds=30)
        yield url
    finally:
        stop(process)


@contextmanager
def marketplace(home: Path, *, latency_ms: int, has_limits: bool) -> Iterator[str]:
    """The simulated marketplaces; answers the URL of their controls."""
    port = find_free_row(5)
    log = home / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "PLUGOSYNC_HOME": str(home),
        "PLUGOSYNC_SANDBOX_PORT": str(port),
        "PLUGOSYNC_SANDBOX_LATENCY_MS": str(latency_ms),
        "PLUGOSYNC_SANDBOX_RATE_LIMIT": "faithful" if has_limits else "off",
    }
    process = spawn([sys.executable, "-m", "app.sandbox"], log=log, env=env, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/_control/clock"), process, what="The sandbox", log=log, seconds=30)
        yield url
    finally:
        stop(process)


@contextmanager
def service(servers: EmbeddedServers, home: Path, *, latency_ms: int, has_limits: bool) -> Iterator[tuple[Api, str]]:
    """Marketplaces, API and one worker."""
    with ExitStack() as stack:
        control = stack.enter_context(marketplace(home, latency_ms=latency_ms, has_limits=has_limits))
        credentials = httpx.get(f"{control}/_control/credentials", trust_env=False).json()
        more = channel_environment(credentials)
        if not has_limits:
            more["PLUGOSYNC_CHANNEL_REQUESTS_PER_SECOND"] = "1000"
        env = environment(servers, home, **more)
        running = stack.enter_context(api(home, env))
        log = home / "logs" / "worker.log"
        worker = spawn([sys.executable, "-m", "app.cli", "worker"], log=log, env=env, cwd=ROOT)
        stack.callback(stop, worker)
        yield running, control


async def found_merchant(database: Database) -> tuple[str, str]:
    """A merchant with an API key that may do everything; answers its id and the key."""
    merchant_id, owner_id = new_id(), new_id()
    await database.transact(
        identity.found_merchant,
        merchant_id,
        owner_id,
        name="Toko Besar",
        email=f"{owner_id}@example.id",
        password_hash="none",
    )
    text, key = make_key("bench")
    everything = frozenset(SCOPES)
    await database.transact(
        identity.create_key, merchant_id, key, name="Bench", scopes=everything, held=everything, created_by=owner_id
    )
    return str(merchant_id), text
