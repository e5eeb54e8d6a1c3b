"""What callers see of documents."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.core.ids import DocumentId, OrderId


class ManifestEntry(BaseModel):
    """Which order and package a page belongs to."""

    page: int = Field(description="From 1.")
    order_id: OrderId
    order_number: str
    package_number: str | None


class MissingEntry(BaseModel):
    """What was asked for and is not in the document, and why."""

    order_id: OrderId
    order_number: str | None
    package_number: str | None = Field(description="When only this package of the order is missing.")
    code: str
    text: str


class Document(BaseModel):
    """A PDF and what is on its pages."""

    id: DocumentId
    kind: str = Field(description="label_pack, invoice_pack, packing_slip_pack or pick_list (open on output).")
    state: str = Field(description="ready, or failed when its file was lost (open on output).")
    layout: str = Field(description="a6 (labels, packing slips) or a4 (invoices, pick lists).")
    pages: int
    size: int = Field(description="Bytes.")
    sha256: str
    created_at: datetime
    manifest: list[ManifestEntry] = Field(
        description="One entry per page, in the order printed; empty for a pick list."
    )
    missing: list[MissingEntry]
