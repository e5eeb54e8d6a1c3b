"""A print shop of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.dev.servers import EmbeddedServers
from tests.fulfilment.printshop import PrintShop, open_print_shop


@pytest.fixture
async def print_shop(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[PrintShop]:
    """A merchant whose channel makes labels."""
    async with open_print_shop(servers.database_url, servers.migration_database_url, tmp_path) as shop:
        yield shop
