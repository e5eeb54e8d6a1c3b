"""The connector on a mocked wire."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from app.channels.contract import ShopAccess
from app.channels.limiter import Limiter
from app.connectors.lazada.client import Client
from app.connectors.lazada.connector import LazadaConnector
from app.connectors.lazada.settings import LazadaSettings

BASE = "https://api.lazada.test/rest"


@pytest.fixture
def access() -> ShopAccess:
    return ShopAccess("400700000001", "token")


@pytest.fixture
async def lazada() -> AsyncIterator[LazadaConnector]:
    settings = LazadaSettings(base_url=BASE, app_key="123456", app_secret=SecretStr("helloworld"))
    async with httpx.AsyncClient(timeout=1) as http:
        client = Client(
            http,
            Limiter(None, workers=1, override=1000),
            base_url=BASE,
            token_url=settings.effective_token_url,
            app_key="123456",
            app_secret="helloworld",
        )
        yield LazadaConnector(client, settings)


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """Lazada, with no request to cancel anything."""
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        router.get("/reverse/getreverseordersforseller").respond(json={"code": "0", "result": {"items": []}})
        yield router


def order(**changes: Any) -> dict[str, Any]:
    """As captured: the price is text, the fees are numbers."""
    values = {
        "order_id": 1612345678901234,
        "order_number": 1612345678901234,
        "created_at": "2026-03-02 09:15:27 +0700",
        "updated_at": "2026-03-02 09:20:03 +0700",
        "statuses": ["pending"],
        "price": "258000.00",
        "voucher": 10000.00,
        "shipping_fee": 9000.00,
        "payment_method": "BCA_VA",
        "customer_first_name": "B**i",
        "address_shipping": {
            "first_name": "Budi",
            "phone": "62********12",
            "address1": "J***5",
            "country": "Indonesia",
        },
    }
    return values | changes


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    values = {
        "order_id": 1612345678901234,
        "order_item_id": 1612345679001234 + number,
        "status": "pending",
        "sku": "KAOS-MERAH-M",
        "sku_id": "11212296431",
        "product_id": "5758254690",
        "name": "Kaos Polos Premium",
        "variation": "Warna:Merah",
        "item_price": 129000.00,
        "paid_price": 124000.00,
        "currency": "IDR",
        "warehouse_code": "dropshipping",
        "sla_time_stamp": "2026-03-04T23:59:59+07:00",
        "updated_at": "2026-03-02 10:02:41 +0700",
        "package_id": "",
        "tracking_code": "",
        "is_fbl": 0,
        "need_cancel_confirm": False,
        "cancel_trigger_time": None,
        "reverse_order_id": None,
    }
    return values | changes


UPDATED = datetime(2026, 3, 2, 3, 2, 41, tzinfo=UTC)
