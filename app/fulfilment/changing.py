"""Hold, release, tag and note many orders. Ours alone: no channel is asked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import acting_as
from app.fulfilment.shipping import is_plan_stale
from app.operations import service as operations
from app.operations.models import OperationItemRow, OperationRow
from app.orders import actions, effects
from app.orders import service as orders
from app.orders.models import OrderRow
from app.orders.schemas import MOST_TAGS, ChangeOrder
from app.work.context import Context
from app.work.service import Claimed

ACTIONS = ("hold", "release", "add_tags", "remove_tags", "set_note")


async def run_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of any of these actions."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    operation, items = await context.database.transact(operations.start_chunk, claimed.merchant_id, operation_id, chunk)
    with acting_as(operations.caller_of(operation), merchant_id=claimed.merchant_id):
        await context.database.transact(_apply, claimed.merchant_id, operation, items)
    return None


def refusal(action: str, order: OrderRow, options: Mapping[str, Any]) -> str | None:
    """Why this cannot, or need not, be done with the order."""
    code = actions.refusal(action, order)
    if code is not None or action in ("hold", "release"):
        return code
    after = _wanted(action, order, options)
    if all(getattr(order, name) == value for name, value in after.items()):
        return "already_done"
    return "too_many_tags" if len(after.get("tags", ())) > MOST_TAGS else None


def _wanted(action: str, order: OrderRow, options: Mapping[str, Any]) -> dict[str, Any]:
    """What its note or tags are to be."""
    if action == "set_note":
        return {"note": options["note"] or None}
    if action == "add_tags":
        return {"tags": list(dict.fromkeys([*order.tags, *options["tags"]]))}
    return {"tags": [tag for tag in order.tags if tag not in options["tags"]]}


async def _apply(
    session: AsyncSession, merchant_id: UUID, operation: OperationRow, items: list[OperationItemRow]
) -> None:
    rows = await effects.lock_orders(session, merchant_id, [item.order_id for item in items if item.order_id])
    for item in items:
        assert item.order_id is not None
        order = rows[item.order_id]
        is_stale = is_plan_stale(operation, item, order)
        code = "plan_stale" if is_stale else refusal(operation.kind, order, operation.options)
        if code is not None:
            await operations.settle_item(session, merchant_id, item.id, "skipped", code)
            continue
        await _change(session, merchant_id, operation, order)
        await operations.settle_item(session, merchant_id, item.id, "succeeded")
    await operations.refresh(session, merchant_id, operation.id)


async def _change(session: AsyncSession, merchant_id: UUID, operation: OperationRow, order: OrderRow) -> None:
    if operation.kind == "hold":
        await orders.hold_order(session, merchant_id, order.id, reason=operation.options["reason"])
    elif operation.kind == "release":
        await orders.release_order(session, merchant_id, order.id)
    else:
        changes = ChangeOrder(**_wanted(operation.kind, order, operation.options))
        await orders.change_order(session, merchant_id, order.id, changes, versions=None)
