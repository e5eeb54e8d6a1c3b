"""Rotates tokens: one refresh in flight per credential, and no token is used before it is stored."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Authorises, Tokens
from app.channels.errors import ChannelError, Malformed, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.core import errors, fail
from app.core.clock import now
from app.core.security import Keyring
from app.journal import service as journal
from app.shops import events, repository
from app.shops.models import CredentialRow
from app.shops.repository import AccountCredential
from app.work.context import Context

log = structlog.get_logger()

REFRESH_AT = 0.8
"""Share of a token's life after which it is renewed before use."""
WAIT_SECONDS = 10.0
EARLY_WAIT_SECONDS = 1.0
"""A token that is still good is worth no longer wait for its successor."""
_LOOK_SECONDS = 0.1
_FAILURE_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE_SECONDS = 60.0
_STORE_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0)


def refuse_without_consent(opened: AccountCredential) -> None:
    """Raises Unauthorized(is_final) when only the seller can open this account again."""
    if not opened.account.is_active:
        raise Unauthorized("disconnected", "The shop is disconnected.", is_final=True)
    if opened.credential.needs_reauth_since is not None:
        raise Unauthorized("needs_reauth", opened.credential.needs_reauth_reason or "", is_final=True)


def is_stale(opened: AccountCredential) -> bool:
    """Whether the token should be renewed before it is used."""
    credential = opened.credential
    life = credential.access_expires_at - credential.access_issued_at
    return opened.at >= credential.access_issued_at + life * REFRESH_AT


