"""Tables of imports and pushes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ImportWindowRow(Base):
    """A time range of one account that an operation reads."""

    __tablename__ = "import_windows"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        Index("ix_import_windows_operation", "merchant_id", "operation_id"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_id: Mapped[UUID]
    account_id: Mapped[UUID]
    chunk: Mapped[int]
    """Of the operation's items for orders that this window could not read."""
    by: Mapped[str]
    """created or updated: the channel's time that lies in the window."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    is_first_read: Mapped[bool] = mapped_column(server_default=text("false"))
    """Part of the first import of a new account: its end says how far back the account is complete."""
    state: Mapped[str]
    """pending, succeeded, failed, cancelled."""
    code: Mapped[str | None]


class ImportReadRow(Base):
    """What became of one order in one import. A window that is read again counts no order twice."""

    __tablename__ = "import_reads"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    """new, updated, unchanged, failed."""


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


class CompletenessDayRow(Base):
    """What the last comparison of one day with the channel found, and what all of them mended."""

    __tablename__ = "completeness_days"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at_channel: Mapped[int]
    here: Mapped[int]
    healed: Mapped[int]
    refreshed: Mapped[int] = mapped_column(Integer, server_default="0")
    last_healed_at: Mapped[datetime | None]
    failed: Mapped[int]
    missing: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    checked_at: Mapped[datetime]
