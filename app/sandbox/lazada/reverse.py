"""Cancellations, by the seller and by the buyer, and traces of parcels."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from app.sandbox.engine import staleness
from app.sandbox.lazada.calls import LazadaCall, Spec, record, request_id, success
from app.sandbox.lazada.lifecycle import CANCELLABLE, PACKED, Lifecycle
from app.sandbox.lazada.world import Item, Order, Refused, World

REASONS = (
    ("10000019", "Sourcing Delay"),
    ("10000021", "Out of Stock"),
    ("10000023", "Wrong Price or Pricing Error"),
)
REJECT_REASONS = (("20000001", "Pesanan sudah dikemas"), ("20000002", "Pembeli setuju melanjutkan"))
_SCANS = (
    ("packed", "1200", "ready_to", "Packed by seller / warehouse"),
    ("shipped", "1210", "shipped", "Shipped"),
    ("delivered", "1400", "delivered", "Delivered"),
)


class Reverse:
    """The reverse and trace calls."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        self.specs = {
            "/order/reverse/cancel/validate": Spec("cancel_options", self.validate, ("GET",)),
            "/order/reverse/cancel/create": Spec("cancel", self.cancel, ("GET",)),
            "/order/reverse/cancel/seller/decide": Spec("answer_cancellation", self.decide, ("GET",)),
            "/order/reverse/reason/list": Spec("cancel_options", self.reasons, ("GET",)),
            "/order/reverse/return/detail/list": Spec("list_reverse", self.detail, ("GET",)),
            "/reverse/getreverseordersforseller": Spec("list_reverse", self.list_reverse),
            "/logistic/order/trace": Spec("get_tracking", self.trace),
        }

    # --- the seller cancels

    def validate(self, call: LazadaCall) -> Response:
        _, items = self._to_cancel(call)
        if any(item["status"] not in CANCELLABLE for item in items):
            return success({"tip_type": "error", "tip_content": "The item cannot be cancelled.", "reason_options": []})
        options = [{"reason_id": code, "reason_name": text} for code, text in REASONS]
        tip = "Stock may be set to 0 for some reasons."
        return success({"tip_type": "warning", "tip_content": tip, "reason_options": options})

    def cancel(self, call: LazadaCall) -> Response:
        order, items = self._to_cancel(call)
        reason = dict(REASONS).get(call.text("reason_id"))
        if reason is None:
            raise Refused("104", "E104: Invalid reason", "ISP")
        able = [item for item in items if item["status"] in CANCELLABLE]
        if len(able) < len(items):
            record(self.world, call, order, is_effective=False, params={"reason": reason})
            return success({"tip_type": "error", "tip_content": "The item cannot be cancelled."})
        packages = {item["package_id"] for item in able if item["package_id"]}
        able = [item for item in order["items"] if item in able or item["package_id"] in packages]
        if "stale_read" in call.strange:
            staleness.remember(self.world.engine.clock, order, call.strange["stale_read"])
        self.lifecycle.cancel(order, able, reason=reason, initiator="cancellation-seller")
        record(self.world, call, order, is_effective=True, params={"reason": reason})
        return success({"tip_type": "success", "tip_content": "Cancelled."})

    def _to_cancel(self, call: LazadaCall) -> tuple[Order, list[Item]]:
        order = self.world.find(call.shop, call.text("order_id"))
        if order is None:
            raise Refused("122", "E122: The order is invalid", "ISP")
        ids = call.listed("order_item_id_list", "102")
        items = [item for item in order["items"] if item["id"] in ids]
        if not ids or len(items) < len(set(ids)):
            raise Refused("123", "E123: The order lines are invalid", "ISP")
        return order, items

    # --- the buyer asks

    def decide(self, call: LazadaCall) -> Response:
        order = self.world.find_by_reverse(call.shop, call.text("reverse_order_id"))
        if order is None:
            raise Refused("105", "E105: The reverse order id is invalid", "ISP")
        is_agreed = call.text("agree_cancel").lower() == "true"
        if order["cancellation"] != "requested":
            record(self.world, call, order, is_effective=False, params={"agree": is_agreed})
            raise Refused("131", "E131: Nothing to decide for this reverse order", "ISP")
        if "stale_read" in call.strange:
            staleness.remember(self.world.engine.clock, order, call.strange["stale_read"])
        self.lifecycle.answer_cancel(order, is_agreed=is_agreed)
        record(self.world, call, order, is_effective=True, params={"agree": is_agreed})
        return success()

    def reasons(self, call: LazadaCall) -> Response:
        call.text("reverse_order_line_id")
        return success([{"reason_id": code, "text": text, "muti_language_text": text} for code, text in REJECT_REASONS])

    def detail(self, call: LazadaCall) -> Response:
        order = self.world.find_by_reverse(call.shop, call.text("reverse_order_id"))
        if order is None:
            raise Refused("106", "E106: ROC internal error", "ISP")
        request = order["request"]
        return success(
            {
                "reverse_order_id": int(request["id"]),
                "trade_order_id": int(order["id"]),
                "request_type": "CANCEL",
                "shipping_type": "DROP_OFF",
                "is_rtm": True,
                "reverseOrderLineDTOList": self._lines(order),
            }
        )

    def list_reverse(self, call: LazadaCall) -> Response:
        page = call.number("page_no", 1, code="19", least=1, most=100)
        size = call.number("page_size", 10, code="19", least=1, most=100)
        wanted = set(map(str, json.loads(call.params.get("reverse_status_list", "[]"))))
        kinds = set(map(str, json.loads(call.params.get("request_type_list", "[]"))))
        trade_id, reverse_id = call.params.get("trade_order_id"), call.params.get("reverse_order_id")
        rows = [
            order
            for order in self.world.orders_of(call.shop)
            if order["request"]
            and (not wanted or order["request"]["status"] in wanted)
            and (not kinds or "CANCEL" in kinds)
            and trade_id in (None, order["id"])
            and reverse_id in (None, order["request"]["id"])
        ]
        items = [
            {
                "reverse_order_id": int(order["request"]["id"]),
                "trade_order_id": int(order["id"]),
                "request_type": "CANCEL",
                "is_rtm": True,
                "shipping_type": "DROP_OFF",
                "reverse_order_lines": self._lines(order),
            }
            for order in rows[(page - 1) * size : page * size]
        ]
        told = {"success": True, "total": len(rows), "page_no": page, "page_size": size, "items": items}
        return JSONResponse({"code": "0", "request_id": request_id(), "result": told})

    def _lines(self, order: Order) -> list[dict[str, Any]]:
        request = order["request"]
        return [
            {
                "reverse_order_line_id": int(request["line_id"]),
                "trade_order_line_id": int(order["items"][0]["id"]),
                "reverse_status": request["status"],
                "reason_text": request["reason"],
                "trade_order_gmt_create": order["created"] * 1000,
                "return_order_line_gmt_create": request["created"] * 1000,
            }
        ]

    # --- traces

    def trace(self, call: LazadaCall) -> Response:
        order = self.world.find(call.shop, call.text("order_id"))
        if order is None:
            raise Refused("LD_INPUT_PARAM_VALID", "The order id is invalid", "ISP")
        wanted = set(map(str, json.loads(call.params.get("ofcPackageIdList", "[]"))))
        packages: dict[str, list[Item]] = {}
        for item in self.world.seen(order)["items"]:
            is_traced = item["package_id"] and item["status"] not in (PACKED, "canceled")
            if is_traced and (not wanted or item["package_id"] in wanted):
                packages.setdefault(item["package_id"], []).append(item)
        details = [
            {
                "ofc_package_id": package_id,
                "tracking_number": items[0]["tracking"],
                "order_line_info_list": None,
                "logistic_detail_info_list": _scans(items[0]),
            }
            for package_id, items in packages.items()
        ]
        module = [{"ofc_order_id": None, "warehouse_detail_info": None, "package_detail_info_list": details}]
        told = {"success": True, "not_success": False, "repeated": False, "retry": False, "module": module}
        return JSONResponse({"code": "0", "request_id": request_id(), "result": told})


def _scans(item: Item) -> list[dict[str, Any]]:
    way = item.get("way", {})
    return [
        {
            "status_code": code,
            "detail_type": kind,
            "title": title,
            "description": f"{title} {datetime.fromtimestamp(way[status], UTC):%d-%m}",
            "event_time": way[status] * 1000,
            "receive_time": 0,
            "event_date": None,
            "package_location_name": None,
            "proof_images": [],
            "icon": None,
        }
        for status, code, kind, title in _SCANS
        if status in way
    ]
