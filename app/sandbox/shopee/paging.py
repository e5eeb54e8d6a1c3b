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
    page, following = rows[start : start + size], start + size
    if "duplicate_page" in call.strange:  # the next page repeats half of this one; a caller always gets on
        following = start + max(1, len(page) // 2)
    if "shifting_page" in call.strange:  # a row slips over the border between two requests
        following += 1
    has_more = min(following, start + size) < len(rows)
    return Page(page[1:] if "omit_item" in call.strange else page, following if has_more else None)
