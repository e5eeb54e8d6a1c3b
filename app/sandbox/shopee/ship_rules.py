"""When ship_order is refused, and with which code."""

from typing import Any

from app.sandbox.shopee.answers import Refused
from app.sandbox.shopee.catalogue import COURIER_OF
from app.sandbox.shopee.generator import WIB_SECONDS
from app.sandbox.shopee.lifecycle import DAY, SHIPPABLE
from app.sandbox.shopee.world import Order, Package, Shop

METHODS = ("pickup", "dropoff", "non_integrated")
LONGEST_TEXT = 64
_SLOT_DAYS, _SLOT_HOURS = (1, 2, 3), (10, 14)


def ship_refusal(
    shop: Shop, order: Order, package: Package, method: str | None, params: dict[str, Any], *, now: int
) -> Refused | None:
    """The first reason why this parcel is not arranged this way, or None."""
    if method is None:
        return Refused(
            "logistics.ship_order_only_support_one_type", "Exactly one of pickup, dropoff, non_integrated is needed."
        )
    return _state_refusal(order, package) or _method_refusal(shop, package, method, params, now=now)


def not_arrangeable(order: Order, package: Package) -> Refused | None:
    """Why there are no shipping parameters now, or None."""
    if order["order_status"] == "CANCELLED":
        return Refused("error_status", "The order has been cancelled.")
    if package["logistics_status"] not in SHIPPABLE or package["arranged"]:
        return Refused("error_param", "OFG list type is not TO_PROCESS")
    return None


def pickup_refusal(shop: Shop, package: Package, params: dict[str, Any], *, now: int) -> Refused | None:
    """Address and slot must be among those that are offered now."""
    has_slots = COURIER_OF[package["logistics_channel_id"]].has_slots
    address, slot = params.get("address_id"), params.get("pickup_time_id")
    if not address or (has_slots and not slot):
        return Refused(
            "logistics.ship_order_need_address_pickup_time", "address_id and pickup_time_id are needed for pickup."
        )
    if address not in [one["address_id"] for one in shop["addresses"]]:
        return Refused("logistics.address_not_found", "The address_id is not found.")
    if slot and str(slot) not in [one["pickup_time_id"] for one in pickup_slots(now)]:
        return Refused("logistics.ship_order_pickup_time_invalid", "The pickup_time_id received is invalid.")
    return None


def pickup_slots(now: int) -> list[dict[str, Any]]:
    """Morning and afternoon, WIB, of the next three days."""
    midnight = (now + WIB_SECONDS) // DAY * DAY - WIB_SECONDS
    slots: list[dict[str, Any]] = []
    for day in _SLOT_DAYS:
        for hour in _SLOT_HOURS:
            start = midnight + day * DAY + hour * 3600
            text = f"{hour:02d}:00-{hour + 4:02d}:00"
            slots.append({"date": start, "time_text": text, "pickup_time_id": str(start)})
    slots[0]["flags"] = ["recommended"]
    return slots


def own_number_in(params: dict[str, Any]) -> str:
    """The seller's own tracking number; older apps spell the field as `info_needed` does."""
    return str(params.get("tracking_number") or params.get("tracking_no") or "")


def _state_refusal(order: Order, package: Package) -> Refused | None:
    if order["order_status"] == "CANCELLED":
        return Refused("error_status", "The order has been cancelled.")
    if package["arranged"]:
        return Refused("logistics.package_already_shipped", "This package has already been arranged shipment.")
    if order["order_status"] not in ("READY_TO_SHIP", "RETRY_SHIP") or package["logistics_status"] not in SHIPPABLE:
        return Refused("logistics.ship_order_not_ready_to_ship", "The order is not ready to ship.")
    return None


def _method_refusal(shop: Shop, package: Package, method: str, params: dict[str, Any], *, now: int) -> Refused | None:
    if method not in COURIER_OF[package["logistics_channel_id"]].methods:
        return Refused(f"logistics.ship_order_unsupport_{method}", f"{method} is not supported for this order.")
    for name in ("tracking_number", "tracking_no", "sender_real_name"):
        text = params.get(name, "")
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            return Refused("logistics.error_param", f"{name} must be a string of at most {LONGEST_TEXT}.")
    if method == "pickup":
        return pickup_refusal(shop, package, params, now=now)
    if method == "non_integrated" and not own_number_in(params):
        return Refused("logistics.ship_order_need_tracking_number", "tracking_number is needed.")
    return None
