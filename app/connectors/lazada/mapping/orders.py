"""An order and its items, one per unit, as a ChannelOrder."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
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
    Recipient,
    UnreadableOrder,
)
from app.connectors.lazada import wire
from app.connectors.lazada.mapping import statuses
from app.core.clock import from_epoch

CHANNEL = "lazada"
DEFAULT_WAREHOUSE = "dropshipping"
_FORMATS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S")
_URGENT = "instant"
_BUYER_CANCELLED = ("buyer-cancel", "cancellation-customer")


def to_orders_reading(
    seller_id: str,
    asked: Sequence[str],
    found: Mapping[str, Any],
    items: Mapping[str, Sequence[Any]],
    requests: Mapping[str, wire.ReverseOrder],
) -> OrdersReading:
    """Map every order for itself: one that cannot be read stops no other. Without items it proves nothing.

    `requests`: open wishes to cancel, by order. The flags on order and items may lag behind them.
    """
    orders: list[ChannelOrder] = []
    unreadable: list[UnreadableOrder] = []
    missing: list[str] = []
    for order_id in dict.fromkeys(asked):
        element, units = found.get(order_id), items.get(order_id)
        if element is None or units is None:
            missing.append(order_id)
            continue
        try:
            order = decoding.read(wire.Order, element)
            live = [decoding.read(wire.Item, unit) for unit in units]
            orders.append(to_channel_order(seller_id, order, live, requests.get(order_id)))
        except ValueError as error:
            evidence = decoding.raw({"order": element, "items": list(units)})
            unreadable.append(UnreadableOrder(order_id, str(error), evidence))
    return OrdersReading(tuple(orders), tuple(unreadable), tuple(missing))


def id_of(element: Any) -> str | None:
    """The `order_id` of a raw element, which is a number or text."""
    value = element.get("order_id") if isinstance(element, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value) else None


def to_channel_order(
    seller_id: str, order: wire.Order, items: Sequence[wire.Item], request: wire.ReverseOrder | None
) -> ChannelOrder:
    """Raises ValueError when the order cannot be understood."""
    status = statuses.order_status([item.status for item in items])
    live = [item for item in items if item.status != statuses.CANCELLED] or list(items)
    currency = next((item.currency for item in live if item.currency), "")
    if not currency:
        raise ValueError("no currency")
    placed_at = parse_time(order.created_at)
    is_cod = order.payment_method == "COD"
    paid_ms = next((item.payment_time for item in live if item.payment_time), None)
    paid_at = from_epoch(paid_ms // 1000) if paid_ms else None
    return ChannelOrder(
        channel=CHANNEL,
        shop_external_id=seller_id,
        external_id=order.order_id,
        order_number=order.order_number or order.order_id,
        status=status,
        channel_status=", ".join(dict.fromkeys(item.status for item in live)),
        updated_at=max(
            [parse_time(order.updated_at), *(parse_time(one.updated_at) for one in items if one.updated_at)]
        ),
        placed_at=placed_at,
        currency=currency,
        total=_total(order),
        lines=_lines(live),
        packages=to_packages(order.order_id, items),
        paid_at=None if status == "unpaid" or is_cod else paid_at or placed_at,
        ship_by=min((parse_time(one.sla_time_stamp) for one in live if one.sla_time_stamp), default=None),
        payment_method=order.payment_method or None,
        is_cod=is_cod,
        is_returned=any(item.status in statuses.RETURNED for item in live),
        buyer_username=f"{order.customer_first_name} {order.customer_last_name}".strip() or None,
        recipient=_recipient(order.address_shipping),
        buyer_message=order.buyer_note or None,
        cancellation=_cancellation(order, live, request),
        not_shippable=_not_shippable(live),
        amounts=_amounts(order),
        first_step="call",
        is_urgent=any(item.shipping_provider_type.lower() == _URGENT for item in live),
    )


def parse_time(text: str) -> datetime:
    """Lazada's own format, or ISO 8601. Raises ValueError."""
    for pattern in _FORMATS:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (an offset is asked for right below)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def warehouse_of(item: wire.Item) -> str:
    """Items of one warehouse can share a package."""
    return item.warehouse_code or DEFAULT_WAREHOUSE


def waiting_number(order_id: str, warehouse: str) -> str:
    """Our name for what would become a package: stable over re-reads."""
    return f"{order_id}:{warehouse}"


