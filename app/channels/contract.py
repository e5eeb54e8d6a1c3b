"""What a connector offers. Each ability is a small protocol, asked for with isinstance.

ChannelFacts says what a channel is like.

All times are aware UTC instants, all money Decimal in major units. Every method that talks to a channel raises
ChannelError only. Connectors keep no state between calls and never touch the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

OrderStatus = Literal["unpaid", "ordered", "ready_to_ship", "on_delivery", "completed", "cancelled"]
PackageStatus = Literal["to_process", "processing", "processed", "in_transit", "delivered", "cancelled"]
HandoverMethod = Literal["pickup", "dropoff", "manual"]
CancellationState = Literal["requested", "approved", "rejected"]


# --- what a channel is like -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second and burst of one endpoint family of one account."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """Facts about one channel that the domain plans with. `GET /v1/channels` shows them."""

    channel: str
    api: str
    """Name of the connector folder; several channels may share one API."""
    title: str
    first_step: Literal["none", "receive"]
    handovers: tuple[HandoverMethod, ...]
    document_types: tuple[str, ...]
    window: timedelta
    """Longest time range of one order list call."""
    detail_batch: int
    """Most orders in one detail call."""
    label_batch: int
    """Most packages in one label call."""
    settle_seconds: int
    """Two `absent` readings, the later this long after the call, are needed before a resend."""
    cancellation_response: timedelta | None
    """Time to answer a buyer's request, when the channel does not say it per order."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Per endpoint family: `read`, `write`."""


# --- authorisation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tokens:
    """One credential. `refresh_expires_at` is the last moment a refresh can work, None when unknown."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """What a call for one account needs."""

    external_id: str
    """The account's id at the channel (Shopee: shop_id)."""
    access_token: str
    cipher: str | None = None
    """Second key of the account where the channel has one."""
    limiter_key: str = ""
    """Names the account in the shared limiter."""
    priority: Literal["user", "background"] = "user"


@dataclass(frozen=True, slots=True)
class GrantedCredential:
    """Tokens together with the API-side shops they open."""

    tokens: Tokens
    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelShop:
    """A storefront as users see it."""

    channel: str
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """An API-side shop with its storefronts."""

    external_id: str
    shops: tuple[ChannelShop, ...]
    cipher: str | None = None
    authorization_expires_at: datetime | None = None


@runtime_checkable
class Authorises(Protocol):
    """Consent by redirect, code exchange, rotation."""

    def authorization_url(self, state: str, redirect_uri: str, now: datetime) -> str:
        """Where to send the seller. `state` comes back in the callback."""
        ...

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        """Trade the callback's query parameters for tokens. Raises Rejected when the code is used or old."""
        ...

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        """Rotate. Raises Unauthorized(is_final=True) when only a new consent helps.

        Unknown when the answer was lost.
        """
        ...

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        """Name, storefronts and end of the authorisation of one account."""
        ...


# --- orders -----------------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class OrdersReading:
    """One batch read. Every asked id is in exactly one of the three."""

    orders: tuple[ChannelOrder, ...]
    unreadable: tuple[UnreadableOrder, ...]
    missing: tuple[str, ...]


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


# --- shipping ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackageRef:
    """One package at the channel. `is_only_package`: its order has no other."""

    order_external_id: str
    package_number: str
    is_only_package: bool
    tracking_number: str | None = None


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


class ShipmentState(StrEnum):
    """What a read proves about an arrange call."""

    ARRANGED = "arranged"
    ABSENT = "absent"
    """Not arranged as far as the channel shows; it may lag."""
    MOOT = "moot"
    """Cancelled or closed: no longer to be arranged."""
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


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """Where one label task stands. `code` is ours when it failed (`label_not_ready`, `label_refused`)."""

    package_number: str
    state: Literal["processing", "ready", "failed"]
    code: str | None = None
    channel_code: str | None = None


@runtime_checkable
class PrintsLabels(Protocol):
    """Labels made by the channel, asynchronously."""

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """Start label tasks for up to facts.label_batch packages, each with its tracking number. Repeatable."""
        ...

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """Where the tasks stand."""
        ...

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        """The PDF of one package as the channel sent it; the caller checks that it is whole."""
        ...


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """A scan on the way. `code` is the channel's."""

    at: datetime
    code: str
    text: str
    location: str | None = None


@runtime_checkable
class Tracks(Protocol):
    """Courier scans."""

    async def fetch_tracking(self, access: ShopAccess, package: PackageRef) -> tuple[TrackingEvent, ...]:
        """Oldest first; empty while the courier has none."""
        ...


# --- cancellation, stock, push ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CancellationReason:
    """A reason the channel accepts from the seller."""

    code: str
    text_en: str
    text_id: str


@runtime_checkable
class Cancels(Protocol):
    """Seller's cancellation and the answer to a buyer's request."""

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]: ...

    async def reserve(self, access: ShopAccess) -> None:
        """Wait for the limiter before the intent is marked sent; the call itself waits for nothing.

        Raises Throttled.
        """
        ...

    async def cancel_order(self, access: ShopAccess, order: ChannelOrder, reason: str) -> None:
        """Not idempotent; `reserve` first. Raises ChannelError; AlreadyDone means: read, then decide."""
        ...

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Literal["approve", "reject"], reason: str | None
    ) -> None:
        """Not idempotent; `reserve` first. Raises ChannelError; AlreadyDone when there is nothing (more) to decide."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """A sellable SKU."""

    item_id: str
    model_id: str
    sku: str
    name: str
    variation: str
    price: Decimal | None
    stock: int


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of listings."""

    listings: tuple[ChannelListing, ...]
    next_cursor: str | None


@runtime_checkable
class KeepsStock(Protocol):
    """Listings and their stock."""

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage: ...

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        """Absolute set, repeatable. Raises ChannelError."""
        ...


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A push exactly as it arrived."""

    url: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A trigger to re-read. Content is never applied."""

    kind: Literal["order", "authorization_revoked", "verification", "ignored"]
    account_external_id: str | None = None
    order_external_id: str | None = None
    sent_at: datetime | None = None


@runtime_checkable
class SendsPushes(Protocol):
    """Pushes from the channel."""

    def verify_push(self, request: PushRequest) -> bool:
        """True when the signature fits the raw bytes (constant-time comparison)."""
        ...

    def parse_push(self, request: PushRequest) -> PushMessage:
        """After verification. Raises Malformed."""
        ...


@runtime_checkable
class Connector(ReadsOrders, Protocol):
    """The least every channel has; everything else is asked with isinstance."""

    facts: ChannelFacts


Connectors = Mapping[str, Connector]
"""By channel."""
