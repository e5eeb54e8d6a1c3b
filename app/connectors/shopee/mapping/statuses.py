"""Shopee's statuses of orders and packages in ours."""

from collections.abc import Sequence

from app.channels.contract import OrderStatus, PackageStatus

LOGISTICS_READY = "LOGISTICS_READY"
PICKUP_RETRY = "LOGISTICS_PICKUP_RETRY"

PACKAGE_STATUSES: dict[str, PackageStatus] = {
    "LOGISTICS_NOT_START": "to_process",
    "LOGISTICS_PENDING_ARRANGE": "to_process",
    LOGISTICS_READY: "to_process",
    PICKUP_RETRY: "to_process",
    "LOGISTICS_REQUEST_CREATED": "processed",
    "LOGISTICS_PICKUP_DONE": "in_transit",
    "LOGISTICS_DELIVERY_DONE": "delivered",
    "LOGISTICS_INVALID": "cancelled",
    "LOGISTICS_REQUEST_CANCELED": "cancelled",
    "LOGISTICS_PICKUP_FAILED": "cancelled",
    "LOGISTICS_DELIVERY_FAILED": "cancelled",
    "LOGISTICS_LOST": "cancelled",
    "LOGISTICS_COD_REJECTED": "cancelled",
}
# An order that is further than its only package: that package's own status lags.
_AT_LEAST: dict[str, PackageStatus] = {
    "PROCESSED": "processed",
    "SHIPPED": "in_transit",
    "TO_CONFIRM_RECEIVE": "delivered",
    "COMPLETED": "delivered",
}
_PLAIN: dict[str, OrderStatus] = {
    "UNPAID": "unpaid",
    "PENDING": "ordered",
    "CANCELLED": "cancelled",
    "COMPLETED": "completed",
}
_DEFAULTS: dict[str, OrderStatus] = {
    "READY_TO_SHIP": "ready_to_ship",
    "RETRY_SHIP": "ready_to_ship",
    "PROCESSED": "ready_to_ship",
    "SHIPPED": "on_delivery",
    "TO_CONFIRM_RECEIVE": "on_delivery",
}


def package_status(
    channel_status: str, *, is_arranged: bool, order_status: str, is_only_package: bool
) -> PackageStatus:
    """Raises ValueError for a status nobody documented."""
    if channel_status not in PACKAGE_STATUSES:
        raise ValueError(f"unknown package status {channel_status[:64]!r}")
    if channel_status != LOGISTICS_READY:
        return PACKAGE_STATUSES[channel_status]
    if is_only_package and order_status in _AT_LEAST:
        return _AT_LEAST[order_status]
    # Arranged, its tracking number on the way: nothing is left to do for the merchant.
    return "processed" if is_arranged else "to_process"


def order_status(channel_status: str, packages: Sequence[PackageStatus]) -> OrderStatus | None:
    """The packages decide wherever they can. None: says nothing. Raises ValueError for an unknown status."""
    if channel_status in _PLAIN:
        return _PLAIN[channel_status]
    if channel_status == "TO_RETURN":
        live = [status for status in packages if status != "cancelled"]
        return "completed" if live and all(status == "delivered" for status in live) else "on_delivery"
    if channel_status == "IN_CANCEL":
        return _from_packages(packages)
    if channel_status not in _DEFAULTS:
        raise ValueError(f"unknown order status {channel_status[:64]!r}")
    return _from_packages(packages) or _DEFAULTS[channel_status]


def _from_packages(packages: Sequence[PackageStatus]) -> OrderStatus | None:
    live = [status for status in packages if status != "cancelled"]
    if not live:
        return None
    is_at_merchant = any(status in ("to_process", "processing", "processed") for status in live)
    return "ready_to_ship" if is_at_merchant else "on_delivery"
