"""Connections step by step: each function is one transaction of the consent flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelAccount, Tokens
from app.core.clock import now
from app.core.ids import new_id
from app.core.security import Keyring
from app.journal import service as journal
from app.shops import events, repository
from app.shops.errors import (
    Disconnected,
    InvalidStateToken,
    OtherShopConsented,
    ReturnUrlNotAllowed,
    ShopAlreadyConnected,
)
from app.shops.models import AccountRow, ConnectionRow, CredentialRow
from app.shops.refreshing import sealed_tokens
from app.work import service as work

CONSENT_LIFE = timedelta(minutes=10)
ERASED = b""
"""Stands where a disconnected shop's tokens were."""
SUBSCRIBE_PUSHES = "shops.subscribe_pushes"
_CONFIRM_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Granted:
    """One credential's tokens and what the channel says about the accounts they open."""

    tokens: Tokens
    accounts: tuple[ChannelAccount, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as it was begun: the application time and the last moment for it."""

    connection: ConnectionRow
    at: datetime


async def open_connection(
    session: AsyncSession,
    merchant_id: UUID,
    *,
    channel: str,
    return_url: str,
    store_url: str | None,
    created_by: UUID,
    digest: bytes,
) -> Consent:
    """A new pending connection and the state it waits for."""
    at = await now(session)
    connection = ConnectionRow(
        merchant_id=merchant_id,
        id=new_id(),
        channel=channel,
        state="pending",
        return_url=return_url,
        store_url=store_url,
        created_by=created_by,
        expires_at=at + CONSENT_LIFE,
        created_at=at,
    )
    session.add(connection)
    await session.flush()
    await repository.put_state(session, merchant_id, connection.id, digest, channel, at + CONSENT_LIFE)
    return Consent(connection, at)


async def reopen_connection(
    session: AsyncSession,
    merchant_id: UUID,
    connection_id: UUID,
    *,
    return_url: str | None,
    created_by: UUID,
    digest: bytes,
) -> Consent:
    """A new consent for a connection; its accounts go on with what they have until it is confirmed."""
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    if connection.state == "disconnected":
        raise Disconnected()
    at = await now(session)
    connection.return_url = return_url or connection.return_url
    if not connection.return_url:
        raise ReturnUrlNotAllowed(pointer="/return_url")  # it was connected with keys, without a browser
    connection.created_by = created_by
    connection.callback = None
    connection.expires_at = at + CONSENT_LIFE
    await repository.put_state(session, merchant_id, connection_id, digest, connection.channel, at + CONSENT_LIFE)
    return Consent(connection, at)


async def store_callback(
    session: AsyncSession, merchant_id: UUID, *, digest: bytes, channel: str, sealed: bytes
) -> ConnectionRow:
    """Use up the state and keep what came with it. Raises InvalidStateToken."""
    connection_id = await repository.take_state(session, merchant_id, digest, channel)
    if connection_id is None:
        raise InvalidStateToken()
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    if connection.state == "disconnected":
        raise InvalidStateToken()
    connection.callback = sealed
    connection.expires_at = await now(session) + CONSENT_LIFE
    return connection


async def begin_confirmation(
    session: AsyncSession, merchant_id: UUID, connection_id: UUID, confirmer: UUID
) -> ConnectionRow | None:
    """The connection: connected with no consent open, or ours to confirm (then it has a callback unless none came).

    None while another confirmation runs. Raises InvalidStateToken for a stranger or a consent that is too old.
    """
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    at = await now(session)
    if connection.created_by != confirmer:
        raise InvalidStateToken()
    if connection.state == "disconnected":
        raise Disconnected()
    if connection.expires_at is None:
        return connection
    if connection.confirming_until is not None and connection.confirming_until > at:
        return None
    if connection.expires_at <= at:
        raise InvalidStateToken()
    if connection.callback is not None:
        connection.confirming_until = at + _CONFIRM_LEASE
    return connection


async def keep_grants(
    session: AsyncSession, merchant_id: UUID, connection_id: UUID, *, before: bytes, sealed: bytes
) -> None:
    """Put the tokens where the single-use code was, unless a newer consent came meanwhile."""
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    if connection.callback != before:
        raise InvalidStateToken()
    connection.callback = sealed


async def end_confirmation(
    session: AsyncSession, merchant_id: UUID, connection_id: UUID, *, before: bytes, forget: bool
) -> None:
    """A confirmation that failed. `forget`: what the callback brought is worth nothing any more."""
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    connection.confirming_until = None
    if forget and connection.callback == before:
        connection.callback = None


async def connect(
    session: AsyncSession,
    merchant_id: UUID,
    connection_id: UUID,
    keyring: Keyring,
    *,
    api: str,
    grants: Sequence[Granted],
    subscribes: bool,
) -> ConnectionRow:
    """Store credentials, accounts and shops, and read their orders. An account we know gets its new credential."""
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    if connection.state == "disconnected":
        raise Disconnected()
    known = await repository.list_accounts(session, merchant_id, connection_id=connection_id)
    consented = {account.external_id for grant in grants for account in grant.accounts}
    if known and not consented & {account.external_id for account in known}:
        raise OtherShopConsented()

    at = await now(session)
    for grant in grants:
        credential = CredentialRow(
            merchant_id=merchant_id,
            id=new_id(),
            connection_id=connection_id,
            access_issued_at=at,
            **sealed_tokens(keyring, grant.tokens),
        )
        session.add(credential)
        await session.flush()
        for account in grant.accounts:
            row = await _connect_account(session, merchant_id, credential, api, connection.channel, account)
            if subscribes:
                await work.add(
                    session,
                    merchant_id,
                    SUBSCRIBE_PUSHES,
                    str(row.id),
                    lane=row.id,
                    priority=work.BACKGROUND,
                )
    event = events.REAUTHORIZED if connection.connected_at else events.CONNECTED
    covered = events.Accounts(channel=connection.channel, accounts=sorted(consented))
    await journal.record(session, merchant_id, event(connection_id, after=covered))
    connection.state = "connected"
    connection.connected_at = at
    connection.callback = connection.expires_at = connection.confirming_until = None
    await session.flush()
    await repository.delete_unused_credentials(session, merchant_id)
    await repository.settle_connection_states(session, merchant_id)
    await session.refresh(connection)
    return connection


async def _connect_account(
    session: AsyncSession, merchant_id: UUID, credential: CredentialRow, api: str, channel: str, account: ChannelAccount
) -> AccountRow:
    row, is_fresh = await repository.upsert_account(
        session,
        {
            "merchant_id": merchant_id,
            "id": new_id(),
            "connection_id": credential.connection_id,
            "credential_id": credential.id,
            "api": api,
            "channel": channel,
            "external_id": account.external_id,
            "cipher": account.cipher,
            "authorization_expires_at": account.authorization_expires_at,
        },
    )
    if not await repository.claim_shop(session, merchant_id, row):
        raise ShopAlreadyConnected()
    for shop in account.shops:
        await repository.insert_shop(
            session,
            {
                "merchant_id": merchant_id,
                "id": new_id(),
                "account_id": row.id,
                "channel": shop.channel,
                "external_id": shop.external_id,
                "name": shop.name,
            },
        )
    await work.hasten(session, merchant_id, row.id)
    await _read_orders(session, merchant_id, row, is_fresh=is_fresh)
    return row


async def _read_orders(session: AsyncSession, merchant_id: UUID, account: AccountRow, *, is_fresh: bool) -> None:
    if is_fresh:
        await work.add(
            session, merchant_id, "sync.backfill", str(account.id), lane=account.id, priority=work.BACKGROUND
        )
    await work.add(session, merchant_id, "sync.poll", str(account.id), lane=account.id, priority=work.BACKGROUND)


async def disconnect(session: AsyncSession, merchant_id: UUID, connection_id: UUID) -> None:
    """Erase the tokens, stop reading and let others connect the shops. Orders stay."""
    connection = await repository.lock_connection(session, merchant_id, connection_id)
    if connection.state == "disconnected":
        return
    await repository.spend_states(session, connection_id)
    for account in await repository.list_accounts(session, merchant_id, connection_id=connection_id):
        account.is_active = False
        await repository.release_shop(session, merchant_id, account)
    for credential in await repository.list_credentials(session, merchant_id, connection_id=connection_id):
        credential.access_token = credential.refresh_token = ERASED
        # A rotation that is under way must not write its tokens back.
        credential.refresh_fence += 1
        credential.version += 1
        credential.refresh_lease_until = None
    before, after = events.ConnectionState(state=connection.state), events.ConnectionState(state="disconnected")
    await journal.record(session, merchant_id, events.DISCONNECTED(connection_id, before, after))
    connection.state = "disconnected"
    connection.callback = connection.expires_at = connection.confirming_until = None
