"""Documents over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.core.context import caller
from app.core.deps import DatabaseDep
from app.core.ids import DocumentId
from app.core.problems import problems
from app.documents import contents, service, views
from app.documents.deps import StoreDep
from app.documents.errors import DocumentNotReady, InvalidLayout, InvalidPages, StoreAway
from app.documents.schemas import Document
from app.identity.deps import Actor, needs

router = APIRouter(prefix="/v1/documents", tags=["documents"])

ReadActor = Annotated[Actor, needs("documents:read")]
_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The PDF.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "Content-Disposition": {"description": "The name to save it under.", "schema": {"type": "string"}},
            "ETag": {"description": "SHA-256 of the bytes sent.", "schema": {"type": "string"}},
        },
    }
}


@router.get("/{document_id}", responses=problems())
async def get_document(document_id: DocumentId, actor: ReadActor, database: DatabaseDep) -> Document:
    """What is on which page, and what is missing and why."""
    row = await database.transact(service.get_document, actor.merchant_id, document_id)
    return views.to_document(row, caller().language)


@router.get(
    "/{document_id}/content",
    response_class=Response,
    responses={**_PDF, **problems(DocumentNotReady, InvalidPages, InvalidLayout, StoreAway)},
)
async def get_document_content(
    document_id: DocumentId,
    actor: ReadActor,
    database: DatabaseDep,
    store: StoreDep,
    pages: Annotated[
        str | None, Query(max_length=20, description="One page or a range, from 1.", examples=["3-7"])
    ] = None,
    layout: Annotated[
        str | None,
        Query(
            max_length=20,
            description="`a6` (labels and packing slips as they are), `a4x4` (four of them on a sheet) or `a4`"
            " (invoices, pick lists); left out, the document's own.",
        ),
    ] = None,
    start: Annotated[
        int,
        Query(ge=1, le=4, description="`a4x4`: the first quarter to print on, where a sheet has been begun already."),
    ] = 1,
) -> Response:
    """The PDF itself, or some of its pages."""
    content = await contents.read_content(
        database, store, actor.merchant_id, document_id, pages=pages, layout=layout, start=start
    )
    return Response(
        content.body,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{content.file_name}"',
            "ETag": f'"{content.sha256}"',
        },
    )
