"""What happens to stock, and to the links that move it."""

from typing import Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing


class Shortage(Facts):
    """What nobody has."""

    sku: str
    order_number: str | None = Field(default=None, description="The order that found less; left out after a count.")
    short: int = Field(description="Pieces.")


class OnHand(Facts):
    """Pieces on hand."""

    on_hand: int


class Adjustment(OnHand):
    """Pieces on hand, and why they were set."""

    reason: str | None


class ImportCounts(Facts):
    """What a CSV of products did."""

    created: int
    updated: int
    unchanged: int


class Told(Facts):
    """What the channel was told last."""

    told: int


class Found(Facts):
    """What the channel shows, and what is available here."""

    found: int
    available: int


class LinkedProduct(Facts):
    """The product of a listing, by its id."""

    product_id: str


class Link(LinkedProduct):
    """The product a listing belongs to now."""

    sku: str


ORDER_OVERSOLD: Final = Event("stock.oversold", Nothing, Shortage, "Oversold", "Stok kurang", "{short} × {sku}")
PRODUCT_OVERSOLD: Final = Event(
    "product.oversold", Nothing, Shortage, "Oversold", "Stok kurang", "{short} × {sku}", kind="audit"
)
ADJUSTED: Final = Event("stock.adjusted", OnHand, Adjustment, "Stock set", "Stok diatur", "{on_hand}", kind="audit")
PRODUCTS_IMPORTED: Final = Event(
    "products.imported", Nothing, ImportCounts, "Products imported", "Produk diimpor", kind="audit"
)
DRIFTED: Final = Event(
    "stock.drift",
    Told,
    Found,
    "The channel's stock was not what it was told",
    "Stok di kanal tidak sesuai",
    "{told} → {found}",
    kind="audit",
)
LINKED: Final = Event("listing.linked", Nothing, Link, "Listing linked", "Listing ditautkan", "{sku}", kind="audit")
UNLINKED: Final = Event(
    "listing.unlinked", LinkedProduct, Nothing, "Listing unlinked", "Tautan listing dilepas", kind="audit"
)
