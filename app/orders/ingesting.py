"""The versioned upsert: orders as channels tell them become our rows, whatever the order of arrival, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder
from app.journal import service as journal
from app.orders import merging, storing
from app.orders.merging import Merged, Reading
from app.orders.parts import Line, Package
from app.orders.storing import Stored
from app.shops import service as shops
from app.shops.models import AccountRow


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a batch. `ids` holds every order of it by the channel's id."""

    new: list[UUID] = field(default_factory=list)
    updated: list[UUID] = field(default_factory=list)
    unchanged: int = 0
    ids: dict[str, UUID] = field(default_factory=dict)

    def __add__(self, other: "Ingested") -> "Ingested":
        return Ingested(
            self.new + other.new, self.updated + other.updated, self.unchanged + other.unchanged, self.ids | other.ids
        )


async def ingest(
    session: AsyncSession,
    merchant_id: UUID,
    account: AccountRow,
    orders: Sequence[ChannelOrder],
    *,
    read_started_at: datetime,
    cancellation_response: timedelta | None = None,
) -> Ingested:
    """Store what was read. A reading older than what we have, or equal to it, changes nothing and counts as unchanged.

    `cancellation_response` is the time to answer a buyer's request where the channel names no moment.
    """
    if not orders:
        return Ingested()
    shop_ids = await _shop_ids(session, merchant_id, account)
    readings = {
        order.external_id: Reading(order, shop_ids(order), read_started_at, cancellation_response)
        for order in sorted(orders, key=lambda one: one.updated_at)  # doubles in one batch: the newest stays
    }
    built = {external_id: merging.build(reading) for external_id, reading in readings.items()}
    rows = [_to_row(merchant_id, account.id, external_id, one) for external_id, one in built.items()]
    inserted = await storing.insert_or_lock(session, merchant_id, account.id, rows)
    fresh = [one for one in built.values() if one.id in inserted]
    known = [external_id for external_id, one in built.items() if one.id not in inserted]
    changed: list[Merged] = []
    ids = {external_id: one.id for external_id, one in built.items() if one.id in inserted}
    if known:
        for stored in await storing.find(session, merchant_id, account.id, known):
            external_id = str(stored.row["external_id"])
            ids[external_id] = stored.id
            merged = merging.merge(stored, readings[external_id])
            if merged is not None:
                changed.append(merged)
                await _drop_lines(session, merchant_id, stored, merged)
    await storing.update_orders(session, merchant_id, [{"id": one.id} | one.values for one in changed])
    await _store_parts(session, merchant_id, [*fresh, *changed])
    await _record(session, merchant_id, [*fresh, *changed])
    return Ingested(
        [one.id for one in fresh], [one.id for one in changed], len(readings) - len(fresh) - len(changed), ids
    )


class _ShopIds:
    """Which storefront of the account an order belongs to; one that is unknown here goes to the first."""

    def __init__(self, by_name: dict[tuple[str, str], UUID], first: UUID) -> None:
        self._by_name = by_name
        self._first = first

    def __call__(self, order: ChannelOrder) -> UUID:
        return self._by_name.get((order.channel, order.shop_external_id), self._first)


async def _shop_ids(session: AsyncSession, merchant_id: UUID, account: AccountRow) -> _ShopIds:
    rows = [shop for shop in await shops.list_shops(session, merchant_id) if shop.account_id == account.id]
    return _ShopIds({(shop.channel, shop.external_id): shop.id for shop in rows}, rows[0].id)


def _to_row(merchant_id: UUID, account_id: UUID, external_id: str, built: Merged) -> dict[str, Any]:
    key = {"merchant_id": merchant_id, "id": built.id, "account_id": account_id, "external_id": external_id}
    return key | built.values


async def _drop_lines(session: AsyncSession, merchant_id: UUID, stored: Stored, merged: Merged) -> None:
    left = {line.id for line in merged.lines}
    await storing.delete_lines(session, merchant_id, [line.id for line in stored.lines if line.id not in left])


async def _store_parts(session: AsyncSession, merchant_id: UUID, orders: Sequence[Merged]) -> None:
    lines: list[tuple[UUID, Line]] = [(one.id, line) for one in orders for line in one.lines]
    packages: list[tuple[UUID, Package]] = [(one.id, package) for one in orders for package in one.packages]
    await storing.put_lines(session, merchant_id, lines)
    await storing.put_packages(session, merchant_id, packages)


async def _record(session: AsyncSession, merchant_id: UUID, orders: Sequence[Merged]) -> None:
    entries = [
        journal.NewEntry(entry.type, one.id, before=entry.before, after=entry.after)
        for one in orders
        for entry in one.entries
    ]
    await journal.record_all(session, merchant_id, entries)
