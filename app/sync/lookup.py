"""Where is order X? Answers also for an order that is not here, with what mends it. Nothing is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder, Connector, FindsOrders, ShopAccess
from app.channels.errors import ChannelError, Rejected, Unauthorized
from app.core.ids import Prefixed
from app.orders import service as orders
from app.orders.models import OrderRow
from app.shops import access
from app.shops import service as shops
from app.shops.models import AccountRow
from app.shops.repository import ShopWithAccount
from app.sync import repository
from app.sync.schemas import LookupAction, LookupShop, OrderLookup
from app.work.context import Context

_SHOP, _ORDER, _CONNECTION = Prefixed("shp"), Prefixed("ord"), Prefixed("con")
_URGENCY = (
    "found",
    "hidden_unpaid",
    "imported_failed",
    "queued",
    "at_channel_not_imported",
    "outside_window",
    "needs_reauth",
    "shop_paused",
    "channel_unavailable",
    "unknown_at_channel",
)
"""The first of these that any shop answers is the answer."""


@dataclass(frozen=True, slots=True)
class _Here:
    """What the database knows about a number, by account."""

    shops: Sequence[ShopWithAccount]
    order: OrderRow | None
    failed: Mapping[UUID, str]
    queued: frozenset[UUID]
    is_listed_in_import: bool


async def look_up(context: Context, merchant_id: UUID, number: str) -> OrderLookup:
    """One answer of the closed set, and one per shop that could have the order."""
    here = await context.database.transact(_find_here, merchant_id, number)
    if here.order is not None:
        order = here.order
        answer = "hidden_unpaid" if order.status == "unpaid" else "found"
        return OrderLookup(
            number=number,
            answer=answer,
            shops=[
                LookupShop(id=one.shop.id, name=one.shop.name, answer=answer)
                for one in here.shops
                if one.shop.id == order.shop_id
            ],
            action=LookupAction(code="open", method="GET", path=f"/v1/orders/{_ORDER.format(order.id)}"),
        )
    by_account = {one.account.id: one.account for one in here.shops}
    told = await asyncio.gather(*(_ask(context, merchant_id, number, account, here) for account in by_account.values()))
    answers = dict(zip(by_account, told, strict=True))
    rows = [(one, *answers[one.account.id].of(one)) for one in here.shops]
    if not rows:
        return OrderLookup(number=number, answer="unknown_at_channel")
    rows.sort(key=lambda row: _URGENCY.index(row[1]))
    first, answer, reason = rows[0]
    return OrderLookup(
        number=number,
        answer=answer,
        shops=[LookupShop(id=one.shop.id, name=one.shop.name, answer=said) for one, said, _ in rows],
        since=await _needs_consent_since(context, merchant_id, first) if answer == "needs_reauth" else None,
        reason=reason,
        action=_action(answer, number, first),
    )


async def _needs_consent_since(context: Context, merchant_id: UUID, shop: ShopWithAccount) -> datetime | None:
    """Read anew: it may have been found out just now."""
    rows = await context.database.transact(shops.list_shop_states, merchant_id)
    return next((one.credential.needs_reauth_since for one in rows if one.shop.id == shop.shop.id), None)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of the question at one account. `channel`: whose storefront has the order, if any."""

    word: str
    reason: str | None = None
    channel: str | None = None

    def of(self, shop: ShopWithAccount) -> tuple[str, str | None]:
        """For one storefront of the account."""
        if self.channel is not None and shop.shop.channel != self.channel:
            return "unknown_at_channel", None
        if shop.shop.is_paused and self.word in ("unknown_at_channel", "channel_unavailable"):
            return "shop_paused", None
        return self.word, self.reason


async def _find_here(session: AsyncSession, merchant_id: UUID, number: str) -> _Here:
    rows = await shops.list_shop_states(session, merchant_id)
    return _Here(
        [one for one in rows if one.account.is_active],
        await orders.find_by_number(session, merchant_id, number),
        await repository.find_failed(session, merchant_id, number),
        await repository.find_queued(session, merchant_id, number),
        await repository.is_in_open_import(session, merchant_id, number),
    )


async def _ask(context: Context, merchant_id: UUID, number: str, account: AccountRow, here: _Here) -> _Answer:
    if account.id in here.failed:
        return _Answer("imported_failed", here.failed[account.id])
    if account.id in here.queued or here.is_listed_in_import:
        return _Answer("queued")
    try:
        order, reason = await access.call(
            context, merchant_id, account.id, lambda connector, door: _read(connector, door, number)
        )
    except ChannelError as error:
        return _refused(error)
    if order is None:
        return _Answer("imported_failed" if reason is not None else "unknown_at_channel", reason)
    is_outside = account.complete_since is not None and order.placed_at < account.complete_since
    return _Answer("outside_window" if is_outside else "at_channel_not_imported", channel=order.channel)


def _refused(error: ChannelError) -> _Answer:
    if isinstance(error, Unauthorized):
        return _Answer("needs_reauth")
    if isinstance(error, Rejected):
        return _Answer("unknown_at_channel")
    return _Answer("channel_unavailable", error.reason or error.code)


async def _read(connector: Connector, door: ShopAccess, number: str) -> tuple[ChannelOrder | None, str | None]:
    """The order as the channel has it, or why it cannot be understood."""
    external_id: str | None = number
    if isinstance(connector, FindsOrders):
        external_id = (await connector.find_orders(door, [number])).get(number)
    if external_id is None:
        return None, None
    told = await connector.get_orders(door, [external_id])
    reason = next((one.reason for one in told.unreadable), None)
    return next(iter(told.orders), None), reason


def _action(answer: str, number: str, shop: ShopWithAccount) -> LookupAction | None:
    """What mends it."""
    shop_id = _SHOP.format(shop.shop.id)
    if answer in ("imported_failed", "at_channel_not_imported", "outside_window"):
        body: dict[str, Any] = {"shop_ids": [shop_id], "order_numbers": [number]}
        return LookupAction(code="import", method="POST", path="/v1/imports", body=body)
    if answer == "needs_reauth":
        path = f"/v1/connections/{_CONNECTION.format(shop.account.connection_id)}/reauthorize"
        return LookupAction(code="reauthorize", method="POST", path=path)
    if answer == "shop_paused":
        return LookupAction(code="resume", method="PATCH", path=f"/v1/shops/{shop_id}", body={"paused": False})
    if answer in ("queued", "channel_unavailable"):
        return LookupAction(code="wait", method="GET", path=f"/v1/orders/lookup?number={quote(number, safe='')}")
    return None
