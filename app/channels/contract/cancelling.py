"""Seller's cancellation and the answer to a buyer's request."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess

Decision = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class CancellationReason:
    """A reason the channel accepts from the seller."""

    code: str
    text_en: str
    text_id: str


@dataclass(frozen=True, slots=True)
class OrderToCancel:
    """What a channel has to be told about an order that the seller cancels."""

    external_id: str
    is_unpaid: bool
    skus: tuple[tuple[str, str], ...]
    """Item and model ids of its lines."""


@runtime_checkable
class Cancels(Protocol):
    """Seller's cancellation and the answer to a buyer's request."""

    def cancellation_reasons(self) -> tuple[CancellationReason, ...]: ...

    async def fetch_rejection_reasons(
        self, access: ShopAccess, order_external_id: str
    ) -> tuple[CancellationReason, ...]:
        """Why the buyer's request may be refused; empty where no reason is taken. Raises ChannelError."""
        ...

    async def reserve(self, access: ShopAccess) -> None:
        """Wait for the limiter before the intent is marked sent; the call itself waits for nothing.

        Raises Throttled.
        """
        ...

    async def cancel_order(self, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
        """Not idempotent; `reserve` first. Raises ChannelError; AlreadyDone means: read, then decide."""
        ...

    async def answer_cancellation(
        self, access: ShopAccess, order_external_id: str, decision: Decision, reason: str | None
    ) -> None:
        """Not idempotent; `reserve` first. Raises ChannelError; AlreadyDone when there is nothing (more) to decide."""
        ...
