"""What channels send by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess


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
class SubscribesPushes(Protocol):
    """Pushes are ordered per account through the API."""

    async def subscribe_pushes(self, access: ShopAccess, url: str) -> None:
        """Have everything we read by pushed to `url`; wakes what the channel switched off. Repeatable."""
        ...
