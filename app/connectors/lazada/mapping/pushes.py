"""A push as a reason to read."""

from datetime import datetime

from app.channels.contract import PushMessage
from app.connectors.lazada import wire
from app.core.clock import from_epoch

_ABOUT_ORDERS = (0, 10, 14)
_MILLISECONDS = 10**11


def to_push_message(push: wire.Push) -> PushMessage:
    """Topics nobody reads by are ignored; new ones too."""
    account = push.seller_id if push.seller_id not in ("", "null") else None
    if push.message_type in _ABOUT_ORDERS and push.data.trade_order_id:
        return PushMessage("order", account, push.data.trade_order_id, _moment(push.timestamp))
    return PushMessage("ignored", account, None, _moment(push.timestamp))


def _moment(number: int) -> datetime | None:
    """Seconds or milliseconds, as it happens."""
    if number <= 0 or number > _MILLISECONDS * 1000:
        return None
    return from_epoch(number // 1000 if number > _MILLISECONDS else number)
