"""Every query of documents and labels."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.documents.models import DocumentRow, LabelRow


async def get_document(session: AsyncSession, merchant_id: UUID, document_id: UUID) -> DocumentRow:
    """Raises NotFound."""
    row = await session.scalar(
        select(DocumentRow).where(DocumentRow.merchant_id == merchant_id, DocumentRow.id == document_id)
    )
    if row is None:
        raise NotFound()
    return row


async def list_labels(session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]) -> dict[UUID, LabelRow]:
    """By package."""
    query = select(LabelRow).where(LabelRow.merchant_id == merchant_id, LabelRow.package_id.in_(package_ids))
    rows = await session.scalars(query.execution_options(populate_existing=True))
    return {row.package_id: row for row in rows}


async def put_requested(session: AsyncSession, merchant_id: UUID, tracking_numbers: dict[UUID, str]) -> None:
    """Labels (package → number) are being made. One that is ready for the same number stays ready."""
    for package_id, tracking_number in sorted(tracking_numbers.items()):
        fresh = insert(LabelRow).values(
            merchant_id=merchant_id,
            package_id=package_id,
            state="requested",
            tracking_number=tracking_number,
            requested_at=func.app_now(),
        )
        nothing = {"code": None, "sha256": None, "size": None, "pages": None, "fetched_at": None, "attempts": 0}
        await session.execute(
            fresh.on_conflict_do_update(
                index_elements=["merchant_id", "package_id"],
                set_={
                    "state": "requested",
                    "tracking_number": fresh.excluded.tracking_number,
                    "requested_at": fresh.excluded.requested_at,
                    **nothing,
                },
                where=(LabelRow.state != "ready") | (LabelRow.tracking_number != fresh.excluded.tracking_number),
            )
        )


async def update_label(
    session: AsyncSession, merchant_id: UUID, package_id: UUID, tracking_number: str, **values: Any
) -> None:
    """Write what became of the label of this number; that of another number is left alone."""
    await session.execute(
        update(LabelRow)
        .where(
            LabelRow.merchant_id == merchant_id,
            LabelRow.package_id == package_id,
            LabelRow.tracking_number == tracking_number,
        )
        .values(**values)
    )


async def delete_labels(session: AsyncSession, merchant_id: UUID, sha256s: Sequence[str]) -> None:
    """Forget labels by the hash of their file."""
    await session.execute(delete(LabelRow).where(LabelRow.merchant_id == merchant_id, LabelRow.sha256.in_(sha256s)))


async def delete_labels_of(session: AsyncSession, merchant_id: UUID, package_ids: Sequence[UUID]) -> None:
    """Forget labels by package."""
    await session.execute(
        delete(LabelRow).where(LabelRow.merchant_id == merchant_id, LabelRow.package_id.in_(package_ids))
    )
