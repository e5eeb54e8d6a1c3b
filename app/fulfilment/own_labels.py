"""Labels that we make ourselves, because the channel makes none. They need no channel: address and number are known."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.documents import labels
from app.documents import service as documents
from app.documents.errors import StoreAway
from app.fulfilment import papers
from app.fulfilment.printing_labels import Outcome, WantedLabel
from app.orders import effects
from app.shops import service as shops
from app.work.context import Context

log = structlog.get_logger()


async def make(context: Context, merchant_id: UUID, wanted: Sequence[WantedLabel]) -> list[Outcome]:
    """One label each, but for packages that are gone meanwhile and while the document store is away."""
    facts = await context.database.transact(_describe, merchant_id, wanted, context.connectors)
    outcomes = []
    for one in wanted:
        if one.package_id not in facts:
            continue
        try:
            made = await papers.make(context, merchant_id, labels.render, facts[one.package_id], subject=one.package_id)
        except StoreAway:
            log.warning("store_away")
            continue
        if isinstance(made, str):
            outcomes.append(Outcome(one, "failed", code=made))
        else:
            outcomes.append(Outcome(one, "ready", paper=made))
    return outcomes


async def _describe(
    session: AsyncSession, merchant_id: UUID, wanted: Sequence[WantedLabel], connectors: Connectors
) -> dict[UUID, dict[str, Any]]:
    """What each label says, by package. From here on it counts as being made."""
    found = await effects.find_packages(session, merchant_id, [one.package_id for one in wanted])
    order_ids = list({package.order_id for package in found.values()})
    orders = await effects.lock_orders(session, merchant_id, order_ids)
    packages = await effects.list_packages(session, merchant_id, order_ids)
    lines = await effects.list_lines(session, merchant_id, order_ids)
    shop_rows = {row.id: row for row in await shops.list_shops(session, merchant_id)}
    numbers = {one.package_id: one.tracking_number for one in wanted}
    facts = {}
    for order_id, order in orders.items():
        seller = papers.to_seller(shop_rows[order.shop_id], connectors)
        for parcel in papers.to_parcels(packages[order_id], lines[order_id]):
            if parcel.package.id in numbers:
                facts[parcel.package.id] = labels.describe(order, parcel, seller)
    await documents.request_labels(session, merchant_id, numbers)
    return facts
