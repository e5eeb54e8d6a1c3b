"""Documents and labels inside a transaction. Their bytes are safe in the store before a row here names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.ids import new_id
from app.documents import repository
from app.documents.errors import DocumentNotReady
from app.documents.models import DocumentRow, LabelRow

MOST_ATTEMPTS = 3
"""Broken files taken from a channel before its label counts as invalid."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One stored PDF that goes into a pack."""

    sha256: str
    pages: int
    size: int


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document whose file is stored."""

    kind: str
    layout: str
    paper: Paper
    operation_id: UUID
    manifest: list[dict[str, Any]]
    """`{page, order_id, order_number, package_number}`, ids as hexadecimal text."""
    missing: list[dict[str, Any]]
    """`{order_id, order_number, package_number, code, en, id}`: the text in both languages."""


async def create_document(session: AsyncSession, merchant_id: UUID, new: NewDocument) -> UUID:
    """Record a document. Answers its id."""
    document_id = new_id()
    session.add(
        DocumentRow(
            merchant_id=merchant_id,
            id=document_id,
            kind=new.kind,
            state="ready",
            layout=new.layout,
            pages=new.paper.pages,
            size=new.paper.size,
            sha256=new.paper.sha256,
            operation_id=new.operation_id,
            created_at=await clock.now(session),
            manifest=new.manifest,
            missing=new.missing,
        )
    )
    await session.flush()
    return document_id


async def get_document(session: AsyncSession, merchant_id: UUID, document_id: UUID) -> DocumentRow:
    """Raises NotFound."""
    return await repository.get_document(session, merchant_id, document_id)


async def get_ready_document(session: AsyncSession, merchant_id: UUID, document_id: UUID) -> DocumentRow:
    """Raises NotFound or DocumentNotReady."""
    row = await repository.get_document(session, merchant_id, document_id)
    if row.state != "ready":
        raise DocumentNotReady()
    return row


async def fail_document(session: AsyncSession, merchant_id: UUID, document_id: UUID) -> None:
    """Its file was lost: say so instead of pointing at nothing."""
    row = await repository.get_document(session, merchant_id, document_id)
    row.state = "failed"


async def list_labels(session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]) -> dict[UUID, LabelRow]:
    """What is known about the labels of these packages, by package."""
    return await repository.list_labels(session, merchant_id, package_ids)


async def request_labels(session: AsyncSession, merchant_id: UUID, tracking_numbers: dict[UUID, str]) -> None:
    """The channel is making labels for these packages and their tracking numbers."""
    await repository.put_requested(session, merchant_id, tracking_numbers)


async def keep_label(
    session: AsyncSession, merchant_id: UUID, package_id: UUID, tracking_number: str, paper: Paper
) -> None:
    """The label is in our store."""
    await repository.update_label(
        session,
        merchant_id,
        package_id,
        tracking_number,
        state="ready",
        code=None,
        sha256=paper.sha256,
        size=paper.size,
        pages=paper.pages,
        fetched_at=func.app_now(),
    )


async def note_broken_label(session: AsyncSession, merchant_id: UUID, package_id: UUID, tracking_number: str) -> bool:
    """The channel sent a broken file. True when that happened too often: the label is invalid."""
    row = (await repository.list_labels(session, merchant_id, [package_id])).get(package_id)
    attempts = (row.attempts if row is not None else 0) + 1
    if attempts >= MOST_ATTEMPTS:
        await fail_label(session, merchant_id, package_id, tracking_number, "label_invalid")
        return True
    await repository.update_label(session, merchant_id, package_id, tracking_number, attempts=attempts)
    return False


async def fail_label(
    session: AsyncSession, merchant_id: UUID, package_id: UUID, tracking_number: str, code: str
) -> None:
    """No label for now; asking again starts anew."""
    await repository.update_label(
        session, merchant_id, package_id, tracking_number, state="failed", code=code, attempts=0
    )


async def drop_labels(session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]) -> None:
    """Whatever there is for these packages does not count any more."""
    await repository.delete_labels_of(session, merchant_id, package_ids)


async def forget_labels(session: AsyncSession, merchant_id: UUID, sha256s: Sequence[str]) -> None:
    """Their files were lost: they are to be fetched again."""
    await repository.delete_labels(session, merchant_id, sha256s)
