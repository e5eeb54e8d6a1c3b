"""An order of TikTok Shop or Tokopedia as a ChannelOrder."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
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
from app.connectors.tiktok_shop import wire
from app.connectors.tiktok_shop.facts import TIKTOK_SHOP, TOKOPEDIA
from app.core.clock import from_epoch

_UNCOLLECTED = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION")
STATUSES: dict[str, OrderStatus] = {
    "UNPAID": "unpaid",
    "ON_HOLD": "ordered",
    "AWAITING_SHIPMENT": "ready_to_ship",
    "PARTIALLY_SHIPPING": "ready_to_ship",
    "AWAITING_COLLECTION": "ready_to_ship",
    "IN_TRANSIT": "on_delivery",
    "DELIVERED": "on_delivery",
    "COMPLETED": "completed",
    "CANCELLED": "cancelled",
    "CANCEL": "cancelled",
}
PACKAGE_STATUSES: dict[str, PackageStatus] = {
    "TO_FULFILL": "to_process",
    "PROCESSING": "processed",
    "FULFILLING": "in_transit",
    "COMPLETED": "delivered",
    "CANCELLED": "cancelled",
}
_BY_ORDER: dict[str, PackageStatus] = {
    "AWAITING_COLLECTION": "processed",
    "IN_TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "COMPLETED": "delivered",
    "CANCELLED": "cancelled",
    "CANCEL": "cancelled",
}
"""What a package's state is when nobody names it."""
_OURS = ("", "FULFILLMENT_BY_SELLER")
_URGENT_LEVEL = 300
_REMORSE = timedelta(hours=1)
_AMOUNTS = (
    "original_total_product_price",
    "seller_discount",
    "platform_discount",
    "sub_total",
    "original_shipping_fee",
    "shipping_fee",
    "tax",
    "buyer_service_fee",
    "handling_fee",
    "shipping_insurance_fee",
    "item_insurance_fee",
)


def to_orders_reading(
    shop_id: str, asked: Sequence[str] | None, elements: Sequence[Any], cancellations: Mapping[str, wire.Cancellation]
) -> OrdersReading:
    """Map every element for itself: one that cannot be read stops no other. `asked` is None for a list."""
    orders: dict[str, ChannelOrder] = {}
    unreadable: dict[str, UnreadableOrder] = {}
    for element in elements:
        order_id = id_of(element)
        if order_id is None or (asked is not None and order_id not in asked):
            continue
        try:
            orders[order_id] = to_channel_order(
                shop_id, decoding.read(wire.Order, element), cancellations.get(order_id)
            )
        except ValueError as error:
            unreadable[order_id] = UnreadableOrder(order_id, str(error), decoding.raw(element))
    missing = tuple(one for one in dict.fromkeys(asked or ()) if one not in orders and one not in unreadable)
    return OrdersReading(tuple(orders.values()), tuple(unreadable.values()), missing)


def id_of(element: Any) -> str | None:
    """The id of a raw order."""
    value = element.get("id") if isinstance(element, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value) else None


def asks_to_cancel(element: Any) -> bool:
    """Whether a raw order has a buyer's request open."""
    return isinstance(element, dict) and element.get("is_buyer_request_cancel") is True


def to_channel_order(shop_id: str, order: wire.Order, cancellation: wire.Cancellation | None) -> ChannelOrder:
    """Raises ValueError when the order cannot be understood."""
    if order.status not in STATUSES:
        raise ValueError(f"unknown status {order.status[:50]}")
    if not order.payment.currency:
        raise ValueError("no currency")
    channel = TOKOPEDIA if order.commerce_platform == "TOKOPEDIA" else TIKTOK_SHOP
    is_gated = channel == TOKOPEDIA
    is_held = order.status == "ON_HOLD"
    is_uncollected = order.status in _UNCOLLECTED
    total = order.payment.total_amount
    return ChannelOrder(
        channel=channel,
        shop_external_id=shop_id,
        external_id=order.id,
        order_number=order.id,
        status="ordered" if is_gated and order.status == "AWAITING_SHIPMENT" else STATUSES[order.status],
        channel_status=order.status,
        updated_at=from_epoch(order.update_time),
        placed_at=from_epoch(order.create_time),
        currency=order.payment.currency,
        total=None if total is None else ChannelAmount("total", total, "reported"),
        lines=_lines(order.line_items),
        packages=_packages(order),
        paid_at=moment(order.paid_time),
        ship_by=_earliest(order.rts_sla_time, order.fast_rts_sla_time, order.shipping_due_time),
        payment_method=order.payment_method_name or None,
        is_cod=order.is_cod,
        buyer_username=order.buyer_nickname or order.user_id or None,
        recipient=_recipient(order.recipient_address),
        buyer_message=order.buyer_message or None,
        cancellation=_cancellation(order, cancellation),
        channel_hold_reason="remorse_period" if is_held else None,
        channel_hold_until=from_epoch(order.paid_time) + _REMORSE if is_held and order.paid_time else None,
        not_shippable=None if order.fulfillment_type in _OURS else "fulfilled_by_channel",
        amounts=_amounts(order.payment),
        first_step="gate" if is_gated else "none",
        is_urgent=0 < order.fulfillment_priority_level <= _URGENT_LEVEL,
        cancels_at=_cancels_at(order),
        pickup_cutoff_at=moment(order.pick_up_cut_off_time) if is_uncollected else None,
        collect_by=_earliest(order.tts_sla_time, order.fast_collection_sla_time, order.collection_due_time)
        if is_uncollected
        else None,
    )


