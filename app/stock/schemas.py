"""What callers send and get of stock and links."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.core.ids import LineId, ListingId, OrderId, Prefixed, ProductId, ShopId
from app.core.schemas import Body
from app.products.schemas import Listing, Quantity

MovementId = Annotated[str, Field(pattern="^stm_[0-9a-f]{32}$")]
MOVEMENT, PUSH_TRY = Prefixed("stm"), Prefixed("stp")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class AdjustStock(Body):
    """Set what is on hand, or change it. Exactly one of the two."""

    on_hand: Quantity | None = None
    change: Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)] | None = None
    reason: Text | None = None
    reference: Text | None = Field(
        default=None, description="Your own key of this adjustment: sent twice, it happens once."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.on_hand is None) == (self.change is None):
            raise ValueError("Give either `on_hand` or `change`.")
        return self


class Movement(BaseModel):
    """One change of a product's stock."""

    id: MovementId
    kind: str = Field(description="`reserve`, `deduct`, `release`, `restock` or `adjust` (open on output).")
    quantity: int = Field(description="Pieces the order moves, or the size of the adjustment.")
    on_hand_change: int
    reserved_change: int
    order_id: OrderId | None
    line_id: LineId | None
    reason: str | None
    reference: str | None
    actor: str
    at: datetime


class LinkListing(Body):
    """The product it belongs to."""

    product_id: ProductId


class Link(Body):
    """One listing and its product."""

    listing_id: ListingId
    product_id: ProductId


class LinkListings(Body):
    """Link many at once, all or none."""

    links: Annotated[list[Link], Field(min_length=1, max_length=200)]
    dry_run: bool = Field(default=False, description="Only show what it would change.")


class LinkEffect(BaseModel):
    """What a link changes: earlier orders move their stock once."""

    open_orders: int
    reserve: int = Field(description="Pieces that orders still waiting reserve.")
    shipped_orders: int
    deduct: int = Field(description="Pieces of orders that are arranged or on their way.")
    available_before: int
    available_after: int
    is_counted: bool = Field(description="False: no channel is told anything before somebody has set its stock.")
    shop_ids: list[ShopId] = Field(description="Shops that sell the product then, and are told what is available.")
    text: str


class LinkedListing(BaseModel):
    """A listing with what linking it changes."""

    listing: Listing
    effect: LinkEffect


class LinkResult(BaseModel):
    """Per link, in the order asked for."""

    dry_run: bool
    data: list[LinkedListing]


class MakeProducts(Body):
    """Listings to make products of."""

    listing_ids: Annotated[list[ListingId], Field(min_length=1, max_length=200)]
    dry_run: bool = Field(default=False, description="Only show what it would do.")


class ListingsProduct(BaseModel):
    """The product of listings that have one SKU."""

    id: ProductId | None = Field(description="Null for what a dry run would make.")
    sku: str
    name: str


class MadeProduct(BaseModel):
    """A product and the listings that are linked to it now."""

    product: ListingsProduct
    is_new: bool = Field(description="False: there was a product of this SKU, letter case and outer blanks aside.")
    listings: list[Listing] = Field(description="Oldest first. The first one names a new product.")
    effect: LinkEffect


class RefusedListing(BaseModel):
    """A listing that stays as it is."""

    listing_id: ListingId
    code: str = Field(
        description="`no_sku`, `sku_invalid` (too long for a product), `sku_ambiguous` (several products have it),"
        " `product_archived` or `linked_already` (open on output)."
    )
    text: str


class MadeProducts(BaseModel):
    """What became of listings; each of them is in one of the two lists."""

    dry_run: bool
    products: list[MadeProduct]
    refused: list[RefusedListing]


class ImportListings(Body):
    """Whose listings to read; left out, those of every connected shop."""

    shop_ids: Annotated[list[ShopId], Field(min_length=1, max_length=200)] | None = None


class StockPush(BaseModel):
    """One try to tell a channel what is available."""

    id: str
    quantity: int
    at: datetime
    succeeded: bool
    code: str | None
    reason: str | None
    retryable: bool
