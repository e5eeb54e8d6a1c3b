"""Tables of durable work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class WorkRow(Base):
    """One piece of work, the queue of record. The lease is the due time moved forward; null means nothing is due."""

    __tablename__ = "work"
    __table_args__ = (
        UniqueConstraint("merchant_id", "kind", "ref"),
        Index("ix_work_due", "priority", "due_at", postgresql_where=text("due_at is not null")),
        Index("ix_work_due_at", "due_at", postgresql_where=text("due_at is not null")),
        {"postgresql_with": {"fillfactor": 70}},
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    ref: Mapped[str]
    lane: Mapped[UUID | None]
    """The account whose channel the work waits on; workers take turns between lanes."""
    priority: Mapped[int] = mapped_column(SmallInteger)
    """0 = a user waits, 5 = background."""
    wanted: Mapped[int] = mapped_column(Integer, server_default="1")
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime | None]
    is_leased: Mapped[bool] = mapped_column(server_default=text("false"))
    """A worker has it; `due_at` is then the end of its lease."""
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    dispatch_no: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)
    is_dead: Mapped[bool] = mapped_column(server_default=text("false"))
    """Failed so often that somebody should look; tried hourly."""


class ScheduleRow(Base):
    """A periodic duty of the whole service. Global."""

    __tablename__ = "schedule"
    name: Mapped[str] = mapped_column(primary_key=True)
    every_seconds: Mapped[int]
    next_run_at: Mapped[datetime]
    last_success_at: Mapped[datetime | None]


class HeartbeatRow(Base):
    """A worker that is alive. Global."""

    __tablename__ = "worker_heartbeats"
    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
