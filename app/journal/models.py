"""Table of the journal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class JournalRow(Base):
    """One thing that happened. Never changed after insertion, except that the sequencer numbers it once."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_subject", "merchant_id", "subject_id", text("at desc"), text("id desc")),
        Index("ix_journal_unsequenced", "merchant_id", "id", postgresql_where=text("seq is null")),
        Index("ix_journal_seq", "merchant_id", "seq", unique=True, postgresql_where=text("seq is not null")),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    kind: Mapped[str]
    """general, pick_pack, or audit (not shown on an order)."""
    type: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    subject_id: Mapped[UUID | None]
    """Order, shop, user or whatever the type speaks of."""
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str]
    channel_reference: Mapped[str | None]
    """The channel's own id of the answer the entry rests on."""
    succeeded: Mapped[bool]
