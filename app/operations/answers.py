"""The answer of everything that takes longer than a request: 202 with the operation."""

from typing import Any
from uuid import UUID

from fastapi import Response

from app.core.db import Database
from app.operations import views
from app.operations.schemas import Operation
from app.operations.service import Opened

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Stored and on its way; follow the operation.",
        "headers": {
            "Idempotency-Replayed": {
                "description": "`true` when an earlier request with this key opened the operation.",
                "schema": {"type": "string"},
            }
        },
    }
}


async def accepted(database: Database, merchant_id: UUID, opened: Opened, response: Response) -> Operation:
    """The operation as it is now; says in a header when the request was a repeat."""
    if opened.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return await database.transact(views.view_operation, merchant_id, opened.operation_id)
