"""Tables of products and listings."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ProductRow(Base):
    """A Master Product: what the merchant keeps in one place and sells in many.

    `on_hand` and `reserved` are written by stock only, together with a movement.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sku"),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("buffer >= 0", name="buffer"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str]
    name: Mapped[str]
    on_hand: Mapped[int] = mapped_column(server_default=text("0"))
    reserved: Mapped[int] = mapped_column(server_default=text("0"))
    buffer: Mapped[int] = mapped_column(server_default=text("0"))
    """Kept back from every channel."""
    counted_at: Mapped[datetime | None]
    """When somebody last said how many there are. Before that nothing is told to any channel."""
    is_archived: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def available(self) -> int:
        """What may still be sold."""
        return max(0, self.on_hand - self.reserved - self.buffer)

    @property
    def oversold(self) -> int:
        """How many are promised that are not there; what nobody has counted is not missing."""
        return 0 if self.counted_at is None else max(0, self.reserved - self.on_hand)


class ListingRow(Base):
    """A channel's sellable SKU. *Linked* when it points to a product."""

    __tablename__ = "listings"
    __table_args__ = (
        UniqueConstraint("merchant_id", "account_id", "item_external_id", "model_external_id"),
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        ForeignKeyConstraint(["merchant_id", "product_id"], ["products.merchant_id", "products.id"]),
        Index("ix_listings_product", "merchant_id", "product_id", postgresql_where=text("product_id is not null")),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    channel: Mapped[str]
    item_external_id: Mapped[str]
    model_external_id: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    variation: Mapped[str]
    price: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    channel_stock: Mapped[int | None]
    """As last read at, or told to, the channel."""
    read_at: Mapped[datetime | None]
    """When the channel's list last named it; null for one that is known from orders only."""
    product_id: Mapped[UUID | None]
    pushed_quantity: Mapped[int | None]
    pushed_at: Mapped[datetime | None]
    push_code: Mapped[str | None]
    """Why the last push failed; null when it went well."""
    created_at: Mapped[datetime]
