"""Tables of documents and label tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class DocumentRow(Base):
    """A PDF we keep. The row is written after its bytes are safe."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_operation", "merchant_id", "operation_id"),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """label_pack, invoice_pack, packing_slip_pack or pick_list."""
    state: Mapped[str]
    """ready or failed."""
    layout: Mapped[str]
    pages: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    operation_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    manifest: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`{page, order_id, order_number, package_number}`, one per page."""
    missing: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`{order_id, order_number, code}` of what was asked for and is not in it."""


class LabelRow(Base):
    """The label of one package: its task at the channel, then our stored copy."""

    __tablename__ = "labels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "package_id"], ["packages.merchant_id", "packages.id"], ondelete="CASCADE"
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    package_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    """requested, ready or failed."""
    tracking_number: Mapped[str]
    code: Mapped[str | None]
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    sha256: Mapped[str | None]
    size: Mapped[int | None]
    pages: Mapped[int | None]
    fetched_at: Mapped[datetime | None]
