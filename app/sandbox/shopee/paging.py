"""Pages whose cursor is an offset, and the ways a page can go wrong."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from app.sandbox.shopee.calls import ShopeeCall

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`next` is the offset of the following page, None at the end."""

    rows: list[Row]
    next: int | None

    @property
    def cursor(self) -> str:
        """As Shopee spells it: "" at the end."""
        return "" if self.next is None else str(self.next)


def cut_page(call: ShopeeCall, rows: list[Row], start: int, size: int) -> Page[Row]:
    """Rows computed at request time, so rows that move while somebody pages shift the later pages."""
    first, following = start, start + size
    if "duplicate_page" in call.strange:  # the page before comes again, and leads to the one asked for now
        first, following = max(0, start - size), start
    if "shifting_page" in call.strange:  # a row slips over the border between two requests
        following += 1
    page = rows[first : first + size]
    has_more = first + size < len(rows) or "duplicate_page" in call.strange
    return Page(page[1:] if "omit_item" in call.strange else page, following if has_more else None)
