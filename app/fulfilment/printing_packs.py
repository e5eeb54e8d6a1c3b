"""Makes one PDF of all papers of an operation, in the order asked for, with a manifest and a list of what is missing.

The operation is not finished before its pack is: the pack is its only part that is no order.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import fail
from app.core.context import acting_as
from app.core.ids import Prefixed
from app.documents import pdf
from app.documents import service as documents
from app.documents.errors import PaperLost, StorageFull, StoreAway
from app.documents.service import NewDocument, Paper
from app.documents.store import Store, open_store
from app.fulfilment import events
from app.fulfilment.shipping import next_action_of
from app.journal import service as journal
from app.journal.catalogue import Event
from app.operations import repository as items_repository
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.operations.texts import text_of
from app.orders import actions, effects
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

KIND = "documents.pack"
_READ_AT_ONCE = 10
_STORE_PAUSE = timedelta(seconds=10)
_DOCUMENT = Prefixed("doc")


@dataclass(frozen=True, slots=True)
class _Make:
    """What an action's pack is called, how it is laid out, what history says."""

    kind: str
    layout: str
    event: Event[events.PrintedBefore, events.Printed]
    marks_printed: bool


_MAKES = {
    "print_labels": _Make("label_pack", "a6", events.LABEL_PRINTED, marks_printed=True),
    "print_invoices": _Make("invoice_pack", "a4", events.INVOICE_PRINTED, marks_printed=False),
    "print_packing_slips": _Make("packing_slip_pack", "a6", events.PACKING_SLIP_PRINTED, marks_printed=False),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One paper in the pack."""

    item: OperationItemRow
    package_number: str | None
    paper: Paper


async def request_when_done(session: AsyncSession, merchant_id: UUID, operation_id: UUID, kind: str = KIND) -> None:
    """At the end of each chunk: derive the operation's state, and ask for its PDF when no item is open any more."""
    operation = await operations.refresh(session, merchant_id, operation_id)
    if operation.open_parts and not await operations.has_open_items(session, merchant_id, operation_id):
        await work.add(session, merchant_id, kind, operation_id.hex)


async def build_pack(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `documents.pack`. Run twice, it makes one document."""
    operation_id = UUID(hex=claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    operation = await database.transact(_find_unpacked, merchant_id, operation_id)
    if operation is None:
        return None
    pieces = await database.transact(_list_pieces, merchant_id, operation_id)
    if not pieces:
        await database.transact(_close, merchant_id, operation_id)
        return None
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        return await _build(context, merchant_id, operation_id, pieces)


async def _build(context: Context, merchant_id: UUID, operation_id: UUID, pieces: Sequence[_Piece]) -> timedelta | None:
    database, store = context.database, open_store(context.settings.documents_location)
    try:
        contents = await _read(store, merchant_id, pieces)
        lost = {piece.paper.sha256 for piece, content in zip(pieces, contents, strict=True) if content is None}
        if lost:
            log.error("papers_lost", operation_id=str(operation_id), count=len(lost))
            await database.transact(_drop_lost, merchant_id, operation_id, lost)
            return timedelta(0)
        body = await asyncio.to_thread(pdf.merge, [content for content in contents if content is not None])
        paper = Paper(await store.put(merchant_id, body), sum(one.paper.pages for one in pieces), len(body))
    except StorageFull as error:
        log.error("storage_full", reason=str(error))
        await database.transact(_give_up, merchant_id, operation_id)
        return None
    except StoreAway:
        log.warning("store_away")
        return _STORE_PAUSE
    fail.point("pack.before_row")
    is_made = await database.transact(_finish, merchant_id, operation_id, paper, pieces)
    return None if is_made else timedelta(0)


async def _read(store: Store, merchant_id: UUID, pieces: Sequence[_Piece]) -> list[bytes | None]:
    gate = asyncio.Semaphore(_READ_AT_ONCE)

    async def read(piece: _Piece) -> bytes | None:
        async with gate:
            try:
                return await store.get(merchant_id, piece.paper.sha256)
            except PaperLost:
                return None

    return await asyncio.gather(*(read(piece) for piece in pieces))


async def _find_unpacked(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> OperationRow | None:
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    if not operation.open_parts or await operations.has_open_items(session, merchant_id, operation_id):
        return None
    return operation


async def _list_pieces(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> list[_Piece]:
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    await _leave_out(session, merchant_id, operation)
    items = await items_repository.list_items(session, merchant_id, operation_id)
    return [
        _Piece(item, paper["package_number"], Paper(paper["sha256"], paper["pages"], paper["size"]))
        for item in _sorted(items, operation.options.get("sort", "selection"))
        for paper in item.details.get("papers", ())
    ]


def _sorted(items: Sequence[OperationItemRow], sort: str) -> Sequence[OperationItemRow]:
    """As selected, or by what the packer wishes; then orders of one SKU come before mixed ones."""
    if sort == "selection":
        return items
    return sorted(items, key=lambda item: (item.details["is_mixed"], item.details["sort_key"], item.position))


async def _leave_out(session: AsyncSession, merchant_id: UUID, operation: OperationRow) -> bool:
    """Orders that must not be printed any more, such as those cancelled after their paper was made. Locks them all."""
    items = await items_repository.list_items(session, merchant_id, operation.id, states=("succeeded",), lock=True)
    orders = await effects.lock_orders(session, merchant_id, [item.order_id for item in items if item.order_id])
    is_any = False
    for item in items:
        code = actions.refusal(operation.kind, orders[item.order_id]) if item.order_id in orders else None
        if code is not None:
            item.details = {**item.details, "papers": []}
            entries = [{**entry, "state": "skipped", "code": code} for entry in item.packages]
            await operations.settle_item(
                session, merchant_id, item.id, "skipped", code, packages=entries, next_action=next_action_of(code)
            )
            is_any = True
    return is_any


async def _drop_lost(session: AsyncSession, merchant_id: UUID, operation_id: UUID, lost: set[str]) -> None:
    """Papers whose files are gone are to be made again: their items fail, a retry makes them."""
    await documents.forget_labels(session, merchant_id, sorted(lost))
    failed = []
    for item in await items_repository.list_items(session, merchant_id, operation_id):
        papers = item.details.get("papers", [])
        kept = [paper for paper in papers if paper["sha256"] not in lost]
        if len(kept) < len(papers):
            item.details = {**item.details, "papers": kept}
            failed.append(item)
    await fail_items(session, merchant_id, operation_id, failed, "paper_lost")


async def _give_up(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> None:
    """The pack could not be stored: no order got what was asked for. A retry takes the stored papers."""
    done = await items_repository.list_items(session, merchant_id, operation_id, states=("succeeded",))
    await fail_items(session, merchant_id, operation_id, done, "storage_full")
    await _close(session, merchant_id, operation_id)


async def fail_items(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, items: Sequence[OperationItemRow], code: str
) -> None:
    """The document these orders were to be in is not made. A retry may go better; each order's history has it."""
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    for item in items:
        await operations.settle_item(session, merchant_id, item.id, "failed", code, retryable=True)
    failed, failure = events.FAILED[operation.kind], events.Failure(code=code, channel_code=None)
    await journal.record_all(session, merchant_id, [failed(item.order_id, after=failure) for item in items])


async def _finish(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, paper: Paper, pieces: Sequence[_Piece]
) -> bool:
    """Record the document, who was printed, and the end of the operation. False: it holds what must not be printed."""
    operation = await _find_unpacked(session, merchant_id, operation_id)
    if operation is None:
        return True
    if await _leave_out(session, merchant_id, operation):
        return False
    make = _MAKES[operation.kind]
    items = await items_repository.list_items(session, merchant_id, operation_id)
    document_id = await documents.create_document(
        session,
        merchant_id,
        NewDocument(make.kind, make.layout, paper, operation_id, _manifest(pieces), list_missing(items)),
    )
    shown_id = _DOCUMENT.format(document_id)
    shown = {"id": shown_id, "kind": make.kind, "pages": paper.pages}
    await operations.add_result(session, merchant_id, operation_id, "documents", [shown])
    await _tell_orders(session, merchant_id, make, shown_id, items)
    await _close(session, merchant_id, operation_id)
    return True


async def _close(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> None:
    await operations.set_open_parts(session, merchant_id, operation_id, open_parts=0, failed_parts=0)
    await operations.refresh(session, merchant_id, operation_id)


async def _tell_orders(
    session: AsyncSession, merchant_id: UUID, make: _Make, document_id: str, items: Sequence[OperationItemRow]
) -> None:
    """Every order that is whole in the pack has it in its history, each time it is printed."""
    order_ids = [item.order_id for item in items if item.state == "succeeded" and item.order_id is not None]
    before: dict[UUID, str] = {}
    if make.marks_printed:
        before = await effects.mark_printed(session, merchant_id, order_ids)
    in_pack = events.Printed(document_id=document_id)
    entries = [
        make.event(
            order_id,
            events.PrintedBefore(print_status=before[order_id]),
            events.Printed(document_id=document_id, print_status="printed"),
        )
        if order_id in before
        else make.event(order_id, after=in_pack)
        for order_id in order_ids
    ]
    await journal.record_all(session, merchant_id, entries)


def _manifest(pieces: Sequence[_Piece]) -> list[dict[str, Any]]:
    pages = [piece for piece in pieces for _ in range(piece.paper.pages)]
    return [
        {
            "page": number,
            "order_id": piece.item.order_id.hex if piece.item.order_id else None,
            "order_number": piece.item.order_number,
            "package_number": piece.package_number,
        }
        for number, piece in enumerate(pages, start=1)
    ]


def list_missing(items: Sequence[OperationItemRow]) -> list[dict[str, Any]]:
    """Packages that failed; orders that were refused as a whole."""
    entries: list[dict[str, Any]] = []
    for item in items:
        if item.state == "succeeded":
            continue
        failed = [(one["package_number"], one["code"]) for one in item.packages if one["state"] == "failed"]
        for package_number, code in failed or [(None, item.code)]:
            entries.append(
                {
                    "order_id": item.order_id.hex if item.order_id else None,
                    "order_number": item.order_number,
                    "package_number": package_number,
                    "code": code,
                    "en": text_of(code, "en", item.text_params),
                    "id": text_of(code, "id", item.text_params),
                }
            )
    return entries
