"""Channels, connections and shops as callers see them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, StringConstraints

from app.core.ids import ConnectionId, ShopId
from app.core.schemas import Body

CHANNEL = "Where buyers buy: `shopee`, `lazada`, `tiktok_shop`, `tokopedia`, `plugo_store`. More may come."
ChannelName = Annotated[str, Field(min_length=1, max_length=40, description=CHANNEL, examples=["shopee"])]
ShopName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
StoreKey = Annotated[SecretStr, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(min_length=8, max_length=2000, examples=["http://127.0.0.1:8000/docs"])]
CoolingMode = Literal["respect", "warn", "ignore"]
AutoReceiveMode = Literal["off", "immediately", "after_minutes", "before_deadline"]


# --- channels ---------------------------------------------------------------------------------------------------------


class ChannelWindows(BaseModel):
    """Time ranges."""

    order_list_days: int = Field(description="Longest range the channel lists at once; longer ones are split.")
    import_max_days: int = Field(description="Longest range of one import.")


class ChannelCaps(BaseModel):
    """Largest sizes."""

    bulk_max_orders: int = Field(description="Most orders in one bulk request.")
    import_max_numbers: int = Field(description="Most order numbers in one import.")
    detail_batch: int = Field(description="Most orders the channel gives in one call.")
    label_batch: int = Field(description="Most labels the channel gives in one call.")


class Channel(BaseModel):
    """What can be done with orders of a channel."""

    channel: ChannelName
    title: str
    actions: list[str] = Field(description="Everything that can be done here, e.g. `arrange_shipment`, `print_labels`.")
    first_step: str = Field(
        description="`receive` where an order must be received before it can be arranged, else `none`."
    )
    needs_store_url: bool = Field(
        description="Shops stand on servers of their own: connecting one needs its `store_url`."
    )
    handovers: list[str] = Field(description="`pickup`, `dropoff`, `manual`.")
    document_types: list[str]
    windows: ChannelWindows
    caps: ChannelCaps


# --- connections ------------------------------------------------------------------------------------------------------


class OpenConnection(Body):
    """Begin to connect a shop."""

    channel: ChannelName
    return_url: Url | None = Field(
        default=None,
        description="Where the browser goes after consent; must be on the operator's list. Left out with keys only.",
    )
    store_url: Url | None = Field(
        default=None, description="Where the store stands: with channels that say `needs_store_url`, and only there."
    )
    consumer_key: StoreKey | None = Field(
        default=None, description="A key made in the store by hand, with read/write access; needs `consumer_secret`."
    )
    consumer_secret: StoreKey | None = Field(default=None, description="Belongs to `consumer_key`; never shown again.")


class ReopenConnection(Body):
    """Ask for a new consent."""

    return_url: Url | None = Field(default=None, description="Absent: as last time.")


class ConsentRequest(BaseModel):
    """Send the seller's browser to `authorization_url`, then confirm. With keys there is nothing left to do."""

    id: ConnectionId
    channel: ChannelName
    state: str = Field(description="`pending`, or `connected` with keys.")
    authorization_url: str | None
    expires_at: datetime | None


class ConnectedShop(BaseModel):
    """A shop reached through a connection."""

    id: ShopId
    name: str
    channel: ChannelName


class Connection(BaseModel):
    """One authorisation at a channel."""

    id: ConnectionId
    channel: ChannelName
    state: str = Field(description="`pending`, `connected`, `needs_reauth` or `disconnected`.")
    shops: list[ConnectedShop]
    created_at: datetime
    connected_at: datetime | None
    expires_at: datetime | None = Field(
        description="Until when an open consent can be confirmed; null when none is open."
    )


# --- shops ------------------------------------------------------------------------------------------------------------


class AutoReceive(Body):
    """When orders are received without anybody's doing, where the channel has that step."""

    mode: AutoReceiveMode
    value: Annotated[int, Field(ge=1, le=10_080)] | None = Field(
        default=None, description="Minutes with `after_minutes`, hours with `before_deadline`; absent with the others."
    )


class Cooling(Body):
    """How long a new order rests, in case the buyer changes their mind, and what that means for bulk shipments."""

    minutes: Annotated[int, Field(ge=0, le=10_080)]
    mode: CoolingMode


class ChangeShop(Body):
    """Fields to change; absent ones stay."""

    name: ShopName | None = None
    paused: bool | None = Field(
        default=None,
        description="A paused shop is not read by itself; its orders stay, and pushes wait until it resumes.",
    )
    auto_receive: AutoReceive | None = None
    cooling: Cooling | None = None
    timezone: Annotated[str, Field(max_length=60, examples=["Asia/Jakarta"])] | None = Field(
        default=None, description="IANA name; local days and pickup slots of the shop are in it."
    )


class ShopAccount(BaseModel):
    """The shop's id on the channel's side."""

    external_id: str


class Shop(BaseModel):
    """A storefront."""

    id: ShopId
    name: str
    channel: ChannelName
    external_id: str
    connection_id: ConnectionId
    account: ShopAccount
    state: str = Field(description="`ok`, `needs_reauth`, `paused` or `disconnected`.")
    paused: bool
    auto_receive: AutoReceive
    cooling: Cooling
    timezone: str
    authorization_expires_at: datetime | None


class AuthHealth(BaseModel):
    """The seller's consent."""

    state: str = Field(description="`ok`, `expiring` (within 7 days), `needs_reauth` or `disconnected`.")
    since: datetime | None = Field(description="Since when a new consent is needed.")
    reason: str | None = Field(description="What the channel answered when it was found out.")
    expires_at: datetime | None
    expires_in_days: int | None


class PushHealth(BaseModel):
    """Messages from the channel."""

    last_received_at: datetime | None
    subscribed_at: datetime | None = Field(
        description="When they were last ordered at the channel; null where that is not done per shop."
    )


class Lag(BaseModel):
    """How far behind the channel we are."""

    seconds: int | None
    complete_to: datetime | None


class LastError(BaseModel):
    """Why the last reading failed."""

    at: datetime | None
    code: str = Field(
        description="`throttled`, `channel_unavailable`, `answer_unreadable`, `needs_reauth` or `rejected_by_channel`."
    )
    channel_code: str | None = Field(description="The channel's own.")
    text: str


class ComparisonHealth(BaseModel):
    """The channel's lists of the last 15 days against ours. `GET …/completeness` has it day by day."""

    last_at: datetime | None = Field(description="When the last whole comparison ended.")
    missing: int = Field(description="Orders at the channel that are still not here.")
    healed: int = Field(description="Orders that were missing and were read by a comparison.")
    refreshed: int = Field(description="Orders that were out of date and were read by a comparison.")


class Quota(BaseModel):
    """Our own pace towards the channel, per account."""

    per_second: float
    burst: int


class ShopHealth(BaseModel):
    """Whether a shop's orders arrive, and if not, why."""

    shop_id: ShopId
    auth: AuthHealth
    push: PushHealth
    lag: Lag
    complete_back_to: datetime | None
    last_poll_at: datetime | None
    last_error: LastError | None
    comparison: ComparisonHealth
    next_run: datetime | None
    quota: dict[str, Quota] = Field(description="By kind of call: `read`, `write`.")
    paused: bool
