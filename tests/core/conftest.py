"""The application in the test's own process, a new one for each test: some take parts of it away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.dev.servers import EmbeddedServers
from tests.fixtures.application import desk, http, open_application, other_desk

__all__ = ["desk", "http", "other_desk"]


@pytest.fixture
async def application(servers: EmbeddedServers, home: Path) -> AsyncIterator[FastAPI]:
    async with open_application(servers, home) as app:
        yield app
