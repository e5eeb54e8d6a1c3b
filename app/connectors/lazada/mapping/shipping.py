"""What items prove about packages, and scans of their way."""

from collections.abc import Iterable, Sequence

from app.channels.contract import PackageRef, ShipmentReading, ShipmentState, TrackingEvent
from app.connectors.lazada import wire
from app.connectors.lazada.mapping import orders, statuses
from app.core.clock import from_epoch


def to_receipt(package: PackageRef, items: Sequence[wire.Item]) -> ShipmentReading | None:
    """Whether the units of a warehouse are in packages now."""
    warehouse = orders.split_waiting(package.package_number)
    mine = [item for item in items if orders.warehouse_of(item) == warehouse]
    live = [item for item in mine if item.status != statuses.CANCELLED]
    if not mine:
        return None
    if not live:
        return _reading(package, mine, ShipmentState.MOOT)
    if all(item.status not in statuses.WAITING for item in live):
        return _reading(package, live, ShipmentState.ARRANGED)
    return _reading(package, live, _waits(live))


def to_shipment(package: PackageRef, items: Sequence[wire.Item]) -> ShipmentReading | None:
    """Whether a package was handed to its courier. None when it is none (any more)."""
    mine = [item for item in items if item.package_id == package.package_number]
    live = [item for item in mine if item.status != statuses.CANCELLED]
    if not mine:
        return None
    if not live:
        return _reading(package, mine, ShipmentState.MOOT)
    if all(item.status not in statuses.EARLY for item in live):
        return _reading(package, live, ShipmentState.ARRANGED)
    return _reading(package, live, _waits(live))


def _waits(items: Sequence[wire.Item]) -> ShipmentState:
    is_asked = any(item.need_cancel_confirm or item.is_cancel_pending for item in items)
    return ShipmentState.UNDECIDED if is_asked else ShipmentState.ABSENT


def _reading(package: PackageRef, items: Sequence[wire.Item], state: ShipmentState) -> ShipmentReading:
    first = items[0]
    return ShipmentReading(
        package_number=package.package_number,
        state=state,
        channel_status=", ".join(dict.fromkeys(item.status for item in items)),
        tracking_number=first.tracking_code or None,
        courier=first.shipment_provider or None,
        has_open_cancellation=any(item.need_cancel_confirm for item in items),
    )


def to_events(packages: Iterable[wire.TracedPackage], number: str) -> tuple[TrackingEvent, ...]:
    """Scans of one package, each once, oldest first."""
    found = {
        (scan.status_code, scan.event_time): TrackingEvent(
            at=from_epoch(scan.event_time // 1000),
            code=scan.detail_type or scan.status_code or "scan",
            text=": ".join(part for part in (scan.title, scan.description) if part) or "–",
            location=scan.package_location_name or None,
        )
        for package in packages
        if package.ofc_package_id in ("", number)
        for scan in package.logistic_detail_info_list
        if scan.event_time
    }
    return tuple(sorted(found.values(), key=lambda event: event.at))
