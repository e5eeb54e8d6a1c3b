"""Reads a document's file, or some pages of it."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.core.db import Database
from app.documents import pdf, service
from app.documents.errors import DocumentNotReady, InvalidLayout, InvalidPages, PaperLost
from app.documents.models import DocumentRow
from app.documents.store import Store

log = structlog.get_logger()

FOUR_UP = "a4x4"
"""Four labels or packing slips on a sheet."""
_FILE_NAMES = {
    "label_pack": "labels",
    "invoice_pack": "invoices",
    "packing_slip_pack": "packing_slips",
    "pick_list": "pick_list",
}
_RANGE = re.compile(r"([1-9][0-9]{0,5})(?:-([1-9][0-9]{0,5}))?")


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a PDF, their hash and the name to save them under."""

    body: bytes
    sha256: str
    file_name: str


async def read_content(
    database: Database,
    store: Store,
    merchant_id: UUID,
    document_id: UUID,
    *,
    pages: str | None,
    layout: str | None,
    start: int = 1,
) -> Content:
    """The whole file, or the pages asked for, laid out as wished. `start`: the first quarter of a sheet to print on.

    Raises NotFound, DocumentNotReady, InvalidPages, InvalidLayout.
    """
    row = await database.transact(service.get_ready_document, merchant_id, document_id)
    offered = (row.layout, FOUR_UP) if row.layout == "a6" else (row.layout,)
    if layout is not None and layout not in offered:
        raise InvalidLayout(parameter="layout", layouts=", ".join(f"`{one}`" for one in offered))
    if start != 1 and layout != FOUR_UP:
        raise InvalidLayout(parameter="start", layouts=f"`{FOUR_UP}`")
    first, last = parse_range(pages, row.pages)
    try:
        body = await store.get(merchant_id, row.sha256)
    except PaperLost as error:
        log.error("document_lost", document_id=str(document_id), sha256=row.sha256)
        await database.transact(service.fail_document, merchant_id, document_id)
        raise DocumentNotReady() from error
    is_whole = (first, last) == (1, row.pages)
    if is_whole and layout != FOUR_UP:
        return Content(body, row.sha256, _file_name(row, ""))
    part = body if is_whole else await asyncio.to_thread(pdf.cut, body, first, last)
    name = "" if is_whole else f"_{first}-{last}"
    if layout == FOUR_UP:
        part = await asyncio.to_thread(pdf.four_up, part, start=start)
        name += "_a4"
    return Content(part, hashlib.sha256(part).hexdigest(), _file_name(row, name))


def parse_range(text: str | None, pages: int) -> tuple[int, int]:
    """First and last page; everything when nothing is asked for. Raises InvalidPages."""
    if text is None:
        return 1, pages
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InvalidPages(parameter="pages", pages=pages)
    first = int(match[1])
    last = int(match[2] or first)
    if not first <= last <= pages:
        raise InvalidPages(parameter="pages", pages=pages)
    return first, last


def _file_name(row: DocumentRow, part: str) -> str:
    return f"{_FILE_NAMES.get(row.kind, 'document')}_{row.created_at:%Y%m%d}_{row.id.hex[-8:]}{part}.pdf"
