"""How a package as read meets the package as we know it: the overlay of our own effects. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.channels.contract import ChannelPackage, OrderStatus
from app.core.ids import new_id
from app.orders import wording
from app.orders.parts import Package

_RANK = {"to_process": 0, "processing": 1, "processed": 2, "in_transit": 3, "delivered": 4, "cancelled": 5}
_ARRANGED = _RANK["processed"]
_EFFECT = {"arranged": _ARRANGED, "dispatched": _RANK["in_transit"], "delivered": _RANK["delivered"]}
"""How far our own effect has taken a package."""
_WAY = ("unpaid", "ordered", "ready_to_ship", "on_delivery", "completed")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a reading stands in time. `is_newer`: its channel time is later than that of the order we have."""

    channel_time: datetime
    started_at: datetime
    is_newer: bool


@dataclass(frozen=True, slots=True)
class MergedPackage:
    """The package to store; whether the channel undid what was done."""

    package: Package
    is_taken_back: bool


def merge(old: Package | None, read: ChannelPackage, *, position: int, reading: Freshness) -> MergedPackage:
    """Forward states apply at once; backward ones only when the channel really means them."""
    is_kept = old is not None and _lags(old, read, reading)
    status = old.status if old is not None and is_kept else str(read.status)
    is_taken_back = old is not None and status == "to_process" and _RANK[old.status] >= _ARRANGED and not is_kept
    has_effect = old is not None and old.effect_state is not None and (is_kept or _is_receipt_kept(old, read, reading))
    if old is not None and old.open_intent is not None and status == "to_process":
        status = "processing"
    known = None if is_taken_back else old
    package = Package(
        id=old.id if old else new_id(),
        package_number=read.package_number,
        position=position,
        status=status,
        channel_status=wording.clean(read.channel_status, 100),
        courier=wording.clean(read.courier, 200) or (known.courier if known else None),
        service=wording.clean(read.service, 200) or (known.service if known else None),
        tracking_number=read.tracking_number or (known.tracking_number if known else None),
        handover=known.handover if known else None,
        lines=dict(read.lines),
        awaits_receipt=read.awaits_receipt,
        effect_state=old.effect_state if old and has_effect else None,
        effect_until=old.effect_until if old and has_effect else None,
        effect_base_at=old.effect_base_at if old and has_effect else None,
        open_intent=old.open_intent if old else None,
    )
    return MergedPackage(package, is_taken_back)


def _lags(old: Package, read: ChannelPackage, reading: Freshness) -> bool:
    """True when the reading is behind what we know, so that our status stays."""
    if _RANK[read.status] >= _RANK[old.status]:
        return False
    if old.effect_state is not None and _RANK[read.status] < _EFFECT.get(old.effect_state, 0):
        return not _is_undone(old, reading)
    # Within one second of the channel's clock nothing goes backwards: a replica that lags would invite a second effect.
    return not reading.is_newer and old.open_intent is None


def _is_receipt_kept(old: Package, read: ChannelPackage, reading: Freshness) -> bool:
    """We received it, and the reading still shows it as it was before."""
    return old.effect_state == "received" and read.awaits_receipt and not _is_undone(old, reading)


def _is_undone(old: Package, reading: Freshness) -> bool:
    """The older state with a newer channel time, read after every lag is over: the channel took our effect back."""
    if old.effect_until is None or old.effect_base_at is None:
        return False
    return reading.started_at >= old.effect_until and reading.channel_time > old.effect_base_at


def overlay_status(status: str, packages: Sequence[Package]) -> str:
    """The order's status, not behind what the merchant has marked on all its parcels."""
    live = [package for package in packages if not package.is_gone and package.status != "cancelled"]
    if status not in _WAY or not live:
        return status
    if all(package.effect_state == "delivered" for package in live):
        return "completed"
    if all(package.effect_state in ("dispatched", "delivered") for package in live):
        return max(status, "on_delivery", key=_WAY.index)
    return status


def derive_status(packages: Sequence[str]) -> OrderStatus:
    """Status of an order whose channel says nothing about it but through its packages."""
    live = [status for status in packages if status != "cancelled"]
    if packages and not live:
        return "cancelled"
    if not live or any(_RANK[status] <= _ARRANGED for status in live):
        return "ready_to_ship"
    return "on_delivery"
