"""Print one pick list for many orders: what to take from the shelves, each SKU once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_datetime
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import acting_as
from app.core.ids import Prefixed
from app.documents import pick_lists
from app.documents import service as documents
from app.documents.errors import StoreAway
from app.documents.pick_lists import Wanted
from app.documents.service import NewDocument, Paper
from app.documents.typesetting import LOCALES
from app.fulfilment import events, papers
from app.fulfilment.printing_packs import fail_items, list_missing, request_when_done
from app.journal import service as journal
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import effects
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

KIND = "documents.pick_list"
_STORE_PAUSE = timedelta(seconds=10)
_DOCUMENT = Prefixed("doc")


@dataclass(frozen=True, slots=True)
class _List:
    """Everything on the paper, and who is on it."""

    operation: OperationRow
    facts: dict[str, Any]
    items: Sequence[OperationItemRow]


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.print_pick_list`: note what each order needs."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    await context.database.transact(_note_chunk, claimed.merchant_id, operation_id, chunk)
    return None


async def _note_chunk(session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int) -> None:
    operation, items = await operations.start_chunk(session, merchant_id, operation_id, chunk)
    if items:
        await operations.set_open_parts(session, merchant_id, operation_id, open_parts=1, failed_parts=0)
    taken = await papers.take_orders(session, merchant_id, operation, items)
    lines = await effects.list_lines(session, merchant_id, [order.id for order in taken.values()])
    for item_id, order in taken.items():
        noted = await operations.settle_item(session, merchant_id, item_id, "succeeded")
        picked = [[one.sku, one.name, one.variation, one.quantity] for one in lines[order.id]]
        noted.details = {**noted.details, "lines": picked}
    await request_when_done(session, merchant_id, operation_id, KIND)


async def build(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `documents.pick_list`. Run twice, it makes one document."""
    operation_id, merchant_id = UUID(hex=claimed.ref), claimed.merchant_id
    wanted = await context.database.transact(_collect, merchant_id, operation_id)
    if wanted is None:
        return None
    made: Paper | str | None = None
    with acting_as(operations.caller_of(wanted.operation), merchant_id=merchant_id):
        if wanted.facts["rows"]:
            try:
                made = await papers.make(context, merchant_id, pick_lists.render, wanted.facts, subject=operation_id)
            except StoreAway:
                log.warning("store_away")
                return _STORE_PAUSE
        await context.database.transact(_finish, merchant_id, operation_id, made)
    return None


async def _collect(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> _List | None:
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    if not operation.open_parts:
        return None
    items = await items_repository.list_items(session, merchant_id, operation_id)
    wanted = [
        Wanted(item.order_id, item.order_number or "–", sku, name, variation, quantity)
        for item in items
        if item.order_id is not None
        for sku, name, variation, quantity in item.details.get("lines", ())
    ]
    language = operation.options["language"]
    at = operation.created_at.astimezone(ZoneInfo("Asia/Jakarta"))
    made_on = format_datetime(at, "d MMM yyyy HH:mm", locale=LOCALES[language])
    return _List(operation, pick_lists.describe(wanted, language, made_on=made_on), items)


async def _finish(session: AsyncSession, merchant_id: UUID, operation_id: UUID, made: Paper | str | None) -> None:
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    if not operation.open_parts:
        return
    items = await items_repository.list_items(session, merchant_id, operation_id)
    done = [item for item in items if item.state == "succeeded"]
    if isinstance(made, str):
        await fail_items(session, merchant_id, operation_id, done, made)
    elif made is not None:
        new = NewDocument("pick_list", "a4", made, operation_id, [], list_missing(items))
        document_id = _DOCUMENT.format(await documents.create_document(session, merchant_id, new))
        shown = {"id": document_id, "kind": "pick_list", "pages": made.pages}
        await operations.add_result(session, merchant_id, operation_id, "documents", [shown])
        printed = events.Printed(document_id=document_id)
        entries = [events.PICK_LIST_PRINTED(item.order_id, after=printed) for item in done]
        await journal.record_all(session, merchant_id, entries)
    await operations.set_open_parts(session, merchant_id, operation_id, open_parts=0, failed_parts=0)
    await operations.refresh(session, merchant_id, operation_id)
