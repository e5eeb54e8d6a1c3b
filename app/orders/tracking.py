"""Where the packages are: the courier's scans as stored, asked for anew at the channel when they have become old."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connector, PackageRef, ShopAccess, TrackingEvent, Tracks
from app.channels.errors import ChannelError
from app.core import clock
from app.orders import repository, schemas, wording
from app.orders.models import OrderRow, PackageRow, TrackingEventRow
from app.shops import access
from app.work.context import Context

FRESH = timedelta(seconds=30)
"""Scans asked for within this time are not asked for again, unless the order has changed since."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _View:
    """The stored state of an order's way."""

    order: OrderRow
    packages: Sequence[PackageRow]
    events: dict[UUID, list[TrackingEventRow]]
    now: datetime

    def stale(self) -> list[PackageRow]:
        """Packages whose scans may have changed since they were asked for."""
        return [
            package
            for package in self.packages
            if package.tracking_number is not None
            and (
                package.tracking_read_at is None
                or package.tracking_read_at < max(self.now - FRESH, self.order.updated_at)
            )
        ]


async def read_tracking(context: Context, merchant_id: UUID, order_id: UUID) -> schemas.Tracking:
    """The packages' ways. When the channel cannot be asked, what is stored. Raises OrderNotFound."""
    view = await context.database.transact(_view, merchant_id, order_id)
    stale = view.stale()
    if stale and isinstance(context.connectors.get(view.order.channel), Tracks):
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ask(package: PackageRow) -> tuple[TrackingEvent, ...] | None:
            async with gate:
                return await _ask(context, merchant_id, view, package)

        answers = await asyncio.gather(*(ask(package) for package in stale))
        found = [(package.id, events) for package, events in zip(stale, answers, strict=True) if events is not None]
        if found:
            await context.database.transact(_store, merchant_id, found)
            view = await context.database.transact(_view, merchant_id, order_id)
    return schemas.Tracking(packages=[_to_tracked(package, view.events[package.id]) for package in view.packages])


async def _view(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> _View:
    order = await repository.get_order(session, merchant_id, order_id)
    packages = await repository.list_packages(session, merchant_id, order_id)
    events = await repository.list_tracking(session, merchant_id, [package.id for package in packages])
    return _View(order, packages, events, await clock.now(session))


async def _ask(
    context: Context, merchant_id: UUID, view: _View, package: PackageRow
) -> tuple[TrackingEvent, ...] | None:
    reference = PackageRef(
        order_external_id=view.order.external_id,
        package_number=package.package_number,
        is_only_package=len(view.packages) == 1,
        tracking_number=package.tracking_number,
    )

    async def fetch(connector: Connector, door: ShopAccess) -> tuple[TrackingEvent, ...]:
        assert isinstance(connector, Tracks)  # looked at before anything was asked
        return await connector.fetch_tracking(door, reference)

    try:
        return await access.call(context, merchant_id, view.order.account_id, fetch)
    except ChannelError:
        return None


async def _store(
    session: AsyncSession, merchant_id: UUID, found: Sequence[tuple[UUID, tuple[TrackingEvent, ...]]]
) -> None:
    """Keep the scans. One that is known (package, time, code) is not kept twice."""
    now = await clock.now(session)
    for package_id, events in sorted(found, key=lambda entry: entry[0]):
        rows = {
            (event.at, wording.clean(event.code, 100)): {
                "at": event.at,
                "code": wording.clean(event.code, 100),
                "text": wording.clean(event.text, 1_000),
                "location": wording.clean(event.location, 500),
            }
            for event in events
        }
        await repository.put_tracking(session, merchant_id, package_id, list(rows.values()), read_at=now)


def _to_tracked(package: PackageRow, events: Sequence[TrackingEventRow]) -> schemas.TrackedPackage:
    return schemas.TrackedPackage(
        id=package.id,
        courier=package.courier,
        tracking_number=package.tracking_number,
        status=package.status,
        events=[
            schemas.TrackingEvent(at=event.at, code=event.code, text=event.text, location=event.location)
            for event in events
        ],
    )
