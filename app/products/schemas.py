"""What callers send and get of products and listings."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from app.core.ids import EntryId, ListingId, ProductId
from app.core.money import Amount
from app.core.schemas import Body

MOST_SKU, MOST_NAME = 100, 255
"""Characters."""
Sku = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_SKU, pattern=r"^[^\x00-\x1f\x7f]+$")
]
ProductName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Quantity = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class CreateProduct(Body):
    """A new Master Product. Its stock is set with `POST /v1/products/{id}/stock`."""

    sku: Sku
    name: ProductName
    buffer: Quantity = Field(default=0, description="Pieces kept back from every channel.")


class ChangeProduct(Body):
    """Fields to change; absent ones stay."""

    sku: Sku | None = None
    name: ProductName | None = None
    buffer: Quantity | None = None
    archived: bool | None = Field(default=None, strict=True, description="`false` brings an archived product back.")


class Product(BaseModel):
    """A Master Product and its stock."""

    id: ProductId
    sku: str
    name: str
    on_hand: int
    reserved: int = Field(description="What open orders owe.")
    buffer: int
    available: int = Field(description="`on_hand − reserved − buffer`, at least 0: what the channels are told.")
    oversold: int = Field(description="Pieces that open orders owe and nobody has; 0 until it is counted.")
    counted_at: datetime | None = Field(description="Until somebody has set its stock, no channel is told anything.")
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Listing(BaseModel):
    """A channel's sellable SKU."""

    id: ListingId
    channel: str
    shop_ids: list[str] = Field(description="Storefronts that sell it.")
    item_external_id: str
    model_external_id: str
    sku: str
    name: str
    variation: str
    price: Amount | None
    channel_stock: int | None = Field(description="As last read at, or told to, the channel.")
    is_linked: bool
    product_id: ProductId | None
    pushed_quantity: int | None
    pushed_at: datetime | None
    push_code: str | None = Field(description="Why the last stock push failed; null when it went well.")


class Suggestion(BaseModel):
    """A listing and a product that seem to belong together. Nothing is linked by itself."""

    listing: Listing
    product: Product
    is_ambiguous: bool = Field(description="Several products have this SKU, letter case and outer blanks aside.")
    match: str = Field(description="Why: `sku`.")


class ProductImport(BaseModel):
    """What became of a CSV of products."""

    created: int
    updated: int
    unchanged: int
    dry_run: bool


class ListingEvent(BaseModel):
    """Something that happened to a listing: linked, unlinked, its stock drifted."""

    id: EntryId
    at: datetime
    type: str = Field(
        description="`listing.linked`, `listing.unlinked`, `stock.drift` (open on output): see `EventCatalogue`."
    )
    actor: str
    before: dict[str, Any] = Field(serialization_alias="from")
    after: dict[str, Any] = Field(serialization_alias="to")
    request_id: str
