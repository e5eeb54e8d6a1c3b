"""Tables of stock: the movement ledger and the log of pushes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class MovementRow(Base):
    """One change of a product's stock, never changed itself. On hand and reserved are the sums of these."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "product_id"], ["products.merchant_id", "products.id"]),
        # Each happens once per line; `turn` counts those of one kind that a changed order made necessary.
        UniqueConstraint("merchant_id", "line_id", "kind", "turn"),
        Index(
            "uq_stock_movements_reference",
            "merchant_id",
            "product_id",
            "reference",
            unique=True,
            postgresql_where=text("reference is not null"),
        ),
        Index("ix_stock_movements_product", "merchant_id", "product_id", "id"),
        Index("ix_stock_movements_order", "merchant_id", "order_id", postgresql_where=text("order_id is not null")),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID]
    kind: Mapped[str]
    """reserve, deduct, release, restock (of an order's line) or adjust (by a person)."""
    order_id: Mapped[UUID | None]
    line_id: Mapped[UUID | None]
    turn: Mapped[int] = mapped_column(server_default=text("0"))
    quantity: Mapped[int]
    """Pieces the order moves; a deduction may find fewer than that."""
    on_hand_change: Mapped[int]
    reserved_change: Mapped[int]
    reason: Mapped[str | None]
    reference: Mapped[str | None]
    """The caller's own key of an adjustment: the same one twice is one."""
    actor_name: Mapped[str]
    at: Mapped[datetime]


class StockPushRow(Base):
    """One try to tell a channel what is available."""

    __tablename__ = "stock_pushes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "listing_id"], ["listings.merchant_id", "listings.id"], ondelete="CASCADE"
        ),
        Index("ix_stock_pushes_listing", "merchant_id", "listing_id", "id"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID]
    quantity: Mapped[int]
    at: Mapped[datetime]
    succeeded: Mapped[bool]
    code: Mapped[str | None]
    reason: Mapped[str | None]
    is_retryable: Mapped[bool]
