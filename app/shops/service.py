"""Accounts and shops for the rest of the domain: read, change, note how reading them goes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelAccount
from app.core.clock import now
from app.core.ids import new_id
from app.journal import service as journal
from app.shops import events, repository
from app.shops.errors import AutoReceiveInvalid, TimezoneUnknown
from app.shops.models import AccountRow, ConnectionRow, ShopRow
from app.shops.repository import ShopWithAccount
from app.work import service as work

EXPIRY_WARNING = timedelta(days=7)
_ERROR_CHARACTERS = 500
_TIMED_MODES = ("after_minutes", "before_deadline")

ShopState = Literal["ok", "needs_reauth", "paused", "disconnected"]
AuthState = Literal["ok", "needs_reauth", "expiring", "disconnected"]


# --- read -------------------------------------------------------------------------------------------------------------


async def get_account(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> AccountRow:
    """Raises NotFound."""
    return await repository.get_account(session, merchant_id, account_id)


async def list_accounts(session: AsyncSession, merchant_id: UUID) -> Sequence[AccountRow]:
    """Every account, also inactive ones."""
    return await repository.list_accounts(session, merchant_id)


async def get_shop(session: AsyncSession, merchant_id: UUID, shop_id: UUID) -> ShopRow:
    """Raises NotFound."""
    return await repository.get_shop(session, merchant_id, shop_id)


async def list_shops(session: AsyncSession, merchant_id: UUID) -> Sequence[ShopRow]:
    """Every storefront, oldest first."""
    return await repository.list_shops(session, merchant_id)


async def list_shop_states(session: AsyncSession, merchant_id: UUID) -> list[ShopWithAccount]:
    """Every storefront with what its state depends on."""
    return await repository.list_shops_with_accounts(session, merchant_id)


async def shop_names(session: AsyncSession, merchant_id: UUID) -> dict[UUID, str]:
    """Names by shop."""
    return {shop.id: shop.name for shop in await repository.list_shops(session, merchant_id)}


async def ensure_storefront(
    session: AsyncSession, merchant_id: UUID, account: AccountRow, channel: str, external_id: str, *, title: str
) -> UUID:
    """The account's storefront of a channel, made when its first order shows up. `title` is the channel's name."""
    shops = [shop for shop in await repository.list_shops(session, merchant_id) if shop.account_id == account.id]
    found = next((shop.id for shop in shops if shop.channel == channel), None)
    if found is not None:
        return found
    values = {"merchant_id": merchant_id, "id": new_id(), "account_id": account.id}
    name = f"{shops[0].name} ({title})"
    await repository.insert_shop(session, values | {"channel": channel, "external_id": external_id, "name": name})
    # Whoever was quicker has made it: then theirs counts.
    return await repository.find_storefront(session, merchant_id, account.id, channel, external_id)


async def is_account_paused(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> bool:
    """Nothing is read by itself while all storefronts of the account are paused."""
    shops = await repository.list_shops(session, merchant_id)
    return all(shop.is_paused for shop in shops if shop.account_id == account_id)


async def list_without_consent(session: AsyncSession, merchant_id: UUID) -> set[UUID]:
    """Accounts of which nothing can be read or written until the seller agrees anew."""
    rows = await list_shop_states(session, merchant_id)
    return {row.account.id for row in rows if row.account.is_active and row.credential.needs_reauth_since is not None}


def state_of(row: ShopWithAccount) -> ShopState:
    """What the merchant has to know first about a shop."""
    if not row.account.is_active:
        return "disconnected"
    if row.credential.needs_reauth_since is not None:
        return "needs_reauth"
    return "paused" if row.shop.is_paused else "ok"


def authorization_of(row: ShopWithAccount, at: datetime) -> AuthState:
    """How the consent stands."""
    if not row.account.is_active:
        return "disconnected"
    if row.credential.needs_reauth_since is not None:
        return "needs_reauth"
    ends_at = row.account.authorization_expires_at
    return "expiring" if ends_at is not None and ends_at - at <= EXPIRY_WARNING else "ok"


# --- change -----------------------------------------------------------------------------------------------------------


async def change_shop(session: AsyncSession, merchant_id: UUID, shop_id: UUID, changes: dict[str, Any]) -> ShopRow:
    """Set these columns; what does not change leaves no entry. Reading begins again when a pause ends."""
    _check(changes)
    shop = await repository.lock_shop(session, merchant_id, shop_id)
    before = {name: getattr(shop, name) for name, value in changes.items() if getattr(shop, name) != value}
    if not before:
        return shop
    for name in before:
        setattr(shop, name, changes[name])
    after = {name: changes[name] for name in before}
    changed = events.SHOP_CHANGED(shop_id, events.ShopSettings(**before), events.ShopSettings(**after))
    await journal.record(session, merchant_id, changed)
    if "is_paused" in before and not shop.is_paused:
        for kind in ("sync.poll", "sync.read"):
            await work.add(
                session, merchant_id, kind, str(shop.account_id), lane=shop.account_id, priority=work.BACKGROUND
            )
    return shop


def _check(changes: dict[str, Any]) -> None:
    timezone, auto_receive = changes.get("timezone"), changes.get("auto_receive")
    if timezone is not None and timezone not in available_timezones():
        raise TimezoneUnknown(pointer="/timezone", timezone=timezone)
    if auto_receive is not None and (auto_receive["value"] is not None) != (auto_receive["mode"] in _TIMED_MODES):
        raise AutoReceiveInvalid(pointer="/auto_receive/value")


async def list_connections(
    session: AsyncSession, merchant_id: UUID, *, limit: int, before: UUID | None
) -> list[tuple[ConnectionRow, list[ShopRow]]]:
    """Newest first, each with its storefronts."""
    rows = await repository.list_connections(session, merchant_id, limit=limit, before=before)
    shops = await repository.list_shops_of_connections(session, merchant_id, [row.id for row in rows])
    return [(row, shops[row.id]) for row in rows]


async def get_connection(
    session: AsyncSession, merchant_id: UUID, connection_id: UUID
) -> tuple[ConnectionRow, list[ShopRow]]:
    """With its storefronts. Raises NotFound."""
    row = await repository.get_connection(session, merchant_id, connection_id)
    shops = await repository.list_shops_of_connections(session, merchant_id, [connection_id])
    return row, shops[connection_id]


# --- how reading goes -------------------------------------------------------------------------------------------------


async def record_account_ok(
    session: AsyncSession,
    merchant_id: UUID,
    account_id: UUID,
    *,
    checkpoint_at: datetime | None = None,
    complete_since: datetime | None = None,
) -> None:
    """A poll went well; the account is complete from `complete_since` to `checkpoint_at`."""
    account = await repository.lock_account(session, merchant_id, account_id)
    account.last_poll_at = await now(session)
    account.last_error = account.last_error_at = None
    if checkpoint_at is not None:
        account.checkpoint_at = max(checkpoint_at, account.checkpoint_at or checkpoint_at)
    if complete_since is not None:
        account.complete_since = min(complete_since, account.complete_since or complete_since)


async def record_comparison(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, *, missing: int, healed: int, refreshed: int
) -> None:
    """The account was compared with the channel's lists: orders by what became of them, over the days compared."""
    account = await repository.lock_account(session, merchant_id, account_id)
    account.compared_at = await now(session)
    account.orders_missing, account.orders_healed, account.orders_refreshed = missing, healed, refreshed


