"""Connecting a shop: consent at the channel, callback, confirmation. Network between transactions, never inside."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from uuid import UUID

import structlog

from app.channels.contract import (
    Authorises,
    Connectors,
    ConsentStart,
    FindsStores,
    GrantedCredential,
    ShopAccess,
    SubscribesPushes,
    Tokens,
)
from app.channels.errors import ChannelError, Rejected
from app.core.ids import Prefixed
from app.core.security import Keyring
from app.core.settings import Settings
from app.shops import connections, repository
from app.shops.connections import Consent, Granted
from app.shops.errors import (
    ChannelFailed,
    ChannelUnknown,
    ConfirmationBusy,
    ConsentMissing,
    ConsentRefused,
    InvalidStateToken,
    InvalidStoreUrl,
    OtherShopConsented,
    ReturnUrlNotAllowed,
    ShopAlreadyConnected,
    StoreNotFound,
    StoreUrlNeeded,
    StoreUrlNotWanted,
)
from app.shops.models import ConnectionRow
from app.work.context import Context

log = structlog.get_logger()

_STATE_BYTES = 16
_CONFIRM_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Begun:
    """A consent to be given: send the seller to `authorization_url`."""

    connection: ConnectionRow
    authorization_url: str
    expires_at: datetime


# --- begin ------------------------------------------------------------------------------------------------------------


async def begin(
    context: Context,
    merchant_id: UUID,
    created_by: UUID,
    *,
    channel: str,
    return_url: str,
    store_url: str | None = None,
) -> Begun:
    """Open a pending connection. A store of its own is looked for before anything is kept."""
    find_authoriser(context.connectors, channel)
    check_return_url(context.settings, return_url)
    found = await find_store(context.connectors, channel, store_url)
    state = secrets.token_urlsafe(_STATE_BYTES)
    consent = await context.database.transact(
        connections.open_connection,
        merchant_id,
        channel=channel,
        return_url=return_url,
        store_url=found,
        created_by=created_by,
        digest=digest_of(state),
    )
    return _to_begun(context, consent, state)


async def begin_again(
    context: Context, merchant_id: UUID, created_by: UUID, connection_id: UUID, *, return_url: str | None
) -> Begun:
    """A new consent for a connection that is there."""
    if return_url is not None:
        check_return_url(context.settings, return_url)
    state = secrets.token_urlsafe(_STATE_BYTES)
    consent = await context.database.transact(
        connections.reopen_connection,
        merchant_id,
        connection_id,
        return_url=return_url,
        created_by=created_by,
        digest=digest_of(state),
    )
    return _to_begun(context, consent, state)


def _to_begun(context: Context, consent: Consent, state: str) -> Begun:
    connection = consent.connection
    connector = find_authoriser(context.connectors, connection.channel)
    redirect_uri = f"{context.settings.base_url}/v1/connections/callback/{connection.channel}"
    assert connection.expires_at is not None
    start = ConsentStart(state, redirect_uri, consent.at, connection.store_url)
    return Begun(connection, connector.authorization_url(start), connection.expires_at)


async def find_store(connectors: Connectors, channel: str, store_url: str | None) -> str | None:
    """Where the shop stands, as it says itself; None where shops have no server of their own.

    Raises StoreUrlNeeded, StoreUrlNotWanted, InvalidStoreUrl, StoreNotFound or ChannelFailed.
    """
    connector = connectors[channel]
    if not connector.facts.needs_store_url:
        if store_url is not None:
            raise StoreUrlNotWanted(pointer="/store_url")
        return None
    if store_url is None:
        raise StoreUrlNeeded(pointer="/store_url")
    assert isinstance(connector, FindsStores)
    try:
        return await connector.find_store(store_url)
    except ChannelError as error:
        meaning = error.meaning if isinstance(error, Rejected) else None
        if meaning == "invalid_store_url":
            raise InvalidStoreUrl(pointer="/store_url") from error
        if meaning == "store_not_found":
            raise StoreNotFound(pointer="/store_url") from error
        raise ChannelFailed(source=channel, reason=error.code or type(error).__name__) from error


def find_authoriser(connectors: Connectors, channel: str) -> Authorises:
    """The connector that can ask for consent. Raises ChannelUnknown."""
    connector = connectors.get(channel)
    if not isinstance(connector, Authorises):
        raise ChannelUnknown(pointer="/channel", channel=channel[:50])
    return connector


def digest_of(state: str) -> bytes:
    """States are kept as digests: reading the table gives nobody a consent."""
    return hashlib.sha256(state.encode()).digest()


def check_return_url(settings: Settings, url: str) -> None:
    """Raises ReturnUrlNotAllowed unless the URL lies below one of ours or of the operator's list."""
    if not any(_lies_below(url, allowed) for allowed in (settings.base_url, *settings.return_urls)):
        raise ReturnUrlNotAllowed(pointer="/return_url")


