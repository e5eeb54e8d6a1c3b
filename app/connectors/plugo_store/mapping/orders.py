"""A WooCommerce order, with our own keys in its meta data, as a ChannelOrder."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from app.channels import decoding
from app.channels.contract import (
    ChannelAmount,
    ChannelCancellation,
    ChannelLine,
    ChannelOrder,
    ChannelPackage,
    OrdersReading,
    OrderStatus,
    PackageStatus,
    Recipient,
    UnreadableOrder,
)
from app.connectors.plugo_store import wire
from app.connectors.plugo_store.mapping import provinces

CHANNEL = "plugo_store"
WIB = timezone(timedelta(hours=7))
NOT_ORDERS = ("checkout-draft", "auto-draft")
_FRIDAY = 4
FULFILMENT = "plugosync_fulfilment"
CANCEL_REQUEST = "plugosync_cancel_request"
TRACKING_ITEMS = "_wc_shipment_tracking_items"
_STEPS: dict[str, tuple[OrderStatus, PackageStatus]] = {
    "processed": ("ready_to_ship", "processed"),
    "dispatched": ("on_delivery", "in_transit"),
    "delivered": ("completed", "delivered"),
}
_DONE_BY_SHOP: dict[str, tuple[OrderStatus, PackageStatus]] = {
    "shipped": ("on_delivery", "in_transit"),
    "delivered": ("completed", "delivered"),
}


def to_orders_reading(
    store_url: str, asked: Sequence[str] | None, elements: Sequence[Any], rules: "Rules"
) -> OrdersReading:
    """Map every element for itself: one that cannot be read stops no other. `asked` is None for a list."""
    orders: dict[str, ChannelOrder] = {}
    unreadable: dict[str, UnreadableOrder] = {}
    for element in elements:
        order_id = id_of(element)
        if order_id is None or (asked is not None and order_id not in asked) or element.get("status") in NOT_ORDERS:
            continue
        try:
            orders[order_id] = to_channel_order(store_url, decoding.read(wire.Order, element), rules)
        except ValueError as error:
            unreadable[order_id] = UnreadableOrder(order_id, str(error), decoding.raw(element))
    missing = tuple(one for one in dict.fromkeys(asked or ()) if one not in orders and one not in unreadable)
    return OrdersReading(tuple(orders.values()), tuple(unreadable.values()), missing)


class Rules:
    """What the settings say about reading an order."""

    def __init__(self, status_map: Mapping[str, str], ship_by_working_days: int) -> None:
        self.status_map = status_map
        self.ship_by_working_days = ship_by_working_days


def id_of(element: Any) -> str | None:
    """The id of a raw order."""
    value = element.get("id") if isinstance(element, dict) else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def meta_of(order: wire.Order) -> dict[str, Any]:
    """Key → value; of doubles the last one counts."""
    return {entry.key: entry.value for entry in order.meta_data if entry.key}


def text_of(value: Any) -> str | None:
    """A short text, or nothing."""
    return str(value).strip()[:200] or None if isinstance(value, str | int) and not isinstance(value, bool) else None


def is_cancel_requested(order: wire.Order, rules: Rules) -> bool:
    """The buyer asks, by our key or by a status of the shop's own."""
    if order.status not in ("processing", "on-hold") and rules.status_map.get(order.status) != "cancel_requested":
        return False
    return meta_of(order).get(CANCEL_REQUEST) == "requested" or rules.status_map.get(order.status) == "cancel_requested"


def to_channel_order(store_url: str, order: wire.Order, rules: Rules) -> ChannelOrder:
    """Raises ValueError when the order cannot be understood."""
    if not order.currency:
        raise ValueError("no currency")
    status, package_status = statuses_of(order, rules)
    placed_at, paid_at = parse_time(order.date_created_gmt), _time_or_none(order.date_paid_gmt)
    is_cod = order.payment_method == "cod"
    meta = meta_of(order)
    return ChannelOrder(
        channel=CHANNEL,
        shop_external_id=store_url,
        external_id=str(order.id),
        order_number=order.number or str(order.id),
        status=status,
        channel_status=order.status,
        updated_at=parse_time(order.date_modified_gmt),
        placed_at=placed_at,
        currency=order.currency,
        total=None if order.total is None else ChannelAmount("total", order.total, "reported"),
        lines=_lines(order.line_items),
        packages=(_package(order, meta, package_status),),
        paid_at=paid_at,
        ship_by=None if status == "unpaid" else add_working_days(paid_at or placed_at, rules.ship_by_working_days),
        payment_method=order.payment_method_title or order.payment_method or None,
        is_cod=is_cod,
        buyer_username=order.billing.email or None,
        recipient=_recipient(order),
        buyer_message=order.customer_note or None,
        cancellation=_cancellation(order, meta, rules),
        channel_hold_reason="held_by_shop" if status == "ready_to_ship" and order.status == "on-hold" else None,
        amounts=_amounts(order),
    )


