"""Tables of merchants, users, sessions and API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, func
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class MerchantRow(Base):
    """A tenant. Global."""

    __tablename__ = "merchants"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserRow(Base):
    """A person of a merchant. `token_version` rises to end every session at once."""

    __tablename__ = "users"
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    token_version: Mapped[int] = mapped_column(Integer, server_default="1")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LoginRow(Base):
    """Finds the merchant of an e-mail address (lower case, unique over all merchants). Global."""

    __tablename__ = "logins"
    email: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    user_id: Mapped[UUID]


class LoginFailureRow(Base):
    """A failed login of an account from an address; too many close the door for a while. Global."""

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_key", "key", "at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
    """Digest of e-mail and client address."""
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class SessionRow(Base):
    """One link of a chain of refresh tokens. Using a spent one ends the whole family."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "user_id"], ["users.merchant_id", "users.id"]),
        Index("ix_sessions_family", "merchant_id", "family_id"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    family_id: Mapped[UUID]
    user_id: Mapped[UUID]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKeyRow(Base):
    """A key for programs: hashed, scoped, shown once."""

    __tablename__ = "api_keys"
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    key_id: Mapped[str]
    """The public part inside the key, for the look-up."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKeyIndexRow(Base):
    """Finds the merchant of a key. Global."""

    __tablename__ = "api_key_index"
    key_id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    api_key_id: Mapped[UUID]
