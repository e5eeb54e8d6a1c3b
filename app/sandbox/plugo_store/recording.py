"""What a call did, in the ledger's words."""

from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.engine.gateway import Call
from app.sandbox.plugo_store.lifecycle import FULFILMENT, REQUEST
from app.sandbox.plugo_store.world import CHANNEL, Order, World, meta_of

TRACKING = ("plugosync_tracking_number", "_wc_shipment_tracking_items")
_MARKS = {"processed": "ship", "dispatched": "dispatch", "delivered": "deliver"}
_STEPS = (None, "to_process", "processed", "dispatched", "delivered")
_KEPT = ("plugosync_shipment_id", "plugosync_method", "plugosync_courier", "plugosync_tracking_number")
WORDS = ("ship", "dispatch", "deliver", "add_tracking", "cancel", "answer_cancellation", "update_stock")


def operation_of(body: dict[str, Any]) -> str:
    """What an update of an order means: by our convention on top of WooCommerce."""
    meta = meta_in(body)
    if meta.get(REQUEST) in ("accepted", "rejected"):
        return "answer_cancellation"
    if body.get("status") == "cancelled":
        return "cancel"
    mark = meta.get(FULFILMENT)
    if isinstance(mark, str) and mark in _MARKS:
        return _MARKS[mark]
    if body.get("status") == "completed":
        return "deliver"
    return "add_tracking" if any(meta.get(key) for key in TRACKING) else "update_order"


def meta_in(body: dict[str, Any]) -> dict[str, Any]:
    """Key → value of a body's meta data."""
    rows = body.get("meta_data")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {str(row.get("key")): row.get("value") for row in found}


class Before:
    """An order as it was, to tell what a call changed."""

    def __init__(self, order: Order) -> None:
        self.status = order["status"]
        self.meta = {key: meta_of(order, key) for key in (FULFILMENT, REQUEST, "plugosync_shipment_id", *TRACKING)}

    def changed(self, operation: str, order: Order, call: Call) -> bool:
        """Whether the operation took effect: a repetition of what is there has none."""
        if operation == "answer_cancellation":
            return bool(self.meta[REQUEST] == "requested")
        if operation == "ship":
            is_new = _index(self.meta[FULFILMENT]) < _STEPS.index("processed")
            is_other = self.meta["plugosync_shipment_id"] != meta_of(order, "plugosync_shipment_id")
            return is_new or is_other or "accept_duplicates" in call.strange
        if operation == "dispatch":
            return _index(self.meta[FULFILMENT]) < _STEPS.index("dispatched")
        if operation == "deliver":
            return bool(self.meta[FULFILMENT] != "delivered" and self.status != "completed")
        if operation == "cancel":
            return bool(self.status != "cancelled" and order["status"] == "cancelled")
        return any(self.meta[key] != meta_of(order, key) for key in TRACKING)


def record_order(world: World, call: Call, operation: str, order: Order, body: dict[str, Any], before: Before) -> None:
    """A row for an update of an order, under its package where it is about one."""
    if operation not in WORDS:
        return
    meta = meta_in(body)
    params = {key: meta[key] for key in _KEPT if key in meta} | {key: body[key] for key in ("status",) if key in body}
    if operation == "answer_cancellation":
        params["decision"] = "approve" if meta[REQUEST] == "accepted" else "reject"
    is_about_parcel = operation in ("ship", "dispatch", "deliver", "add_tracking")
    world.engine.ledger.record(
        at=world.engine.clock.now(),
        channel=CHANNEL,
        operation=operation,
        is_effective=before.changed(operation, order, call),
        call_id=call.id,
        order_number=order["number"],
        package_number=str(order["id"]) if is_about_parcel else None,
        params=params,
    )


def record_stock(world: World, call: Call, product_id: int, quantity: Any, *, is_effective: bool) -> None:
    """A row for a stock written."""
    world.engine.ledger.record(
        at=world.engine.clock.now(),
        channel=CHANNEL,
        operation="update_stock",
        is_effective=is_effective,
        call_id=call.id,
        params={"product_id": product_id, "stock_quantity": quantity},
    )


def lag(world: World, call: Call, order: Order) -> None:
    """Called right before the effect."""
    if "stale_read" in call.strange:
        staleness.remember(world.engine.clock, order, call.strange["stale_read"])


def _index(mark: Any) -> int:
    return _STEPS.index(mark) if mark in _STEPS else 0
