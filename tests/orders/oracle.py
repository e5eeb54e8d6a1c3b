"""What a search must answer, worked out in plain Python from the orders that were written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.orders.archive import Stored

Params = Mapping[str, Any]

_COLUMNS = {
    "status": "status",
    "stage": "stage",
    "channel": "channel",
    "print_status": "print_status",
    "handover": "handover",
    "cancellation": "cancellation",
    "order_number": "order_number",
}
_DEADLINES = {
    "ship_by_before": ("ship_by", False),
    "pickup_cutoff_before": ("pickup_cutoff_at", True),
    "collect_by_before": ("collect_by", True),
}
"""The column, and whether the filter speaks of open orders only."""


def sla(row: Mapping[str, Any], now: datetime) -> str | None:
    if row["ship_by"] is None or row["status"] not in ("ordered", "ready_to_ship") or row["stage"] == "processed":
        return None
    left = row["ship_by"] - now
    return "overdue" if left < timedelta(0) else "at_risk" if left < timedelta(hours=4) else "ok"


def fits(order: Stored, params: Params, now: datetime) -> bool:
    row = order.row
    if row["status"] == "unpaid" and not params.get("status") and not params.get("order_number"):
        return False
    checks: list[bool] = [row[column] in params[name] for name, column in _COLUMNS.items() if name in params]
    for name, column in (("is_linked", "is_linked"), ("is_cod", "is_cod"), ("hold", "is_held")):
        if name in params:
            checks.append(row[column] == (params[name] == "true"))
    if "shop_id" in params:
        checks.append(f"shp_{row['shop_id'].hex}" in params["shop_id"])
    if "courier" in params:
        checks.append(bool({package.courier for package in order.packages} & set(params["courier"])))
    if "tag" in params:
        checks.append(bool(set(row["tags"]) & set(params["tag"])))
    if "sla" in params:
        checks.append(sla(row, now) in params["sla"])
    if "q" in params:
        texts = [row["order_number"], row["buyer_username"], row["buyer_name"]]
        texts += [package.tracking_number or "" for package in order.packages]
        texts += [text for line in order.lines for text in (line.sku, line.name, line.variation)]
        checks.append(any(params["q"].lower() in text.lower() for text in texts))
    return all(checks) and _in_time(row, params)


def _in_time(row: Mapping[str, Any], params: Params) -> bool:
    zone = ZoneInfo(params.get("tz", "Asia/Jakarta"))
    start, end = _moment(params.get("placed_from"), zone, 0), _moment(params.get("placed_to"), zone, 1)
    is_late = end is not None and (row["placed_at"] > end if "T" in params["placed_to"] else row["placed_at"] >= end)
    if (start is not None and row["placed_at"] < start) or is_late:
        return False
    for name, (column, is_of_open) in _DEADLINES.items():
        before = _moment(params.get(name), zone, 0)
        is_open = row["status"] in ("ordered", "ready_to_ship")
        if before is not None and (row[column] is None or row[column] >= before or (is_of_open and not is_open)):
            return False
    since = _moment(params.get("updated_since"), zone, 0)
    return since is None or row["updated_at"] >= since


def _moment(text: str | None, zone: ZoneInfo, days: int) -> datetime | None:
    if text is None:
        return None
    if "T" in text:
        return datetime.fromisoformat(text)
    return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), zone)


def _dated(column: str, is_counted: Callable[[Mapping[str, Any]], bool]) -> Callable[[Stored], Any]:
    """Orders with the date first, the others after them by id."""

    def key(order: Stored) -> Any:
        moment = order.row[column] if is_counted(order.row) else None
        return (moment is None, moment or 0, order.row["id"])

    return key


SORTS: dict[str, tuple[Callable[[Stored], Any], bool]] = {
    "-placed_at": (lambda order: (order.row["placed_at"], order.row["id"]), True),
    "placed_at": (lambda order: (order.row["placed_at"], order.row["id"]), False),
    "-updated_at": (lambda order: (order.row["updated_at"], order.row["id"]), True),
    "ship_by": (_dated("ship_by", lambda row: True), False),
    "pickup_cutoff_at": (_dated("pickup_cutoff_at", lambda row: True), False),
    "collect_by": (_dated("collect_by", lambda row: True), False),
    "respond_by": (_dated("respond_by", lambda row: row["cancellation"] == "requested"), False),
}


def search(orders: Sequence[Stored], params: Params, now: datetime, sort: str = "-placed_at") -> list[Stored]:
    key, is_reversed = SORTS[sort]
    return sorted((order for order in orders if fits(order, params, now)), key=key, reverse=is_reversed)
