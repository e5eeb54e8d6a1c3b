"""A desk of its own for each test, and an API; both with a channel of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.channels.contract import Connector
from app.core.settings import Settings
from app.dev.servers import EmbeddedServers
from app.work.context import Context
from tests.fixtures.keys import KEY
from tests.shops.channel import CHANNEL, RotatingChannel
from tests.shops.desk import Desk, open_desk, read_clock_offset
from tests.shops.shopkeeper import Shopkeeper, open_api, open_shopkeeper


@pytest.fixture
async def desk(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service below HTTP, as the service's role."""
    async with open_desk(servers.database_url, servers.migration_database_url, tmp_path) as desk:
        yield desk


@pytest.fixture
async def channel(servers: EmbeddedServers, tmp_path: Path) -> RotatingChannel:
    """The only channel of the API."""
    return RotatingChannel(tmp_path / "refreshes", await read_clock_offset(servers.migration_database_url))


@pytest.fixture(scope="session")
async def started_api(servers: EmbeddedServers, home: Path) -> AsyncIterator[FastAPI]:
    """The API in this process, started once."""
    settings = Settings(
        home=home,
        port=25000,
        secret_keys=(KEY,),
        database_url=SecretStr(servers.database_url),
        redis_url=SecretStr(servers.redis_url),
    )
    async with open_api(settings, {}) as api:
        yield api


@pytest.fixture
def api(started_api: FastAPI, channel: RotatingChannel, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The API with the channel of this test."""
    context: Context = started_api.state.context
    monkeypatch.setitem(cast(dict[str, Connector], context.connectors), CHANNEL, channel)
    return started_api


@pytest.fixture
async def keeper(api: FastAPI, channel: RotatingChannel) -> AsyncIterator[Shopkeeper]:
    """The merchant of the test."""
    async with open_shopkeeper(api, channel) as keeper:
        yield keeper


@pytest.fixture
async def other_keeper(api: FastAPI, channel: RotatingChannel) -> AsyncIterator[Shopkeeper]:
    """Somebody else."""
    async with open_shopkeeper(api, channel) as keeper:
        yield keeper
