"""What a channel is like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

OrderStatus = Literal["unpaid", "ordered", "ready_to_ship", "on_delivery", "completed", "cancelled"]
PackageStatus = Literal["to_process", "processing", "processed", "in_transit", "delivered", "cancelled"]
HandoverMethod = Literal["pickup", "dropoff", "manual"]
CancellationState = Literal["requested", "approved", "rejected"]


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
    """Most packages in one label call. Channels without labels of their own: most in one of our packs' parts."""
    settle_seconds: int
    """Two `absent` readings, the later this long after the call, are needed before a resend."""
    cancellation_response: timedelta | None
    """Time to answer a buyer's request, when the channel does not say it per order."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Per endpoint family: `read`, `write`."""
    arrange_batch: int = 1
    """Most packages in one arrange call (see ArrangesInBatches)."""
    receive_batch: int = 1
    """Most packages in one receive call (see Receives)."""
    push_horizon: timedelta = timedelta(hours=72)
    """How long the channel repeats a push that nobody took; older ones are not trusted."""
    decides_handover: bool = False
    """The channel decides between pickup and drop-off; both are accepted and mean the same."""
    state_parameter: str = "state"
    """Where our `state` comes back in the callback."""
    needs_store_url: bool = False
    """The shops stand on servers of their own: to connect one the merchant says where it is."""
    posts_credentials: bool = False
    """The shop posts its keys to the callback first, and then only sends the browser on."""
