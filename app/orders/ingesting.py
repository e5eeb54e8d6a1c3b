"""The versioned upsert: orders as channels tell them become our rows, whatever the order of arrival, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelOrder
from app.journal import service as journal
from app.orders import merging, stocking, stopping, storing, wording
from app.orders.merging import Merged, Reading
from app.orders.parts import Line, Package
from app.orders.storing import Stored
from app.products import service as products
from app.products.service import SoldAs
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
    is_own_courier: bool = False,
    titles: Mapping[str, str] | None = None,
) -> Ingested:
    """Store what was read. A reading older than what we have, or equal to it, changes nothing and counts as unchanged.

    `cancellation_response` is the time to answer a buyer's request where the channel names no moment;
    `is_own_courier`: the merchant marks what leaves and what arrives; `titles` of channels name storefronts that
    show up with their first order.
    """
    if not orders:
        return Ingested()
    shop_ids = await _shop_ids(session, merchant_id, account, orders, titles or {})
    links = await products.resolve(session, merchant_id, account.id, account.channel, _sold(orders))
    readings = {
        order.external_id: Reading(
            order, shop_ids(order), read_started_at, cancellation_response, is_own_courier, links
        )
        for order in sorted(orders, key=lambda one: one.updated_at)  # doubles in one batch: the newest stays
    }
    # What says nothing new needs no lock: whatever others store meanwhile is newer still.
    known = await _find(session, merchant_id, account.id, list(readings))
    merged = {external_id: _merge(known.get(external_id), reading) for external_id, reading in readings.items()}
    wanted = {external_id: one for external_id, one in merged.items() if one is not None}
    new = await _insert_or_lock(session, merchant_id, account.id, wanted)
    moved = await _find_moved(session, merchant_id, account.id, [one for one in wanted if one not in new], known)
    for external_id, stored in moved.items():
        known[external_id] = stored
        again = merging.merge(stored, readings[external_id])
        if again is None:
            del wanted[external_id]
        else:
            wanted[external_id] = again
    changed = [one for external_id, one in wanted.items() if external_id not in new]
    await storing.update_orders(session, merchant_id, [{"id": one.id} | one.values for one in changed])
    await _store_parts(session, merchant_id, wanted, known)
    await _record(session, merchant_id, list(wanted.values()))
    await _stop_parcels(session, merchant_id, wanted, known)
    await stocking.request(session, merchant_id, _find_linked(wanted, known))
    ids = {external_id: stored.id for external_id, stored in known.items()} | {one: wanted[one].id for one in new}
    return Ingested([wanted[one].id for one in new], [one.id for one in changed], len(readings) - len(wanted), ids)


def _sold(orders: Sequence[ChannelOrder]) -> list[SoldAs]:
    """What the lines were sold as, as texts that can be stored."""
    return [
        SoldAs(
            wording.clean(line.item_id, 200),
            wording.clean(line.model_id, 200),
            wording.clean(line.sku, 200),
            wording.clean(line.name, 500),
            wording.clean(line.variation, 200),
        )
        for order in orders
        for line in order.lines
    ]


def _merge(stored: Stored | None, reading: Reading) -> Merged | None:
    return merging.build(reading) if stored is None else merging.merge(stored, reading)


async def _find(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, external_ids: Sequence[str]
) -> dict[str, Stored]:
    found = await storing.find(session, merchant_id, account_id, external_ids)
    return {str(stored.row["external_id"]): stored for stored in found}


async def _insert_or_lock(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, wanted: Mapping[str, Merged]
) -> list[str]:
    """Answers the orders that were inserted; the others are locked now."""
    if not wanted:
        return []
    rows = [
        {"merchant_id": merchant_id, "id": one.id, "account_id": account_id, "external_id": external_id} | one.values
        for external_id, one in wanted.items()
    ]
    inserted = await storing.insert_or_lock(session, rows)
    return [external_id for external_id, one in wanted.items() if one.id in inserted]


async def _find_moved(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, locked: Sequence[str], known: Mapping[str, Stored]
) -> dict[str, Stored]:
    """Orders that somebody changed or inserted between our look and our lock."""
    if not locked:
        return {}
    versions = await storing.list_versions(session, merchant_id, account_id, locked)
    moved = [one for one in locked if one not in known or known[one].row["version"] != versions[one]]
    return await _find(session, merchant_id, account_id, moved) if moved else {}


class _ShopIds:
    """Which storefront of the account an order belongs to; one that is unknown here goes to the first."""

    def __init__(self, by_name: dict[tuple[str, str], UUID], first: UUID) -> None:
        self._by_name = by_name
        self._first = first

    def __call__(self, order: ChannelOrder) -> UUID:
        return self._by_name.get((order.channel, order.shop_external_id), self._first)


async def _shop_ids(
    session: AsyncSession,
    merchant_id: UUID,
    account: AccountRow,
    orders: Sequence[ChannelOrder],
    titles: Mapping[str, str],
) -> _ShopIds:
    rows = [shop for shop in await shops.list_shops(session, merchant_id) if shop.account_id == account.id]
    by_name = {(shop.channel, shop.external_id): shop.id for shop in rows}
    known = {shop.channel for shop in rows}
    for channel, external_id in {(one.channel, one.shop_external_id) for one in orders if one.channel not in known}:
        by_name[channel, external_id] = await shops.ensure_storefront(
            session, merchant_id, account, channel, external_id, title=titles.get(channel, channel)
        )
    return _ShopIds(by_name, rows[0].id)


async def _store_parts(
    session: AsyncSession, merchant_id: UUID, orders: Mapping[str, Merged], known: Mapping[str, Stored]
) -> None:
    """Write the lines and packages that differ from what is stored."""
    lines: list[tuple[UUID, Line]] = []
    packages: list[tuple[UUID, Package]] = []
    dropped: list[UUID] = []
    for external_id, one in orders.items():
        stored = known.get(external_id)
        old_lines, old_packages = (stored.lines, stored.packages) if stored else ((), ())
        lines += [(one.id, line) for line in one.lines if line not in old_lines]
        packages += [(one.id, package) for package in one.packages if package not in old_packages]
        left = {line.id for line in one.lines}
        dropped += [line.id for line in old_lines if line.id not in left]
    await storing.delete_lines(session, merchant_id, dropped)
    await storing.put_lines(session, merchant_id, lines)
    await storing.put_packages(session, merchant_id, packages)


def _find_linked(orders: Mapping[str, Merged], known: Mapping[str, Stored]) -> list[UUID]:
    """Those with a linked line; one that the channel took out gives back what it holds."""
    return [
        one.id
        for external_id, one in orders.items()
        if any(
            line.product_id is not None
            for line in (*one.lines, *(known[external_id].lines if external_id in known else ()))
        )
    ]


async def _stop_parcels(
    session: AsyncSession, merchant_id: UUID, orders: Mapping[str, Merged], known: Mapping[str, Stored]
) -> None:
    """Of orders that are cancelled now and lay printed at the merchant's."""
    printed = [
        one.id
        for external_id, one in orders.items()
        if one.values["status"] == "cancelled"
        and external_id in known
        and known[external_id].row["status"] == "ready_to_ship"
        and known[external_id].row["print_status"] == "printed"
    ]
    if printed:
        await stopping.stop(session, merchant_id, printed)


async def _record(session: AsyncSession, merchant_id: UUID, orders: Sequence[Merged]) -> None:
    await journal.record_all(session, merchant_id, [entry for one in orders for entry in one.entries])
