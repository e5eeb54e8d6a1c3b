"""Our convention on top of WooCommerce: the keys that say how far a parcel is, and what they prove."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from app.channels.contract import Handover, PackageRef, ShipmentReading, ShipmentState
from app.channels.errors import AlreadyDone, ChannelError, Rejected
from app.connectors.plugo_store import wire
from app.connectors.plugo_store.mapping import orders
from app.connectors.plugo_store.mapping.orders import Rules

SHIPMENT_ID = "plugosync_shipment_id"
_METHODS = {"pickup": "pickup", "dropoff": "drop_off", "manual": "manual"}
_NUMBER = re.compile(r"[A-Za-z0-9\-_./]{4,50}")
_STEPS = ("to_process", "processed", "dispatched", "delivered")


def step_of(order: wire.Order) -> int:
    """How far it is, as an index of the steps."""
    value = str(orders.meta_of(order).get(orders.FULFILMENT) or "to_process")
    return _STEPS.index(value) if value in _STEPS else 0


def to_reading(package: PackageRef, order: wire.Order, rules: Rules) -> ShipmentReading:
    """What a fresh order proves about its one package."""
    meta = orders.meta_of(order)
    is_asked = orders.is_cancel_requested(order, rules)
    status, package_status = orders.statuses_of(order, rules)
    if status == "cancelled":
        state = ShipmentState.MOOT
    elif package_status in ("processed", "in_transit", "delivered"):
        state = ShipmentState.ARRANGED
    else:
        state = ShipmentState.UNDECIDED if is_asked else ShipmentState.ABSENT
    return ShipmentReading(
        package_number=package.package_number,
        state=state,
        channel_status=str(meta.get(orders.FULFILMENT) or order.status),
        tracking_number=orders.text_of(meta.get("plugosync_tracking_number")),
        courier=orders.text_of(meta.get("plugosync_courier")),
        has_open_cancellation=is_asked,
    )


def refusal(order: wire.Order, rules: Rules, *, step: str, needs: str) -> ChannelError | None:
    """Why the order cannot take this step from where it is."""
    status, _ = orders.statuses_of(order, rules)
    if status == "cancelled":
        return Rejected("", "The order is cancelled.", meaning="order_cancelled")
    if status == "unpaid":
        return Rejected("", "The order is not paid.", meaning="wrong_state")
    reached = step_of(order)
    if reached >= _STEPS.index(step) or status == "completed":
        return AlreadyDone("", "It is that far already.")
    if orders.is_cancel_requested(order, rules):
        return Rejected("", "The buyer asked to cancel.", meaning="cancellation_requested")
    return None if reached >= _STEPS.index(needs) else Rejected("", "A step before is missing.", meaning="wrong_state")


def arrange_meta(order: wire.Order, handover: Handover, at: datetime, *, has_plugin: bool) -> list[dict[str, Any]]:
    """The keys of an arranged shipment. Raises Rejected for a number no courier gives."""
    number = handover.tracking_number
    if number is not None and not _NUMBER.fullmatch(number):
        raise Rejected("", "4 to 50 letters, digits or - _ . /", meaning="invalid_tracking_number")
    told: dict[str, Any] = {
        orders.FULFILMENT: "processed",
        SHIPMENT_ID: handover.reference or str(uuid.uuid4()),
        "plugosync_method": _METHODS[handover.method],
        "plugosync_processed_at": stamp(at),
    }
    if handover.courier:
        told["plugosync_courier"] = handover.courier
    if number is not None:
        told["plugosync_tracking_number"] = number
        told["plugosync_tracking_source"] = "internal" if handover.is_own_number else "merchant"
        if has_plugin and not handover.is_own_number:
            told[orders.TRACKING_ITEMS] = _tracking_items(order, handover, at)
    return [{"key": key, "value": value} for key, value in told.items()]


def _tracking_items(order: wire.Order, handover: Handover, at: datetime) -> list[Any]:
    """The plugin's list with ours added; foreign items stay."""
    known = orders.meta_of(order).get(orders.TRACKING_ITEMS)
    kept = [one for one in known if not _is_same(one, handover)] if isinstance(known, list) else []
    ours = {
        "tracking_provider": "",
        "custom_tracking_provider": handover.courier or "",
        "custom_tracking_link": "",
        "tracking_number": handover.tracking_number,
        "date_shipped": str(int(at.timestamp())),
        "tracking_id": uuid.uuid5(uuid.NAMESPACE_OID, f"{order.id}:{handover.tracking_number}").hex,
    }
    return [*kept, ours]


def _is_same(item: Any, handover: Handover) -> bool:
    return isinstance(item, dict) and item.get("tracking_number") == handover.tracking_number


def stamp(at: datetime) -> str:
    """`2026-11-22T03:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
