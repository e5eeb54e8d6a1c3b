"""An order as our papers get it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import app.tables  # noqa: F401 (an order row knows its neighbours)
from app.orders.models import OrderRow


def order(**changes: Any) -> OrderRow:
    """A paid order."""
    values: dict[str, Any] = {
        "order_number": "2511223K7QH5XA",
        "sender_name": None,
        "buyer_name": "Budi Santoso",
        "buyer_name_masked": "B***",
        "buyer_username": "budisantoso",
        "buyer_username_masked": "b***o",
        "buyer_message": None,
        "recipient": {
            "name": "Budi Santoso",
            "phone": "6281234567890",
            "address": "Jl. Mawar No. 1",
            "district": "Coblong",
            "city": "Bandung",
            "state": "Jawa Barat",
            "postal_code": "40132",
            "country": "ID",
        },
        "placed_at": datetime(2026, 11, 22, 17, 4, tzinfo=UTC),
        "paid_at": None,
        "is_cod": False,
        "payment_method": "ShopeePay",
        "courier": "J&T Express",
        "tracking_number": "JX100",
        "currency": "IDR",
        "total_amount": Decimal("99999.50"),
        "total_basis": "reported",
    }
    return OrderRow(**(values | changes))
