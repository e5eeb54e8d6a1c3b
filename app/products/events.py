"""What happens to Master Products."""

from typing import Final

from app.journal.catalogue import Event, Facts, Nothing


class ProductSku(Facts):
    """Which product."""

    sku: str


class ProductFields(Facts):
    """A product's settings: only the fields that differ."""

    sku: str | None = None
    name: str | None = None
    buffer: int | None = None
    is_archived: bool | None = None


PRODUCT_CREATED: Final = Event(
    "product.created", Nothing, ProductSku, "Product created", "Produk dibuat", "{sku}", kind="audit"
)
PRODUCT_CHANGED: Final = Event(
    "product.changed", ProductFields, ProductFields, "Product changed", "Produk diubah", "{changed}", kind="audit"
)
PRODUCT_ARCHIVED: Final = Event(
    "product.archived", Nothing, Nothing, "Product archived", "Produk diarsipkan", kind="audit"
)
