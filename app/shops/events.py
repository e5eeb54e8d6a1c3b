"""What happens to connections and shops."""

from typing import Any, Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing


class Accounts(Facts):
    """What a consent covers."""

    channel: str
    accounts: list[str] = Field(description="The channel's ids.")


class ConnectionState(Facts):
    """How a connection stands."""

    state: str


class Reauthorization(Facts):
    """Why the seller has to consent again."""

    channel: str
    reason: str = Field(description="The channel's code.")


class Expiry(Facts):
    """When an authorisation ends."""

    account: str = Field(description="The channel's id.")
    authorization_expires_at: str = Field(description="An instant.")


class ShopSettings(Facts):
    """A shop's settings: only the fields that differ."""

    name: str | None = None
    is_paused: bool | None = None
    auto_receive: dict[str, Any] | None = None
    cooling: dict[str, Any] | None = None
    timezone: str | None = None


CONNECTED: Final = Event(
    "connection.connected", Nothing, Accounts, "Shop connected", "Toko terhubung", "{channel}", kind="audit"
)
REAUTHORIZED: Final = Event(
    "connection.reauthorized", Nothing, Accounts, "Consent renewed", "Izin diperbarui", "{channel}", kind="audit"
)
DISCONNECTED: Final = Event(
    "connection.disconnected", ConnectionState, ConnectionState, "Shop disconnected", "Toko diputus", kind="audit"
)
NEEDS_REAUTH: Final = Event(
    "connection.needs_reauth",
    Nothing,
    Reauthorization,
    "The channel asks for a new consent",
    "Kanal meminta izin baru",
    "{channel}",
    kind="audit",
    succeeded=False,
)
EXPIRING: Final = Event(
    "connection.expiring",
    Nothing,
    Expiry,
    "The authorisation ends soon",
    "Izin segera berakhir",
    "{authorization_expires_at}",
    kind="audit",
)
SHOP_CHANGED: Final = Event(
    "shop.changed", ShopSettings, ShopSettings, "Shop changed", "Toko diubah", "{changed}", kind="audit"
)
