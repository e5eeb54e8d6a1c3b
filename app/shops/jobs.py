"""Looks after authorisations that nobody uses: renews their tokens in time and warns before the consent ends."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Authorises, ChannelAccount, Connector, ShopAccess, SubscribesPushes
from app.channels.errors import Rejected, Unauthorized
from app.core.errors import NotFound
from app.shops import access, repository, service
from app.shops.connections import SUBSCRIBE_PUSHES
from app.work.context import Context, Duty
from app.work.service import Claimed

log = structlog.get_logger()

_EVERY_HOUR = timedelta(hours=1)
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


async def subscribe_pushes(context: Context, claimed: Claimed) -> timedelta | None:
    """Order the account's pushes, and look every hour whether the channel still sends them."""
    account_id = UUID(claimed.ref)

    async def subscribe(connector: Connector, door: ShopAccess) -> None:
        assert isinstance(connector, SubscribesPushes), "asked for at channels whose pushes are ordered"
        await connector.subscribe_pushes(door, f"{context.settings.base_url}/v1/push/{connector.facts.channel}")

    try:
        await access.call(context, claimed.merchant_id, account_id, subscribe, priority="background")
    except (Unauthorized, NotFound) as error:
        if isinstance(error, Unauthorized) and not error.is_final:
            raise
        return None  # a new consent orders them again
    except Rejected as error:
        log.warning("pushes_refused", account_id=str(account_id), code=error.code, reason=error.reason)
        return _EVERY_HOUR
    await context.database.transact(service.record_subscription, claimed.merchant_id, account_id)
    return _EVERY_HOUR


JOBS = {"shops.check": check_account, SUBSCRIBE_PUSHES: subscribe_pushes}
DUTIES = {"shops.check_expiries": Duty(every_seconds=6 * 3600, run=check_expiries)}
