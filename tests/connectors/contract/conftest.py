"""Every channel that is found, each with a shop of its own."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from app.channels.contract import Connectors
from app.dev.processes import answers, find_free_row, spawn, stop, wait_until
from tests.connectors.contract.stand import Stand, open_connectors, open_stand
from tests.sixth import CONNECTORS

ROOT = Path(__file__).parents[3]
SIXTH = "warung"
CHANNELS = ("shopee", "lazada", "tiktok_shop", "tokopedia", "plugo_store", SIXTH)


@pytest.fixture(scope="session")
def sixth_sandbox_url(home: Path) -> Iterator[str]:
    """The control API of a sandbox that has one marketplace more."""
    port = find_free_row(6)
    folder, log = home / "sixth", home / "logs" / "sixth.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PLUGOSYNC_HOME": str(folder), "PLUGOSYNC_SANDBOX_PORT": str(port)}
    process = spawn([sys.executable, "-m", "tests.sixth.serve"], log=log, env=environment, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{url}/_control/clock"), process, what="The sandbox", log=log, seconds=30)
        yield url
    finally:
        stop(process)


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
