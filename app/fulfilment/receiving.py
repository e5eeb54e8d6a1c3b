"""Receive orders: a call at channels that make packages then, a gate of ours at others.

A gate needs no call: `preparing` passes it in the transaction that has just read the order.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.channels.contract import (
    Connector,
    Outcomes,
    PackageRef,
    Receives,
    ShipmentReading,
    ShopAccess,
)
from app.fulfilment import sending
from app.fulfilment.sending import Effect, Group, Round
from app.fulfilment.shipping import Parcel
from app.work.context import Context
from app.work.service import Claimed


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.receive`. Raises ChannelError when the channel makes the whole chunk wait."""
    return await sending.run_chunk(context, claimed, _RECEIVE)


async def _choose(this: Round, parcel: Parcel) -> None:
    """The channel decides everything about the packages it makes."""


def _group(connector: Connector, chosen: Group) -> list[Group]:
    size = connector.facts.receive_batch
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]


async def _send(connector: Connector, door: ShopAccess, group: Group) -> Outcomes:
    assert isinstance(connector, Receives)
    return await connector.receive_packages(door, [one.parcel.ref for one in group])


async def _reserve(connector: Connector, door: ShopAccess) -> None:
    assert isinstance(connector, Receives)
    await connector.reserve(door)


async def _read(
    connector: Connector, door: ShopAccess, packages: Sequence[PackageRef]
) -> Mapping[str, ShipmentReading]:
    assert isinstance(connector, Receives)
    return await connector.read_receipts(door, packages)


_RECEIVE = Effect(choose=_choose, group=_group, send=_send, reserve=_reserve, read=_read)
