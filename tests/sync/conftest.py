"""A merchant of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.servers import EmbeddedServers
from tests.sync.scene import Scene, open_scene


@pytest.fixture
async def scene(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Scene]:
    """One connected shop at the tests' own channel."""
    async with open_scene(servers.database_url, servers.migration_database_url, tmp_path) as scene:
        yield scene
