"""Consent, tokens, and the shops they open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Tokens:
    """One credential. `refresh_expires_at` is the last moment a refresh can work, None when unknown."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """What a call for one account needs."""

    external_id: str
    """The account's id at the channel (Shopee: shop_id)."""
    access_token: str
    cipher: str | None = None
    """Second key of the account where the channel has one."""
    limiter_key: str = ""
    """Names the account in the shared limiter."""
    priority: Literal["user", "background"] = "user"


@dataclass(frozen=True, slots=True)
class GrantedCredential:
    """Tokens together with the API-side shops they open."""

    tokens: Tokens
    account_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelShop:
    """A storefront as users see it."""

    channel: str
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """An API-side shop with its storefronts."""

    external_id: str
    shops: tuple[ChannelShop, ...]
    cipher: str | None = None
    authorization_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConsentStart:
    """What an authorisation URL is made of. `redirect_uri` is our callback."""

    state: str
    redirect_uri: str
    now: datetime
    store_url: str | None = None
    """Only with facts.needs_store_url: as `find_store` answered it."""


@runtime_checkable
class Authorises(Protocol):
    """Consent by redirect, code exchange, rotation."""

    def authorization_url(self, start: ConsentStart) -> str:
        """Where to send the seller. `state` comes back in the callback, under facts.state_parameter."""
        ...

    async def exchange(self, callback: Mapping[str, str]) -> tuple[GrantedCredential, ...]:
        """Trade what the callback brought for tokens. Raises Rejected when it is used, old or a refusal.

        With facts.needs_store_url `store_url` is among the parameters, and so are `consumer_key` and
        `consumer_secret` when the merchant typed them instead of consenting.
        """
        ...

    async def refresh(self, account_id: str, tokens: Tokens) -> Tokens:
        """Rotate. Raises Unauthorized(is_final=True) when only a new consent helps.

        Unknown when the answer was lost.
        """
        ...

    async def fetch_account(self, access: ShopAccess) -> ChannelAccount:
        """Name, storefronts and end of the authorisation of one account."""
        ...


@runtime_checkable
class FindsStores(Protocol):
    """Shops on servers of their own (facts.needs_store_url)."""

    async def find_store(self, store_url: str) -> str:
        """The store's address as it knows itself, which from then on is the account's external id.

        Raises Rejected with meaning `invalid_store_url` (not a web address, plain http or a private address in
        production), `store_not_found` (no such API there), or ChannelError.
        """
        ...
