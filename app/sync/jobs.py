"""Worker entry points of sync."""

from app.sync import completeness, importing, polling, pushing, refreshing, rereading, service
from app.work.context import Duty, Handler

JOBS: dict[str, Handler] = {
    service.READ_WINDOW: importing.run_window,
    service.READ_ORDERS: importing.run_orders,
    refreshing.MOVE_STOCK: refreshing.move_stock,
    "sync.poll": polling.poll_account,
    "sync.backfill": polling.begin_backfill,
    "sync.read": rereading.read_requested,
    completeness.CHECK: completeness.run_check,
    completeness.DAILY: completeness.run_daily,
}

DUTIES: dict[str, Duty] = {"sync.route_pushes": Duty(every_seconds=1, run=pushing.route_pushes)}
