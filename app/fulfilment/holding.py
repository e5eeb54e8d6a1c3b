"""Hold and release many orders. Ours alone: no channel is asked."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import acting_as
from app.fulfilment.shipping import is_plan_stale
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects
from app.orders import service as orders
from app.work.context import Context
from app.work.service import Claimed


async def run_hold_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.hold`."""
    await _run(context, claimed, "hold")
    return None


async def run_release_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.release`."""
    await _run(context, claimed, "release")
    return None


async def _run(context: Context, claimed: Claimed, action: str) -> None:
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    operation, items = await context.database.transact(operations.start_chunk, claimed.merchant_id, operation_id, chunk)
    with acting_as(operations.caller_of(operation), merchant_id=claimed.merchant_id):
        await context.database.transact(_apply, claimed.merchant_id, operation, items, action)


async def _apply(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, items: list[OperationItemRow], action: str
) -> None:
    rows = await effects.lock_orders(session, merchant_id, [item.order_id for item in items if item.order_id])
    for item in items:
        assert item.order_id is not None
        order = rows[item.order_id]
        code = "plan_stale" if is_plan_stale(operation, item, order) else actions.refusal(action, order)
        if code is not None:
            await operations.settle_item(session, merchant_id, item.id, "skipped", code)
            continue
        if action == "hold":
            await orders.hold_order(session, merchant_id, order.id, reason=operation.options["reason"])
        else:
            await orders.release_order(session, merchant_id, order.id)
        await operations.settle_item(session, merchant_id, item.id, "succeeded")
    await operations.refresh(session, merchant_id, operation.id)
