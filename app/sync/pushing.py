"""Pushes: verify the raw bytes, store, answer; then each is only a reason to read the order it names."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors, PushRequest, SendsPushes
from app.channels.errors import Malformed
from app.core import fail
from app.core.db import Database
from app.core.errors import NotFound
from app.orders import reading, wording
from app.shops import service as shops
from app.sync import repository
from app.sync.errors import PushForged
from app.sync.repository import WaitingPush
from app.work import service as work
from app.work.context import Context

log = structlog.get_logger()

AHEAD = timedelta(minutes=10)
_BATCH = 500
_STATES = {"order": "waiting", "authorization_revoked": "waiting", "ignored": "dropped"}


async def accept(database: Database, connectors: Connectors, channel: str, request: PushRequest) -> None:
    """Keep a push that its channel really sent. Committed when this returns.

    Raises NotFound (a channel without pushes), PushForged, or Unavailable (nothing stored: the channel sends it again).
    """
    connector = connectors.get(channel)
    if not isinstance(connector, SendsPushes):
        raise NotFound()
    if not connector.verify_push(request):
        log.warning("push_forged", channel=channel, size=len(request.body))
        raise PushForged()
    try:
        message = connector.parse_push(request)
    except Malformed as error:
        log.warning("push_quarantined", channel=channel, reason=error.code)
        message = None
    if message is not None and message.kind == "verification":
        return
    if message is not None and not all(map(_is_storable, (message.account_external_id, message.order_external_id))):
        message = None
    await repository.store_push(
        database,
        channel=channel,
        message=message,
        state="quarantined" if message is None else _STATES[message.kind],
        body=request.body,
        oldest=connector.facts.push_horizon,
        furthest=AHEAD,
    )
    fail.point("push.after_commit")


def _is_storable(external_id: str | None) -> bool:
    return external_id is None or wording.is_key(external_id)


async def route_pushes(context: Context) -> None:
    """Turn waiting pushes into reads. A push is settled only after its read was asked for, so none is lost."""
    while True:
        waiting = await context.database.transact_globally(repository.list_waiting_pushes, _BATCH)
        if not waiting:
            return
        dropped: list[UUID] = []
        for (channel, account_external_id), pushes in _by_account(waiting).items():
            connector = context.connectors.get(channel)
            owner = None
            if connector is not None and account_external_id is not None:
                owner = await context.database.transact_globally(
                    repository.find_owner, connector.facts.api, account_external_id
                )
            if owner is None or not await context.database.transact(_request, owner[0], owner[1], pushes):
                log.warning("push_of_unknown_shop", channel=channel, count=len(pushes))
                dropped += [push.id for push in pushes]
        routed = [push.id for push in waiting if push.id not in set(dropped)]
        await context.database.transact_globally(_settle, routed, dropped)


def _by_account(pushes: Sequence[WaitingPush]) -> Mapping[tuple[str, str | None], list[WaitingPush]]:
    grouped: dict[tuple[str, str | None], list[WaitingPush]] = {}
    for push in pushes:
        grouped.setdefault((push.channel, push.account_external_id), []).append(push)
    return grouped


async def _request(session: AsyncSession, merchant_id: UUID, account_id: UUID, pushes: Sequence[WaitingPush]) -> bool:
    """Ask for the reads. False when the account is no longer there."""
    try:
        await shops.record_push(session, merchant_id, account_id)
    except NotFound:
        return False
    orders = [push.order_external_id for push in pushes if push.kind == "order" and push.order_external_id is not None]
    await reading.request_read(session, merchant_id, account_id, orders, priority=work.BACKGROUND)
    if any(push.kind == "authorization_revoked" for push in pushes):
        await shops.request_check(session, merchant_id, account_id)
    return True


async def _settle(session: AsyncSession, routed: Sequence[UUID], dropped: Sequence[UUID]) -> None:
    await repository.settle_pushes(session, routed, "routed")
    await repository.settle_pushes(session, dropped, "dropped")
