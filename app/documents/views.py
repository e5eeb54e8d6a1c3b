"""Turns stored documents into what callers get."""

from typing import Any
from uuid import UUID

from app.core.context import Language
from app.documents.models import DocumentRow
from app.documents.schemas import Document, ManifestEntry, MissingEntry


def to_document(row: DocumentRow, language: Language) -> Document:
    """A document in the caller's language."""
    return Document(
        id=row.id,
        kind=row.kind,
        state=row.state,
        layout=row.layout,
        pages=row.pages,
        size=row.size,
        sha256=row.sha256,
        created_at=row.created_at,
        manifest=[
            ManifestEntry.model_validate({**entry, "order_id": UUID(entry["order_id"])}) for entry in row.manifest
        ],
        missing=[_to_missing(entry, language) for entry in row.missing],
    )


def _to_missing(entry: dict[str, Any], language: Language) -> MissingEntry:
    return MissingEntry(
        order_id=UUID(entry["order_id"]),
        order_number=entry["order_number"],
        package_number=entry["package_number"],
        code=entry["code"],
        text=entry[language],
    )
