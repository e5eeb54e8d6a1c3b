"""A dock of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.db import Database
from tests.scenarios.dock import Dock, open_dock
from tests.scenarios.mall import mall

__all__ = ["mall"]


@pytest.fixture
async def dock(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[Dock]:
    """A merchant whose channel answers by script."""
    async with open_dock(database, owner_url, tmp_path) as opened:
        yield opened
