"""Watch, apply, cancel and retry operations."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette.sse import EventSourceResponse

from app.core.deps import DatabaseDep, KeyringDep
from app.core.errors import CursorMismatch, NotFound
from app.core.ids import OperationId
from app.core.pagination import CursorText, Limit, Page, PageInfo, binding_of, decode_cursor, encode_cursor
from app.core.problems import problems
from app.identity.deps import Actor, needs
from app.operations import repository, service, views
from app.operations.answers import ACCEPTED, accepted
from app.operations.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    OperationStateInvalid,
)
from app.operations.idempotency import IdempotencyDep
from app.operations.models import OperationItemRow
from app.operations.schemas import Operation, OperationItem
from app.operations.states import FINISHED

router = APIRouter(prefix="/v1/operations", tags=["operations"])

ReadActor = Annotated[Actor, needs("operations:read")]
WriteActor = Annotated[Actor, needs("shipments:write")]
ItemState = Literal["pending", "running", "succeeded", "skipped", "failed", "unknown"]

_KEY_PROBLEMS = (IdempotencyKeyRequired, IdempotencyKeyInvalid, IdempotencyKeyReused, OperationStateInvalid, NotFound)
_LOOK_SECONDS = 0.1


@router.get("", responses=problems(CursorMismatch))
async def list_operations(
    actor: ReadActor, database: DatabaseDep, keyring: KeyringDep, limit: Limit = 50, cursor: CursorText = None
) -> Page[Operation]:
    """Operations of the merchant, newest first."""
    binding = binding_of(actor.merchant_id, "operations", None)
    after = None
    if cursor is not None:
        created_at, last_id = decode_cursor(keyring.cursor_key, binding, cursor)
        after = (datetime.fromisoformat(created_at), UUID(last_id))

    async def read(session: AsyncSession, merchant_id: UUID) -> Page[Operation]:
        rows = await repository.list_operations(session, merchant_id, limit=limit + 1, after=after)
        next_cursor = None
        if len(rows) > limit:
            last = rows[limit - 1]
            next_cursor = encode_cursor(keyring.cursor_key, binding, [last.created_at.isoformat(), str(last.id)])
        data = await views.view_operations(session, merchant_id, rows[:limit])
        return Page(data=data, page=PageInfo(next_cursor=next_cursor, limit=limit))

    return await database.transact(read, actor.merchant_id)


@router.get("/{operation_id}", responses=problems(NotFound))
async def get_operation(
    operation_id: OperationId,
    actor: ReadActor,
    database: DatabaseDep,
    wait: Annotated[int, Query(ge=0, le=30, description="Seconds to wait for the end before answering.")] = 0,
) -> Operation:
    """One operation as it is now. With `wait`, answers as soon as it has ended, at the latest after that time."""
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        operation = await database.transact(views.view_operation, actor.merchant_id, operation_id)
        if operation.state in FINISHED or operation.state == "planned" or asyncio.get_running_loop().time() >= deadline:
            return operation
        await asyncio.sleep(_LOOK_SECONDS)


@router.get("/{operation_id}/items", responses=problems(NotFound, CursorMismatch))
async def list_operation_items(
    operation_id: OperationId,
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    state: Annotated[list[ItemState] | None, Query(description="Repeat for several states.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[OperationItem]:
    """What became of each order, in the order of the selection."""
    binding = binding_of(actor.merchant_id, f"items:{operation_id}", sorted(state or ()))
    after = int(decode_cursor(keyring.cursor_key, binding, cursor)[0]) if cursor is not None else None

    async def read(session: AsyncSession, merchant_id: UUID) -> Page[OperationItem]:
        await repository.get_operation(session, merchant_id, operation_id)
        rows = await repository.list_items(
            session, merchant_id, operation_id, states=state, after_position=after, limit=limit + 1
        )
        more = len(rows) > limit
        next_cursor = encode_cursor(keyring.cursor_key, binding, [rows[limit - 1].position]) if more else None
        waiting = await views.find_waiting(session, merchant_id, rows[:limit])
        data = [views.to_item(row, waiting) for row in rows[:limit]]
        return Page(data=data, page=PageInfo(next_cursor=next_cursor, limit=limit))

    return await database.transact(read, actor.merchant_id)


@router.get(
    "/{operation_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **problems(NotFound)},
)
async def stream_operation(operation_id: OperationId, actor: ReadActor, database: DatabaseDep) -> EventSourceResponse:
    """Progress as Server-Sent Events: an `operation` event on each change, `item` events for orders that moved.

    The stream ends with the operation.
    """
    await database.transact(views.view_operation, actor.merchant_id, operation_id)

    async def events() -> AsyncIterator[dict[str, str]]:
        last = ""
        seen: dict[UUID, tuple[datetime, bool]] = {}
        while True:
            operation, rows, waiting = await database.transact(_look, actor.merchant_id, operation_id)
            for row in rows:
                state = (row.updated_at, row.id in waiting)
                if seen.get(row.id) != state:
                    seen[row.id] = state
                    yield {"event": "item", "data": views.to_item(row, waiting).model_dump_json()}
            text = operation.model_dump_json(by_alias=True)
            if text != last:
                last = text
                yield {"event": "operation", "data": text}
            if operation.state in FINISHED or operation.state == "planned":
                return
            await asyncio.sleep(_LOOK_SECONDS * 2)

    return EventSourceResponse(events(), ping=15)


async def _look(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID
) -> tuple[Operation, list[OperationItemRow], set[UUID]]:
    # The operation first: when it has ended, the items read after it have ended too.
    operation = await views.view_operation(session, merchant_id, operation_id)
    rows = await repository.list_items(session, merchant_id, operation_id)
    return operation, rows, await views.find_waiting(session, merchant_id, rows)


@router.post("/{operation_id}/apply", status_code=202, responses={**ACCEPTED, **problems(*_KEY_PROBLEMS)})
async def apply_operation(
    operation_id: OperationId, actor: WriteActor, database: DatabaseDep, idempotency: IdempotencyDep, response: Response
) -> Operation:
    """Run exactly the plan of a dry run. Orders that changed since are skipped as `plan_stale`."""
    opened = await database.transact(service.apply_plan, actor.merchant_id, operation_id, idempotency)
    return await accepted(database, actor.merchant_id, opened, response)


@router.post("/{operation_id}/cancel", status_code=202, responses={**ACCEPTED, **problems(*_KEY_PROBLEMS)})
async def cancel_operation(
    operation_id: OperationId, actor: WriteActor, database: DatabaseDep, idempotency: IdempotencyDep, response: Response
) -> Operation:
    """Skip the orders nobody has begun; what runs is finished."""
    opened = await database.transact(service.cancel, actor.merchant_id, operation_id, idempotency)
    return await accepted(database, actor.merchant_id, opened, response)


@router.post("/{operation_id}/retry", status_code=202, responses={**ACCEPTED, **problems(*_KEY_PROBLEMS)})
async def retry_operation(
    operation_id: OperationId, actor: WriteActor, database: DatabaseDep, idempotency: IdempotencyDep, response: Response
) -> Operation:
    """Try the failed orders again that may succeed now. The same operation goes on."""
    opened = await database.transact(service.retry, actor.merchant_id, operation_id, idempotency)
    return await accepted(database, actor.merchant_id, opened, response)
