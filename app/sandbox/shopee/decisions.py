"""What a seller decides about an order: note, split, cancel, answer a buyer's cancellation."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success, wrong_parameter
from app.sandbox.shopee.calls import ShopeeCall, Spec, objects
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.recording import find_own_order, keep_view_for_stale_reads, record, record_refusal
from app.sandbox.shopee.world import Order, World

_REASONS = ("OUT_OF_STOCK", "CUSTOMER_REQUEST", "COD_NOT_SUPPORTED", "UNDELIVERABLE_AREA")
_SPLIT_LIMITS = (2, 5)


class Decisions:
    """Writes of the order module."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        base = "/api/v2/order/"
        self.specs = {
            base + "set_note": Spec("POST", "set_note", self.set_note),
            base + "split_order": Spec("POST", "split", self.split),
            base + "unsplit_order": Spec("POST", "split", self.unsplit),
            base + "cancel_order": Spec("POST", "cancel", self.cancel),
            base + "handle_buyer_cancellation": Spec("POST", "answer_cancellation", self.answer_cancellation),
        }

    def set_note(self, call: ShopeeCall) -> Response:
        order = find_own_order(self.world, call)
        order["note"], order["note_update_time"] = call.body_text("note"), self.world.now()
        self.world.save(order)
        return success()

    def split(self, call: ShopeeCall) -> Response:
        order = find_own_order(self.world, call)
        if len(order["packages"]) > 1:
            raise Refused("order.order_has_been_split", "The order has been split.")
        if order["order_status"] != "READY_TO_SHIP" or order["packages"][0]["arranged"]:
            raise Refused("order.order_cannot_split", "The order can not be split.")
        left = {(item["item_id"], item["model_id"]): item for item in order["item_list"]}
        groups = []
        for package in objects(call.body, "package_list"):
            keys = [_key(item) for item in objects(package, "item_list")]
            if not keys or any(key not in left for key in keys):
                raise Refused("order.order_split_item_error", "The items do not fit the order.")
            groups.append([left.pop(key) for key in dict.fromkeys(keys)])
        if left or not _SPLIT_LIMITS[0] <= len(groups) <= _SPLIT_LIMITS[1]:
            raise Refused("order.order_split_item_error", "All items must be in 2 to 5 packages.")
        self.lifecycle.split(order, groups)
        rows = [{"package_number": one["package_number"], "item_list": one["items"]} for one in order["packages"]]
        return success({"order_sn": order["order_sn"], "package_list": rows})

    def unsplit(self, call: ShopeeCall) -> Response:
        order = find_own_order(self.world, call)
        is_open = order["order_status"] == "READY_TO_SHIP" and not any(one["arranged"] for one in order["packages"])
        if len(order["packages"]) < 2 or not is_open:
            raise Refused("order.order_cannot_undo_split", "The order can not be unsplit.")
        self.lifecycle.split(order, [order["item_list"]])
        return success()

    def cancel(self, call: ShopeeCall) -> Response:
        order = find_own_order(self.world, call)
        reason = call.body_text("cancel_reason")
        refused = _cancel_refusal(call, order, reason)
        if refused is not None:
            record_refusal(self.world, call, refused, order)
            raise refused
        record(self.world, call, order, None, is_effective=True, params={"cancel_reason": reason})
        keep_view_for_stale_reads(self.world, call, order)
        self.lifecycle.cancel(order, by="seller", reason=reason)
        return success({"update_time": order["update_time"]})

    def answer_cancellation(self, call: ShopeeCall) -> Response:
        order = find_own_order(self.world, call)
        answer = call.body_text("operation")
        if answer not in ("ACCEPT", "REJECT"):
            raise wrong_parameter("operation must be ACCEPT or REJECT.")
        is_open = order["order_status"] == "IN_CANCEL"
        record(self.world, call, order, None, is_effective=is_open, params={"operation": answer})
        if not is_open:
            raise Refused("order.cancel_order_invalid_status", "The order status should be IN_CANCEL.")
        keep_view_for_stale_reads(self.world, call, order)
        self.lifecycle.answer_cancel(order, is_accepted=answer == "ACCEPT")
        return success({"update_time": order["update_time"]})


def _key(item: dict[str, Any]) -> tuple[int, int]:
    item_id, model_id = item.get("item_id"), item.get("model_id") or 0
    if not isinstance(item_id, int) or not isinstance(model_id, int):
        raise wrong_parameter("item_list needs item_id and model_id.")
    return item_id, model_id


def _cancel_refusal(call: ShopeeCall, order: Order, reason: str) -> Refused | None:
    if reason not in _REASONS:
        return Refused("order.error_param", "cancel_reason is invalid.")
    if reason == "OUT_OF_STOCK" and not objects(call.body, "item_list"):
        return Refused("order.error_param", "item_list is required for OUT_OF_STOCK.")
    has_number = any(one["tracking_number"] for one in order["packages"])
    if order["order_status"] not in ("UNPAID", "READY_TO_SHIP") or has_number:
        return Refused("order.error_limit", "Can not cancel this order.")
    return None
