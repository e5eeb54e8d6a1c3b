"""What Shopee offers and shows about shipping a package, and the bodies that arrange it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from app.channels.contract import (
    Branch,
    Handover,
    HandoverMethod,
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
from app.connectors.shopee import wire
from app.connectors.shopee.mapping import statuses
from app.connectors.shopee.mapping.orders import filled
from app.core.clock import from_epoch

JAKARTA = timezone(timedelta(hours=7))
_BODY_KEYS: dict[HandoverMethod, str] = {"pickup": "pickup", "dropoff": "dropoff", "manual": "non_integrated"}
_REQUIRED = {
    "address_id": "address_id",
    "pickup_time_id": "slot_id",
    "branch_id": "branch_id",
    "sender_real_name": "sender_name",
    "tracking_no": "tracking_number",
    "tracking_number": "tracking_number",
}
_ARRANGED_ORDERS = ("PROCESSED", "SHIPPED", "TO_CONFIRM_RECEIVE", "COMPLETED", "TO_RETURN")
_HOURS = re.compile(r"(\d{1,2})[:.](\d{2})\D+(\d{1,2})[:.](\d{2})")


# --- options ----------------------------------------------------------------------------------------------------------


def to_shipping_options(parameter: wire.ShippingParameter) -> ShippingOptions:
    """Methods in the order people prefer them. One that needs a parameter unknown here is left out."""
    needed = parameter.info_needed
    addresses = _addresses(parameter.pickup.address_list)
    branches = tuple(Branch(str(branch.branch_id), _text(branch)) for branch in parameter.dropoff.branch_list)
    has_slots = any(address.slots for address in addresses)
    offered: list[tuple[HandoverMethod, tuple[str, ...] | None]] = [
        ("pickup", needed.pickup), ("dropoff", needed.dropoff), ("manual", needed.non_integrated),
    ]  # fmt: skip
    methods = []
    for method, names in offered:
        if names is None or not all(name in _REQUIRED for name in names):
            continue
        required = tuple(dict.fromkeys(_REQUIRED[name] for name in names))
        if method == "pickup" and not has_slots:
            # Without slots the courier decides the time, although the parameter is named.
            required = tuple(name for name in required if name != "slot_id")
        methods.append(
            ShippingMethod(
                method,
                required,
                addresses if method == "pickup" else (),
                branches if method == "dropoff" else (),
            )
        )
    return ShippingOptions(tuple(methods))


def _addresses(addresses: Iterable[wire.PickupAddress]) -> tuple[PickupAddress, ...]:
    addresses = tuple(addresses)
    flags = [flag for address in addresses for flag in address.address_flag]
    wanted = "pickup_address" if "pickup_address" in flags else "default_address"
    return tuple(
        PickupAddress(
            id=str(address.address_id),
            text=_text(address),
            is_default=wanted in address.address_flag,
            slots=tuple(_slot(slot) for slot in address.time_slot_list if slot.pickup_time_id and slot.date),
        )
        for address in addresses
    )


def _text(place: wire.PickupAddress | wire.Branch) -> str:
    parts = (place.address, place.town, place.district, place.city, place.state, place.zipcode)
    return ", ".join(part for part in parts if filled(part))


def _slot(slot: wire.TimeSlot) -> Slot:
    starts_at, ends_at = _hours(from_epoch(slot.date), slot.time_text)
    return Slot(slot.pickup_time_id, starts_at, ends_at)


def _hours(date: datetime, text: str) -> tuple[datetime, datetime | None]:
    """`date` is the instant Shopee names, often local midnight; the text has the local hours where there are any."""
    match = _HOURS.search(text)
    if match is None:
        return date, None
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    midnight = date.astimezone(JAKARTA).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = (midnight + timedelta(hours=start_hour, minutes=start_minute)).astimezone(date.tzinfo)
    ends = (midnight + timedelta(hours=end_hour, minutes=end_minute)).astimezone(date.tzinfo)
    starts_at = begins if date == midnight else date
    return (starts_at, ends) if ends > starts_at else (date, None)


# --- arranging --------------------------------------------------------------------------------------------------------


def package_query(package: PackageRef) -> dict[str, Any]:
    """How calls name a package: the number only when its order was split, else Shopee refuses it."""
    query: dict[str, Any] = {"order_sn": package.order_external_id}
    if not package.is_only_package:
        query["package_number"] = package.package_number
    return query


def ship_body(package: PackageRef, handover: Handover) -> dict[str, Any]:
    """The body of `ship_order`. The method's object stays even when it is empty. Raises Rejected for a foreign id."""
    chosen: dict[str, Any] = {}
    if handover.method == "pickup":
        if handover.address_id is not None:
            chosen["address_id"] = _number(handover.address_id, "address_invalid")
        if handover.slot_id is not None:
            chosen["pickup_time_id"] = handover.slot_id
    else:
        if handover.method == "dropoff":
            if handover.branch_id is not None:
                chosen["branch_id"] = _number(handover.branch_id, "branch_unavailable")
            if handover.sender_name is not None:
                chosen["sender_real_name"] = handover.sender_name
        if handover.tracking_number is not None:
            chosen["tracking_number"] = handover.tracking_number
    return {**package_query(package), _BODY_KEYS[handover.method]: chosen}


