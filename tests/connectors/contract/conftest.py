"""Every channel that is found, each with a shop of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from app.channels.contract import Connectors
from tests.connectors.contract.stand import Stand, open_connectors, open_stand
from tests.fixtures.sandbox import open_sandbox
from tests.sixth import CONNECTORS

SIXTH = "warung"
CHANNELS = ("shopee", "lazada", "tiktok_shop", "tokopedia", "plugo_store", SIXTH)


@pytest.fixture(scope="session")
def sixth_sandbox_url(home: Path) -> Iterator[str]:
    """The control API of a sandbox that has one marketplace more."""
    with open_sandbox(home / "sixth", home / "logs" / "sixth.log", ports=6, module="tests.sixth.serve") as url:
        yield url


@pytest.fixture(scope="session")
async def connectors(sandbox_url: str) -> AsyncIterator[Connectors]:
    """The service's own five channels."""
    async with open_connectors(sandbox_url) as opened:
        yield opened


@pytest.fixture(scope="session")
async def sixth_connectors(sixth_sandbox_url: str) -> AsyncIterator[Connectors]:
    """The same and the planted one."""
    async with open_connectors(sixth_sandbox_url, CONNECTORS) as opened:
        yield opened


@pytest.fixture(params=CHANNELS)
async def stand(
    request: pytest.FixtureRequest,
    connectors: Connectors,
    sandbox_url: str,
    sixth_connectors: Connectors,
    sixth_sandbox_url: str,
) -> AsyncIterator[Stand]:
    """One channel after the other, a new shop each time."""
    url = sandbox_url
    if request.param == SIXTH:
        connectors, url = sixth_connectors, sixth_sandbox_url
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as control:
        await control.delete("/_control/faults")
        async with open_stand(control, connectors[request.param]) as opened:
            yield opened
