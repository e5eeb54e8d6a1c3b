"""A channel that shows stock: it keeps what it was told last, and may fail to hear or to answer."""

import asyncio
from collections import Counter, deque
from typing import Any

from app.channels.contract import ChannelListing, ListingPage, ShopAccess
from app.channels.errors import Throttled, Unknown
from tests.sync.market import Market


class Showcase(Market):
    """The tests' own channel, with listings."""

    def __init__(self, items: list[str]) -> None:
        super().__init__()
        self.shown = dict.fromkeys(items, 0)
        """By item: what buyers see."""
        self.calls: Counter[str] = Counter()
        self.troubles: deque[str] = deque()
        self._under_way: set[str] = set()

    async def list_listings(self, access: ShopAccess, cursor: str | None) -> ListingPage:
        shown = dict(self.shown)
        await asyncio.sleep(0)
        return ListingPage(tuple(listing(item, stock) for item, stock in shown.items()), None)

    async def push_stock(self, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
        assert item_id not in self._under_way, "two pushes of one listing at once"
        self._under_way.add(item_id)
        self.calls[item_id] += 1
        trouble = self.troubles.popleft() if self.troubles else "fine"
        await asyncio.sleep(0.001)
        self._under_way.discard(item_id)
        if trouble == "throttled":
            raise Throttled("busy", "Too many requests.")
        self.shown[item_id] = quantity
        if trouble == "lost":
            raise Unknown("timeout", "No answer.")


def listing(item: str, stock: int = 0) -> ChannelListing:
    """As the channel lists it."""
    texts: dict[str, Any] = {"sku": item, "name": f"Produk {item}", "variation": ""}
    return ChannelListing(item_id=item, model_id="", price=None, stock=stock, **texts)
