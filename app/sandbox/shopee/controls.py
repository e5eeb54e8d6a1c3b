"""Orders in the control API's words: where they are, and how buyer, courier or seller centre move them on."""

from datetime import UTC, datetime
from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.world import Order, Package

_STEPS = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")


def state_of(order: Order) -> str:
    """An open cancellation request does not change it."""
    status = order["before_cancel"] if order["order_status"] == "IN_CANCEL" else order["order_status"]
    if status in ("READY_TO_SHIP", "RETRY_SHIP", "PROCESSED"):
        return "arranged" if all(package["arranged"] for package in order["packages"]) else "paid"
    if status == "SHIPPED":
        return "in_transit" if order["is_moving"] else "collected"
    return {
        "UNPAID": "unpaid",
        "TO_CONFIRM_RECEIVE": "delivered",
        "COMPLETED": "completed",
        "CANCELLED": "cancelled",
    }[status]


def describe(order: Order) -> dict[str, Any]:
    """The truth, without any lag that reads may show."""
    return {
        "order_number": order["order_sn"],
        "shop_id": str(order["shop_id"]),
        "state": state_of(order),
        "cancellation": order["cancellation"],
        "packages": [
            {
                "package_number": package["package_number"],
                "state": _package_state(order, package),
                "tracking_number": package["tracking_number"] or None,
            }
            for package in order["packages"]
        ],
        "updated_at": datetime.fromtimestamp(order["update_time"], UTC).isoformat().replace("+00:00", "Z"),
    }


def advance(lifecycle: Lifecycle, order: Order, to: str) -> None:
    """Walk through every state up to `to`. Raises Impossible."""
    if to == "edited":
        lifecycle.edit(order)
    elif to == "cancel_requested":
        _request_cancel(lifecycle, order)
    elif to == "cancelled":
        _cancel(lifecycle, order)
    else:
        _walk(lifecycle, order, to)


def _request_cancel(lifecycle: Lifecycle, order: Order) -> None:
    if order["order_status"] not in ("READY_TO_SHIP", "PROCESSED", "RETRY_SHIP"):
        raise Impossible(f"A buyer cannot ask to cancel an order that is {state_of(order)}.")
    if order["cancellation"] != "none":
        raise Impossible(f"A buyer asks once; this request is {order['cancellation']}.")
    lifecycle.request_cancel(order)


def _cancel(lifecycle: Lifecycle, order: Order) -> None:
    state = state_of(order)
    if state not in ("unpaid", "paid", "arranged"):
        raise Impossible(f"An order that is {state} cannot be cancelled.")
    if order["cancellation"] == "requested":
        lifecycle.answer_cancel(order, is_accepted=True)
    else:
        lifecycle.cancel(order, by="buyer", reason="Pembeli membatalkan pesanan")


def _walk(lifecycle: Lifecycle, order: Order, to: str) -> None:
    state = state_of(order)
    if state not in _STEPS or order["cancellation"] == "requested" or _STEPS.index(to) <= _STEPS.index(state):
        raise Impossible(f"An order that is {state} (cancellation {order['cancellation']}) cannot become {to}.")
    steps = {
        "paid": lifecycle.pay,
        "arranged": lifecycle.arrange_all,
        "collected": lifecycle.collect,
        "in_transit": lifecycle.move,
        "delivered": lifecycle.deliver,
        "completed": lifecycle.complete,
    }
    for step in _STEPS[_STEPS.index(state) + 1 : _STEPS.index(to) + 1]:
        # Arranging with an own courier hands the parcel over at once: that step is done already.
        if _STEPS.index(state_of(order)) < _STEPS.index(step):
            steps[step](order)


def _package_state(order: Order, package: Package) -> str:
    status = package["logistics_status"]
    if status in ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY"):
        return "arranged" if package["arranged"] else "paid"
    if status == "LOGISTICS_PICKUP_DONE":
        return "in_transit" if order["is_moving"] else "collected"
    if status == "LOGISTICS_DELIVERY_DONE":
        return "completed" if order["order_status"] == "COMPLETED" else "delivered"
    return {"LOGISTICS_NOT_START": "unpaid", "LOGISTICS_REQUEST_CREATED": "arranged"}.get(status, "cancelled")
