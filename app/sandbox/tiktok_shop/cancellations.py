"""Cancellations: search, approve, reject, the seller's own; and the reasons for them."""

from typing import Any

from starlette.responses import Response

from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, lag, page, record, success
from app.sandbox.tiktok_shop.lifecycle import Lifecycle
from app.sandbox.tiktok_shop.world import Order, Refused, World

UNPAID_REASONS = (
    "seller_cancel_unpaid_reason_out_of_stock",
    "seller_cancel_unpaid_reason_wrong_price",
    "seller_cancel_unpaid_reason_buyer_hasnt_paid_within_time_allowed",
)
PAID_REASONS = ("seller_cancel_reason_out_of_stock", "seller_cancel_reason_wrong_price")
_PREFIX = "order_manage_list_action_respond_popup_reject_reason"
REJECT_REASONS = (
    (f"{_PREFIX}_invalid_cancellation_reason", "Alasan pembatalan tidak valid"),
    (f"{_PREFIX}_buyer_agree", "Pembeli setuju melanjutkan"),
    ("seller_reject_apply_product_has_been_packed", "Produk sudah dikemas"),
)
_PAID = ("ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION")


class Cancellations:
    """The calls about cancelling."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        root = "/return_refund/{version}/cancellations"
        one = f"{root}/{{cancel_id}}"
        eligibility = "/return_refund/{version}/orders/{order_id}/aftersale_eligibility"
        self.specs = {
            ("POST", f"{root}/search"): Spec("POST", "list_cancellations", self.search),
            ("POST", root): Spec("POST", "cancel", self.cancel),
            ("POST", f"{one}/approve"): Spec("POST", "answer_cancellation", self.approve),
            ("POST", f"{one}/reject"): Spec("POST", "answer_cancellation", self.reject),
            ("GET", "/return_refund/{version}/reject_reasons"): Spec("GET", "cancel_options", self.reasons),
            ("GET", eligibility): Spec("GET", "cancel_options", self.eligibility),
        }

    def search(self, call: TikTokCall) -> Response:
        size = call.size(50, 10)
        body = call.body
        rows = [
            order
            for order in map(self.world.seen, self.world.orders_of(call.shop))
            if order["request"] and _matches(body, order)
        ]
        is_falling = call.query.get("sort_order", "ASC") == "DESC"
        rows.sort(key=lambda order: (order["request"]["created"], order["id"]), reverse=is_falling)
        return success(page([_describe(order) for order in rows], call, size, "cancellations"))

    def cancel(self, call: TikTokCall) -> Response:
        order = self.world.find(call.shop, call.body.get("order_id"))
        if order is None:
            raise Refused(25020005, "No permission for this order")
        reason = str(call.body.get("cancel_reason"))
        refused = self._refusal(call, order, reason)
        if refused is not None:
            record(self.world, call, order, is_effective=False, params={"reason": reason, "code": refused.code})
            raise refused
        lag(self.world, call, order)
        self.lifecycle.cancel(order, initiator="SELLER", reason=reason)
        record(self.world, call, order, is_effective=True, params={"reason": reason})
        return success({"cancel_id": order["request"]["id"], "cancel_status": order["request"]["status"]})

    def _refusal(self, call: TikTokCall, order: Order, reason: str) -> Refused | None:
        status = order["status"]
        if status in ("CANCELLED", "COMPLETED"):
            return Refused(25001051, "The order is completed or cancelled")
        if order["cancellation"] == "requested":
            return Refused(25001011, "A request is open")
        if status != "UNPAID" and status not in _PAID:
            return Refused(25001045, "The courier already has the parcel")
        if call.body.get("skus") or call.body.get("order_line_item_ids") or call.body.get("order_line_list"):
            return Refused(25005010, "Partial cancellation is not supported")
        if reason not in (*UNPAID_REASONS, *PAID_REASONS):
            return Refused(25001014, "Unknown reason")
        fits = UNPAID_REASONS if status == "UNPAID" else PAID_REASONS
        return None if reason in fits else Refused(25001021, "The reason does not fit the status")

    def approve(self, call: TikTokCall) -> Response:
        return self._answer(call, is_agreed=True)

    def reject(self, call: TikTokCall) -> Response:
        if call.body.get("reject_reason") not in [name for name, _ in REJECT_REASONS]:
            raise Refused(25001014, "Unknown reason")
        return self._answer(call, is_agreed=False)

    def _answer(self, call: TikTokCall, *, is_agreed: bool) -> Response:
        order = self.world.find(call.shop, self.world.number_of_cancellation(call.path["cancel_id"]))
        if order is None:
            raise Refused(25007006, "The request does not exist")
        params = {"decision": "approve" if is_agreed else "reject"}
        if order["cancellation"] != "requested":
            record(self.world, call, order, is_effective=False, params=params)
            raise Refused(25011012 if is_agreed else 25011011, "The request cannot be answered now")
        lag(self.world, call, order)
        self.lifecycle.answer(order, is_agreed=is_agreed)
        record(self.world, call, order, is_effective=True, params=params)
        return success()

    def reasons(self, call: TikTokCall) -> Response:
        return success({"reasons": [{"name": name, "text": text} for name, text in REJECT_REASONS]})

    def eligibility(self, call: TikTokCall) -> Response:
        order = self.world.find(call.shop, call.path["order_id"])
        if order is None:
            raise Refused(25020005, "No permission for this order")
        is_unpaid = order["status"] == "UNPAID"
        can = (is_unpaid or order["status"] in _PAID) and order["cancellation"] != "requested"
        line = {
            "request_type": "CANCEL",
            "eligible": can,
            "available_reason_names": list(UNPAID_REASONS if is_unpaid else PAID_REASONS) if can else [],
            "order_line_items_ids": [unit["id"] for unit in order["units"]],
        }
        return success({"sku_eligibility": [{"line_item_eligibility": [line]}]})


def _matches(body: dict[str, Any], order: Order) -> bool:
    request = order["request"]
    wanted = (
        ("order_ids", order["id"]),
        ("cancel_ids", request["id"]),
        ("cancel_status", request["status"]),
        ("cancel_types", request["type"]),
    )
    return all(not body.get(name) or value in body[name] for name, value in wanted)


def _describe(order: Order) -> dict[str, Any]:
    request = order["request"]
    told = {
        "cancel_id": request["id"],
        "order_id": order["id"],
        "cancel_type": request["type"],
        "cancel_status": request["status"],
        "role": request["role"],
        "cancel_reason": "ecom_order_to_ship_canceled_reason_created_by_mistakes",
        "cancel_reason_text": request["reason"],
        "create_time": request["created"],
        "update_time": request["updated"],
        "cancel_line_items": [
            {"order_line_item_id": unit["id"], "sku_id": unit["sku_id"], "seller_sku": unit["seller_sku"]}
            for unit in order["units"]
        ],
    }
    if order["cancellation"] == "requested":
        action = {"action": "SELLER_RESPOND_BUYER_CANCEL", "deadline": request["deadline"]}
        told["seller_next_action_response"] = [action]
    return told
