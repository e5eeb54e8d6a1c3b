"""Shopee's order and package detail as a ChannelOrder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
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
from app.connectors.shopee import wire
from app.connectors.shopee.mapping import statuses
from app.core.clock import from_epoch

OURS = "fulfilled_by_local_seller"


def moment(seconds: int) -> datetime | None:
    """An instant; Shopee writes 0 where it has none."""
    return from_epoch(seconds) if seconds else None


def to_orders_reading(
    shop_id: str, asked: Sequence[str], elements: Sequence[Any], details: Mapping[str, Any]
) -> OrdersReading:
    """Map every element for itself: one that cannot be read stops no other.

    `details` are the raw package details by package number.
    """
    orders: dict[str, ChannelOrder] = {}
    unreadable: dict[str, UnreadableOrder] = {}
    nameless: list[Any] = []
    for element in elements:
        order_sn = order_number(element)
        if order_sn is None:
            nameless.append(element)
        elif order_sn in asked:
            try:
                orders[order_sn] = to_channel_order(shop_id, decoding.read(wire.OrderDetail, element), details)
            except ValueError as error:
                unreadable[order_sn] = UnreadableOrder(order_sn, str(error), decoding.raw(element))
    left = [number for number in dict.fromkeys(asked) if number not in orders and number not in unreadable]
    if nameless:
        # One of these may be the order in question, so it is not proved missing.
        evidence = decoding.raw(nameless)
        lost = tuple(UnreadableOrder(number, "an entry without order_sn", evidence) for number in left)
        return OrdersReading(tuple(orders.values()), (*unreadable.values(), *lost), ())
    return OrdersReading(tuple(orders.values()), tuple(unreadable.values()), tuple(left))


def order_number(element: Any) -> str | None:
    """The `order_sn` of a raw element, when there is a usable one."""
    value = element.get("order_sn") if isinstance(element, dict) else None
    return value if isinstance(value, str) and value else None


def package_numbers(elements: Sequence[Any]) -> tuple[str, ...]:
    """Package numbers in raw order details, each once."""
    found: dict[str, None] = {}
    for element in elements:
        packages = element.get("package_list") if isinstance(element, dict) else None
        for package in packages if isinstance(packages, list) else []:
            number = package.get("package_number") if isinstance(package, dict) else None
            if isinstance(number, str) and number:
                found[number] = None
    return tuple(found)


def to_channel_order(shop_id: str, order: wire.OrderDetail, details: Mapping[str, Any]) -> ChannelOrder:
    """Raises ValueError when the order cannot be understood."""
    lines = _lines(order.item_list)
    packages = _packages(order, lines, details)
    channel_status = order.order_status
    return ChannelOrder(
        channel="shopee",
        shop_external_id=shop_id,
        external_id=order.order_sn,
        order_number=order.order_sn,
        status=statuses.order_status(channel_status, [package.status for package in packages]),
        channel_status=channel_status,
        updated_at=_vital(order.update_time, "update_time"),
        placed_at=_vital(order.create_time, "create_time"),
        currency=order.currency,
        # 0 or missing until the order is paid.
        total=ChannelAmount("total", order.total_amount, "reported") if order.total_amount else None,
        lines=lines,
        packages=packages,
        # Cash on delivery: only set once the courier has collected the money.
        paid_at=moment(order.pay_time),
        ship_by=moment(order.ship_by_date),
        payment_method=order.payment_method or None,
        is_cod=order.cod,
        is_returned=channel_status == "TO_RETURN",
        buyer_username=order.buyer_username or None,
        recipient=_recipient(order.recipient_address),
        buyer_message=order.message_to_seller or None,
        sender_name=order.dropshipper or None,
        cancellation=_cancellation(order),
        channel_hold_reason=_hold_reason(order),
        not_shippable=_not_shippable(order),
        amounts=_amounts(order, lines),
    )


def _vital(seconds: int, field: str) -> datetime:
    if not seconds:
        raise ValueError(f"{field}: missing")
    return from_epoch(seconds)


def _lines(items: Sequence[wire.OrderItem]) -> tuple[ChannelLine, ...]:
    seen: Counter[str] = Counter()
    lines = []
    for item in items:
        key = f"{item.item_id}:{item.model_id}:{item.promotion_group_id}"
        seen[key] += 1
        repeated = f"{key}:{seen[key]}" if seen[key] > 1 else key
        lines.append(
            ChannelLine(
                # `line_item_id` exists since 2026-07; older orders are told apart by what was bought under which offer.
                external_id=str(item.line_item_id) if item.line_item_id else repeated,
                item_id=str(item.item_id),
                model_id=str(item.model_id),
                sku=item.model_sku or item.item_sku,
                name=item.item_name,
                variation=item.model_name,
                quantity=item.model_quantity_purchased,
                # 0 by design within a bundle deal: only the bundle has a price.
                unit_price=item.model_discounted_price if item.model_discounted_price > 0 else None,
            )
        )
    if not lines:
        raise ValueError("item_list: missing")
    if len({line.external_id for line in lines}) != len(lines):
        raise ValueError("item_list: two lines with one line_item_id")
    return tuple(lines)


def _packages(
    order: wire.OrderDetail, lines: Sequence[ChannelLine], details: Mapping[str, Any]
) -> tuple[ChannelPackage, ...]:
    numbered = [package for package in order.package_list if package.package_number]
    shares = _line_quantities(order, lines, numbered)
    packages = []
    for package, share in zip(numbered, shares, strict=True):
        number = package.package_number
        detail = decoding.read(wire.PackageDetail, details[number]) if number in details else None
        channel_status = (detail.fulfillment_status if detail else "") or package.logistics_status
        status = statuses.package_status(
            channel_status,
            is_arranged=detail.is_shipment_arranged if detail else False,
            order_status=order.order_status,
            is_only_package=len(numbered) == 1,
        )
        courier = (detail.shipping_carrier if detail else "") or package.shipping_carrier or order.shipping_carrier
        packages.append(
            ChannelPackage(
                package_number=number,
                status=status,
                channel_status=channel_status,
                courier=filled(courier),
                service=filled(order.checkout_shipping_carrier),
                tracking_number=filled(detail.tracking_number) if detail else None,
                lines=share,
            )
        )
    return tuple(packages)


def filled(text: str) -> str | None:
    """None for the empty string and the `-` that Shopee fills gaps with."""
    return text if text not in ("", "-") else None


def _line_quantities(
    order: wire.OrderDetail, lines: Sequence[ChannelLine], packages: Sequence[wire.OrderPackage]
) -> list[dict[str, int]]:
    """Which lines, and how many of each, every package holds."""
    if len(packages) == 1:
        return [{line.external_id: line.quantity for line in lines}]
    left = {line.external_id: line.quantity for line in lines}
    shares = []
    for package in packages:
        share: dict[str, int] = {}
        for item in package.item_list:
            wanted = item.model_quantity
            for line in _candidates(order, lines, item):
                taken = min(wanted, left[line.external_id])
                if taken:
                    share[line.external_id] = share.get(line.external_id, 0) + taken
                    left[line.external_id] -= taken
                    wanted -= taken
        shares.append(share)
    return shares


def _candidates(order: wire.OrderDetail, lines: Sequence[ChannelLine], item: wire.PackageItem) -> list[ChannelLine]:
    same = [
        (line, bought.promotion_group_id == item.promotion_group_id)
        for line, bought in zip(lines, order.item_list, strict=True)
        if (bought.item_id, bought.model_id) == (item.item_id, item.model_id)
    ]
    # Lines of the same offer first; the group is not always repeated in the package.
    return [line for line, _ in sorted(same, key=lambda pair: not pair[1])]


def _recipient(address: wire.Address | None) -> Recipient | None:
    if address is None:
        return None
    return Recipient(
        name=address.name,
        phone=address.phone,
        address=address.full_address,
        district=address.district,
        city=address.city,
        state=address.state,
        postal_code=address.zipcode,
        country=address.region,
    )


def _cancellation(order: wire.OrderDetail) -> ChannelCancellation | None:
    reason = order.buyer_cancel_reason or None
    if order.order_status == "IN_CANCEL":
        # There is no cancellation object: entering this status is the request, and it moves the update time.
        return ChannelCancellation("requested", reason, requested_at=moment(order.update_time))
    if reason is None:
        return None
    if order.order_status == "CANCELLED":
        return ChannelCancellation("approved", reason) if order.cancel_by.lower() == "buyer" else None
    return ChannelCancellation("rejected", reason)


def _hold_reason(order: wire.OrderDetail) -> str | None:
    if order.order_status != "PENDING":
        return None
    return "; ".join(order.pending_description) or "; ".join(order.pending_terms) or "PENDING"


def _not_shippable(order: wire.OrderDetail) -> str | None:
    if order.advance_package:
        return "handled_by_booking"
    if order.fulfillment_flag not in ("", OURS):
        return "fulfilled_by_channel"
    return None


def _amounts(order: wire.OrderDetail, lines: Sequence[ChannelLine]) -> tuple[ChannelAmount, ...]:
    reported = {
        "shipping_fee_estimated": order.estimated_shipping_fee,
        "shipping_fee_actual": order.actual_shipping_fee,  # 0 until pick-up
        "return_shipping_fee": order.reverse_shipping_fee,
    }
    amounts = [ChannelAmount(kind, amount, "reported") for kind, amount in reported.items() if amount]
    prices = [line.unit_price * line.quantity for line in lines if line.unit_price is not None]
    if len(prices) == len(lines):
        amounts.insert(0, ChannelAmount("items_subtotal", sum(prices, Decimal(0)), "derived"))
    return tuple(amounts)
