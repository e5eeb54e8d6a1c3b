"""A print shop of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.db import Database
from tests.fulfilment.printshop import PrintShop, open_print_shop


@pytest.fixture
async def print_shop(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[PrintShop]:
    """A merchant whose channel makes labels."""
    async with open_print_shop(database, owner_url, tmp_path) as shop:
        yield shop
