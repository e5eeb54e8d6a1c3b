"""Real servers for every test: PostgreSQL, Valkey, the sandbox and the API, started once, each in its own process.

Tests are kept apart by merchants, not by emptying tables: every test makes a merchant of its own.
"""

import asyncio
import functools
import gc
import os
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import structlog

from app.core.db import Database
from app.core.migrations import upgrade_database
from app.core.settings import Settings
from app.dev.environment import channel_environment
from app.dev.postgres import FAST_AND_FORGETFUL
from app.dev.processes import answers, find_free_port, spawn, stop, tail, wait_until
from app.dev.servers import EmbeddedServers
from app.identity import passwords
from app.work.context import Context
from app.worker.main import open_context
from tests.fixtures.keys import KEY
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import QUICK_HASHER, Merchant, sign_up
from tests.fixtures.sandbox import open_sandbox
from tests.fixtures.world import World, connect_shop

ROOT = Path(__file__).parents[1]
FIRST = ("sandbox", "scenarios", "dev", "stock", "fulfilment", "connectors")
"""Folders in the order in which they are begun; all others come after them.

The sandbox's own tests first: scenarios leave orders behind that move on as time passes. Then the longest, so that none
of them keeps one process busy when the others have ended.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rest stays in its order."""
    first = [ROOT / "tests" / name for name in FIRST]
    items.sort(key=lambda item: next((i for i, path in enumerate(first) if item.path.is_relative_to(path)), len(first)))


@pytest.fixture(scope="session", autouse=True)
def _what_would_take_long() -> Iterator[None]:
    """Every HTTP client loads the certificates anew, a coloured traceback takes a second, a password's hash a tenth."""
    *processors, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, renderer])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        patch.setattr(passwords, "_HASHER", QUICK_HASHER)
        gc.freeze()  # a third of a million objects, looked through again and again
        gc.set_threshold(50_000, 20, 20)
        yield


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of this run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def servers(home: Path) -> Iterator[EmbeddedServers]:
    """PostgreSQL at the newest migration, and Valkey."""
    password = secrets.token_hex(8)
    with EmbeddedServers(
        home,
        owner_password=password,
        app_password=f"app-{password}",
        valkey_password=password,
        postgres_settings=FAST_AND_FORGETFUL,
    ) as started:
        asyncio.run(upgrade_database(started.migration_database_url, started.database_url))
        yield started


@pytest.fixture(scope="session")
def database_url(servers: EmbeddedServers) -> str:
    """The database as the service's role sees it: behind row-level security."""
    return servers.database_url


@pytest.fixture(scope="session")
def owner_url(servers: EmbeddedServers) -> str:
    """The database as its owner, for plain asyncpg: only to look at what no endpoint shows."""
    return servers.migration_database_url.replace("+asyncpg", "")


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The service's own way to the database."""
    opened = Database(database_url, application="test")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def sandbox_url(home: Path) -> Iterator[str]:
    """The control API of the simulated marketplaces."""
    # The limits have tests of their own; here they would only slow the others down.
    with open_sandbox(home, home / "logs" / "sandbox.log", PLUGOSYNC_SANDBOX_RATE_LIMIT="off") as url:
        yield url


@pytest.fixture(scope="session")
def environment(servers: EmbeddedServers, sandbox_url: str, home: Path) -> dict[str, str]:
    """What API and workers of this run get to know."""
    credentials = httpx.get(f"{sandbox_url}/_control/credentials", trust_env=False).json()
    return {
        "PLUGOSYNC_HOME": str(home),
        "PLUGOSYNC_PORT": str(find_free_port()),
        "PLUGOSYNC_SANDBOX_PORT": str(httpx.URL(sandbox_url).port),
        "PLUGOSYNC_DATABASE_URL": servers.database_url,
        "PLUGOSYNC_REDIS_URL": servers.redis_url,
        "PLUGOSYNC_SECRET_KEYS": KEY.get_secret_value(),
        "PLUGOSYNC_HTTP_TIMEOUT_SECONDS": "1",
        "PLUGOSYNC_CHANNEL_REQUESTS_PER_SECOND": "500",
        **channel_environment(credentials),
    }


@pytest.fixture(scope="session")
def api_url(environment: dict[str, str], home: Path) -> Iterator[str]:
    """The API, in a process of its own."""
    log = home / "logs" / "api.log"
    process = spawn([sys.executable, "-m", "app.cli", "api"], log=log, env={**os.environ, **environment}, cwd=ROOT)
    url = f"http://127.0.0.1:{environment['PLUGOSYNC_PORT']}"
    try:
        wait_until(lambda: answers(f"{url}/healthz"), process, what="The API", log=log, seconds=30)
        yield url
    finally:
        stop(process)


@pytest.fixture
def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same settings for code that runs in the test's own process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox's control API, with no fault planned and no pushes: those an earlier test asked for would go on."""
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False, timeout=30) as client:
        await client.delete("/_control/faults")
        for channel in ("lazada", "shopee", "tiktok_shop", "tokopedia"):  # own stores have webhooks each
            await client.post(f"/_control/{channel}/pushes", json={"enabled": False})
        yield client


@pytest.fixture(scope="session")
async def context(environment: dict[str, str]) -> AsyncIterator[Context]:
    """The connections of a worker, in this process, for all tests."""
    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            opened = await stack.enter_async_context(open_context(Settings(), application="test"))
        yield opened


@pytest.fixture
async def world(
    context: Context, owner_url: str, control: httpx.AsyncClient, environment: dict[str, str]
) -> AsyncIterator[World]:
    """Everything around the test. Work that other tests left behind is put to rest first.

    Application time is the sandbox's during the test and the machine's again after it.
    """
    world = World(context, owner_url=owner_url, control=control, environment=environment)
    await world.sql("update work set due_at = null")
    await world.follow_clock()
    yield world
    await world.sql("select set_clock_offset(0)")


@pytest.fixture
async def merchant(api_url: str, context: Context) -> AsyncIterator[Merchant]:
    """The merchant of this test, its owner logged in."""
    async with sign_up(api_url, context) as signed_up:
        yield signed_up


@pytest.fixture
async def other_merchant(api_url: str, context: Context) -> AsyncIterator[Merchant]:
    """Somebody else."""
    async with sign_up(api_url, context) as signed_up:
        yield signed_up


@pytest.fixture
async def shop(world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str) -> SimulatedShop:
    """The merchant's shop, empty, connected; its first backfill is done."""
    connected = await connect_shop(merchant, control, api_url)
    await world.work()
    return connected


@pytest.fixture(autouse=True)
def _api_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the API logged during the test stands beside a failure."""
    yield
    if "api_url" in request.fixturenames:
        log: Path = request.getfixturevalue("home") / "logs" / "api.log"
        sys.stderr.write(tail(log, 30))
