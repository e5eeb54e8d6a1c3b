"""Orders and their items, read."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from starlette.responses import Response

from app.sandbox.lazada.calls import LazadaCall, Spec, success
from app.sandbox.lazada.world import WIB_SECONDS, Item, Order, Refused, World

WIB = timezone(timedelta(seconds=WIB_SECONDS))
MOST_ITEMS_OF = 50
DEEPEST = 5000
FILTERS = (
    "unpaid", "pending", "packed", "canceled", "ready_to_ship", "delivered", "returned", "shipped", "failed", "topack",
    "toship", "shipping", "lost", "lost_by_3pl", "damaged_by_3pl", "failed_delivery", "shipped_back",
    "shipped_back_success", "shipped_back_failed", "package_scrapped",
)  # fmt: skip
_TABS = {"topack": ("pending", "repacked"), "toship": ("packed", "ready_to_ship"), "shipping": ("shipped",)}


def wib(seconds: float) -> str:
    """Lazada's own format, in the market's time."""
    return datetime.fromtimestamp(seconds, WIB).strftime("%Y-%m-%d %H:%M:%S %z")


class Orders:
    """The order calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs = {
            "/orders/get": Spec("list_orders", self.list_orders, ("GET",)),
            "/order/get": Spec("get_order", self.get_order, ("GET",)),
            "/order/items/get": Spec("get_order", self.get_items, ("GET",)),
            "/orders/items/get": Spec("get_order", self.get_many_items, ("GET",)),
        }

    def list_orders(self, call: LazadaCall) -> Response:
        limit = call.number("limit", 100, code="19", least=1, most=100)
        offset = call.number("offset", 0, code="14", least=0, most=DEEPEST)
        if offset + limit > DEEPEST:
            raise Refused("97", f"E097: Offset and limit sum {offset + limit} must less than 5000", "ISP")
        window, status = _read_window(call), _read_status(call)
        rows = [one for one in map(self.world.seen, self.world.orders_of(call.shop)) if _matches(one, window, status)]
        column = {"created_at": "created", "updated_at": "updated"}.get(call.params.get("sort_by", "created_at"))
        direction = call.params.get("sort_direction", "DESC").upper()
        if column is None or direction not in ("ASC", "DESC"):
            code, name = ("75", "sort_by") if column is None else ("74", "sort_direction")
            raise Refused(code, f"E0{code}: Invalid {name}", "ISP")
        rows.sort(key=lambda order: (order[column], order["id"]), reverse=direction == "DESC")
        if "duplicate_page" in call.strange:
            offset = max(0, offset - limit)
        if "shifting_page" in call.strange:
            offset += 1
        page = rows[offset : offset + limit]
        return success({"countTotal": len(rows), "count": len(page), "orders": [describe(order) for order in page]})

    def get_order(self, call: LazadaCall) -> Response:
        return success(describe(self._seen(call)))

    def get_items(self, call: LazadaCall) -> Response:
        order = self._seen(call)
        return success([describe_item(order, item, call.shop["name"]) for item in order["items"]])

    def get_many_items(self, call: LazadaCall) -> Response:
        ids = call.listed("order_ids", "56")
        if len(ids) > MOST_ITEMS_OF:
            raise Refused("38", "E038: Too many orders were requested", "ISP")
        found = [self.world.find(call.shop, one) for one in dict.fromkeys(ids)]
        if not ids or all(order is None for order in found):
            raise Refused("39", "E039: No Orders were found", "ISP")
        orders = [self.world.seen(order) for order in found if order is not None]
        if "omit_item" in call.strange:
            orders = orders[:-1]
        return success(
            [
                {
                    "order_id": int(order["id"]),
                    "order_number": int(order["id"]),
                    "order_items": [describe_item(order, item, call.shop["name"]) for item in order["items"]],
                }
                for order in orders
            ]
        )

    def _seen(self, call: LazadaCall) -> Order:
        order = self.world.find(call.shop, call.text("order_id"))
        if order is None or "omit_item" in call.strange:
            raise Refused("16", "E016: Invalid Order ID", "ISP")
        return self.world.seen(order)


Window = dict[str, tuple[float, float]]


def _read_window(call: LazadaCall) -> Window:
    """Column → bounds, both included."""
    if not (call.params.get("created_after") or call.params.get("update_after")):
        raise Refused("18", "E018: Either created_after or update_after is mandatory", "ISP")
    return {
        column: (_moment(call, f"{word}_after", -math.inf), _moment(call, f"{word}_before", math.inf))
        for column, word in (("created", "created"), ("updated", "update"))
    }


def _read_status(call: LazadaCall) -> set[str] | None:
    """The item statuses a tab stands for; None for all."""
    status = call.params.get("status") or "all"
    if status != "all" and status not in FILTERS:
        raise Refused("36", "E036: Invalid status filter", "ISP")
    return None if status == "all" else set(_TABS.get(status, (status,)))


