"""The connector on a mocked wire."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.channels.contract import ShopAccess
from app.channels.limiter import Limiter
from app.connectors.tiktok_shop.client import Client
from app.connectors.tiktok_shop.connector import TikTokShopConnector
from app.connectors.tiktok_shop.facts import TIKTOK_SHOP, build_facts
from app.connectors.tiktok_shop.settings import TikTokShopSettings

BASE = "https://api.tiktok.test"
SHOP = "7494049642642441621"


@pytest.fixture
def access() -> ShopAccess:
    return ShopAccess(SHOP, "token", "ROW_ID_cipher_0001")


@pytest.fixture
async def tiktok() -> AsyncIterator[TikTokShopConnector]:
    settings = TikTokShopSettings(base_url=BASE, app_key="29a39d", app_secret=SecretStr("e59af819cc"))
    async with httpx.AsyncClient(timeout=1) as http:
        limiter = Limiter(None, workers=1, override=1000)
        client = Client(http, limiter, base_url=BASE, token_url=BASE, app_key="29a39d", app_secret="e59af819cc")
        yield TikTokShopConnector(client, settings, build_facts(settings, TIKTOK_SHOP))


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router


def order(**changes: Any) -> dict[str, Any]:
    """Two units of one SKU, as order detail shows them."""
    item = {
        "product_id": "1729000000000000001", "product_name": "Kaos Polos", "sku_id": "1729000000000000101",
        "sku_name": "Hitam, L", "seller_sku": "KAOS-HTM-L", "currency": "IDR", "sale_price": "67500",
        "package_id": "1150000000000000001", "package_status": "TO_FULFILL",
    }  # fmt: skip
    values = {
        "id": "580000000000000001", "status": "AWAITING_SHIPMENT", "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "shipping_type": "TIKTOK", "create_time": 1795300000, "paid_time": 1795300120, "update_time": 1795300121,
        "rts_sla_time": 1795472920, "payment": {"currency": "IDR", "total_amount": "145000"},
        "packages": [{"id": "1150000000000000001"}],
        "line_items": [{**item, "id": "580000000000000011"}, {**item, "id": "580000000000000012"}],
    }  # fmt: skip
    return values | changes
