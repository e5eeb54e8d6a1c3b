"""A push as a reason to read."""

from app.channels.contract import PushMessage
from app.connectors.tiktok_shop import wire
from app.connectors.tiktok_shop.mapping.orders import moment

_ABOUT_ORDERS = (1, 2, 3, 11, 12)
_PACKAGES = 4
_DEAUTHORISED = 6


def to_push_message(push: wire.Push) -> PushMessage:
    """Types nobody reads by are ignored; new ones too."""
    account = push.shop_id or push.data.tts_shop_id or None
    sent_at = moment(push.timestamp)
    order_id = push.data.order_id
    if push.type == _PACKAGES and not order_id:
        order_id = next((one for package in push.data.package_list for one in package.order_id_list), "")
    if push.type in (*_ABOUT_ORDERS, _PACKAGES) and order_id:
        return PushMessage("order", account, order_id, sent_at)
    if push.type == _DEAUTHORISED:
        return PushMessage("authorization_revoked", account, None, sent_at)
    return PushMessage("ignored", account, None, sent_at)
