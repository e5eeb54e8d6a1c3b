"""Operations inside a transaction: open, settle items, derive the state, cancel, retry, apply."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.context import Caller, caller
from app.core.ids import new_id
from app.operations import repository
from app.operations.errors import IdempotencyKeyReused, OperationStateInvalid, TooManyOperations
from app.operations.idempotency import Idempotency
from app.operations.models import OperationItemRow, OperationRow
from app.operations.states import FINISHED, Tally, derive
from app.work import service as work


@dataclass(frozen=True, slots=True)
class NewItem:
    """The part of a new operation for one order. `state` is already final for orders that are refused at once."""

    order_id: UUID | None
    order_number: str | None
    account_id: UUID | None = None
    shop_id: UUID | None = None
    channel: str | None = None
    chunk: int = 0
    state: str = "pending"
    code: str | None = None
    retryable: bool = False
    text_params: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    packages: list[dict[str, Any]] = field(default_factory=list)
    planned_version: int | None = None
    next_action: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The operation that now stands for the request; `replayed` when an earlier request with this key opened it."""

    operation_id: UUID
    replayed: bool


def chunk_ref(operation_id: UUID, chunk: int) -> str:
    """Reference of the work row that runs one chunk."""
    return f"{operation_id.hex}:{chunk}"


def parse_chunk_ref(ref: str) -> tuple[UUID, int]:
    """Operation and chunk of a work row."""
    operation, chunk = ref.split(":")
    return UUID(hex=operation), int(chunk)


def caller_of(operation: OperationRow) -> Caller:
    """On whose behalf the operation runs."""
    return Caller(
        type=operation.created_by_type,  # type: ignore[arg-type]  # written from a Caller
        id=operation.created_by_id,
        name=operation.created_by_name,
        request_id=operation.request_id,
    )


async def find_replay(session: AsyncSession, merchant_id: UUID, idempotency: Idempotency) -> UUID | None:
    """The operation this key already stands for. Raises IdempotencyKeyReused when it stands for another request."""
    bound = await repository.find_key(session, merchant_id, idempotency.principal, idempotency.route, idempotency.key)
    if bound is None:
        return None
    if bound.request_hash != idempotency.request_hash:
        raise IdempotencyKeyReused(header="Idempotency-Key")
    return bound.operation_id


async def open_operation(
    session: AsyncSession,
    merchant_id: UUID,
    idempotency: Idempotency | None,
    *,
    kind: str,
    job: str,
    options: dict[str, Any],
    items: Sequence[NewItem],
    dry_run: bool = False,
    open_parts: int = 0,
    result: dict[str, Any] | None = None,
    open_operations_max: int | None = None,
) -> Opened:
    """Store the operation with its items and ask for its chunks to be run, all in this transaction.

    A dry run stops at the plan. Two requests with one key: the loser gets the winner's operation.
    """
    operation_id = new_id()
    if idempotency is not None:
        mine = await repository.claim_key(
            session,
            merchant_id,
            idempotency.principal,
            idempotency.route,
            idempotency.key,
            idempotency.request_hash,
            operation_id,
        )
        if not mine:
            winner = await find_replay(session, merchant_id, idempotency)
            assert winner is not None, "the key cannot expire between two statements"
            return Opened(winner, replayed=True)
    if open_operations_max is not None:
        count = await repository.count_open(session, merchant_id)
        if count >= open_operations_max:
            raise TooManyOperations(count=count)
    who = caller()
    now = await clock.now(session)
    session.add(
        OperationRow(
            merchant_id=merchant_id,
            id=operation_id,
            kind=kind,
            job=job,
            state="planned" if dry_run else "queued",
            dry_run=dry_run,
            open_parts=open_parts,
            options=options,
            result=result or {},
            created_at=now,
            created_by_type=who.type,
            created_by_id=who.id,
            created_by_name=who.name,
            request_id=who.request_id,
        )
    )
    await session.flush()
    await repository.insert_items(
        session, [_item_values(merchant_id, operation_id, position, item, now) for position, item in enumerate(items)]
    )
    if not dry_run:
        await _ask_for_chunks(
            session, merchant_id, job, operation_id, {(i.chunk, i.account_id) for i in items if i.state == "pending"}
        )
        await refresh(session, merchant_id, operation_id)
    return Opened(operation_id, replayed=False)


def _item_values(merchant_id: UUID, operation_id: UUID, position: int, item: NewItem, now: Any) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "id": new_id(),
        "operation_id": operation_id,
        "position": position,
        "chunk": item.chunk,
        "order_id": item.order_id,
        "order_number": item.order_number,
        "account_id": item.account_id,
        "shop_id": item.shop_id,
        "channel": item.channel,
        "state": item.state,
        "code": item.code,
        "retryable": item.retryable,
        "text_params": item.text_params,
        "details": item.details,
        "packages": item.packages,
        "planned_version": item.planned_version,
        "next_action": item.next_action,
        "updated_at": now,
    }


