"""Seller's cancellation and the answer to a buyer's request."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess
from app.channels.contract.orders import ChannelOrder


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
