"""What callers send and get about themselves, users and keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.core.ids import ApiKeyId, MerchantId, UserId
from app.core.schemas import Body
from app.identity.passwords import MAX_LENGTH, MIN_LENGTH
from app.identity.roles import Role, Scope

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f]+$",
    ),
    Field(examples=["rina@example.id"]),
]
Password = Annotated[str, StringConstraints(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]


class PasswordGrant(Body):
    """The OAuth2 password form."""

    grant_type: Literal["password"] = "password"
    username: Annotated[str, StringConstraints(min_length=1, max_length=254)] = Field(description="The e-mail address.")
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        json_schema_extra={"format": "password"}
    )
    scope: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="Accepted and ignored: the role decides."
    )
    client_id: Annotated[str, StringConstraints(max_length=254)] | None = Field(default=None, description="Ignored.")
    client_secret: Annotated[str, StringConstraints(max_length=254)] | None = Field(
        default=None, description="Ignored."
    )


class RefreshTokens(Body):
    """Go on with a session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Tokens(BaseModel):
    """Access for 15 minutes, and the means to renew it once."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (the scheme)
    expires_in: int = Field(description="Seconds.")
    refresh_token: str = Field(description="For one use. Using it twice ends the session.")
    scope: str = Field(description="What the role may do, separated by spaces.")


class MyUser(BaseModel):
    """The user who is calling."""

    model_config = ConfigDict(from_attributes=True)

    id: UserId
    name: str
    email: str


class MyApiKey(BaseModel):
    """The API key that is calling."""

    id: ApiKeyId
    name: str


class MyMerchant(BaseModel):
    """Whose data is seen."""

    id: MerchantId
    name: str


class Me(BaseModel):
    """Who is calling: a user or an API key, never both."""

    user: MyUser | None
    api_key: MyApiKey | None
    merchant: MyMerchant
    role: str | None = Field(description="owner, manager, packer or viewer (open on output); null for an API key.")
    scopes: list[str]


class User(BaseModel):
    """A person of the merchant."""

    model_config = ConfigDict(from_attributes=True)

    id: UserId
    name: str
    email: str
    role: str = Field(description="owner, manager, packer or viewer (open on output).")
    disabled_at: datetime | None
    created_at: datetime


class CreateUser(Body):
    """Let another person in."""

    email: Email
    name: Name
    role: Role
    password: Password


class ChangeUser(Body):
    """What is left out stays. A new role, a new password and disabling end the user's access tokens at once."""

    name: Name | None = None
    role: Role | None = None
    disabled: bool | None = None
    password: Password | None = None


class ApiKey(BaseModel):
    """A key for programs; the secret is not kept."""

    model_config = ConfigDict(from_attributes=True)

    id: ApiKeyId
    name: str
    key_id: str = Field(description="The part of the key by which it can be recognised.")
    scopes: list[str]
    created_by: UserId | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="At most a minute behind.")
    revoked_at: datetime | None


class NewApiKey(ApiKey):
    """The answer to its creation, the only one that shows the key."""

    key: str = Field(description="Send it as `Authorization: Bearer …`. It is never shown again.")


class CreateApiKey(Body):
    """Make a key of at most your own scopes."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    expires_at: AwareDatetime | None = Field(default=None, description="Absent: until revoked.")