def _cancels_at(order: wire.Order) -> datetime | None:
    """Each state has its own due time."""
    if order.status == "IN_TRANSIT":
        return moment(order.delivery_due_time)
    if order.status == "AWAITING_COLLECTION":
        return moment(order.collection_due_time)
    return moment(order.shipping_due_time or order.cancel_order_sla_time) if order.status in _UNCOLLECTED else None


def moment(seconds: int) -> datetime | None:
    """An instant; 0 or absent is none."""
    return from_epoch(seconds) if seconds else None


def _earliest(*moments: int) -> datetime | None:
    return moment(min((one for one in moments if one), default=0))


def _key(item: wire.LineItem) -> str:
    """Units of one SKU at one price are one line."""
    return (
        f"{item.sku_id or item.product_id or item.id}:{'' if item.sale_price is None else item.sale_price.normalize()}"
    )


def _lines(items: Iterable[wire.LineItem]) -> tuple[ChannelLine, ...]:
    groups: dict[str, list[wire.LineItem]] = {}
    for item in items:
        groups.setdefault(_key(item), []).append(item)
    return tuple(
        ChannelLine(
            external_id=key,
            item_id=units[0].product_id,
            model_id=units[0].sku_id,
            sku=units[0].seller_sku,
            name=units[0].product_name,
            variation=units[0].sku_name,
            quantity=len(units),
            unit_price=units[0].sale_price,
        )
        for key, units in groups.items()
    )


def _packages(order: wire.Order) -> tuple[ChannelPackage, ...]:
    units: dict[str, list[wire.LineItem]] = {package.id: [] for package in order.packages}
    for item in order.line_items:
        if item.package_id:
            units.setdefault(item.package_id, []).append(item)
    return tuple(
        ChannelPackage(
            package_number=number,
            status=_package_status(order.status, items),
            channel_status=next((one.package_status for one in items if one.package_status), order.status),
            courier=_first(*(one.shipping_provider_name for one in items), order.shipping_provider),
            service=order.delivery_option_name or None,
            tracking_number=_first(
                *(one.tracking_number for one in items), order.tracking_number if len(units) == 1 else ""
            ),
            lines=dict(Counter(_key(one) for one in items)),
        )
        for number, items in units.items()
    )


def _package_status(order_status: str, items: Sequence[wire.LineItem]) -> PackageStatus:
    if order_status in ("CANCELLED", "CANCEL"):
        return "cancelled"
    told = [PACKAGE_STATUSES[one.package_status] for one in items if one.package_status in PACKAGE_STATUSES]
    live = [one for one in told if one != "cancelled"]
    if told and not live:
        return "cancelled"
    return live[0] if live else _BY_ORDER.get(order_status, "to_process")


def _first(*texts: str) -> str | None:
    return next((text for text in texts if text), None)


def _recipient(address: wire.RecipientAddress) -> Recipient | None:
    if not (address.name or address.full_address or address.phone_number):
        return None
    levels = {one.address_level: one.address_name for one in address.district_info}
    return Recipient(
        name=address.name,
        phone=address.phone_number,
        address=address.address_detail or address.full_address,
        district=levels.get("L3", ""),
        city=levels.get("L2", ""),
        state=levels.get("L1", ""),
        postal_code=address.postal_code,
        country=address.region_code,
    )


def _cancellation(order: wire.Order, told: wire.Cancellation | None) -> ChannelCancellation | None:
    if order.status == "CANCELLED":
        by_buyer = order.cancellation_initiator == "BUYER"
        return ChannelCancellation("approved", order.cancel_reason or None) if by_buyer else None
    if not order.is_buyer_request_cancel:
        return None
    deadlines = [one.deadline for one in told.seller_next_action_response if one.deadline] if told else []
    return ChannelCancellation(
        state="requested",
        reason=(told.cancel_reason_text if told else "") or order.cancel_reason or None,
        requested_at=moment(order.request_cancel_time or (told.create_time if told else 0)),
        respond_by=moment(min(deadlines, default=0)),
    )


def _amounts(payment: wire.Payment) -> tuple[ChannelAmount, ...]:
    found: list[tuple[str, Decimal | None]] = [(name, getattr(payment, name)) for name in _AMOUNTS]
    return tuple(ChannelAmount(name, amount, "reported") for name, amount in found if amount is not None)
