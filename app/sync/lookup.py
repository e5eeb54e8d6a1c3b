"""Where is order X? Answers also for an order that is not here, with what mends it. Nothing is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connector, FindsOrders, OrdersReading, ShopAccess
from app.channels.errors import ChannelError, Rejected, Unauthorized
from app.core.context import caller
from app.core.ids import Prefixed
from app.operations import texts
from app.orders import faults
from app.orders import service as orders
from app.orders.codes import guesses, spellings
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
class _Answer:
    """What became of the question at one account.

    `number`: as the channel writes it. `channel`: whose storefront has the order, if any.
    """

    word: str
    reason: str | None = None
    number: str | None = None
    channel: str | None = None

    def of(self, shop: ShopWithAccount) -> tuple[str, str | None]:
        """For one storefront of the account."""
        if self.channel is not None and shop.shop.channel != self.channel:
            return "unknown_at_channel", None
        if shop.shop.is_paused and self.word in ("unknown_at_channel", "channel_unavailable"):
            return "shop_paused", None
        return self.word, self.reason


@dataclass(frozen=True, slots=True)
class _Here:
    """What the database knows about a number, by account."""

    shops: Sequence[ShopWithAccount]
    order: OrderRow | None
    number_kind: str | None
    failed: Mapping[UUID, _Answer]
    queued: frozenset[UUID]
    is_listed_in_import: bool


async def look_up(context: Context, merchant_id: UUID, number: str) -> tuple[OrderLookup, OrderRow | None]:
    """One answer of the closed set, and one per shop that could have the order; and the order, if it is here."""
    here = await context.database.transact(_find_here, merchant_id, number)
    if here.order is not None:
        return _found(number, here, here.order), here.order
    by_account = {one.account.id: one.account for one in here.shops}
    told = await asyncio.gather(*(_ask(context, merchant_id, number, account, here) for account in by_account.values()))
    answers = dict(zip(by_account, told, strict=True))
    rows = [(one, *answers[one.account.id].of(one)) for one in here.shops]
    if not rows:
        return OrderLookup(number=number, answer="unknown_at_channel"), None
    rows.sort(key=lambda row: _URGENCY.index(row[1]))
    first, answer, reason = rows[0]
    found = OrderLookup(
        number=number,
        answer=answer,
        shops=[LookupShop(id=one.shop.id, name=one.shop.name, answer=said) for one, said, _ in rows],
        since=await _needs_consent_since(context, merchant_id, first) if answer == "needs_reauth" else None,
        reason=reason,
        action=_action(answer, number, answers[first.account.id].number or number, first),
    )
    return found, None


def _found(number: str, here: _Here, order: OrderRow) -> OrderLookup:
    answer = "hidden_unpaid" if order.status == "unpaid" else "found"
    mine = [one.shop for one in here.shops if one.shop.id == order.shop_id]
    return OrderLookup(
        number=number,
        answer=answer,
        number_kind=here.number_kind,
        shops=[LookupShop(id=shop.id, name=shop.name, answer=answer) for shop in mine],
        action=LookupAction(code="open", method="GET", path=f"/v1/orders/{_ORDER.format(order.id)}"),
    )


async def _needs_consent_since(context: Context, merchant_id: UUID, shop: ShopWithAccount) -> datetime | None:
    """Read anew: it may have been found out just now."""
    rows = await context.database.transact(shops.list_shop_states, merchant_id)
    return next((one.credential.needs_reauth_since for one in rows if one.shop.id == shop.shop.id), None)


async def _find_here(session: AsyncSession, merchant_id: UUID, number: str) -> _Here:
    rows = await shops.list_shop_states(session, merchant_id)
    numbers = guesses(number)
    order, kind = await orders.find_by_code(session, merchant_id, number) or (None, None)
    failed = await repository.find_failed(session, merchant_id, numbers)
    return _Here(
        [one for one in rows if one.account.is_active],
        order,
        kind,
        {account_id: _unreadable(one, reason) for (account_id, one), reason in failed.items()},
        await repository.find_queued(session, merchant_id, numbers),
        await repository.is_in_open_import(session, merchant_id, numbers),
    )


async def _ask(context: Context, merchant_id: UUID, number: str, account: AccountRow, here: _Here) -> _Answer:
    if account.id in here.failed:
        return here.failed[account.id]
    if account.id in here.queued or here.is_listed_in_import:
        return _Answer("queued")
    try:
        told = await access.call(
            context, merchant_id, account.id, lambda connector, door: _read(connector, door, number)
        )
    except ChannelError as error:
        return _refused(error)
    for order in told.orders:
        is_outside = account.complete_since is not None and order.placed_at < account.complete_since
        word = "outside_window" if is_outside else "at_channel_not_imported"
        return _Answer(word, number=order.order_number, channel=order.channel)
    for broken in told.unreadable:
        return _unreadable(broken.external_id, broken.reason)
    return _Answer("unknown_at_channel")


def _refused(error: ChannelError) -> _Answer:
    if isinstance(error, Unauthorized):
        return _Answer("needs_reauth")
    if isinstance(error, Rejected):
        return _Answer("unknown_at_channel")
    return _Answer("channel_unavailable", texts.text_of("channel_unavailable", caller().language))


def _unreadable(external_id: str, reason: str) -> _Answer:
    return _Answer("imported_failed", faults.explain(reason, caller().language), external_id)


async def _read(connector: Connector, door: ShopAccess, number: str) -> OrdersReading:
    """The order as the channel has it, whichever way it writes the number; or why it cannot be understood."""
    wanted: Sequence[str] = spellings(number)[: connector.facts.detail_batch]
    if isinstance(connector, FindsOrders):
        # One that cannot be understood has no number there; it may have this id.
        wanted = list((await connector.find_orders(door, guesses(number))).values())[:1] or wanted
    return await connector.get_orders(door, wanted) if wanted else OrdersReading((), (), ())


def _action(answer: str, number: str, known_as: str, shop: ShopWithAccount) -> LookupAction | None:
    """What mends it."""
    shop_id = _SHOP.format(shop.shop.id)
    if answer in ("imported_failed", "at_channel_not_imported", "outside_window"):
        body: dict[str, Any] = {"shop_ids": [shop_id], "order_numbers": [known_as]}
        return LookupAction(code="import", method="POST", path="/v1/imports", body=body)
    if answer == "needs_reauth":
        path = f"/v1/connections/{_CONNECTION.format(shop.account.connection_id)}/reauthorize"
        return LookupAction(code="reauthorize", method="POST", path=path)
    if answer == "shop_paused":
        return LookupAction(code="resume", method="PATCH", path=f"/v1/shops/{shop_id}", body={"paused": False})
    if answer in ("queued", "channel_unavailable"):
        return LookupAction(code="wait", method="GET", path=f"/v1/orders/lookup?number={quote(number, safe='')}")
    return None
