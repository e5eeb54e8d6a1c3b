"""Receive, arrange, hand over, and what a read proves about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess
from app.channels.contract.facts import HandoverMethod
from app.channels.errors import ChannelError


@dataclass(frozen=True, slots=True)
class PackageRef:
    """One package at the channel. `is_only_package`: its order has no other."""

    order_external_id: str
    package_number: str
    is_only_package: bool
    tracking_number: str | None = None
    courier: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A pickup window. `starts_at`/`ends_at` as far as the channel gives them."""

    id: str
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PickupAddress:
    """Where the courier collects. Slots may be empty: the courier decides the time."""

    id: str
    text: str
    is_default: bool
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A counter for drop-off."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ShippingMethod:
    """One way to hand over, and the fields it needs: `address_id slot_id branch_id tracking_number sender_name`."""

    method: HandoverMethod
    required: tuple[str, ...] = ()
    addresses: tuple[PickupAddress, ...] = ()
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class ShippingOptions:
    """Empty when the package can no longer be arranged."""

    methods: tuple[ShippingMethod, ...]


@dataclass(frozen=True, slots=True)
class Handover:
    """The choice for one package."""

    method: HandoverMethod
    address_id: str | None = None
    slot_id: str | None = None
    branch_id: str | None = None
    courier: str | None = None
    tracking_number: str | None = None
    sender_name: str | None = None
    is_own_number: bool = False
    """The tracking number is a parcel number of ours, no courier's."""
    reference: str | None = None
    """Names this effect (the same at every try); sent along where the channel keeps such a thing."""


class ShipmentState(StrEnum):
    """What a read proves about a call that receives, arranges, dispatches or delivers a package."""

    ARRANGED = "arranged"
    """The effect is there, or the package is further on."""
    ABSENT = "absent"
    """It is not there as far as the channel shows; it may lag."""
    MOOT = "moot"
    """Cancelled or closed: no longer to be done."""
    UNDECIDED = "undecided"
    """E.g. a cancellation request is open: decide that first."""


@dataclass(frozen=True, slots=True)
class ShipmentReading:
    """The channel's view of one package. A tracking number proves nothing by itself."""

    package_number: str
    state: ShipmentState
    channel_status: str
    tracking_number: str | None = None
    courier: str | None = None
    has_open_cancellation: bool = False


@runtime_checkable
class ArrangesShipments(Protocol):
    """Hand a package over to a courier."""

    async def fetch_shipping_options(self, access: ShopAccess, package: PackageRef) -> ShippingOptions:
        """What the channel offers for this package now."""
        ...

    async def reserve(self, access: ShopAccess) -> None:
        """Wait for the limiter before the intent is marked sent; the call itself waits for nothing.

        Raises Throttled.
        """
        ...

    async def arrange_shipment(self, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
        """Not idempotent; `reserve` first. Raises ChannelError; after Unknown, read back before anything else."""
        ...

    async def read_shipments(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        """By package number; packages the channel did not answer for are absent from the mapping."""
        ...


Outcomes = Mapping[str, ChannelError | None]
"""Of one call for several packages, by package number: None is done, else that package's error.

A package the answer does not mention is left out: whether it was done is unknown.
"""


@runtime_checkable
class ArrangesInBatches(ArrangesShipments, Protocol):
    """Several packages with one call."""

    def batch_of(self, package: PackageRef, handover: Handover) -> str | None:
        """Packages of one account with equal answers may share a call; None goes alone."""
        ...

    async def arrange_shipments(self, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
        """Not idempotent; `reserve` first, once. Up to facts.arrange_batch of one `batch_of`.

        Raises ChannelError when the call as a whole failed, which then is every package's.
        """
        ...


@runtime_checkable
class Receives(Protocol):
    """The channel makes the packages of a new order when the seller asks for it."""

    async def reserve(self, access: ShopAccess) -> None:
        """Wait for the limiter before the intent is marked sent. Raises Throttled."""
        ...

    async def receive_packages(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Outcomes:
        """Not idempotent; `reserve` first, once. Up to facts.receive_batch packages as `get_orders` named them.

        A received package may get another number and may be split; reading the order tells. Raises ChannelError.
        """
        ...

    async def read_receipts(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, ShipmentReading]:
        """By the package number asked for, whatever it is called now; those not answered for are left out."""
        ...


@runtime_checkable
class MarksDelivery(Protocol):
    """Own couriers: nobody but the merchant knows that a parcel left or arrived. Both calls are repeatable."""

    async def mark_dispatched(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        """The courier has it. Raises Rejected(meaning `already_done`, `wrong_state`, …) or another ChannelError."""
        ...

    async def mark_delivered(self, access: ShopAccess, package: PackageRef, at: datetime) -> None:
        """The buyer has it. Raises as above."""
        ...
