"""Connecting a store with keys its merchant made by hand: no browser, no callback, connected at once."""

import secrets
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import SubscribesPushes
from app.channels.errors import ChannelError, Rejected
from app.core.security import Keyring
from app.shops import connections, consent
from app.shops.connections import Granted
from app.shops.errors import ChannelFailed, KeysRefused, StoreUrlNotWanted
from app.shops.models import ConnectionRow
from app.work.context import Context


async def connect(
    context: Context,
    merchant_id: UUID,
    created_by: UUID,
    *,
    channel: str,
    store_url: str | None,
    consumer_key: str,
    consumer_secret: str,
) -> ConnectionRow:
    """Try the keys at the store, then keep them. Nothing is stored when they are refused."""
    connector = consent.find_authoriser(context.connectors, channel)
    facts = context.connectors[channel].facts
    if not facts.posts_credentials:
        raise StoreUrlNotWanted(pointer="/consumer_key")
    found = await consent.find_store(context.connectors, channel, store_url)
    assert found is not None, "whoever posts credentials stands on a server of its own"
    try:
        granted = await connector.exchange(
            {"store_url": found, "consumer_key": consumer_key, "consumer_secret": consumer_secret}
        )
        grants = [await consent.fetch_accounts(connector, one, facts.api) for one in granted]
    except Rejected as error:
        raise KeysRefused(pointer="/consumer_key", reason=error.reason or error.code) from error
    except ChannelError as error:
        raise ChannelFailed(source=channel, reason=error.code or type(error).__name__) from error
    return await context.database.transact(
        _connect,
        merchant_id,
        context.keyring,
        channel=channel,
        api=facts.api,
        store_url=found,
        created_by=created_by,
        grants=grants,
        subscribes=isinstance(connector, SubscribesPushes),
    )


async def _connect(
    session: AsyncSession,
    merchant_id: UUID,
    keyring: Keyring,
    *,
    channel: str,
    api: str,
    store_url: str,
    created_by: UUID,
    grants: list[Granted],
    subscribes: bool,
) -> ConnectionRow:
    begun = await connections.open_connection(
        session,
        merchant_id,
        channel=channel,
        return_url="",
        store_url=store_url,
        created_by=created_by,
        digest=consent.digest_of(secrets.token_urlsafe()),
    )
    connection_id = begun.connection.id
    return await connections.connect(
        session, merchant_id, connection_id, keyring, api=api, grants=grants, subscribes=subscribes
    )