async def _ask_for_chunks(
    session: AsyncSession, merchant_id: UUID, job: str, operation_id: UUID, chunks: set[tuple[int, UUID | None]]
) -> None:
    wanted = {chunk_ref(operation_id, chunk): account_id for chunk, account_id in chunks}
    await work.add_many(session, merchant_id, job, wanted)


async def add_items(session: AsyncSession, merchant_id: UUID, operation_id: UUID, items: Sequence[NewItem]) -> None:
    """Items that only turned up while it ran (orders an import could not read)."""
    existing = await repository.list_items(session, merchant_id, operation_id)
    start = max((item.position for item in existing), default=-1) + 1
    now = await clock.now(session)
    await repository.insert_items(
        session, [_item_values(merchant_id, operation_id, start + n, item, now) for n, item in enumerate(items)]
    )


async def settle_item(
    session: AsyncSession,
    merchant_id: UUID,
    item_id: UUID,
    state: str,
    code: str | None = None,
    *,
    retryable: bool = False,
    source: str = "plugosync",
    channel_code: str | None = None,
    channel_reason: str | None = None,
    text_params: dict[str, Any] | None = None,
    packages: list[dict[str, Any]] | None = None,
    next_action: str | None = None,
    handover_effective: str | None = None,
    needs_attention: bool = False,
) -> OperationItemRow:
    """Write what became of one item. `state` may also be running or unknown."""
    item = await repository.lock_item(session, merchant_id, item_id)
    item.state = state
    item.code = code
    item.retryable = retryable
    item.source = source
    item.channel_code = channel_code
    item.channel_reason = channel_reason
    item.needs_attention = needs_attention
    item.next_action = next_action
    item.updated_at = await clock.now(session)
    if text_params is not None:
        item.text_params = text_params
    if packages is not None:
        item.packages = packages
    if handover_effective is not None:
        item.handover_effective = handover_effective
    return item


async def start_chunk(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, chunk: int
) -> tuple[OperationRow, list[OperationItemRow]]:
    """The operation and the items of a chunk that are still to be worked on, marked as running.

    After a cancellation, items nobody has begun are skipped instead.
    """
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    if operation.started_at is None and operation.finished_at is None:
        operation.started_at = await clock.now(session)
        operation.state = "running"
    if operation.cancel_requested_at is not None:
        await _skip_pending(session, merchant_id, operation_id)
    await repository.move_items(
        session,
        merchant_id,
        operation_id,
        from_states=("pending",),
        chunk=chunk,
        values={"state": "running", "attempts": OperationItemRow.attempts + 1},
    )
    items = await repository.list_items(
        session, merchant_id, operation_id, chunk=chunk, states=("running", "unknown"), lock=False
    )
    return operation, items