async def record_account_error(session: AsyncSession, merchant_id: UUID, account_id: UUID, error: str) -> None:
    """The account could not be read."""
    account = await repository.lock_account(session, merchant_id, account_id)
    account.last_error = error[:_ERROR_CHARACTERS]
    account.last_error_at = await now(session)


async def record_push(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    """A push for the account arrived."""
    account = await repository.lock_account(session, merchant_id, account_id)
    account.last_push_at = await now(session)


async def request_check(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    """Ask the channel soon whether the authorisation still stands (a push says it was revoked)."""
    await work.add(session, merchant_id, "shops.check", str(account_id), lane=account_id, priority=work.BACKGROUND)


async def record_subscription(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    """The account's pushes were ordered just now."""
    account = await repository.lock_account(session, merchant_id, account_id)
    account.pushes_subscribed_at = await now(session)


async def record_authorization(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, seen: ChannelAccount
) -> None:
    """Keep what the channel says about an account; warn once when its authorisation ends soon."""
    account = await repository.lock_account(session, merchant_id, account_id)
    if seen.authorization_expires_at != account.authorization_expires_at:
        account.authorization_expires_at = seen.authorization_expires_at
        account.expiry_warned_at = None
    account.cipher = seen.cipher or account.cipher
    at = await now(session)
    ends_at = account.authorization_expires_at
    if ends_at is None or ends_at - at > EXPIRY_WARNING or account.expiry_warned_at is not None:
        return
    account.expiry_warned_at = at
    expiry = events.Expiry(account=account.external_id, authorization_expires_at=ends_at.isoformat())
    await journal.record(session, merchant_id, events.EXPIRING(account.connection_id, after=expiry))


async def list_auto_receiving(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """Merchant and shop of those that receive orders by themselves, across all merchants."""
    return await repository.list_auto_receiving(session)
