"""Shopee's pushes as triggers."""

import re

from app.channels.contract import PushMessage
from app.channels.errors import Malformed
from app.connectors.shopee import wire
from app.connectors.shopee.mapping.orders import moment

VERIFICATION = 0
REVOKED = 2
ORDER_CODES = (3, 4, 15, 29, 30, 47)
"""Status, tracking number, document, return, package status, package details: each means "read this order again"."""


def to_push_message(push: wire.Push) -> PushMessage:
    """Raises Malformed when an order push names no order or shop."""
    sent_at = moment(push.timestamp)
    if push.code == VERIFICATION:
        return PushMessage("verification", sent_at=sent_at)
    if push.code == REVOKED:
        return PushMessage("authorization_revoked", _revoked_shop(push), sent_at=sent_at)
    if push.code not in ORDER_CODES:
        return PushMessage("ignored", str(push.shop_id) if push.shop_id else None, sent_at=sent_at)
    order_sn = push.data.ordersn or push.data.order_sn
    if not order_sn or not push.shop_id:
        raise Malformed("unreadable_push", f"Code {push.code} names no order or no shop.")
    return PushMessage("order", str(push.shop_id), order_sn, sent_at)


def _revoked_shop(push: wire.Push) -> str | None:
    content = push.data
    shop_id = push.shop_id or content.shop_id or content.shopid or next(iter(content.shop_id_list), 0)
    if shop_id:
        return str(shop_id)
    # Some bodies have the id only in the text: "shop id 14701711 (ID) has been deauthorized".
    match = re.search(r"shop\s*id\D{0,3}(\d{1,19})", content.extra, re.IGNORECASE)
    return match.group(1) if match else None
