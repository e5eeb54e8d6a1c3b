"""A quay whose orders are received first, whose calls take several packages, and whose parcels the merchant carries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.channels.contract import (
    ChannelPackage,
    Handover,
    Outcomes,
    PackageRef,
    ShipmentReading,
    ShipmentState,
    ShopAccess,
)
from app.channels.errors import ChannelError, Rejected, Unknown
from tests.scenarios.dock import Quay
from tests.sync.market import BATCH


class Packhouse(Quay):
    """Waiting packages are named `W…`; received ones get the same name with `F` in front."""

    facts = replace(Quay.facts, first_step="receive", receive_batch=20, arrange_batch=20, detail_batch=max(BATCH, 20))

    def __init__(self) -> None:
        super().__init__()
        self.receipts: Counter[str] = Counter()
        self.receive_calls: list[list[str]] = []
        self.arrange_calls: list[list[str]] = []
        self.whole_call: list[ChannelError | None] = []
        """What becomes of the next shared calls as a whole, after their effect."""
        self.left_out: set[str] = set()
        self.lagging: dict[str, Any] = {}
        """Orders as reads still show them."""
        self.marks: list[tuple[str, str]] = []
        self.mark_errors: list[ChannelError] = []

    # --- receiving

    async def receive_packages(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Outcomes:
        self.receive_calls.append([ref.package_number for ref in packages])
        outcomes: dict[str, ChannelError | None] = {}
        for ref in packages:
            step = self.steps[ref.package_number].pop(0) if self.steps[ref.package_number] else None
            if isinstance(step, ChannelError):
                outcomes[ref.package_number] = step
                continue
            if step != "lost_before_effect":
                self.pack(ref.order_external_id, ref.package_number)
            outcomes[ref.package_number] = None if step is None else Unknown("no_answer", "ReadTimeout")
        return outcomes

    def pack(self, number: str, package_number: str) -> None:
        """The channel makes it a package."""
        self.receipts[package_number] += 1
        order = self.orders[number]
        packages = tuple(
            replace(one, package_number=f"F{package_number}", channel_status="PACKED", awaits_receipt=False)
            if one.package_number == package_number
            else one
            for one in order.packages
        )
        is_whole = not any(one.awaits_receipt for one in packages)
        self.change(number, packages=packages, status="ready_to_ship" if is_whole else "ordered")

    async def read_receipts(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        readings = {}
        for ref in packages:
            self.shipment_reads[ref.package_number] += 1
            names = {one.package_number: one for one in self.orders[ref.order_external_id].packages}
            waits = ref.package_number in names
            state = ShipmentState.ABSENT if waits else ShipmentState.ARRANGED
            if self.orders[ref.order_external_id].status == "cancelled":
                state = ShipmentState.MOOT
            readings[ref.package_number] = ShipmentReading(ref.package_number, state, "X")
        return readings

    # --- shared calls

    def batch_of(self, package: PackageRef, handover: Handover) -> str | None:
        return handover.method

    async def arrange_shipments(self, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
        self.arrange_calls.append([ref.package_number for ref, _ in parcels])
        whole = self.whole_call.pop(0) if self.whole_call else None
        outcomes: dict[str, ChannelError | None] = {}
        for ref, _ in parcels:
            step = self.steps[ref.package_number].pop(0) if self.steps[ref.package_number] else None
            if isinstance(step, ChannelError):
                outcomes[ref.package_number] = step
                continue
            self.effects[ref.package_number] += 1
            self.show(ref.order_external_id, ref.package_number, "processed")
            if ref.package_number not in self.left_out:
                outcomes[ref.package_number] = None
        if whole is not None:
            raise whole
        return outcomes

    # --- the merchant's own courier

    async def mark_dispatched(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        self._mark(package, "dispatched", "in_transit", "on_delivery")

    async def mark_delivered(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        self._mark(package, "delivered", "delivered", "completed")

    def _mark(self, package: PackageRef, word: str, package_status: Any, status: Any) -> None:
        if self.mark_errors:
            raise self.mark_errors.pop(0)
        self.marks.append((package.package_number, word))
        if package.package_number not in self.lagging:
            self.show(package.order_external_id, package.package_number, package_status)
            self.change(package.order_external_id, status=status)


def waiting(number: str) -> ChannelPackage:
    """What the channel would make a package of."""
    return ChannelPackage(f"W{number}", "to_process", "PENDING", lines={}, awaits_receipt=True)


REFUSED = Rejected("700026", "status does not allow", meaning="wrong_state")