def _lies_below(url: str, allowed: str) -> bool:
    if not url.isascii() or "\\" in url or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        return False  # browsers repair such URLs, and not as we would
    try:
        asked, permitted = urlsplit(url), urlsplit(allowed)
        same_origin = _origin(asked) == _origin(permitted)
    except ValueError:
        return False
    if not same_origin or asked.username is not None or asked.password is not None or asked.fragment:
        return False
    path = unquote(asked.path)
    if ".." in path or "\\" in path:
        return False
    prefix = permitted.path.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _origin(parts: Any) -> tuple[str, str, int]:
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no web address")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


# --- callback ---------------------------------------------------------------------------------------------------------


async def accept_callback(context: Context, channel: str, parameters: Mapping[str, str]) -> str:
    """Keep, sealed, what the channel sent along, and say where the browser goes next. Raises InvalidStateToken.

    A callback without our state cannot be told from a forged one and is refused.
    """
    connector = context.connectors.get(channel)
    state_parameter = connector.facts.state_parameter if connector is not None else "state"
    kept = {name: value for name, value in parameters.items() if name != state_parameter}
    digest = digest_of(parameters.get(state_parameter, ""))
    merchant_id = await context.database.transact_globally(repository.find_state_merchant, digest, channel)
    if merchant_id is None:
        raise InvalidStateToken(parameter=state_parameter)
    connection = await context.database.transact(
        connections.store_callback,
        merchant_id,
        digest=digest,
        channel=channel,
        sealed=context.keyring.seal(json.dumps({"callback": kept})),
    )
    return _way_back(connection)


async def accept_return(context: Context, channel: str, parameters: Mapping[str, str]) -> str:
    """The browser's part of a callback. Where the shop posts its keys, it comes after them and only goes on."""
    connector = context.connectors.get(channel)
    if connector is not None and connector.facts.posts_credentials:
        digest = digest_of(parameters.get(connector.facts.state_parameter, ""))
        used = await context.database.transact_globally(repository.find_used_state, digest, channel)
        if used is not None:
            return _way_back(await context.database.transact(repository.get_connection, *used))
    return await accept_callback(context, channel, parameters)


def _way_back(connection: ConnectionRow) -> str:
    parts = urlsplit(connection.return_url)
    query = urlencode({"connection_id": Prefixed("con").format(connection.id)})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


# --- confirmation -----------------------------------------------------------------------------------------------------


