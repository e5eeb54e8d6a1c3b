"""Worker entry points of stock."""

from datetime import timedelta
from uuid import UUID

from app.orders.stocking import APPLY
from app.products.service import PUSH
from app.stock import importing, linking, pushing, service
from app.work.context import Context, Duty, Handler
from app.work.service import Claimed


async def apply_order(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.apply`: the order has changed, its movements follow."""
    await context.database.transact(service.apply_orders, claimed.merchant_id, [UUID(hex=claimed.ref)])
    return None


JOBS: dict[str, Handler] = {
    APPLY: apply_order,
    PUSH: pushing.push,
    linking.RELINK: linking.relink_orders,
    importing.READ: importing.run,
    importing.CHECK: importing.check,
}
DUTIES: dict[str, Duty] = {"stock.check_drift": Duty(every_seconds=24 * 3600, run=importing.request_checks)}