def mass_body(parcels: Sequence[tuple[PackageRef, Handover]]) -> dict[str, Any]:
    """The body of `mass_ship_order`: one choice for all; own couriers' numbers are named per package."""
    _, handover = parcels[0]
    body = ship_body(*parcels[0])
    key = _BODY_KEYS[handover.method]
    chosen = body[key]
    if handover.method == "manual":
        numbers = [
            {"package_number": package.package_number, "tracking_number": wish.tracking_number}
            for package, wish in parcels
        ]
        chosen = {"tracking_number": numbers}
    return {"package_list": [{"package_number": package.package_number} for package, _ in parcels], key: chosen}


def reship_body(package: PackageRef, handover: Handover) -> dict[str, Any]:
    """The body of `update_shipping_order`: pick-up only, address and slot are both required."""
    if handover.method != "pickup":
        raise Rejected("", "Pick-up failed; only a new pick-up can be arranged.", meaning="handover_not_offered")
    if handover.address_id is None or handover.slot_id is None:
        raise Rejected("", "A new pick-up needs an address and a slot.", meaning="missing_parameter")
    return ship_body(package, handover)


def _number(value: str, meaning: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Rejected("", "Shopee has no such id.", meaning=meaning)
    return int(value)


# --- reading back -----------------------------------------------------------------------------------------------------


def to_shipment_reading(
    package: PackageRef, order: wire.OrderDetail | None, detail: wire.PackageDetail | None
) -> ShipmentReading | None:
    """What both reads prove about one package; None when they leave it open. A tracking number proves nothing."""
    order_status = order.order_status if order else ""
    channel_status = detail.fulfillment_status if detail else ""
    state = _shipment_state(package, order_status, channel_status, detail)
    if state is None:
        return None
    return ShipmentReading(
        package_number=package.package_number,
        state=state,
        channel_status=channel_status or order_status,
        tracking_number=filled(detail.tracking_number) if detail else None,
        courier=filled((detail.shipping_carrier if detail else "") or (order.shipping_carrier if order else "")),
        has_open_cancellation=order_status == "IN_CANCEL",
    )


def _shipment_state(
    package: PackageRef, order_status: str, channel_status: str, detail: wire.PackageDetail | None
) -> ShipmentState | None:
    status = statuses.PACKAGE_STATUSES.get(channel_status)
    if order_status == "CANCELLED" or status == "cancelled":
        return ShipmentState.MOOT
    if status in ("processed", "in_transit", "delivered"):
        return ShipmentState.ARRANGED
    if channel_status == statuses.LOGISTICS_READY and detail is not None and detail.is_shipment_arranged:
        return ShipmentState.ARRANGED
    if order_status == "IN_CANCEL":
        return ShipmentState.UNDECIDED
    if order_status in _ARRANGED_ORDERS and package.is_only_package and channel_status != statuses.PICKUP_RETRY:
        return ShipmentState.ARRANGED
    # Absence needs both reads: one of them alone cannot exclude what the other would show.
    return ShipmentState.ABSENT if status is not None and order_status else None


def to_tracking_events(tracking: wire.TrackingInfo) -> tuple[TrackingEvent, ...]:
    """Oldest first."""
    scans = sorted(tracking.tracking_info, key=lambda scan: scan.update_time)
    return tuple(
        TrackingEvent(from_epoch(scan.update_time), scan.logistics_status, scan.description)
        for scan in scans
        if scan.update_time
    )


def by_package_number(details: Mapping[str, Any]) -> dict[str, Any]:
    """Raw elements of `get_package_detail` by their number."""
    elements = details.get("package_list")
    found = {}
    for element in elements if isinstance(elements, list) else []:
        number = element.get("package_number") if isinstance(element, dict) else None
        if isinstance(number, str) and number:
            found[number] = element
    return found
