"""Arrange shipments: what is asked for each package, and which packages share a call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from app.channels.contract import (
    ArrangesInBatches,
    ArrangesShipments,
    Connector,
    Handover,
    Outcomes,
    PackageRef,
    ShipmentReading,
    ShopAccess,
)
from app.fulfilment import handovers, parcel_numbers, sending, shipping
from app.fulfilment.sending import Chosen, Effect, Group, Round
from app.fulfilment.shipping import Parcel
from app.shops import access
from app.work.context import Context
from app.work.service import Claimed


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.arrange_shipment`. Raises ChannelError when the channel makes the whole chunk wait."""
    return await sending.run_chunk(context, claimed, _SHIP)


async def _choose(this: Round, parcel: Parcel) -> Handover:
    """What exactly to ask for, from the options the channel gives now."""

    async def options(connector: Connector, door: ShopAccess) -> Handover:
        assert isinstance(connector, ArrangesShipments)
        shop = this.shops[parcel.shop_id]
        return handovers.choose(
            await connector.fetch_shipping_options(door, parcel.ref),
            parcel.wish,
            timezone=ZoneInfo(shop.timezone),
            sender_name=parcel.sender_name or shop.name,
            is_channels_choice=connector.facts.decides_handover,
        )

    handover = await access.call(this.context, this.merchant_id, parcel.account_id, options)
    handover = replace(handover, reference=str(parcel.intent_id))
    if not parcel.is_own_courier or handover.tracking_number is not None:
        return handover
    number = await this.context.database.transact(
        shipping.give_parcel_number, this.merchant_id, parcel.package_id, known=parcel.ref.tracking_number
    )
    return replace(handover, tracking_number=number, is_own_number=parcel_numbers.is_ours(number))


def _group(connector: Connector, chosen: Group) -> list[Group]:
    if not isinstance(connector, ArrangesInBatches):
        return [[one] for one in chosen]
    alone: list[Group] = []
    together: dict[str, list[Chosen]] = {}
    for one in chosen:
        batch = connector.batch_of(*_wish_of(one))
        if batch is None:
            alone.append([one])
        else:
            together.setdefault(batch, []).append(one)
    size = connector.facts.arrange_batch
    return alone + [part[start : start + size] for part in together.values() for start in range(0, len(part), size)]


async def _send(connector: Connector, door: ShopAccess, group: Group) -> Outcomes:
    assert isinstance(connector, ArrangesShipments)
    if isinstance(connector, ArrangesInBatches) and len(group) > 1:
        return await connector.arrange_shipments(door, [_wish_of(one) for one in group])
    [only] = group
    await connector.arrange_shipment(door, *_wish_of(only))
    return {only.parcel.ref.package_number: None}


def _wish_of(chosen: Chosen) -> tuple[PackageRef, Handover]:
    assert chosen.handover is not None, "chosen for every package that is arranged"
    return chosen.parcel.ref, chosen.handover


async def _reserve(connector: Connector, door: ShopAccess) -> None:
    assert isinstance(connector, ArrangesShipments)
    await connector.reserve(door)


async def _read(
    connector: Connector, door: ShopAccess, packages: Sequence[PackageRef]
) -> Mapping[str, ShipmentReading]:
    assert isinstance(connector, ArrangesShipments)
    return await connector.read_shipments(door, packages)


_SHIP = Effect(choose=_choose, group=_group, send=_send, reserve=_reserve, read=_read)