def split_waiting(number: str) -> str | None:
    """The warehouse in such a name; None for a package that exists."""
    _, separator, warehouse = number.partition(":")
    return warehouse if separator else None


def to_packages(order_id: str, items: Iterable[wire.Item]) -> tuple[ChannelPackage, ...]:
    """Packages that exist, then what is still to be made one, a group per warehouse."""
    groups: dict[str, list[wire.Item]] = {}
    for item in items:
        number = item.package_id or waiting_number(order_id, warehouse_of(item))
        groups.setdefault(number, []).append(item)
    found = []
    for number, units in groups.items():
        live = [unit for unit in units if unit.status != statuses.CANCELLED] or units
        states = [unit.status for unit in live]
        first = live[0]
        found.append(
            ChannelPackage(
                package_number=number,
                status=statuses.PACKAGE_STATUSES[states[0]],
                channel_status=", ".join(dict.fromkeys(states)),
                courier=first.shipment_provider or None,
                service=first.shipping_provider_type or None,
                tracking_number=first.tracking_code or None,
                lines=dict(Counter(_key(unit) for unit in live)),
                awaits_receipt=split_waiting(number) is not None and any(one in statuses.WAITING for one in states),
            )
        )
    return tuple(found)


def _key(item: wire.Item) -> str:
    """Units of one SKU at one price are one line."""
    price = "" if item.paid_price is None else item.paid_price.normalize()
    return f"{item.sku_id or item.shop_sku or item.sku or item.order_item_id}:{price}"


def _lines(items: Iterable[wire.Item]) -> tuple[ChannelLine, ...]:
    groups: dict[str, list[wire.Item]] = {}
    for item in items:
        groups.setdefault(_key(item), []).append(item)
    return tuple(
        ChannelLine(
            external_id=key,
            item_id=units[0].product_id,
            model_id=units[0].sku_id,
            sku=units[0].sku,
            name=units[0].name,
            variation=units[0].variation,
            quantity=len(units),
            unit_price=units[0].paid_price if units[0].paid_price is not None else units[0].item_price,
        )
        for key, units in groups.items()
    )


def _total(order: wire.Order) -> ChannelAmount | None:
    """What the buyer pays, by Lazada's own formula."""
    if order.price is None:
        return None
    total = order.price - (order.voucher or Decimal(0)) + (order.shipping_fee or Decimal(0))
    return ChannelAmount("total", total, "derived")


def _amounts(order: wire.Order) -> tuple[ChannelAmount, ...]:
    told = {"goods": order.price, "voucher": order.voucher, "shipping_fee": order.shipping_fee}
    return tuple(ChannelAmount(name, amount, "reported") for name, amount in told.items() if amount is not None)


def _recipient(address: wire.Address) -> Recipient | None:
    name = f"{address.first_name} {address.last_name}".strip()
    if not (name or address.address1):
        return None
    return Recipient(
        name=name,
        phone=address.phone,
        address=", ".join(part for part in (address.address1, address.address2) if part),
        district=address.address5,
        city=address.address4 or address.city,
        state=address.address3,
        postal_code=address.post_code,
        country=address.country,
    )


def _cancellation(
    order: wire.Order, items: Sequence[wire.Item], request: wire.ReverseOrder | None
) -> ChannelCancellation | None:
    reason = next((item.reason for item in items if item.reason), None)
    if any(item.is_cancel_pending for item in items):
        return ChannelCancellation("approved", reason)
    if all(item.status == statuses.CANCELLED for item in items):
        by_buyer = any(item.cancel_return_initiator in _BUYER_CANCELLED for item in items)
        return ChannelCancellation("approved", reason) if by_buyer else None
    asking = [item for item in items if item.need_cancel_confirm]
    is_early = any(item.status in statuses.CANCELLABLE for item in items)
    if not asking and not order.need_cancel_confirm and (request is None or not is_early):
        return None
    ends = [item.cancel_trigger_time for item in asking if item.cancel_trigger_time]
    return ChannelCancellation(
        state="requested",
        reason=reason or (request.reason if request else None),
        respond_by=from_epoch(min(ends) // 1000) if ends else None,
    )


def _not_shippable(items: Sequence[wire.Item]) -> str | None:
    if any(item.is_cancel_pending for item in items):
        return "cancellation_confirming"
    if any(item.stage_pay_status for item in items):
        return "not_ready"
    return "fulfilled_by_channel" if all(item.is_fbl or item.is_digital for item in items) else None
