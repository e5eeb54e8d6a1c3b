"""Every query of operations, items and idempotency keys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import wait_for_turn
from app.core.errors import NotFound
from app.operations.models import IdempotencyKeyRow, OperationItemRow, OperationRow
from app.operations.states import Tally


async def find_operation(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, *, lock: bool = False
) -> OperationRow | None:
    """The operation, locked against other state changes when asked."""
    query = select(OperationRow).where(OperationRow.merchant_id == merchant_id, OperationRow.id == operation_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def get_operation(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, *, lock: bool = False
) -> OperationRow:
    """Raises NotFound."""
    operation = await find_operation(session, merchant_id, operation_id, lock=lock)
    if operation is None:
        raise NotFound()
    return operation


async def list_operations(
    session: AsyncSession, merchant_id: UUID, *, limit: int, after: tuple[Any, UUID] | None
) -> list[OperationRow]:
    """Newest first."""
    query = select(OperationRow).where(OperationRow.merchant_id == merchant_id)
    if after is not None:
        query = query.where(tuple_(OperationRow.created_at, OperationRow.id) < tuple_(*after))
    query = query.order_by(OperationRow.created_at.desc(), OperationRow.id.desc()).limit(limit)
    return list((await session.execute(query)).scalars())


async def find_running(session: AsyncSession, merchant_id: UUID, kind: str, options: dict[str, Any]) -> UUID | None:
    """The newest operation of a kind with these options that has not ended.

    Whoever asks for the same kind waits until this transaction ends, and sees what it has opened.
    """
    await wait_for_turn(session, merchant_id, f"operations.{kind}")
    query = (
        select(OperationRow.id)
        .where(
            OperationRow.merchant_id == merchant_id,
            OperationRow.kind == kind,
            OperationRow.finished_at.is_(None),
            OperationRow.cancel_requested_at.is_(None),
            OperationRow.options == options,
        )
        .order_by(OperationRow.id.desc())
        .limit(1)
    )
    found: UUID | None = await session.scalar(query)
    return found


async def count_open(session: AsyncSession, merchant_id: UUID) -> int:
    """Operations that have not ended."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(OperationRow)
            .where(
                OperationRow.merchant_id == merchant_id,
                OperationRow.finished_at.is_(None),
                OperationRow.state != "planned",
            )
        )
        or 0
    )


async def insert_items(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Many items in one statement."""
    if rows:
        await session.execute(insert(OperationItemRow), rows)


async def list_items(
    session: AsyncSession,
    merchant_id: UUID,
    operation_id: UUID,
    *,
    chunk: int | None = None,
    states: Sequence[str] | None = None,
    after_position: int | None = None,
    limit: int | None = None,
    lock: bool = False,
) -> list[OperationItemRow]:
    """Items in the order of the selection."""
    query = select(OperationItemRow).where(
        OperationItemRow.merchant_id == merchant_id, OperationItemRow.operation_id == operation_id
    )
    if chunk is not None:
        query = query.where(OperationItemRow.chunk == chunk)
    if states is not None:
        query = query.where(OperationItemRow.state.in_(states))
    if after_position is not None:
        query = query.where(OperationItemRow.position > after_position)
    query = query.order_by(OperationItemRow.position).limit(limit)
    if lock:
        query = query.with_for_update(key_share=True)
    return list((await session.execute(query.execution_options(populate_existing=True))).scalars())


async def lock_item(session: AsyncSession, merchant_id: UUID, item_id: UUID) -> OperationItemRow:
    """Lock one item until the transaction ends."""
    return (
        await session.execute(
            select(OperationItemRow)
            .where(OperationItemRow.merchant_id == merchant_id, OperationItemRow.id == item_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).scalar_one()


async def move_items(
    session: AsyncSession,
    merchant_id: UUID,
    operation_id: UUID,
    *,
    from_states: Sequence[str],
    only_retryable: bool = False,
    chunk: int | None = None,
    values: dict[str, Any],
) -> list[OperationItemRow]:
    """Change all items in these states; answers the changed ones."""
    query = (
        update(OperationItemRow)
        .where(
            OperationItemRow.merchant_id == merchant_id,
            OperationItemRow.operation_id == operation_id,
            OperationItemRow.state.in_(from_states),
        )
        .values(updated_at=func.app_now(), **values)
        .returning(OperationItemRow)
        .execution_options(populate_existing=True)
    )
    if only_retryable:
        query = query.where(OperationItemRow.retryable)
    if chunk is not None:
        query = query.where(OperationItemRow.chunk == chunk)
    return list((await session.execute(query)).scalars())


async def tally(session: AsyncSession, merchant_id: UUID, operation_ids: Sequence[UUID]) -> dict[UUID, Tally]:
    """Item counts of several operations in one query."""
    rows = await session.execute(
        text(
            "select operation_id, state, count(*) n,"
            " count(*) filter (where state = 'succeeded' or (state = 'skipped' and code = 'already_done')) good,"
            " count(*) filter (where state = 'unknown' and needs_attention) attended"
            " from operation_items where merchant_id = :merchant_id and operation_id = any(:ids) group by 1, 2"
        ),
        {"merchant_id": merchant_id, "ids": list(operation_ids)},
    )
    by_operation: dict[UUID, dict[str, Any]] = {one: {"states": {}, "good": 0, "attended": 0} for one in operation_ids}
    for row in rows:
        entry = by_operation[row.operation_id]
        entry["states"][row.state] = row.n
        entry["good"] += row.good
        entry["attended"] += row.attended
    return {one: Tally(entry["states"], entry["good"], entry["attended"]) for one, entry in by_operation.items()}


async def claim_key(
    session: AsyncSession,
    merchant_id: UUID,
    principal: str,
    route: str,
    key: str,
    request_hash: bytes,
    operation_id: UUID,
) -> bool:
    """Bind the key to the operation. False when another request holds it (waits for that one to commit)."""
    result = await session.execute(
        text(
            "insert into idempotency_keys as k (merchant_id, principal, route, key, request_hash, operation_id,"
            " expires_at)"
            " values (:merchant_id, :principal, :route, :key, :request_hash, :operation_id, app_now() + :life)"
            " on conflict (merchant_id, principal, route, key) do update set request_hash = excluded.request_hash,"
            " operation_id = excluded.operation_id, expires_at = excluded.expires_at where k.expires_at < app_now()"
            " returning 1"
        ),
        {
            "merchant_id": merchant_id,
            "principal": principal,
            "route": route,
            "key": key,
            "request_hash": request_hash,
            "operation_id": operation_id,
            "life": timedelta(days=7),
        },
    )
    return result.first() is not None


async def find_key(
    session: AsyncSession, merchant_id: UUID, principal: str, route: str, key: str
) -> IdempotencyKeyRow | None:
    """The live binding of a key."""
    return (
        await session.execute(
            select(IdempotencyKeyRow).where(
                IdempotencyKeyRow.merchant_id == merchant_id,
                IdempotencyKeyRow.principal == principal,
                IdempotencyKeyRow.route == route,
                IdempotencyKeyRow.key == key,
                IdempotencyKeyRow.expires_at >= func.app_now(),
            )
        )
    ).scalar_one_or_none()
