"""Chooses address, slot and branch for one package from what its channel offers. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from app.channels.contract import Handover, HandoverMethod, PickupAddress, ShippingMethod, ShippingOptions, Slot


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for, as stored with the item."""

    method: HandoverMethod
    on: date | None = None
    time_from: str | None = None
    """`HH:MM` local."""
    address_id: str | None = None
    slot_id: str | None = None
    branch_id: str | None = None
    courier: str | None = None
    tracking_number: str | None = None

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> "Wish":
        """The stored form back again."""
        on = details.get("on")
        return cls(**{**details, "on": date.fromisoformat(on) if on else None})

    def to_details(self) -> dict[str, Any]:
        """The form kept with the item."""
        return {
            "method": self.method,
            "on": self.on.isoformat() if self.on else None,
            "time_from": self.time_from,
            "address_id": self.address_id,
            "slot_id": self.slot_id,
            "branch_id": self.branch_id,
            "courier": self.courier,
            "tracking_number": self.tracking_number,
        }


_EITHER: tuple[HandoverMethod, ...] = ("pickup", "dropoff")


class NotPossible(Exception):
    """The channel does not offer what was wished. `code` is the item's."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def choose(
    options: ShippingOptions, wish: Wish, *, timezone: ZoneInfo, sender_name: str, is_channels_choice: bool = False
) -> Handover:
    """The hand-over to ask for. Raises NotPossible.

    `is_channels_choice`: between pickup and drop-off the channel decides, whatever is wished.
    """
    accepted = _EITHER if is_channels_choice and wish.method in _EITHER else (wish.method,)
    offered = {method.method: method for method in options.methods if method.method in accepted}
    if not offered:
        raise NotPossible("handover_not_offered")
    method = offered.get(wish.method) or next(iter(offered.values()))
    if method.method != wish.method:
        return Handover(method=method.method)
    if wish.method == "pickup":
        return _pickup(method, wish, timezone)
    if wish.method == "manual" and not wish.tracking_number:
        raise NotPossible("missing_parameter", reason="tracking_number")
    return Handover(
        method=wish.method,
        branch_id=_branch(method, wish) if wish.method == "dropoff" else None,
        courier=wish.courier,
        tracking_number=wish.tracking_number,
        sender_name=sender_name if "sender_name" in method.required else None,
    )


def _pickup(method: ShippingMethod, wish: Wish, timezone: ZoneInfo) -> Handover:
    address = _address(method, wish)
    if address is None:
        if "address_id" in method.required or wish.address_id:
            raise NotPossible("address_invalid")
        return Handover(method="pickup")
    slot = _slot(address, wish, timezone)
    return Handover(
        method="pickup",
        address_id=address.id,
        slot_id=slot.id if slot else None,
        tracking_number=wish.tracking_number if "tracking_number" in method.required else None,
    )


def _address(method: ShippingMethod, wish: Wish) -> PickupAddress | None:
    if wish.address_id is not None:
        return next((address for address in method.addresses if address.id == wish.address_id), None)
    default = next((address for address in method.addresses if address.is_default), None)
    return default or (method.addresses[0] if method.addresses else None)


def _slot(address: PickupAddress, wish: Wish, timezone: ZoneInfo) -> Slot | None:
    """The wished slot, else the first one on the wished day, else the first. No slots: the courier decides the time."""
    if wish.slot_id is not None:
        chosen = next((slot for slot in address.slots if slot.id == wish.slot_id), None)
        if chosen is None:
            raise NotPossible("slot_unavailable")
        return chosen
    if not address.slots:
        if wish.on is not None or wish.time_from is not None:
            raise NotPossible("slot_unavailable")
        return None
    fitting = [slot for slot in sorted(address.slots, key=lambda slot: slot.starts_at) if _fits(slot, wish, timezone)]
    if not fitting:
        raise NotPossible("slot_unavailable")
    return fitting[0]


def _fits(slot: Slot, wish: Wish, timezone: ZoneInfo) -> bool:
    starts = slot.starts_at.astimezone(timezone)
    if wish.on is not None and starts.date() != wish.on:
        return False
    return wish.time_from is None or starts.strftime("%H:%M") >= wish.time_from


def _branch(method: ShippingMethod, wish: Wish) -> str | None:
    if wish.branch_id is not None:
        if method.branches and wish.branch_id not in {branch.id for branch in method.branches}:
            raise NotPossible("branch_unavailable")
        return wish.branch_id
    if "branch_id" in method.required:
        if not method.branches:
            raise NotPossible("branch_unavailable")
        return method.branches[0].id
    return None