async def renew(
    context: Context, merchant_id: UUID, seen: AccountCredential, *, wait_seconds: float = WAIT_SECONDS
) -> AccountCredential:
    """A credential newer than `seen`: rotated by us, or by whoever holds the lease, for whom we wait.

    Raises Unauthorized(is_final) when only a new consent helps, else Throttled or Unavailable: nothing has been done
    with the token then.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds
    lease = timedelta(seconds=2 * context.settings.http_timeout_seconds + 15)
    while True:
        opened = await context.database.transact(repository.load_credential, merchant_id, seen.account.id)
        refuse_without_consent(opened)
        if opened.stamp != seen.stamp:
            return opened
        if not _is_leased(opened):
            leased = await context.database.transact(lease_refresh, merchant_id, opened.stamp, lease)
            if leased is not None:
                # Whoever is cancelled meanwhile (a caller who hung up) must not lose a token the channel has rotated.
                await asyncio.shield(asyncio.ensure_future(_rotate(context, merchant_id, opened, *leased)))
                continue
        if clock() >= deadline:
            raise Unavailable("refresh_busy", "Another worker has been renewing the token for too long.")
        await asyncio.sleep(_LOOK_SECONDS)


def _is_leased(opened: AccountCredential) -> bool:
    lease_until = opened.credential.refresh_lease_until
    return lease_until is not None and lease_until > opened.at


async def lease_refresh(
    session: AsyncSession, merchant_id: UUID, stamp: tuple[UUID, int], lease: timedelta
) -> tuple[int, bool] | None:
    """Become the only one who may rotate: our fence, and whether an earlier answer may be lost. None = not now."""
    credential = await repository.lock_credential(session, merchant_id, stamp)
    at = await now(session)
    if credential is None or credential.needs_reauth_since is not None:
        return None
    if credential.refresh_lease_until is not None and credential.refresh_lease_until > at:
        return None
    was_started = credential.refresh_started
    credential.refresh_fence += 1
    credential.refresh_lease_until = at + lease
    credential.refresh_started = True
    return credential.refresh_fence, was_started


async def _rotate(
    context: Context, merchant_id: UUID, opened: AccountCredential, fence: int, may_be_lost: bool
) -> None:
    connector = context.connectors[opened.account.channel]
    assert isinstance(connector, Authorises)
    tokens = open_tokens(context.keyring, opened.credential)
    try:
        fresh = await _ask(connector, opened.account.external_id, tokens)
    except ChannelError as error:
        may_be_lost = may_be_lost or isinstance(error, Unknown)
        if isinstance(error, Unauthorized) or (isinstance(error, Rejected) and may_be_lost):
            await context.database.transact(give_up, merchant_id, opened.stamp, error.code or "refresh_refused")
            raise Unauthorized(error.code, error.reason, is_final=True) from error
        await context.database.transact(
            repository.pause_refresh,
            merchant_id,
            opened.credential.id,
            fence,
            pause=_pause_after(error),
            may_be_lost=may_be_lost,
        )
        if isinstance(error, Throttled | Unavailable):
            raise
        # Whatever this was, the call that needs the token has not been made: nobody may take it for an unknown effect.
        raise Unavailable(error.code, error.reason) from error
    fail.point("token.after_response")
    await _store(context, merchant_id, opened.credential.id, fence, fresh)


async def _ask(connector: Authorises, external_id: str, tokens: Tokens) -> Tokens:
    try:
        return await connector.refresh(external_id, tokens)
    except (Unknown, Malformed):
        log.warning("token_refresh_unanswered", external_id=external_id)
    try:
        return await connector.refresh(external_id, tokens)
    except Rejected as error:
        # After a lost answer a refusal says that the old token is spent.
        raise Unauthorized(error.code, error.reason, is_final=True) from error
    except (Throttled, Unavailable, Malformed) as error:
        raise Unknown(error.code, error.reason) from error


def _pause_after(error: ChannelError) -> timedelta:
    if isinstance(error, Throttled) and error.retry_after:
        return timedelta(seconds=min(error.retry_after, _LONGEST_PAUSE_SECONDS))
    return _FAILURE_PAUSE


async def _store(context: Context, merchant_id: UUID, credential_id: UUID, fence: int, fresh: Tokens) -> None:
    """The channel has rotated: a token that is not stored is lost, so do not give up at the first failure."""
    values = sealed_tokens(context.keyring, fresh)
    for pause in _STORE_PAUSES:
        try:
            kept = await context.database.transact(repository.store_tokens, merchant_id, credential_id, fence, values)
        except errors.Unavailable:
            await asyncio.sleep(pause)
        else:
            log.info("token_refreshed", credential_id=str(credential_id), lease_kept=kept)
            return
    await context.database.transact(repository.store_tokens, merchant_id, credential_id, fence, values)


def sealed_tokens(keyring: Keyring, tokens: Tokens) -> dict[str, object]:
    """The columns of a credential."""
    return {
        "access_token": keyring.seal(tokens.access_token),
        "refresh_token": keyring.seal(tokens.refresh_token),
        "access_expires_at": tokens.access_expires_at,
        "refresh_expires_at": tokens.refresh_expires_at,
    }


def open_tokens(keyring: Keyring, credential: CredentialRow) -> Tokens:
    """The counterpart of sealed_tokens."""
    return Tokens(
        keyring.open(credential.access_token),
        keyring.open(credential.refresh_token),
        credential.access_expires_at,
        credential.refresh_expires_at,
    )


async def give_up(session: AsyncSession, merchant_id: UUID, stamp: tuple[UUID, int], reason: str) -> bool:
    """Ask for a new consent. False when the credential was renewed meanwhile: then try with that."""
    credential = await repository.find_credential(session, merchant_id, stamp[0])
    if credential is None:
        return False
    connection = await repository.lock_connection(session, merchant_id, credential.connection_id)
    locked = await repository.lock_credential(session, merchant_id, stamp)
    if locked is None:
        return False
    if locked.needs_reauth_since is None:
        locked.needs_reauth_since = await now(session)
        locked.needs_reauth_reason = reason
        locked.refresh_lease_until = None
        locked.refresh_started = False
        if connection.state == "connected":
            connection.state = "needs_reauth"
        told = events.Reauthorization(channel=connection.channel, reason=reason)
        await journal.record(session, merchant_id, events.NEEDS_REAUTH(connection.id, after=told))
        log.warning("connection_needs_reauth", connection_id=str(connection.id), reason=reason)
    return True
