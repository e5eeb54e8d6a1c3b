"""What TikTok Shop offers and shows about shipping a package, and the bodies that ship it."""

from collections.abc import Sequence
from typing import Any

from app.channels.contract import (
    Handover,
    PackageRef,
    PickupAddress,
    ShipmentReading,
    ShipmentState,
    ShippingMethod,
    ShippingOptions,
    Slot,
    TrackingEvent,
)
from app.channels.errors import Rejected
from app.connectors.tiktok_shop import wire
from app.connectors.tiktok_shop.mapping.orders import PACKAGE_STATUSES, moment
from app.core.clock import from_epoch

WAREHOUSE = "warehouse"
"""The one place a courier can collect from: it is set at the seller centre."""


def to_options(package: wire.Package, slots: wire.HandoverSlots) -> ShippingOptions:
    """Empty unless the package still waits. With a courier of the seller's own there is nothing else to choose."""
    if PACKAGE_STATUSES.get(package.package_status, "to_process") != "to_process":
        return ShippingOptions(())
    if package.shipping_type == "SELLER":
        return ShippingOptions((ShippingMethod("manual", required=("tracking_number",)),))
    methods = []
    if slots.can_pickup:
        methods.append(ShippingMethod("pickup", addresses=_addresses(slots)))
    if slots.can_drop_off or not methods:
        methods.append(ShippingMethod("dropoff"))
    return ShippingOptions(tuple(methods))


def _addresses(slots: wire.HandoverSlots) -> tuple[PickupAddress, ...]:
    windows = tuple(
        Slot(f"{one.start_time}-{one.end_time}", from_epoch(one.start_time), moment(one.end_time))
        for one in slots.pickup_slots
        if one.start_time and (one.available if one.avaliable is None else one.avaliable) is not False
    )
    return (PickupAddress(WAREHOUSE, "Gudang penjual", is_default=True, slots=windows),) if windows else ()


def ship_body(handover: Handover, provider_id: str | None) -> dict[str, Any]:
    """The body of ship; never empty, since nobody knows how an empty object is signed. Raises Rejected."""
    if handover.method == "manual":
        if not handover.tracking_number or provider_id is None:
            raise Rejected(
                "", "A courier of the seller's own needs a known courier.", meaning="invalid_tracking_number"
            )
        return {"self_shipment": {"tracking_number": handover.tracking_number, "shipping_provider_id": provider_id}}
    body: dict[str, Any] = {"handover_method": "PICKUP" if handover.method == "pickup" else "DROP_OFF"}
    if handover.slot_id is not None:
        start, _, end = handover.slot_id.partition("-")
        if not (start.isdecimal() and end.isdecimal()):
            raise Rejected("", "TikTok Shop has no such slot.", meaning="slot_unavailable")
        body["pickup_slot"] = {"start_time": int(start), "end_time": int(end)}
    return body


def to_reading(package: PackageRef, order: wire.Order | None, detail: wire.Package | None) -> ShipmentReading | None:
    """What both reads prove about one package; None when they leave it open."""
    if order is None or detail is None:
        return None
    state = _state(order, detail)
    if state is None:
        return None
    return ShipmentReading(
        package_number=package.package_number,
        state=state,
        channel_status=detail.package_status or order.status,
        tracking_number=detail.tracking_number or None,
        courier=detail.shipping_provider_name or order.shipping_provider or None,
        has_open_cancellation=order.is_buyer_request_cancel,
    )


def _state(order: wire.Order, detail: wire.Package) -> ShipmentState | None:
    status = PACKAGE_STATUSES.get(detail.package_status)
    if order.status in ("CANCELLED", "CANCEL") or status == "cancelled":
        return ShipmentState.MOOT
    if status in ("processed", "in_transit", "delivered"):
        return ShipmentState.ARRANGED
    if order.is_buyer_request_cancel:
        return ShipmentState.UNDECIDED
    return ShipmentState.ABSENT if status == "to_process" else None


def to_events(scans: Sequence[wire.Scan]) -> tuple[TrackingEvent, ...]:
    """Oldest first."""
    told = sorted((one for one in scans if one.update_time_millis), key=lambda one: one.update_time_millis)
    return tuple(
        TrackingEvent(
            at=from_epoch(one.update_time_millis // 1000),
            code=str(one.action_code) if one.action_code is not None else "scan",
            text=one.description or "–",
        )
        for one in told
    )
