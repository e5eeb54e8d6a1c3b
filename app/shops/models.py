"""Tables of connections, credentials, accounts and shops."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ConnectionRow(Base):
    """One authorisation at a channel's API, from the first click to its end."""

    __tablename__ = "connections"
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    state: Mapped[str]
    """pending, connected, needs_reauth or disconnected."""
    return_url: Mapped[str]
    store_url: Mapped[str | None]
    """Where the store stands, for channels without a server of their own."""
    created_by: Mapped[UUID | None]
    """The user or API key that must confirm."""
    callback: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: the callback's parameters, then the tokens they were traded for, until the shops are stored."""
    expires_at: Mapped[datetime | None]
    """Until when an open consent may be confirmed; null when none is open."""
    confirming_until: Mapped[datetime | None]
    """A confirmation is running until then at most; another one waits for it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    connected_at: Mapped[datetime | None]


class OAuthStateRow(Base):
    """A single-use state given to a channel. Global: the callback knows no merchant yet."""

    __tablename__ = "oauth_states"
    __table_args__ = (Index("ix_oauth_states_connection", "connection_id"),)
    state_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    merchant_id: Mapped[UUID]
    connection_id: Mapped[UUID]
    channel: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CredentialRow(Base):
    """Tokens, sealed. Only the holder of the refresh lease may rotate them (`refresh_fence`)."""

    __tablename__ = "credentials"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "connection_id"], ["connections.merchant_id", "connections.id"]),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    access_token: Mapped[bytes] = mapped_column(LargeBinary)
    refresh_token: Mapped[bytes] = mapped_column(LargeBinary)
    access_issued_at: Mapped[datetime]
    access_expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    refresh_fence: Mapped[int] = mapped_column(Integer, server_default="0")
    refresh_lease_until: Mapped[datetime | None]
    refresh_started: Mapped[bool] = mapped_column(server_default=text("false"))
    """A refresh was sent and its answer never stored: the old token may be tried once more."""
    needs_reauth_since: Mapped[datetime | None]
    needs_reauth_reason: Mapped[str | None]


class AccountRow(Base):
    """An API-side shop: limiter, sync checkpoint, push health."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("merchant_id", "api", "external_id"),
        ForeignKeyConstraint(["merchant_id", "connection_id"], ["connections.merchant_id", "connections.id"]),
        ForeignKeyConstraint(["merchant_id", "credential_id"], ["credentials.merchant_id", "credentials.id"]),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    credential_id: Mapped[UUID]
    api: Mapped[str]
    channel: Mapped[str]
    """The channel whose connector speaks for the account."""
    external_id: Mapped[str]
    cipher: Mapped[str | None]
    authorization_expires_at: Mapped[datetime | None]
    expiry_warned_at: Mapped[datetime | None]
    """When the near end of the authorisation was written to the journal."""
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    checkpoint_at: Mapped[datetime | None]
    """End of the last complete window, on the channel's clock."""
    complete_since: Mapped[datetime | None]
    """Orders are complete back to here."""
    last_poll_at: Mapped[datetime | None]
    last_push_at: Mapped[datetime | None]
    pushes_subscribed_at: Mapped[datetime | None]
    """When its pushes were last ordered at the channel, where they are ordered per account."""
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]
    compared_at: Mapped[datetime | None]
    """When its last comparison with the channel's lists came to its end; what that and earlier ones found:"""
    orders_missing: Mapped[int] = mapped_column(Integer, server_default="0")
    orders_healed: Mapped[int] = mapped_column(Integer, server_default="0")
    orders_refreshed: Mapped[int] = mapped_column(Integer, server_default="0")


class ShopRow(Base):
    """A storefront: what users see and filter by."""

    __tablename__ = "shops"
    __table_args__ = (
        UniqueConstraint("merchant_id", "account_id", "channel", "external_id"),
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    channel: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[str]
    is_paused: Mapped[bool] = mapped_column(server_default=text("false"))
    timezone: Mapped[str] = mapped_column(server_default="Asia/Jakarta")
    auto_receive: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default='{"mode": "off", "value": null}')
    cooling: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default='{"minutes": 60, "mode": "warn"}')
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ShopClaimRow(Base):
    """Who owns a channel's shop: one merchant at a time. Global."""

    __tablename__ = "shop_claims"
    api: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    account_id: Mapped[UUID]
