"""Tables of operations, their items, and idempotency keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class OperationRow(Base):
    """Work that outlives a request. Item counts are counted, not kept."""

    __tablename__ = "operations"
    __table_args__ = (
        Index("ix_operations_newest", "merchant_id", text("created_at desc"), text("id desc")),
        Index(
            "ix_operations_open",
            "merchant_id",
            "id",
            postgresql_where=text("finished_at is null and state <> 'planned'"),
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """arrange_shipment, import, sync, or the bulk action."""
    state: Mapped[str]
    """planned, queued, running, succeeded, failed, partially_succeeded, cancelled."""
    dry_run: Mapped[bool]
    job: Mapped[str]
    """Kind of the work rows that run its chunks."""
    open_parts: Mapped[int] = mapped_column(Integer, server_default="0")
    """Parts that are no orders (import windows, a label pack) and still to be done."""
    failed_parts: Mapped[int] = mapped_column(Integer, server_default="0")
    succeeded_parts: Mapped[int] = mapped_column(Integer, server_default="0")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the caller asked for, as the domain that runs it understands it."""
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """`documents` and `import` of the answer."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    created_by_type: Mapped[str]
    created_by_id: Mapped[UUID | None]
    created_by_name: Mapped[str]
    request_id: Mapped[str]


class OperationItemRow(Base):
    """The part of an operation for one order (or one number of an import)."""

    __tablename__ = "operation_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "operation_id"], ["operations.merchant_id", "operations.id"], ondelete="CASCADE"
        ),
        Index("ix_operation_items_operation", "merchant_id", "operation_id", "position"),
        Index("ix_operation_items_chunk", "merchant_id", "operation_id", "chunk"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation_id: Mapped[UUID]
    position: Mapped[int]
    chunk: Mapped[int]
    """Which work row runs it: items of one account, at most 20."""
    order_id: Mapped[UUID | None]
    order_number: Mapped[str | None]
    account_id: Mapped[UUID | None]
    shop_id: Mapped[UUID | None]
    channel: Mapped[str | None]
    state: Mapped[str]
    """pending, running, succeeded, skipped, failed, unknown."""
    code: Mapped[str | None]
    text_params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """Placeholders of the code's text."""
    source: Mapped[str] = mapped_column(server_default="plugosync")
    retryable: Mapped[bool] = mapped_column(server_default=text("false"))
    channel_code: Mapped[str | None]
    channel_reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    needs_attention: Mapped[bool] = mapped_column(server_default=text("false"))
    next_action: Mapped[str | None]
    handover_effective: Mapped[str | None]
    packages: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    """`{id, package_number, state, tracking_number, code}` per package."""
    planned_version: Mapped[int | None]
    """Version of the order when the plan was made."""
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """What the running domain needs for this order (its handover, …)."""
    updated_at: Mapped[datetime]


class IdempotencyKeyRow(Base):
    """The operation a key stands for; written in the operation's own transaction."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_expires_at", "expires_at"),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    operation_id: Mapped[UUID]
    expires_at: Mapped[datetime]
