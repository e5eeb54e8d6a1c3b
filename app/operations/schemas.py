"""What callers see of operations."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.core.ids import DocumentId, ItemId, OperationId, OrderId, PackageId, Prefixed, ProductId, ShopId


class OperationCounts(BaseModel):
    """Items by state; they sum to `total`."""

    total: int
    pending: int
    running: int
    succeeded: int
    skipped: int
    failed: int
    unknown: int


class CreatedBy(BaseModel):
    """Who asked."""

    type: str
    id: str | None
    name: str


class ResultDocument(BaseModel):
    """A document the operation made."""

    id: DocumentId
    kind: str
    pages: int


class ImportCounts(BaseModel):
    """Orders an import met."""

    found: int
    new: int
    updated: int
    unchanged: int
    failed: int


class ListingCounts(BaseModel):
    """Listings an import met; `drifted` ones showed another stock than the channel was told."""

    found: int
    new: int
    drifted: int


class CompletenessCounts(BaseModel):
    """What a comparison with the channel's lists found and mended."""

    days: int = Field(description="Days compared.")
    missing: int = Field(description="Orders at the channel that are still not here.")
    healed: int = Field(description="Orders that were missing here and were read.")
    refreshed: int = Field(description="Orders that were here but out of date, and were read.")
    failed: int = Field(description="Orders that are kept with the reason why they cannot be read.")


class OperationResult(BaseModel):
    """What came out of it beside the items."""

    listings: ListingCounts | None = None
    completeness: CompletenessCounts | None = None
    documents: list[ResultDocument] = []
    import_: ImportCounts | None = Field(default=None, alias="import")


class Operation(BaseModel):
    """Work that outlives a request."""

    id: OperationId
    kind: str
    state: str = Field(
        description="planned, queued, running, succeeded, failed, partially_succeeded or cancelled (open on output)."
    )
    dry_run: bool
    counts: OperationCounts
    created_at: datetime
    finished_at: datetime | None
    eta_seconds: int | None
    created_by: CreatedBy
    request_id: str
    result: OperationResult


class ItemPackage(BaseModel):
    """The part of an item for one package."""

    id: PackageId
    package_number: str
    state: str
    tracking_number: str | None
    code: str | None


class ReleasedStock(BaseModel):
    """Pieces of a product that are free again."""

    product_id: ProductId
    quantity: int


class ItemEffect(BaseModel):
    """What a cancellation undoes, told before it is applied."""

    stock: list[ReleasedStock] = []

    packages: int
    stop_parcels: list[str] = Field(description="Printed parcels somebody has to pull out, by number.")


class OperationItem(BaseModel):
    """The part of an operation for one order."""

    id: ItemId
    order_id: OrderId | None
    order_number: str | None
    shop_id: ShopId | None
    channel: str | None = Field(
        description="shopee, lazada, tiktok_shop, tokopedia, plugo_store or a channel added later."
    )
    state: str = Field(description="pending, running, succeeded, skipped, failed or unknown (open on output).")
    code: str | None
    text: str | None
    source: str
    retryable: bool
    channel_code: str | None
    attempts: int
    needs_attention: bool
    next_action: str | None
    handover_effective: str | None
    warning: str | None = Field(
        default=None, description="`cooling`: the order is younger than its shop's cooling window (mode `warn`)."
    )
    effect: ItemEffect | None = None
    packages: list[ItemPackage]


def created_by_text(type: str, id: UUID | None) -> str | None:
    """The prefixed id of whoever asked."""
    if id is None:
        return None
    return Prefixed({"user": "usr", "api_key": "key"}.get(type, "mer")).format(id)
