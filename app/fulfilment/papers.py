"""Papers on their way into our store, and those we make ourselves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import structlog
import typst
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.documents import pdf
from app.documents.errors import StorageFull
from app.documents.invoices import Seller
from app.documents.parcels import Parcel
from app.documents.service import Paper
from app.documents.store import open_store
from app.fulfilment import parcel_numbers
from app.fulfilment.shipping import is_plan_stale
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects
from app.orders.models import OrderLineRow, OrderRow, PackageRow
from app.shops.models import ShopRow
from app.work.context import Context

log = structlog.get_logger()

Failure = Literal["internal_error", "storage_full"]


async def keep(context: Context, merchant_id: UUID, content: bytes) -> Paper:
    """Check a PDF and store what it prints. Raises BadPdf, StorageFull or StoreAway."""
    checked, pages = await asyncio.to_thread(pdf.check, content)
    sha256 = await open_store(context.settings.documents_location).put(merchant_id, checked)
    return Paper(sha256, pages, len(checked))


async def make(
    context: Context,
    merchant_id: UUID,
    render: Callable[[Mapping[str, Any]], bytes],
    facts: Mapping[str, Any],
    *,
    subject: UUID,
) -> Paper | Failure:
    """Set one paper of our own and store it, or say why not. Raises StoreAway. `subject` is named in the log."""
    try:
        return await keep(context, merchant_id, await asyncio.to_thread(render, facts))
    except typst.TypstError as error:
        log.error("paper_failed", subject=str(subject), reason=error.message)
        return "internal_error"
    except StorageFull as error:
        log.error("storage_full", reason=str(error))
        return "storage_full"


async def take_orders(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, items: Sequence[OperationItemRow]
) -> dict[UUID, OrderRow]:
    """Item → order, locked, of those that can be printed; the others are settled with their reason."""
    orders = await effects.lock_orders(session, merchant_id, [one.order_id for one in items if one.order_id])
    taken: dict[UUID, OrderRow] = {}
    for item in items:
        order = orders.get(item.order_id) if item.order_id is not None else None
        if order is None:
            await operations.settle_item(session, merchant_id, item.id, "failed", "not_found")
            continue
        is_stale = is_plan_stale(operation, item, order)
        code = "plan_stale" if is_stale else actions.refusal(operation.kind, order)
        if code is not None:
            await operations.settle_item(session, merchant_id, item.id, "skipped", code)
            continue
        taken[item.id] = order
    return taken


def to_seller(shop: ShopRow, connectors: Connectors) -> Seller:
    """Who sells, as it stands on our papers."""
    return Seller(shop.name, connectors[shop.channel].facts.title, shop.timezone)


def to_parcels(packages: Sequence[PackageRow], lines: Sequence[OrderLineRow]) -> list[Parcel]:
    """An order's packages as they are numbered on our papers, without the cancelled. One not packed yet will be one."""
    live = [package for package in packages if package.status != "cancelled"]
    live = live or [PackageRow(lines={}, awaits_receipt=True)]
    return [
        Parcel(package, lines, position, len(live), is_own_number=parcel_numbers.is_ours(package.tracking_number or ""))
        for position, package in enumerate(live, 1)
    ]
