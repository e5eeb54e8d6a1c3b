"""The application in the test's own process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.dev.servers import EmbeddedServers
from tests.fixtures.application import application, desk, http, open_application, other_desk

__all__ = ["application", "desk", "http", "other_desk"]


@pytest.fixture
async def own_application(servers: EmbeddedServers, home: Path) -> AsyncIterator[FastAPI]:
    """One of the test's own, to add routes to."""
    async with open_application(servers, home) as app:
        yield app
