"""Every query of connections, credentials, accounts and shops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.errors import NotFound
from app.shops.models import AccountRow, ConnectionRow, CredentialRow, ShopRow

T = TypeVar("T")

# What was read before the lock may be old.
_FRESH = {"populate_existing": True}

# --- connections ------------------------------------------------------------------------------------------------------


async def get_connection(session: AsyncSession, merchant_id: UUID, connection_id: UUID) -> ConnectionRow:
    """Raises NotFound."""
    return _found(await session.get(ConnectionRow, (merchant_id, connection_id)))


async def lock_connection(session: AsyncSession, merchant_id: UUID, connection_id: UUID) -> ConnectionRow:
    """Lock the row until the transaction ends. Raises NotFound."""
    query = select(ConnectionRow).where(ConnectionRow.merchant_id == merchant_id, ConnectionRow.id == connection_id)
    return _found(await session.scalar(query.with_for_update(key_share=True), execution_options=_FRESH))


async def list_connections(
    session: AsyncSession, merchant_id: UUID, *, limit: int, before: UUID | None = None
) -> Sequence[ConnectionRow]:
    """Newest first, beginning after `before`."""
    query = select(ConnectionRow).where(ConnectionRow.merchant_id == merchant_id)
    if before is not None:
        query = query.where(ConnectionRow.id < before)
    return (await session.scalars(query.order_by(ConnectionRow.id.desc()).limit(limit))).all()


async def put_state(
    session: AsyncSession, merchant_id: UUID, connection_id: UUID, digest: bytes, channel: str, expires_at: datetime
) -> None:
    """Make this the only state with which the connection's consent can come back."""
    await session.execute(text("select spend_oauth_states(:connection)"), {"connection": connection_id})
    await session.execute(
        text("select put_oauth_state(:digest, :merchant, :connection, :channel, :expires_at)"),
        {
            "digest": digest,
            "merchant": merchant_id,
            "connection": connection_id,
            "channel": channel,
            "expires_at": expires_at,
        },
    )


async def find_state_merchant(session: AsyncSession, digest: bytes, channel: str) -> UUID | None:
    """Whose consent a state that still counts belongs to."""
    query = text("select find_oauth_state(:digest, :channel)")
    found = await session.scalar(query, {"digest": digest, "channel": channel})
    return UUID(int=found.int) if found is not None else None


async def find_used_state(session: AsyncSession, digest: bytes, channel: str) -> tuple[UUID, UUID] | None:
    """Merchant and connection of a state that was used and is not old."""
    query = text("select merchant_id, connection_id from find_used_oauth_state(:digest, :channel)")
    row = (await session.execute(query, {"digest": digest, "channel": channel})).one_or_none()
    return (UUID(int=row.merchant_id.int), UUID(int=row.connection_id.int)) if row is not None else None


async def take_state(session: AsyncSession, merchant_id: UUID, digest: bytes, channel: str) -> UUID | None:
    """Use up a state; the connection it stands for, or None when it does not count (any more)."""
    query = text("select merchant_id, connection_id from take_oauth_state(:digest, :channel)")
    row = (await session.execute(query, {"digest": digest, "channel": channel})).one_or_none()
    return UUID(int=row.connection_id.int) if row is not None and row.merchant_id == merchant_id else None


async def spend_states(session: AsyncSession, connection_id: UUID) -> None:
    """No consent of this connection can come back any more."""
    await session.execute(text("select spend_oauth_states(:connection)"), {"connection": connection_id})


async def settle_connection_states(session: AsyncSession, merchant_id: UUID) -> None:
    """Let each connection's state follow from its accounts; one whose accounts have moved on is at its end."""
    await session.execute(
        text(
            "update connections c set state = case"
            " when not exists (select from accounts a where a.merchant_id = c.merchant_id and a.connection_id = c.id)"
            " then 'disconnected'"
            " when exists (select from accounts a"
            " join credentials t on t.merchant_id = a.merchant_id and t.id = a.credential_id"
            " where a.merchant_id = c.merchant_id and a.connection_id = c.id and t.needs_reauth_since is not null)"
            " then 'needs_reauth' else 'connected' end"
            " where c.merchant_id = :merchant_id and c.state in ('connected', 'needs_reauth')"
        ),
        {"merchant_id": merchant_id},
    )


