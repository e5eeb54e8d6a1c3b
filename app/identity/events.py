"""What happens to users, keys and sessions."""

from typing import Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing


class Role(Facts):
    """What a user may do."""

    role: str


class UserFields(Facts):
    """A user's settings: only the fields that differ."""

    name: str | None = None
    role: str | None = None
    disabled: bool | None = None


class ChangedUser(UserFields):
    """The same afterwards. A password is named, never shown."""

    password: str | None = Field(default=None, description="`changed`.")


class ApiKeyGrant(Facts):
    """A key and its scopes."""

    name: str
    scopes: list[str]


class Client(Facts):
    """Where a login came from."""

    client: str


USER_CREATED: Final = Event("user.created", Nothing, Role, "User created", "Pengguna dibuat", "{role}", kind="audit")
USER_CHANGED: Final = Event(
    "user.changed", UserFields, ChangedUser, "User changed", "Pengguna diubah", "{changed}", kind="audit"
)
API_KEY_CREATED: Final = Event(
    "api_key.created", Nothing, ApiKeyGrant, "API key created", "Kunci API dibuat", "{name}", kind="audit"
)
API_KEY_REVOKED: Final = Event(
    "api_key.revoked", Nothing, Nothing, "API key revoked", "Kunci API dicabut", kind="audit"
)
LOGIN_SUCCEEDED: Final = Event("login.succeeded", Nothing, Client, "Logged in", "Berhasil masuk", kind="audit")
LOGIN_FAILED: Final = Event(
    "login.failed", Nothing, Client, "Login refused", "Gagal masuk", kind="audit", succeeded=False
)
SESSION_REUSED: Final = Event(
    "session.reused",
    Nothing,
    Nothing,
    "A spent refresh token was used again; its sessions were ended",
    "Token penyegar lama dipakai lagi; sesinya diakhiri",
    kind="audit",
    succeeded=False,
)
