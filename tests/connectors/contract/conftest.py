"""Every channel that is found, each with a shop of its own."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

import app.connectors
from app.dev.processes import answers, find_free_row, spawn, stop, wait_until
from tests.connectors.contract.stand import Stand, open_channel
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


@pytest.fixture(params=CHANNELS)
async def stand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    """One channel after the other."""
    name = "sandbox_url"
    if request.param == SIXTH:
        name = "sixth_sandbox_url"
        monkeypatch.setattr(app.connectors, "__path__", [*app.connectors.__path__, CONNECTORS])
    url: str = request.getfixturevalue(name)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as control:
        await control.delete("/_control/faults")
        async with open_channel(request.param, control, monkeypatch) as opened:
            yield opened