async def confirm(context: Context, merchant_id: UUID, confirmer: UUID, connection_id: UUID) -> ConnectionRow:
    """Trade the consent for tokens and connect its shops. Confirming what is confirmed changes nothing."""
    connection = await _begin(context, merchant_id, confirmer, connection_id)
    if connection.expires_at is None:
        return connection
    if connection.callback is None:
        raise ConsentMissing()
    callback, forget = connection.callback, False
    try:
        connector = find_authoriser(context.connectors, connection.channel)
        api = context.connectors[connection.channel].facts.api
        granted = _read_grants(context.keyring, callback)
        if granted is None:
            granted = await connector.exchange(_read_callback(context.keyring, callback, connection.store_url))
            sealed = _seal_grants(context.keyring, granted)
            # The code is spent: from here on only these tokens can finish the connection.
            await context.database.transact(
                connections.keep_grants, merchant_id, connection_id, before=callback, sealed=sealed
            )
            callback = sealed
        grants = [await fetch_accounts(connector, one, api) for one in granted]
        return await context.database.transact(
            connections.connect,
            merchant_id,
            connection_id,
            context.keyring,
            api=api,
            grants=grants,
            subscribes=isinstance(connector, SubscribesPushes),
        )
    except ChannelError as error:
        forget = isinstance(error, Rejected)
        log.warning("connection_not_confirmed", connection_id=str(connection_id), code=error.code)
        await _end(context, merchant_id, connection_id, callback, forget=forget)
        if isinstance(error, Rejected) and error.meaning == "consent_refused":
            title = context.connectors[connection.channel].facts.title
            raise ConsentRefused(channel=title, reason=error.reason or error.code) from error
        raise ChannelFailed(source=connection.channel, reason=error.code or type(error).__name__) from error
    except (ShopAlreadyConnected, OtherShopConsented):
        await _end(context, merchant_id, connection_id, callback, forget=True)
        raise


async def _begin(context: Context, merchant_id: UUID, confirmer: UUID, connection_id: UUID) -> ConnectionRow:
    clock = asyncio.get_running_loop().time
    deadline = clock() + _CONFIRM_WAIT_SECONDS
    while True:
        connection = await context.database.transact(
            connections.begin_confirmation, merchant_id, connection_id, confirmer
        )
        if connection is not None:
            return connection
        if clock() >= deadline:
            raise ConfirmationBusy()
        await asyncio.sleep(_LOOK_SECONDS)


async def _end(context: Context, merchant_id: UUID, connection_id: UUID, callback: bytes, *, forget: bool) -> None:
    await context.database.transact(
        connections.end_confirmation, merchant_id, connection_id, before=callback, forget=forget
    )


async def fetch_accounts(connector: Authorises, granted: GrantedCredential, api: str) -> Granted:
    """What the channel says about the accounts a credential opens."""
    accounts = []
    for external_id in granted.account_ids:
        access = ShopAccess(external_id, granted.tokens.access_token, limiter_key=f"{api}:{external_id}")
        accounts.append(await connector.fetch_account(access))
    return Granted(granted.tokens, tuple(accounts))


def _read_callback(keyring: Keyring, sealed: bytes, store_url: str | None) -> dict[str, str]:
    parameters: dict[str, str] = json.loads(keyring.open(sealed))["callback"]
    return parameters if store_url is None else {**parameters, "store_url": store_url}


def _seal_grants(keyring: Keyring, granted: tuple[GrantedCredential, ...]) -> bytes:
    grants = [
        {
            "access_token": one.tokens.access_token,
            "refresh_token": one.tokens.refresh_token,
            "access_expires_at": one.tokens.access_expires_at.isoformat(),
            "refresh_expires_at": one.tokens.refresh_expires_at and one.tokens.refresh_expires_at.isoformat(),
            "account_ids": one.account_ids,
        }
        for one in granted
    ]
    return keyring.seal(json.dumps({"grants": grants}))


def _read_grants(keyring: Keyring, sealed: bytes) -> tuple[GrantedCredential, ...] | None:
    kept = json.loads(keyring.open(sealed)).get("grants")
    if kept is None:
        return None
    return tuple(GrantedCredential(_to_tokens(one), tuple(one["account_ids"])) for one in kept)


def _to_tokens(kept: dict[str, Any]) -> Tokens:
    ends_at = kept["refresh_expires_at"]
    return Tokens(
        kept["access_token"],
        kept["refresh_token"],
        datetime.fromisoformat(kept["access_expires_at"]),
        datetime.fromisoformat(ends_at) if ends_at else None,
    )