async def has_open_items(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> bool:
    """Whether an item is still to be worked on."""
    states = ("pending", "running", "unknown")
    return bool(await repository.list_items(session, merchant_id, operation_id, states=states, limit=1))


async def list_order_ids(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> set[UUID]:
    """The orders it is about."""
    items = await repository.list_items(session, merchant_id, operation_id)
    return {item.order_id for item in items if item.order_id is not None}


async def lock_operation(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> OperationRow:
    """The operation, locked until the transaction ends. Raises NotFound."""
    return await repository.get_operation(session, merchant_id, operation_id, lock=True)


async def add_result(session: AsyncSession, merchant_id: UUID, operation_id: UUID, key: str, value: Any) -> None:
    """Put one entry into the operation's `result`."""
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    operation.result = {**operation.result, key: value}


async def set_open_parts(
    session: AsyncSession,
    merchant_id: UUID,
    operation_id: UUID,
    open_parts: int,
    failed_parts: int,
    succeeded_parts: int = 0,
) -> None:
    """Say how many parts that are no orders are left, failed and done."""
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    operation.open_parts = open_parts
    operation.failed_parts = failed_parts
    operation.succeeded_parts = succeeded_parts


async def refresh(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> OperationRow:
    """Derive the state again. Called at the end of each run; the last one to finish ends the operation."""
    await session.flush()
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    if operation.state == "planned":
        return operation
    tally = (await repository.tally(session, merchant_id, [operation_id]))[operation_id]
    operation.state = state_of(operation, tally)
    if operation.state not in FINISHED:
        operation.finished_at = None  # a doubt that a person was to settle has settled itself and is worked on again
    elif operation.finished_at is None:
        operation.finished_at = await clock.now(session)
    return operation


def state_of(operation: OperationRow, tally: Tally) -> str:
    """The state as it is now, from the counts."""
    if operation.state == "planned":
        return "planned"
    return derive(
        tally,
        has_started=operation.started_at is not None,
        is_cancelled=operation.cancel_requested_at is not None,
        open_parts=operation.open_parts,
        failed_parts=operation.failed_parts,
        succeeded_parts=operation.succeeded_parts,
    )


async def apply_plan(session: AsyncSession, merchant_id: UUID, operation_id: UUID, idempotency: Idempotency) -> Opened:
    """Run exactly the plan of a dry run. Applying twice is applying once. Raises OperationStateInvalid."""
    replayed = await _bind(session, merchant_id, operation_id, idempotency)
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    if not operation.dry_run or (operation.cancel_requested_at is not None and not replayed):
        raise OperationStateInvalid(state=operation.state, wish="applied")
    if operation.state == "planned":
        operation.state = "queued"
        pending = await repository.list_items(session, merchant_id, operation_id, states=("pending",))
        await _ask_for_chunks(
            session, merchant_id, operation.job, operation_id, {(item.chunk, item.account_id) for item in pending}
        )
        await refresh(session, merchant_id, operation_id)
    return Opened(operation_id, replayed)


async def find_running(session: AsyncSession, merchant_id: UUID, kind: str, options: dict[str, Any]) -> UUID | None:
    """An operation of this kind that was asked for the same and has not ended.

    When there is none, the caller may open it: until its transaction ends, nobody else finds none.
    """
    return await repository.find_running(session, merchant_id, kind, options)


async def join(session: AsyncSession, merchant_id: UUID, operation_id: UUID, idempotency: Idempotency) -> Opened:
    """Let the request stand for an operation that does what it asks for already."""
    return Opened(operation_id, replayed=await _bind(session, merchant_id, operation_id, idempotency))


async def cancel(session: AsyncSession, merchant_id: UUID, operation_id: UUID, idempotency: Idempotency) -> Opened:
    """Skip what nobody has begun; what runs hears of it at once. Raises OperationStateInvalid when it has ended."""
    replayed = await _bind(session, merchant_id, operation_id, idempotency)
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    if replayed or operation.cancel_requested_at is not None:
        return Opened(operation_id, replayed)
    if operation.finished_at is not None:
        raise OperationStateInvalid(state=operation.state, wish="cancelled")
    operation.cancel_requested_at = await clock.now(session)
    if operation.state == "planned":
        operation.state = "queued"
    await _skip_pending(session, merchant_id, operation_id)
    begun = await repository.list_items(session, merchant_id, operation_id, states=("running",))
    await _ask_for_chunks(
        session, merchant_id, operation.job, operation_id, {(item.chunk, item.account_id) for item in begun}
    )
    await refresh(session, merchant_id, operation_id)
    return Opened(operation_id, replayed)


async def retry(session: AsyncSession, merchant_id: UUID, operation_id: UUID, idempotency: Idempotency) -> Opened:
    """Put the failed items that may be tried again back to pending. Raises OperationStateInvalid while it runs."""
    replayed = await _bind(session, merchant_id, operation_id, idempotency)
    operation = await repository.get_operation(session, merchant_id, operation_id, lock=True)
    if replayed:
        return Opened(operation_id, replayed)
    if operation.finished_at is None or operation.state == "cancelled":
        raise OperationStateInvalid(state=operation.state, wish="retried")
    items = await repository.move_items(
        session,
        merchant_id,
        operation_id,
        from_states=("failed",),
        only_retryable=True,
        values={
            "state": "pending",
            "code": None,
            "retryable": False,
            "source": "plugosync",
            "channel_code": None,
            "channel_reason": None,
            "next_action": None,
        },
    )
    if items:
        operation.finished_at = operation.started_at = None
        await _ask_for_chunks(
            session, merchant_id, operation.job, operation_id, {(item.chunk, item.account_id) for item in items}
        )
        await refresh(session, merchant_id, operation_id)
    return Opened(operation_id, replayed)


async def _bind(session: AsyncSession, merchant_id: UUID, operation_id: UUID, idempotency: Idempotency) -> bool:
    """Tie the key to this operation. True when it was tied by the same request before."""
    await repository.get_operation(session, merchant_id, operation_id)
    if await repository.claim_key(
        session,
        merchant_id,
        idempotency.principal,
        idempotency.route,
        idempotency.key,
        idempotency.request_hash,
        operation_id,
    ):
        return False
    await find_replay(session, merchant_id, idempotency)
    return True


async def _skip_pending(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> None:
    await repository.move_items(
        session,
        merchant_id,
        operation_id,
        from_states=("pending",),
        values={"state": "skipped", "code": "operation_cancelled"},
    )
