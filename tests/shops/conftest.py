"""A desk of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.servers import EmbeddedServers
from tests.shops.desk import Desk, open_desk


@pytest.fixture
async def desk(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service with the tests' own channel, as the service's role."""
    async with open_desk(servers.database_url, servers.migration_database_url, tmp_path) as desk:
        yield desk
