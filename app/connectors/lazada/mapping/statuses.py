"""Item states in our words. Orders and packages have none of their own."""

from app.channels.contract import OrderStatus, PackageStatus

WAITING = ("pending", "repacked")
"""Not in a package yet."""
CANCELLED = "canceled"
PACKAGE_STATUSES: dict[str, PackageStatus] = {
    "unpaid": "to_process",
    "pending": "to_process",
    "repacked": "to_process",
    "packed": "to_process",
    "ready_to_ship_pending": "processed",
    "ready_to_ship": "processed",
    "shipped": "in_transit",
    "failed": "in_transit",
    "failed_delivery": "in_transit",
    "shipped_back": "in_transit",
    "delivered": "delivered",
    "confirmed": "delivered",
    "returned": "delivered",
    "shipped_back_success": "delivered",
    "shipped_back_failed": "delivered",
    "package_scrapped": "delivered",
    "lost": "delivered",
    "lost_by_3pl": "delivered",
    "damaged_by_3pl": "delivered",
    CANCELLED: "cancelled",
}
ORDER_STATUSES: tuple[tuple[OrderStatus, frozenset[str]], ...] = (
    ("unpaid", frozenset({"unpaid"})),
    ("ordered", frozenset(WAITING)),
    ("ready_to_ship", frozenset({"packed", "ready_to_ship_pending", "ready_to_ship"})),
    ("on_delivery", frozenset({"shipped", "delivered", "failed", "failed_delivery", "shipped_back"})),
)
"""As far as the slowest live item; whatever is beyond is closed."""
RETURNED = frozenset({"returned", "shipped_back_success"})
CANCELLABLE = (*WAITING, "packed", "ready_to_ship_pending", "ready_to_ship")
EARLY = (*WAITING, "packed")
"""An effect at the courier cannot be there yet."""


def order_status(states: list[str]) -> OrderStatus:
    """Of an order whose items have these states; cancelled ones count only when all are. Raises ValueError."""
    unknown = [state for state in states if state not in PACKAGE_STATUSES]
    if unknown or not states:
        raise ValueError(f"unknown status {unknown[0][:50]}" if unknown else "no items")
    live = {state for state in states if state != CANCELLED}
    if not live:
        return "cancelled"
    return next((status for status, group in ORDER_STATUSES if live & group), "completed")
