"""The connector before a store on a mocked wire."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.channels.contract import ShopAccess
from app.channels.limiter import Limiter
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.connector import PlugoStoreConnector
from app.connectors.plugo_store.settings import PlugoStoreSettings

STORE = "https://toko.test/shop"
KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_89abcdef0123456789abcdef0123456789abcdef"
MASTER = "a secret for all stores"


@pytest.fixture
def access() -> ShopAccess:
    return ShopAccess(STORE, f"{KEY}:{SECRET}")


@pytest.fixture
def settings() -> PlugoStoreSettings:
    return PlugoStoreSettings(
        push_secret=SecretStr(MASTER),
        status_map={"shipped": "shipped", "delivered": "delivered", "cancel-request": "cancel_requested"},
    )


@pytest.fixture
async def store(settings: PlugoStoreSettings) -> AsyncIterator[PlugoStoreConnector]:
    async with httpx.AsyncClient(timeout=1) as http:
        yield PlugoStoreConnector(Client(http, Limiter(None, workers=1, override=1000), settings), settings)


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=f"{STORE}/wp-json", assert_all_called=False) as router:
        yield router


def order(number: int = 727, **changes: Any) -> dict[str, Any]:
    """The document's example, shortened; keyword `meta` gives meta data as a dict."""
    meta = changes.pop("meta", {})
    values = {
        "id": number,
        "number": str(number),
        "status": "processing",
        "currency": "IDR",
        "date_created": "2026-11-22T09:15:27",
        "date_created_gmt": "2026-11-22T02:15:27",
        "date_modified": "2026-11-22T09:20:03",
        "date_modified_gmt": "2026-11-22T02:20:03",
        "date_paid_gmt": "2026-11-22T02:20:03",
        "date_completed_gmt": None,
        "discount_total": "20000",
        "shipping_total": "18000",
        "total": "268000",
        "total_tax": "0",
        "customer_note": "Tolong bubble wrap",
        "billing": {
            "first_name": "Budi",
            "last_name": "Santoso",
            "address_1": "Jl. Merdeka No. 1",
            "address_2": "Kebayoran Baru",
            "city": "Jakarta Selatan",
            "state": "JK",
            "postcode": "12110",
            "country": "ID",
            "email": "budi@example.com",
            "phone": "081234567890",
        },
        "shipping": {"first_name": "", "address_1": "", "phone": ""},
        "payment_method": "bacs",
        "payment_method_title": "Transfer bank",
        "line_items": [
            {
                "id": 315,
                "name": "Kaos Polos - Hitam, L",
                "product_id": 93,
                "variation_id": 96,
                "quantity": 2,
                "subtotal": "150000",
                "total": "140000",
                "sku": "KAOS-HTM-L",
                "price": 70000,
                "meta_data": [
                    {"id": 7101, "key": "pa_warna", "value": "hitam", "display_value": "Hitam"},
                    {"id": 7102, "key": "_reduced_stock", "value": "2", "display_value": "2"},
                ],
                "parent_name": "Kaos Polos",
            },
            {
                "id": 316,
                "name": "Topi",
                "product_id": 22,
                "variation_id": 0,
                "quantity": 1,
                "total": "110000",
                "sku": None,
                "price": 110000,
                "meta_data": [],
            },
        ],
        "shipping_lines": [{"id": 317, "method_title": "JNE REG", "method_id": "flat_rate", "total": "18000"}],
        "meta_data": [{"id": at, "key": key, "value": value} for at, (key, value) in enumerate(meta.items(), 9001)],
        "needs_processing": True,
    }
    return values | changes
