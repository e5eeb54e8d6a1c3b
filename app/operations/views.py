"""Turns stored operations and items into what callers get."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.context import caller
from app.operations import repository, service
from app.operations.models import OperationItemRow, OperationRow
from app.operations.schemas import (
    CreatedBy,
    ItemPackage,
    Operation,
    OperationCounts,
    OperationItem,
    OperationResult,
    created_by_text,
)
from app.operations.states import FINISHED, Tally
from app.operations.texts import text_of
from app.orders import faults
from app.shops import service as shops


async def view_operation(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> Operation:
    """One operation as it is now. Raises NotFound."""
    row = await repository.get_operation(session, merchant_id, operation_id)
    return (await view_operations(session, merchant_id, [row]))[0]


async def view_operations(session: AsyncSession, merchant_id: UUID, rows: Sequence[OperationRow]) -> list[Operation]:
    """Several operations; two queries whatever their number."""
    tallies = await repository.tally(session, merchant_id, [row.id for row in rows])
    now = await clock.now(session)
    return [_to_operation(row, tallies[row.id], now) for row in rows]


def _to_operation(row: OperationRow, tally: Tally, now: datetime) -> Operation:
    counts = {
        state: tally.by_state.get(state, 0)
        for state in ("pending", "running", "succeeded", "skipped", "failed", "unknown")
    }
    return Operation(
        id=row.id,
        kind=row.kind,
        state=_state(row, tally),
        dry_run=row.dry_run,
        counts=OperationCounts(total=tally.total, **counts),
        created_at=row.created_at,
        finished_at=row.finished_at,
        eta_seconds=_eta_seconds(row, tally, now),
        created_by=CreatedBy(
            type=row.created_by_type,
            id=created_by_text(row.created_by_type, row.created_by_id),
            name=row.created_by_name,
        ),
        request_id=row.request_id,
        result=OperationResult.model_validate({"documents": [], **row.result}),
    )


def _state(row: OperationRow, tally: Tally) -> str:
    """Ended only once that is stored: state, `finished_at` and result belong together."""
    if row.finished_at is not None:
        return row.state
    state = service.state_of(row, tally)
    return "running" if state in FINISHED else state


def _eta_seconds(row: OperationRow, tally: Tally, now: datetime) -> int | None:
    ended = tally.total - tally.open
    if row.finished_at is not None or row.started_at is None or not ended or not tally.open:
        return None
    return round((now - row.started_at).total_seconds() / ended * tally.open)


async def find_waiting(session: AsyncSession, merchant_id: UUID, rows: Sequence[OperationItemRow]) -> set[UUID]:
    """Those of these items that wait until the seller agrees anew."""
    going_on = [row for row in rows if row.state in ("pending", "running")]
    accounts = await shops.list_without_consent(session, merchant_id) if going_on else set()
    return {row.id for row in going_on if row.account_id in accounts}


def to_item(row: OperationItemRow, waiting: Collection[UUID]) -> OperationItem:
    """An item in the caller's language; `waiting`: see find_waiting."""
    params = {"reason": row.channel_reason or "–", **row.text_params}
    if row.code == "imported_failed":
        params["reason"] = faults.explain(str(params["reason"]), caller().language)
    code, next_action = ("needs_reauth", "reauthorize") if row.id in waiting else (row.code, row.next_action)
    return OperationItem(
        id=row.id,
        order_id=row.order_id,
        order_number=row.order_number,
        shop_id=row.shop_id,
        channel=row.channel,
        state=row.state,
        code=code,
        text=text_of(code, caller().language, params),
        source=row.source,
        retryable=row.retryable,
        channel_code=row.channel_code,
        attempts=row.attempts,
        needs_attention=row.needs_attention,
        next_action=next_action,
        handover_effective=row.handover_effective,
        warning=row.details.get("warning"),
        effect=row.details.get("effect"),
        packages=[
            ItemPackage.model_validate({**package, "id": UUID(package["id"])})
            for package in row.packages
            # An order that is acted on as a whole stands there for its packages.
            if row.order_id is None or package["id"] != row.order_id.hex
        ],
    )
