"""A merchant of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.db import Database
from tests.sync.scene import Scene, open_scene


@pytest.fixture
async def scene(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """One connected shop at the tests' own channel."""
    async with open_scene(database, owner_url, tmp_path) as scene:
        yield scene
