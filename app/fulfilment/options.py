"""What can be chosen when handing over these orders, asked from their channels and grouped."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import (
    ArrangesShipments,
    Connector,
    PackageRef,
    ShippingMethod,
    ShippingOptions,
    ShopAccess,
    Slot,
)
from app.channels.errors import ChannelError, Unauthorized
from app.core.context import caller
from app.fulfilment.schemas import (
    OfferedAddress,
    OfferedBranch,
    OfferedMethod,
    OfferedSlot,
    OptionsException,
    OptionsGroup,
    ShippingOptionsAnswer,
)
from app.fulfilment.shipping import to_ref
from app.operations.texts import text_of
from app.orders import actions, effects, reading
from app.orders.models import OrderRow
from app.shops import access
from app.shops import service as shops
from app.work.context import Context

_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class _Asked:
    """An order that can be arranged, and its first package."""

    order: OrderRow
    package: PackageRef


async def ask(context: Context, merchant_id: UUID, order_ids: Sequence[UUID]) -> ShippingOptionsAnswer:
    """Options for these orders; those that cannot be arranged are listed with their reason, never silently left out."""
    await _read_received(context, merchant_id, order_ids)
    asked, exceptions = await context.database.transact(_sort_out, merchant_id, order_ids)
    timezones = {
        shop.id: ZoneInfo(shop.timezone) for shop in await context.database.transact(shops.list_shops, merchant_id)
    }
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(entry: _Asked) -> ShippingOptions | str:
        async with gate:
            try:
                return await access.call(
                    context,
                    merchant_id,
                    entry.order.account_id,
                    lambda connector, door: _fetch(connector, door, entry.package),
                )
            except Unauthorized:
                return "needs_reauth"
            except ChannelError:
                return "channel_unavailable"

    answers = await asyncio.gather(*(one(entry) for entry in asked))
    groups: dict[tuple[UUID, str], OptionsGroup] = {}
    for entry, answer in zip(asked, answers, strict=True):
        code = answer if isinstance(answer, str) else None if answer.methods else "not_ready"
        if code is not None:
            exceptions.append(_exception(entry.order.id, code))
            continue
        assert not isinstance(answer, str)
        methods = [_to_offered(method, entry.order, timezones[entry.order.shop_id]) for method in answer.methods]
        signature = repr([method.model_dump() for method in methods])
        group = groups.setdefault(
            (entry.order.shop_id, signature),
            OptionsGroup(shop_id=entry.order.shop_id, channel=entry.order.channel, order_ids=[], methods=methods),
        )
        group.order_ids.append(entry.order.id)
    offered = [{method.method for method in group.methods} for group in groups.values()]
    common = set.intersection(*offered) if offered else set()
    return ShippingOptionsAnswer(groups=list(groups.values()), common_methods=sorted(common), exceptions=exceptions)


async def _read_received(context: Context, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """What a channel has only just packed is known by its new packages after another read."""
    received = await context.database.transact(_list_received, merchant_id, list(dict.fromkeys(order_ids)))
    for account_id, external_ids in received.items():
        with suppress(ChannelError):  # they are listed as not ready then
            await reading.read_orders(context, merchant_id, account_id, external_ids, priority="user")


async def _list_received(session: AsyncSession, merchant_id: UUID, order_ids: list[UUID]) -> dict[UUID, list[str]]:
    rows = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    found: dict[UUID, list[str]] = {}
    for order in rows.values():
        if any(one.awaits_receipt and one.effect_state == "received" for one in packages[order.id]):
            found.setdefault(order.account_id, []).append(order.external_id)
    return found


async def _fetch(connector: Connector, door: ShopAccess, package: PackageRef) -> ShippingOptions:
    assert isinstance(connector, ArrangesShipments)
    return await connector.fetch_shipping_options(door, package)


async def _sort_out(
    session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]
) -> tuple[list[_Asked], list[OptionsException]]:
    wanted = list(dict.fromkeys(order_ids))
    rows = await effects.lock_orders(session, merchant_id, wanted)
    packages = await effects.list_packages(session, merchant_id, wanted)
    asked: list[_Asked] = []
    exceptions: list[OptionsException] = []
    for order_id in wanted:
        order = rows.get(order_id)
        open_packages = [package for package in packages[order_id] if package.status == "to_process"]
        code = "not_found" if order is None else actions.refusal("arrange_shipment", order)
        if code is None and not open_packages:
            code = "not_ready"
        if code is not None or order is None:
            exceptions.append(_exception(order_id, code or "not_found"))
        else:
            asked.append(_Asked(order, to_ref(order, open_packages[0], packages[order_id])))
    return asked, exceptions


def _exception(order_id: UUID, code: str) -> OptionsException:
    return OptionsException(order_id=order_id, code=code, text=text_of(code, caller().language) or code)


def _to_offered(method: ShippingMethod, order: OrderRow, timezone: ZoneInfo) -> OfferedMethod:
    return OfferedMethod(
        method=method.method,
        addresses=[
            OfferedAddress(
                id=address.id,
                text=address.text,
                is_default=address.is_default,
                slots=[_to_slot(slot, order, timezone) for slot in address.slots],
            )
            for address in method.addresses
        ],
        branches=[OfferedBranch(id=branch.id, text=branch.text) for branch in method.branches],
        required=list(method.required),
    )


def _to_slot(slot: Slot, order: OrderRow, timezone: ZoneInfo) -> OfferedSlot:
    starts = slot.starts_at.astimezone(timezone)
    ends = slot.ends_at.astimezone(timezone) if slot.ends_at else None
    cutoff = order.pickup_cutoff_at
    return OfferedSlot.model_validate(
        {
            "id": slot.id,
            "date": starts.date(),
            "from": starts.strftime("%H:%M"),
            "to": ends.strftime("%H:%M") if ends else None,
            "starts_at": slot.starts_at,
            "is_late": cutoff is not None and (slot.ends_at or slot.starts_at) > cutoff,
        }
    )
