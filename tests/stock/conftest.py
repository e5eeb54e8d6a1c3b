"""Where plans are played: one database, a merchant for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.core.db import Database
from app.work.context import Context
from tests.stock.stand import Stand
from tests.sync.scene import open_context


@pytest.fixture(scope="module")
async def owner(owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The database as its owner."""
    connection = await asyncpg.connect(owner_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def context(database: Database, home: Path) -> AsyncIterator[Context]:
    """What a worker has; each merchant brings its own channel."""
    async with open_context(database, home, {}) as opened:
        yield opened


@pytest.fixture
def stand(context: Context, owner: asyncpg.Connection) -> Stand:
    """The merchant of this test, not founded yet."""
    return Stand(context, owner)
