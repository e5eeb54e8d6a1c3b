"""Listings and their stock."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess


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
