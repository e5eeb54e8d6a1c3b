"""The connector with one app's keys, answered by respx; bodies as Shopee documents them."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.channels.contract import PackageRef, ShopAccess
from app.channels.limiter import Limiter
from app.connectors.shopee import client as client_module
from app.connectors.shopee.client import Client
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.settings import ShopeeSettings

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def recorded() -> Callable[[str], dict[str, Any]]:
    """A fresh copy of one recorded answer."""
    return lambda name: json.loads((RECORDED / f"{name}.json").read_text())


@pytest.fixture
def access() -> ShopAccess:
    return ShopAccess(external_id="14701711", access_token="6d6f636b2d6163636573732d746f6b656e")


@pytest.fixture
def package() -> PackageRef:
    return PackageRef("2511223K7QH5XA", "OFG219329748205969", is_only_package=True, tracking_number="SPXID05236113497C")


@pytest.fixture
def settings() -> ShopeeSettings:
    return ShopeeSettings(
        base_url="https://api.shopee.test",
        auth_url="https://open.shopee.test/auth",
        partner_id=2001887,
        partner_key=SecretStr("shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"),
        push_key=SecretStr("pushkey-0123456789abcdef0123456789abcdef"),
    )


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url="https://api.shopee.test/api/v2", assert_all_called=False) as router:
        yield router


@pytest.fixture
async def client(
    settings: ShopeeSettings, api: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    monkeypatch.setattr(client_module, "READ_PAUSE_SECONDS", 0.001)
    assert settings.partner_id and settings.partner_key
    async with httpx.AsyncClient(timeout=1) as http:
        yield Client(
            http,
            Limiter(None, workers=1, override=1000),
            base_url=settings.base_url,
            partner_id=settings.partner_id,
            partner_key=settings.partner_key.get_secret_value(),
        )


@pytest.fixture
def shopee(client: Client, settings: ShopeeSettings) -> ShopeeConnector:
    return ShopeeConnector(client, settings)
