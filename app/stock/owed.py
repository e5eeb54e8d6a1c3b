"""What an order's line owes in stock, from what the order is now and what was moved for it before. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_PROCESSED = ("on_delivery", "completed")
_SIGNS = {"deduct": 1, "restock": -1}


class Moved(Protocol):
    """A movement as far as it counts here."""

    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def on_hand_change(self) -> int: ...
    @property
    def reserved_change(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Change:
    """The movement that is due. `quantity` is what the order moves; how much is there decides the rest."""

    kind: str
    quantity: int
    take: int = 0
    """Pieces to take from what is on hand, as far as it reaches; negative gives back."""
    reserved_change: int = 0


def due(
    status: str, stage: str | None, quantity: int, before: Sequence[Moved], *, is_counted_after: bool
) -> Change | None:
    """The change that makes a line's movements right; None when they are. One change is always enough.

    Reserved while the order waits, deducted once it is arranged or left, nothing once it is cancelled. An order that
    is completed when it is first looked at is history if somebody has counted since (`is_counted_after`): its goods
    were gone by then.
    """
    if status == "completed" and not before and is_counted_after:
        return None
    reserved = sum(one.reserved_change for one in before)
    deducted = sum(_SIGNS.get(one.kind, 0) * one.quantity for one in before)
    taken = -sum(one.on_hand_change for one in before)
    owed_reserved, owed_deducted = _owed(status, stage, quantity)
    to_reserve = owed_reserved - reserved
    if owed_deducted > deducted:
        more = owed_deducted - deducted
        return Change("deduct", more, take=more, reserved_change=to_reserve)
    if owed_deducted < deducted:
        less = deducted - owed_deducted
        return Change("restock", less, take=-min(less, taken), reserved_change=to_reserve)
    if to_reserve:
        return Change("reserve" if to_reserve > 0 else "release", abs(to_reserve), reserved_change=to_reserve)
    return None


def _owed(status: str, stage: str | None, quantity: int) -> tuple[int, int]:
    """Pieces reserved and pieces deducted, as the order is now."""
    if status == "cancelled":
        return 0, 0
    is_gone = status in _PROCESSED or (status == "ready_to_ship" and stage == "processed")
    return (0, quantity) if is_gone else (quantity, 0)
