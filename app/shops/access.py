"""The one door to channels: every call for an account goes through `call`, with a token that is good."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar
from uuid import UUID

from app.channels.contract import Connector, ShopAccess
from app.channels.errors import Throttled, Unauthorized, Unavailable
from app.shops import refreshing, repository
from app.shops.repository import AccountCredential
from app.work.context import Context

T = TypeVar("T")
Use = Callable[[Connector, ShopAccess], Awaitable[T]]
Priority = Literal["user", "background"]


async def call(context: Context, merchant_id: UUID, account_id: UUID, use: Use[T], *, priority: Priority = "user") -> T:
    """Run `use(connector, access)` with a valid token; when the channel refuses the token, once more with a new one.

    No transaction may be open. Raises ChannelError; Unauthorized(is_final=True) when only the seller's new consent
    helps: the shop then shows `needs_reauth`, and work that waits for it goes on by itself afterwards.
    """
    opened = await _open(context, merchant_id, account_id)
    try:
        return await _run(context, opened, use, priority)
    except Unauthorized as error:
        if error.is_final:
            opened = await _give_up_or_reopen(context, merchant_id, opened, error)
        else:
            opened = await refreshing.renew(context, merchant_id, opened)
    try:
        return await _run(context, opened, use, priority)
    except Unauthorized as error:
        # A token fresh from the channel is refused by the channel.
        await _give_up_or_reopen(context, merchant_id, opened, error)
        raise


async def _open(context: Context, merchant_id: UUID, account_id: UUID) -> AccountCredential:
    opened = await context.database.transact(repository.load_credential, merchant_id, account_id)
    refreshing.refuse_without_consent(opened)
    if not refreshing.is_stale(opened):
        return opened
    if opened.at >= opened.credential.access_expires_at:
        return await refreshing.renew(context, merchant_id, opened)
    try:
        return await refreshing.renew(context, merchant_id, opened, wait_seconds=refreshing.EARLY_WAIT_SECONDS)
    except (Throttled, Unavailable):
        return opened  # it could not be renewed early, but it is still good


async def _run(context: Context, opened: AccountCredential, use: Use[T], priority: Priority) -> T:
    account = opened.account
    access = ShopAccess(
        external_id=account.external_id,
        access_token=context.keyring.open(opened.credential.access_token),
        cipher=account.cipher,
        limiter_key=f"{account.api}:{account.external_id}",
        priority=priority,
    )
    return await use(context.connectors[account.channel], access)


async def _give_up_or_reopen(
    context: Context, merchant_id: UUID, opened: AccountCredential, error: Unauthorized
) -> AccountCredential:
    """The credential that took this one's place meanwhile. Raises Unauthorized(is_final) when none did."""
    if await context.database.transact(refreshing.give_up, merchant_id, opened.stamp, error.code or "unauthorized"):
        raise Unauthorized(error.code, error.reason, is_final=True) from error
    return await _open(context, merchant_id, opened.account.id)