# --- accounts and shops -----------------------------------------------------------------------------------------------


async def get_account(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> AccountRow:
    """Raises NotFound."""
    return _found(await session.get(AccountRow, (merchant_id, account_id)))


async def lock_account(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> AccountRow:
    """Lock the row until the transaction ends. Raises NotFound."""
    query = select(AccountRow).where(AccountRow.merchant_id == merchant_id, AccountRow.id == account_id)
    return _found(await session.scalar(query.with_for_update(key_share=True), execution_options=_FRESH))


async def list_accounts(
    session: AsyncSession, merchant_id: UUID, *, connection_id: UUID | None = None
) -> Sequence[AccountRow]:
    """All accounts, or those of one connection."""
    query = select(AccountRow).where(AccountRow.merchant_id == merchant_id)
    if connection_id is not None:
        query = query.where(AccountRow.connection_id == connection_id)
    return (await session.scalars(query.order_by(AccountRow.id))).all()


async def upsert_account(session: AsyncSession, values: dict[str, Any]) -> tuple[AccountRow, bool]:
    """Insert an account, or give the one we know its new credential. True when it is new or was inactive."""
    key = (values["merchant_id"], values["api"], values["external_id"])
    was_active = await session.scalar(
        select(AccountRow.is_active).where(
            AccountRow.merchant_id == key[0], AccountRow.api == key[1], AccountRow.external_id == key[2]
        )
    )
    # The channel stays: one authorisation may be asked for through either channel of an API.
    renewed = ("connection_id", "credential_id", "cipher", "authorization_expires_at")
    query = insert(AccountRow).values(**values, is_active=True)
    query = query.on_conflict_do_update(
        index_elements=["merchant_id", "api", "external_id"],
        set_={name: query.excluded[name] for name in (*renewed, "is_active")} | {"expiry_warned_at": None},
    )
    rows = await session.scalars(query.returning(AccountRow), execution_options=_FRESH)
    return rows.one(), not was_active


async def claim_shop(session: AsyncSession, merchant_id: UUID, account: AccountRow) -> bool:
    """Make the merchant the owner of the channel's shop. False when another one is."""
    query = text("select claim_shop(:api, :external_id, :merchant, :account)")
    parameters = {
        "api": account.api,
        "external_id": account.external_id,
        "merchant": merchant_id,
        "account": account.id,
    }
    return bool(await session.scalar(query, parameters))


async def release_shop(session: AsyncSession, merchant_id: UUID, account: AccountRow) -> None:
    """Let others connect the channel's shop."""
    query = text("select release_shop(:api, :external_id, :merchant)")
    await session.execute(query, {"api": account.api, "external_id": account.external_id, "merchant": merchant_id})


async def insert_shop(session: AsyncSession, values: dict[str, Any]) -> None:
    """Add a storefront; a known one keeps its name and settings."""
    await session.execute(
        insert(ShopRow)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["merchant_id", "account_id", "channel", "external_id"])
    )


async def find_storefront(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, channel: str, external_id: str
) -> UUID:
    """A storefront that is known to be there."""
    query = select(ShopRow.id).where(
        ShopRow.merchant_id == merchant_id,
        ShopRow.account_id == account_id,
        ShopRow.channel == channel,
        ShopRow.external_id == external_id,
    )
    return (await session.scalars(query)).one()


async def get_shop(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> ShopRow:
    """Raises NotFound."""
    return _found(await session.get(ShopRow, (merchant_id, shop_id)))


async def lock_shop(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> ShopRow:
    """Lock the row until the transaction ends. Raises NotFound."""
    query = select(ShopRow).where(ShopRow.merchant_id == merchant_id, ShopRow.id == shop_id)
    return _found(await session.scalar(query.with_for_update(key_share=True), execution_options=_FRESH))


async def list_shops(session: AsyncSession, merchant_id: UUID) -> Sequence[ShopRow]:
    """Every storefront, oldest first."""
    return (await session.scalars(select(ShopRow).where(ShopRow.merchant_id == merchant_id).order_by(ShopRow.id))).all()


@dataclass(frozen=True, slots=True)
class ShopWithAccount:
    """A storefront with what its state depends on."""

    shop: ShopRow
    account: AccountRow
    credential: CredentialRow


async def list_shops_with_accounts(
    session: AsyncSession,
    merchant_id: UUID,
    *,
    shop_ids: Sequence[UUID] | None = None,
    after: UUID | None = None,
    limit: int = 200,
) -> list[ShopWithAccount]:
    """Oldest first, beginning after `after`."""
    query = (
        select(ShopRow, AccountRow, CredentialRow)
        .join(AccountRow, (AccountRow.merchant_id == ShopRow.merchant_id) & (AccountRow.id == ShopRow.account_id))
        .join(
            CredentialRow,
            (CredentialRow.merchant_id == AccountRow.merchant_id) & (CredentialRow.id == AccountRow.credential_id),
        )
        .where(ShopRow.merchant_id == merchant_id)
        .order_by(ShopRow.id)
        .limit(limit)
    )
    if shop_ids is not None:
        query = query.where(ShopRow.id.in_(shop_ids))
    if after is not None:
        query = query.where(ShopRow.id > after)
    return [ShopWithAccount(shop, account, credential) for shop, account, credential in await session.execute(query)]


async def list_shops_of_connections(
    session: AsyncSession, merchant_id: UUID, connection_ids: Sequence[UUID]
) -> dict[UUID, list[ShopRow]]:
    """Storefronts by connection."""
    query = (
        select(AccountRow.connection_id, ShopRow)
        .join(ShopRow, (ShopRow.merchant_id == AccountRow.merchant_id) & (ShopRow.account_id == AccountRow.id))
        .where(AccountRow.merchant_id == merchant_id, AccountRow.connection_id.in_(connection_ids))
        .order_by(ShopRow.id)
    )
    shops: dict[UUID, list[ShopRow]] = {connection_id: [] for connection_id in connection_ids}
    for connection_id, shop in await session.execute(query):
        shops[connection_id].append(shop)
    return shops


# --- credentials ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountCredential:
    """An account, its credential, and the application time they were read at."""

    account: AccountRow
    credential: CredentialRow
    at: datetime

    @property
    def stamp(self) -> tuple[UUID, int]:
        """Changes with every rotation and every new consent."""
        return self.credential.id, self.credential.version


async def load_credential(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> AccountCredential:
    """Raises NotFound."""
    query = (
        select(AccountRow, CredentialRow)
        .join(
            CredentialRow,
            (CredentialRow.merchant_id == AccountRow.merchant_id) & (CredentialRow.id == AccountRow.credential_id),
        )
        .where(AccountRow.merchant_id == merchant_id, AccountRow.id == account_id)
    )
    row = (await session.execute(query)).one_or_none()
    account, credential = _found(row)
    return AccountCredential(account, credential, await now(session))


async def list_credentials(
    session: AsyncSession, merchant_id: UUID, *, connection_id: UUID | None = None
) -> Sequence[CredentialRow]:
    """Locked until the transaction ends."""
    query = select(CredentialRow).where(CredentialRow.merchant_id == merchant_id)
    if connection_id is not None:
        query = query.where(CredentialRow.connection_id == connection_id)
    query = query.order_by(CredentialRow.id).with_for_update(key_share=True)
    return (await session.scalars(query, execution_options=_FRESH)).all()


async def lock_sealed_connections(session: AsyncSession, merchant_id: UUID) -> Sequence[ConnectionRow]:
    """Connections that keep something secret of an open consent."""
    query = select(ConnectionRow).where(ConnectionRow.merchant_id == merchant_id, ConnectionRow.callback.is_not(None))
    query = query.order_by(ConnectionRow.id).with_for_update(key_share=True)
    return (await session.scalars(query, execution_options=_FRESH)).all()


async def list_sealing_merchants(session: AsyncSession, most: int | None = None) -> list[UUID]:
    """Merchants with stored secrets, across all merchants."""
    rows = await session.scalars(text("select * from merchants_with_secrets() limit :most"), {"most": most})
    return [UUID(int=row.int) for row in rows]


async def list_expiring(session: AsyncSession, ahead: timedelta) -> list[tuple[UUID, UUID]]:
    """Merchant and account of authorisations and refresh tokens that end within `ahead`, across all merchants."""
    rows = await session.execute(
        text("select merchant_id, account_id from expiring_accounts(:ahead)"), {"ahead": ahead}
    )
    return [(UUID(int=row.merchant_id.int), UUID(int=row.account_id.int)) for row in rows]


async def forget_old_consents(session: AsyncSession) -> None:
    """Erase what callbacks brought and nobody confirmed in time, across all merchants."""
    await session.execute(text("select forget_old_consents()"))


async def delete_unused_credentials(session: AsyncSession, merchant_id: UUID) -> None:
    """Forget tokens that no account uses any more."""
    used = select(AccountRow.credential_id).where(AccountRow.merchant_id == merchant_id)
    await session.execute(
        delete(CredentialRow).where(CredentialRow.merchant_id == merchant_id, CredentialRow.id.not_in(used))
    )


async def store_tokens(
    session: AsyncSession, merchant_id: UUID, credential_id: UUID, fence: int, values: dict[str, Any]
) -> bool:
    """Write what a rotation gave, under the next version. False when the fence was raised meanwhile."""
    query = (
        update(CredentialRow)
        .where(
            CredentialRow.merchant_id == merchant_id,
            CredentialRow.id == credential_id,
            CredentialRow.refresh_fence == fence,
        )
        .values(
            **values,
            access_issued_at=await now(session),
            version=CredentialRow.version + 1,
            refresh_lease_until=None,
            refresh_started=False,
        )
        .returning(CredentialRow.version)
    )
    return await session.scalar(query) is not None


async def pause_refresh(
    session: AsyncSession, merchant_id: UUID, credential_id: UUID, fence: int, *, pause: timedelta, may_be_lost: bool
) -> None:
    """Nobody rotates for a moment. `may_be_lost`: the channel may have rotated without our hearing of it."""
    await session.execute(
        text(
            "update credentials set refresh_lease_until = app_now() + :pause, refresh_started = :lost"
            " where merchant_id = :merchant_id and id = :id and refresh_fence = :fence"
        ),
        {"merchant_id": merchant_id, "id": credential_id, "fence": fence, "pause": pause, "lost": may_be_lost},
    )


async def find_credential(session: AsyncSession, merchant_id: UUID, credential_id: UUID) -> CredentialRow | None:
    """A new consent may have taken its place."""
    return await session.get(CredentialRow, (merchant_id, credential_id))


async def lock_credential(session: AsyncSession, merchant_id: UUID, stamp: tuple[UUID, int]) -> CredentialRow | None:
    """The credential if it still has this version."""
    query = select(CredentialRow).where(
        CredentialRow.merchant_id == merchant_id, CredentialRow.id == stamp[0], CredentialRow.version == stamp[1]
    )
    return await session.scalar(query.with_for_update(key_share=True), execution_options=_FRESH)


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound()
    return row


async def list_auto_receiving(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """Merchant and shop of those that receive by themselves, across all merchants."""
    rows = await session.execute(text("select merchant_id, shop_id from auto_receiving_shops()"))
    return [(UUID(int=row.merchant_id.int), UUID(int=row.shop_id.int)) for row in rows]
