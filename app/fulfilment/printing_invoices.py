"""Print invoices: our own papers, made from what we know. No channel is asked."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.core.context import acting_as
from app.documents import invoices
from app.documents.errors import StoreAway
from app.documents.service import Paper
from app.fulfilment import papers, printing_packs
from app.fulfilment.shipping import is_plan_stale
from app.operations import service as operations
from app.operations.models import OperationRow
from app.orders import actions, effects
from app.shops import service as shops
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_STORE_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An invoice to be made, and what it says."""

    item_id: UUID
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of it."""

    item_id: UUID
    paper: Paper | None
    code: str | None = None


async def run_invoice_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.print_invoices`."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, wanted = await database.transact(_begin, merchant_id, operation_id, chunk, context.connectors)
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        try:
            made = [await _make(context, merchant_id, one) for one in wanted]
        except StoreAway:
            log.warning("store_away")
            return _STORE_PAUSE
    await database.transact(_end, merchant_id, operation_id, made)
    return None


async def _begin(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int, connectors: Connectors
) -> tuple[OperationRow, list[_Wanted]]:
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    if items:
        await operations.set_open_parts(session, merchant_id, operation_id, open_parts=1, failed_parts=0)
    orders = await effects.lock_orders(session, merchant_id, [one.order_id for one in items if one.order_id])
    shop_rows = {row.id: row for row in await shops.list_shops(session, merchant_id)}
    wanted = []
    for item in items:
        order = orders.get(item.order_id) if item.order_id is not None else None
        if order is None:
            await operations.settle_item(session, merchant_id, item.id, "failed", "not_found")
            continue
        is_stale = is_plan_stale(operation, item, order)
        code = "plan_stale" if is_stale else actions.refusal("print_invoices", order)
        if code is not None:
            await operations.settle_item(session, merchant_id, item.id, "skipped", code)
            continue
        facts = invoices.describe(
            order,
            papers.to_seller(shop_rows[order.shop_id], connectors),
            operation.options["language"],
            can_read_buyer=operation.options["can_read_buyer"],
        )
        wanted.append(_Wanted(item.id, facts))
    return operation, wanted


async def _make(context: Context, merchant_id: UUID, wanted: _Wanted) -> _Made:
    """Raises StoreAway."""
    made = await papers.make(context, merchant_id, invoices.render, wanted.facts, subject=wanted.item_id)
    return _Made(wanted.item_id, None, made) if isinstance(made, str) else _Made(wanted.item_id, made)


async def _end(session: AsyncSession, merchant_id: UUID, operation_id: UUID, made: list[_Made]) -> None:
    for one in made:
        state = "failed" if one.paper is None else "succeeded"
        item = await operations.settle_item(
            session, merchant_id, one.item_id, state, one.code, retryable=one.paper is None
        )
        stored = []
        if one.paper is not None:
            stored.append(
                {
                    "package_number": None,
                    "sha256": one.paper.sha256,
                    "pages": one.paper.pages,
                    "size": one.paper.size,
                }
            )
        item.details = {**item.details, "papers": stored}
    await printing_packs.request_when_done(session, merchant_id, operation_id)
