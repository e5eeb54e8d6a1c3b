"""One parcel of an order and what is in it, as labels and packing slips show it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.orders.models import OrderLineRow, PackageRow


@dataclass(frozen=True, slots=True)
class Parcel:
    """A package of an order: `position` of `count`. `is_own_number`: no courier knows the number on it."""

    package: PackageRow
    lines: Sequence[OrderLineRow]
    """All of the order."""
    position: int
    count: int
    is_own_number: bool

    @property
    def part(self) -> str:
        """`2/3`; empty for the only one."""
        return f"{self.position}/{self.count}" if self.count > 1 else ""

    def list_contents(self) -> list[tuple[OrderLineRow, int]]:
        """What is in it and how many; a package that does not say holds everything."""
        inside = self.package.lines
        counted = [(line, inside.get(line.external_id, 0) if inside else line.quantity) for line in self.lines]
        return [(line, quantity) for line, quantity in counted if quantity]
