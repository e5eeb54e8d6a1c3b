"""Orders as a channel tells them, and how they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess
from app.channels.contract.facts import CancellationState, OrderStatus, PackageStatus
from app.channels.errors import ChannelError


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One SKU and quantity. `external_id` is stable over re-reads of the order."""

    external_id: str
    item_id: str
    model_id: str
    sku: str
    name: str
    variation: str
    quantity: int
    unit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class ChannelPackage:
    """What the channel ships together. `lines` maps a line's external id to its quantity."""

    package_number: str
    status: PackageStatus
    channel_status: str
    courier: str | None = None
    service: str | None = None
    tracking_number: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    awaits_receipt: bool = False
    """Not a package yet: what `receive_packages` would make one of. With first_step `call` only."""


@dataclass(frozen=True, slots=True)
class ChannelAmount:
    """An amount the channel reports, or that we add up from what it reports (`basis`)."""

    kind: str
    amount: Decimal
    basis: Literal["reported", "derived"]


@dataclass(frozen=True, slots=True)
class ChannelCancellation:
    """A buyer's wish to cancel, or its result."""

    state: CancellationState
    reason: str | None = None
    requested_at: datetime | None = None
    respond_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where the parcel goes. Parts may be masked by the channel (contain `*`)."""

    name: str = ""
    phone: str = ""
    address: str = ""
    district: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """What a marketplace told us, in our words."""

    channel: str
    shop_external_id: str
    external_id: str
    order_number: str
    status: OrderStatus | None
    """None: the channel's state says nothing about fulfilment (keep ours, or derive from the packages)."""
    channel_status: str
    updated_at: datetime
    placed_at: datetime
    currency: str
    total: ChannelAmount | None
    lines: tuple[ChannelLine, ...]
    packages: tuple[ChannelPackage, ...]
    paid_at: datetime | None = None
    ship_by: datetime | None = None
    payment_method: str | None = None
    is_cod: bool = False
    is_returned: bool = False
    buyer_username: str | None = None
    recipient: Recipient | None = None
    buyer_message: str | None = None
    sender_name: str | None = None
    """Printed as the sender instead of the shop (dropshipping)."""
    cancellation: ChannelCancellation | None = None
    channel_hold_reason: str | None = None
    channel_hold_until: datetime | None = None
    not_shippable: str | None = None
    """Our code why the merchant must not arrange it (`fulfilled_by_channel`, `handled_by_booking`), else None."""
    first_step: Literal["none", "gate", "call"] = "none"
    """How an `ordered` order is received: by a call at the channel (see Receives), or here only (`gate`): then the
    channel says `ordered` for as long as it waits to be arranged, and whether it was received is known here."""
    is_urgent: bool = False
    """Minutes count (instant, same day): a gate lets it through at once."""
    cancels_at: datetime | None = None
    """The channel cancels by itself what is not arranged by then; once arranged, not collected; then not delivered."""
    pickup_cutoff_at: datetime | None = None
    """What the courier collects later counts as dispatched late. None once collected, or where nobody says."""
    collect_by: datetime | None = None
    """The courier must have it by then. None once collected, or where nobody says."""
    amounts: tuple[ChannelAmount, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order the channel sent and we could not map: kept with its reason, stops no other."""

    external_id: str
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class OrderListPage:
    """Ids of orders in a window. `channel_now` is the channel's clock, for the end of the next window."""

    external_ids: tuple[str, ...]
    next_cursor: str | None
    channel_now: datetime
    reading: "OrdersReading | None" = None
    """Orders the channel sent along whole: need not be read once more. Ids it lacks are read by `get_orders`."""


@dataclass(frozen=True, slots=True)
class OrdersReading:
    """One batch read. Every asked id is in exactly one of the three, unless the read stopped before the end."""

    orders: tuple[ChannelOrder, ...]
    unreadable: tuple[UnreadableOrder, ...]
    missing: tuple[str, ...]
    stopped_by: ChannelError | None = None
    """Why some ids are in none of them: the channel let no more calls through. What was read before is good.

    A read that brought nothing raises instead.
    """


@runtime_checkable
class ReadsOrders(Protocol):
    """Every channel can be read."""

    async def list_orders(
        self,
        access: ShopAccess,
        *,
        by: Literal["created", "updated"],
        since: datetime,
        until: datetime,
        cursor: str | None,
    ) -> OrderListPage:
        """One page of ids, window ≤ facts.window. Pages may repeat ids; the caller removes doubles."""
        ...

    async def get_orders(self, access: ShopAccess, external_ids: Sequence[str]) -> OrdersReading:
        """Read up to facts.detail_batch orders with packages (tracking numbers included where the channel has them)."""
        ...


@runtime_checkable
class FindsOrders(Protocol):
    """Channels whose order number is not the id of the order."""

    async def find_orders(self, access: ShopAccess, order_numbers: Sequence[str]) -> Mapping[str, str]:
        """Order number → external id, of those that exist."""
        ...