def statuses_of(order: wire.Order, rules: Rules) -> tuple[OrderStatus | None, PackageStatus]:
    """Of the order and its one package. A status nobody knows says nothing about the order."""
    step = str(meta_of(order).get(FULFILMENT) or "")
    status = order.status
    if status in ("pending", "failed") or (status == "on-hold" and not order.date_paid_gmt):
        return "unpaid", "to_process"
    if status == "refunded" and step in ("dispatched", "delivered"):
        return "completed", "delivered"
    if status in ("cancelled", "refunded", "trash"):
        return "cancelled", "cancelled"
    mapped = "delivered" if status == "completed" else rules.status_map.get(status)
    if mapped in _DONE_BY_SHOP:
        return _DONE_BY_SHOP[mapped]
    reached = _STEPS.get(step, ("ready_to_ship", "to_process"))
    is_known = status in ("processing", "on-hold") or mapped == "cancel_requested"
    return reached if is_known else (None, reached[1])


def parse_time(text: str) -> datetime:
    """`*_gmt` fields have no offset and are UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _time_or_none(text: str) -> datetime | None:
    return parse_time(text) if text else None


def add_working_days(moment: datetime, days: int) -> datetime:
    """Weekends do not count, in western Indonesian time."""
    local = moment.astimezone(WIB)
    while days > 0:
        local += timedelta(days=1)
        if local.weekday() <= _FRIDAY:
            days -= 1
    return local.astimezone(UTC)


def _lines(items: Sequence[wire.LineItem]) -> tuple[ChannelLine, ...]:
    return tuple(
        ChannelLine(
            external_id=str(item.id),
            item_id=str(item.product_id),
            model_id=str(item.variation_id) if item.variation_id else "",
            sku=item.sku,
            name=(item.parent_name if variation else None) or item.name,
            variation=variation,
            quantity=item.quantity,
            unit_price=None if item.total is None or not item.quantity else item.total / item.quantity,
        )
        for item in items
        for variation in (_variation(item),)
    )


def _variation(item: wire.LineItem) -> str:
    """What the buyer chose. A leading underscore hides an entry from people."""
    shown = (text_of(entry.display_value or entry.value) for entry in item.meta_data if entry.key[:1] != "_")
    return ", ".join(text for text in shown if text)


def _package(order: wire.Order, meta: Mapping[str, Any], status: PackageStatus) -> ChannelPackage:
    items = meta.get(TRACKING_ITEMS)
    tracked = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    shown = tracked[-1] if tracked else {}
    wanted = next((line.method_title for line in order.shipping_lines if line.method_title), None)
    courier = text_of(meta.get("plugosync_courier")) or text_of(
        shown.get("custom_tracking_provider") or shown.get("tracking_provider")
    )
    return ChannelPackage(
        package_number=str(order.id),
        status=status,
        channel_status=str(meta.get(FULFILMENT) or order.status),
        courier=courier or wanted,
        service=wanted,
        tracking_number=text_of(meta.get("plugosync_tracking_number")) or text_of(shown.get("tracking_number")),
        lines={str(item.id): item.quantity for item in order.line_items},
    )


def _recipient(order: wire.Order) -> Recipient | None:
    """Shipping to the billing address often leaves the shipping one empty."""
    place = order.shipping if order.shipping.address_1 or order.shipping.first_name else order.billing
    name = f"{place.first_name} {place.last_name}".strip() or place.company
    if not (name or place.address_1):
        return None
    return Recipient(
        name=name,
        phone=place.phone or order.billing.phone,
        address=place.address_1,
        district=place.address_2,
        city=place.city,
        state=provinces.name_of(place.state, place.country),
        postal_code=place.postcode,
        country=place.country,
    )


def _cancellation(order: wire.Order, meta: Mapping[str, Any], rules: Rules) -> ChannelCancellation | None:
    reason = text_of(meta.get("plugosync_cancel_reason"))
    if is_cancel_requested(order, rules):
        return ChannelCancellation("requested", reason, requested_at=_asked_at(meta))
    if meta.get(CANCEL_REQUEST) == "rejected":
        return ChannelCancellation("rejected", reason)
    if meta.get(CANCEL_REQUEST) == "accepted" and order.status == "cancelled":
        return ChannelCancellation("approved", reason)
    return None


def _asked_at(meta: Mapping[str, Any]) -> datetime | None:
    try:
        return parse_time(str(meta.get("plugosync_cancel_requested_at") or "").replace("Z", "+00:00"))
    except ValueError:
        return None


def _amounts(order: wire.Order) -> tuple[ChannelAmount, ...]:
    told: dict[str, Decimal | None] = {
        "discount": order.discount_total,
        "shipping_fee": order.shipping_total,
        "tax": order.total_tax,
    }
    return tuple(ChannelAmount(name, amount, "reported") for name, amount in told.items() if amount is not None)
