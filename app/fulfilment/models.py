"""Tables of the intent ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class IntentRow(Base):
    """Our recorded wish to change something at a channel that must not happen twice.

    planned → sent → confirmed, rejected or unknown; `sent` is committed before the first byte leaves.
    """

    __tablename__ = "effect_intents"
    __table_args__ = (
        UniqueConstraint("merchant_id", "kind", "target", "generation"),
        Index("ix_effect_intents_item", "merchant_id", "item_id"),
        Index(
            "ix_effect_intents_open",
            "merchant_id",
            "next_check_at",
            postgresql_where=text("state in ('planned', 'sent', 'unknown')"),
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    order_id: Mapped[UUID]
    kind: Mapped[str]
    """ship, pack, cancel, answer."""
    target: Mapped[UUID]
    """Package (ship), order (pack, cancel) or cancellation (answer)."""
    generation: Mapped[int] = mapped_column(Integer, server_default="1")
    """Rises only when a read shows that the channel undid the effect."""
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    params_hash: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    resends: Mapped[int] = mapped_column(Integer, server_default="0")
    call_id: Mapped[UUID | None]
    sent_at: Mapped[datetime | None]
    settle_until: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    reads: Mapped[int] = mapped_column(Integer, server_default="0")
    absent_reads: Mapped[int] = mapped_column(Integer, server_default="0")
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    item_id: Mapped[UUID]
    """The item that asked for it last."""
    created_at: Mapped[datetime]


class AttemptRow(Base):
    """An earlier attempt of an intent that was rejected and asked for again: evidence, never changed."""

    __tablename__ = "effect_attempts"
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    intent_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]


class ParcelNumberRow(Base):
    """The last parcel number given to a parcel of the merchant that has no courier's number."""

    __tablename__ = "parcel_numbers"
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
