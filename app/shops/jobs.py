"""Looks after authorisations that nobody uses: renews their tokens in time and warns before the consent ends."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Authorises, ChannelAccount, Connector, ShopAccess
from app.channels.errors import Unauthorized
from app.core.errors import NotFound
from app.shops import access, repository, service
from app.work.context import Context, Duty
from app.work.service import Claimed

_LOOK_AHEAD = timedelta(days=10)


async def check_account(context: Context, claimed: Claimed) -> timedelta | None:
    """Ask the channel about one account. The call itself renews a token at the end of its life."""
    account_id = UUID(claimed.ref)
    try:
        seen = await access.call(context, claimed.merchant_id, account_id, _fetch, priority="background")
    except (Unauthorized, NotFound) as error:
        if isinstance(error, Unauthorized) and not error.is_final:
            raise
        return None  # needs_reauth is written; a new consent begins everything anew
    if seen is not None:
        await context.database.transact(service.record_authorization, claimed.merchant_id, account_id, seen)
    return None


async def _fetch(connector: Connector, door: ShopAccess) -> ChannelAccount | None:
    return await connector.fetch_account(door) if isinstance(connector, Authorises) else None


async def check_expiries(context: Context) -> None:
    """Have accounts checked whose consent or refresh token ends soon; forget consents that were never confirmed."""
    await context.database.transact_globally(repository.forget_old_consents)
    for merchant_id, account_id in await context.database.transact_globally(repository.list_expiring, _LOOK_AHEAD):
        await context.database.transact(_request_check, merchant_id, account_id)


async def _request_check(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    await service.request_check(session, merchant_id, account_id)


JOBS = {"shops.check": check_account}
DUTIES = {"shops.check_expiries": Duty(every_seconds=6 * 3600, run=check_expiries)}
