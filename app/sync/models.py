"""Tables of imports and pushes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ImportWindowRow(Base):
    """A time range of one account that an operation reads; its counts commit with its orders."""

    __tablename__ = "import_windows"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        Index("ix_import_windows_operation", "merchant_id", "operation_id"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_id: Mapped[UUID]
    account_id: Mapped[UUID]
    shop_ids: Mapped[list[str] | None] = mapped_column(JSONB)
    """Storefronts asked for when the account has more; null = all."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[str]
    """pending, succeeded, failed."""
    code: Mapped[str | None]
    found: Mapped[int] = mapped_column(Integer, server_default="0")
    new: Mapped[int] = mapped_column(Integer, server_default="0")
    updated: Mapped[int] = mapped_column(Integer, server_default="0")
    unchanged: Mapped[int] = mapped_column(Integer, server_default="0")
    failed: Mapped[int] = mapped_column(Integer, server_default="0")


class FailedOrderRow(Base):
    """An order the channel has and we could not map: kept with its reason until a later read succeeds."""

    __tablename__ = "failed_orders"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(Integer, server_default="1")
    first_failed_at: Mapped[datetime]
    last_failed_at: Mapped[datetime]


class ReadRequestRow(Base):
    """An order somebody wants re-read (push, sync, arrange): doubles coalesce, a trigger during a read causes another."""

    __tablename__ = "read_requests"
    __table_args__ = (
        UniqueConstraint("merchant_id", "account_id", "external_id"),
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        Index("ix_read_requests_pending", "merchant_id", "account_id", "requested_at", postgresql_where=text("wanted > done")),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    external_id: Mapped[str]
    wanted: Mapped[int] = mapped_column(Integer, server_default="1")
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    requested_at: Mapped[datetime]


class PushRow(Base):
    """A verified push as it arrived. Global: its merchant is found when it is routed."""

    __tablename__ = "push_inbox"
    __table_args__ = (Index("ix_push_inbox_waiting", "received_at", postgresql_where=text("state = 'waiting'")),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    account_external_id: Mapped[str | None]
    order_external_id: Mapped[str | None]
    kind: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(server_default="waiting")
    """waiting, routed, dropped (unknown shop), quarantined (cannot be read)."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
