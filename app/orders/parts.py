"""Lines and packages as plain values, equal when their rows are."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU and quantity, as the row keeps it."""

    id: UUID
    external_id: str
    position: int
    item_external_id: str
    model_external_id: str
    sku: str
    name: str
    variation: str
    quantity: int
    unit_price: Decimal | None
    listing_id: UUID | None = None
    product_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """What the channel ships together, with what fulfilment wrote on it, as the row keeps it."""

    id: UUID
    package_number: str
    position: int
    status: str
    channel_status: str
    courier: str | None
    service: str | None
    tracking_number: str | None
    handover: str | None
    lines: dict[str, int]
    awaits_receipt: bool = False
    is_gone: bool = False
    effect_state: str | None = None
    effect_until: datetime | None = None
    effect_base_at: datetime | None = None
    open_intent: UUID | None = None


LINE_COLUMNS = tuple(field.name for field in fields(Line))
PACKAGE_COLUMNS = tuple(field.name for field in fields(Package))


def to_row(part: Line | Package) -> dict[str, Any]:
    """Column → value."""
    return {name: getattr(part, name) for name in type(part).__slots__}
