"""Completes the detail of an order: links, and buyer data masked for those who need not see it."""

from typing import Any
from uuid import UUID

from app.core.ids import Prefixed
from app.orders import masking

_ORDER = Prefixed("ord")


def complete(detail: dict[str, Any], order_id: UUID, *, with_buyer: bool) -> dict[str, Any]:
    """The detail as callers see it."""
    if not with_buyer:
        detail["recipient"] = masking.mask_recipient(detail["recipient"])
        # Free text of the buyer may hold anything, phone numbers above all.
        detail["buyer_message"] = None
    path = f"/v1/orders/{_ORDER.format(order_id)}"
    detail["links"] = {
        "self": path,
        "history": f"{path}/history",
        "tracking": f"{path}/tracking",
    }
    return detail
