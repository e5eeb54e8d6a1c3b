"""Whether an order still waits to be received. Pure.

At some channels receiving is a call that makes the packages (`call`), at others only our own step (`gate`): there the
channel calls the order `ordered` until it is arranged, and whether it was received is known here alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.orders.parts import Package

_BEYOND = ("ready_to_ship", "on_delivery", "completed")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The columns about receiving, and the status that follows."""

    status: str
    received_at: datetime | None
    received_by: str | None


def assess(row: Mapping[str, Any] | None, values: Mapping[str, Any], packages: Iterable[Package]) -> Receipt:
    """What a reading makes of it. `row`: the order as stored; `values`: as read, `status` in the channel's word."""
    status: str = values["status"]
    received_at = row["received_at"] if row is not None else None
    received_by = row["received_by"] if row is not None else None
    if received_at is None and values["first_step"] != "none" and status in _BEYOND:
        received_at, received_by = values["channel_updated_at"], "implied"
    if values["first_step"] == "none" or status != "ordered" or values["channel_hold_reason"] is not None:
        return Receipt(status, received_at, received_by)
    if values["first_step"] == "call":
        is_here = not is_awaited(packages)
        return Receipt("ready_to_ship", received_at, received_by) if is_here else Receipt(status, None, None)
    if received_at is None and values["is_urgent"]:
        received_at, received_by = values["channel_updated_at"], "auto"
    return Receipt(status if received_at is None else "ready_to_ship", received_at, received_by)


def is_awaited(packages: Iterable[Package]) -> bool:
    """Whether any part of the order is still to be made a package by the channel."""
    return any(
        package.awaits_receipt
        and not package.is_gone
        and package.status != "cancelled"
        and package.effect_state != "received"
        for package in packages
    )
