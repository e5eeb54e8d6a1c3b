"""A desk and an API of its own for each test, both with the tests' own channel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.settings import Settings
from app.dev.servers import EmbeddedServers
from tests.fixtures.keys import KEY
from tests.shops.channel import RotatingChannel
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


@pytest.fixture
async def api(servers: EmbeddedServers, channel: RotatingChannel, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The API in this process."""
    settings = Settings(
        home=tmp_path,
        port=25000,
        secret_keys=(KEY,),
        database_url=SecretStr(servers.database_url),
        redis_url=SecretStr(servers.redis_url),
    )
    async with open_api(settings, channel) as api:
        yield api


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