def _matches(order: Order, window: Window, status: set[str] | None) -> bool:
    is_inside = all(begin <= order[column] <= end for column, (begin, end) in window.items())
    return is_inside and (status is None or any(item["status"] in status for item in order["items"]))


def _moment(call: LazadaCall, name: str, default: float) -> float:
    text = call.params.get(name)
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("17", f"E017: {name} is not a valid date", "ISP") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def describe(order: Order) -> dict[str, Any]:
    """An order without its items. Amounts are partly text and partly numbers, as they come in reality."""
    live = [item for item in order["items"] if item["status"] != "canceled"] or order["items"]
    buyer = order["buyer"]
    address = {
        "first_name": buyer["name"],
        "last_name": "",
        "phone": buyer["phone"],
        "phone2": "",
        "address1": buyer["address1"],
        "address2": "",
        "address3": buyer["address3"],
        "address4": buyer["address4"],
        "address5": buyer["address5"],
        "city": buyer["city"],
        "post_code": buyer["post_code"],
        "country": "Indonesia",
    }
    return {
        "order_id": int(order["id"]),
        "order_number": int(order["id"]),
        "created_at": wib(order["created"]),
        "updated_at": wib(order["updated"]),
        "address_updated_at": wib(order["created"]),
        "statuses": list(dict.fromkeys(item["status"] for item in order["items"])),
        "items_count": len(order["items"]),
        "price": f"{sum(item['paid_price'] for item in live):.2f}",
        "voucher": 0,
        "voucher_platform": 0,
        "voucher_seller": 0,
        "voucher_code": "",
        "shipping_fee": float(order["shipping_fee"]),
        "shipping_fee_original": float(order["shipping_fee"]),
        "shipping_fee_discount_seller": 0.0,
        "shipping_fee_discount_platform": 0.0,
        "payment_method": order["payment_method"],
        "customer_first_name": buyer["name"],
        "customer_last_name": "",
        "gift_option": False,
        "gift_message": "",
        "buyer_note": order["note"],
        "remarks": "",
        "delivery_info": "",
        "warehouse_code": order["items"][0]["warehouse"],
        "promised_shipping_times": "",
        "extra_attributes": '{"TaxInvoiceRequested":false}',
        "need_cancel_confirm": _is_open(order),
        "is_cancel_pending": False,
        "address_shipping": address,
        "address_billing": address,
    }


def _is_open(order: Order) -> bool:
    return bool(order["cancellation"] == "requested")


def describe_item(order: Order, item: Item, shop_name: str) -> dict[str, Any]:
    """One unit."""
    is_asked = _is_open(order) and item["status"] != "canceled"
    request = order["request"] or {}
    return {
        "order_id": int(order["id"]),
        "order_item_id": int(item["id"]),
        "status": item["status"],
        "sku": item["sku"],
        "shop_sku": f"{item['product_id']}_ID-{item['sku_id']}",
        "sku_id": item["sku_id"],
        "product_id": item["product_id"],
        "name": item["name"],
        "variation": item["variation"],
        "product_main_image": "",
        "product_detail_url": "",
        "item_price": float(item["price"]),
        "paid_price": float(item["paid_price"]),
        "currency": "IDR",
        "voucher_amount": 0.0,
        "shipping_amount": 0.0,
        "tax_amount": 0.0,
        "wallet_credits": 0,
        "shipping_type": "Dropshipping",
        "shipping_provider_type": "standard",
        "shipment_provider": item["courier"],
        "tracking_code": item["tracking"],
        "tracking_code_pre": "",
        "package_id": item["package_id"],
        "warehouse_code": item["warehouse"],
        "delivery_option_sof": 0,
        "is_fbl": 0,
        "is_digital": 0,
        "is_reroute": 0,
        "order_type": "Normal",
        "order_flag": "NORMAL",
        "stage_pay_status": "",
        "sla_time_stamp": datetime.fromtimestamp(item["sla"], WIB).isoformat(),
        "promised_shipping_time": "",
        "created_at": wib(item["created"]),
        "updated_at": wib(item["updated"]),
        **({"payment_time": item["paid"] * 1000} if item["paid"] else {}),
        "invoice_number": item.get("invoice", ""),
        "purchase_order_id": "",
        "purchase_order_number": "",
        "reason": request.get("reason", "") if is_asked else item["reason"],
        "reason_detail": "",
        "cancel_return_initiator": item["initiator"],
        "return_status": "",
        "need_cancel_confirm": is_asked,
        "is_cancel_pending": False,
        "cancel_trigger_time": request["trigger"] * 1000 if is_asked else None,
        "reverse_order_id": int(request["id"]) if is_asked else None,
        "shop_id": shop_name,
        "buyer_id": 400211112222,
        "digital_delivery_info": "",
        "extra_attributes": "",
    }
