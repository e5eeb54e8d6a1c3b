"""Every channel that is found, each with a shop of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.connectors.contract.stand import Stand, open_channel

CHANNELS = ("shopee",)


@pytest.fixture(params=CHANNELS)
async def stand(
    request: pytest.FixtureRequest, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stand]:
    """One channel after the other."""
    async with open_channel(request.param, control, monkeypatch) as opened:
        yield opened
