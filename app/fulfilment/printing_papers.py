"""Print invoices and packing slips: our own papers, made from what we know. No channel is asked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connectors
from app.core.context import acting_as
from app.documents import invoices, packing_slips
from app.documents.errors import StoreAway
from app.documents.invoices import Seller
from app.fulfilment import events, papers, printing_packs
from app.journal import service as journal
from app.operations import service as operations
from app.operations.models import OperationRow
from app.orders import effects
from app.orders.models import OrderRow
from app.shops import service as shops
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_STORE_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A paper to be made, and what it says."""

    facts: dict[str, Any]
    package_number: str | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The papers of one order."""

    item_id: UUID
    sheets: Sequence[_Sheet]


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of them: all are stored, or none counts."""

    item_id: UUID
    papers: Sequence[dict[str, Any]]
    code: str | None = None


@dataclass(frozen=True, slots=True)
class _Press:
    """How an action's papers are described, by order, and set."""

    describe: Callable[
        [AsyncSession, UUID, dict[str, Any], Sequence[OrderRow], Mapping[UUID, Seller]],
        Awaitable[Mapping[UUID, Sequence[_Sheet]]],
    ]
    render: Callable[[Mapping[str, Any]], bytes]


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.print_invoices` or `fulfilment.print_packing_slips`."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation, wanted = await database.transact(_begin, merchant_id, operation_id, chunk, context.connectors)
    render = _PRESSES[operation.kind].render
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        try:
            made = [await _make(context, merchant_id, render, one) for one in wanted]
        except StoreAway:
            log.warning("store_away")
            return _STORE_PAUSE
        await database.transact(_end, merchant_id, operation, made)
    return None


async def _begin(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int, connectors: Connectors
) -> tuple[OperationRow, list[_Wanted]]:
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    if items:
        await operations.set_open_parts(session, merchant_id, operation_id, open_parts=1, failed_parts=0)
    taken = await papers.take_orders(session, merchant_id, operation, items)
    sellers = {row.id: papers.to_seller(row, connectors) for row in await shops.list_shops(session, merchant_id)}
    describe = _PRESSES[operation.kind].describe
    sheets = await describe(session, merchant_id, operation.options, list(taken.values()), sellers)
    return operation, [_Wanted(item_id, sheets[order.id]) for item_id, order in taken.items()]


async def _describe_invoices(
    session: AsyncSession,
    merchant_id: UUID,
    options: dict[str, Any],
    orders: Sequence[OrderRow],
    sellers: Mapping[UUID, Seller],
) -> dict[UUID, list[_Sheet]]:
    language, can_read_buyer = options["language"], options["can_read_buyer"]
    return {
        order.id: [_Sheet(invoices.describe(order, sellers[order.shop_id], language, can_read_buyer=can_read_buyer))]
        for order in orders
    }


async def _describe_slips(
    session: AsyncSession,
    merchant_id: UUID,
    options: dict[str, Any],
    orders: Sequence[OrderRow],
    sellers: Mapping[UUID, Seller],
) -> dict[UUID, list[_Sheet]]:
    language, can_read_buyer = options["language"], options["can_read_buyer"]
    order_ids = [order.id for order in orders]
    packages = await effects.list_packages(session, merchant_id, order_ids)
    lines = await effects.list_lines(session, merchant_id, order_ids)
    return {
        order.id: [
            _Sheet(
                packing_slips.describe(order, parcel, sellers[order.shop_id], language, can_read_buyer=can_read_buyer),
                parcel.package.package_number,
            )
            for parcel in papers.to_parcels(packages[order.id], lines[order.id])
        ]
        for order in orders
    }


_PRESSES = {
    "print_invoices": _Press(_describe_invoices, invoices.render),
    "print_packing_slips": _Press(_describe_slips, packing_slips.render),
}


async def _make(
    context: Context, merchant_id: UUID, render: Callable[[Mapping[str, Any]], bytes], wanted: _Wanted
) -> _Made:
    """Raises StoreAway."""
    stored = []
    for sheet in wanted.sheets:
        made = await papers.make(context, merchant_id, render, sheet.facts, subject=wanted.item_id)
        if isinstance(made, str):
            return _Made(wanted.item_id, (), made)
        stored.append(
            {"package_number": sheet.package_number, "sha256": made.sha256, "pages": made.pages, "size": made.size}
        )
    return _Made(wanted.item_id, stored)


async def _end(session: AsyncSession, merchant_id: UUID, operation: OperationRow, made: Sequence[_Made]) -> None:
    for one in made:
        state = "failed" if one.code else "succeeded"
        item = await operations.settle_item(
            session, merchant_id, one.item_id, state, one.code, retryable=one.code is not None
        )
        item.details = {**item.details, "papers": one.papers}
        if one.code is not None:
            failure = events.Failure(code=one.code, channel_code=None)
            await journal.record(session, merchant_id, events.FAILED[operation.kind](item.order_id, after=failure))
    await printing_packs.request_when_done(session, merchant_id, operation.id)
