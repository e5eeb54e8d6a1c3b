"""Orders, read: search, detail, price, tracking."""

from typing import Any

from starlette.responses import Response

from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, page, success
from app.sandbox.tiktok_shop.generator import INSTANT, OWN, STANDARD, WAREHOUSE
from app.sandbox.tiktok_shop.world import Order, Refused, World

MOST_IDS = 50
_STATUSES = (
    "UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED",
    "COMPLETED", "CANCELLED",
)  # fmt: skip
_SCANS = (
    ("arranged", "Penjual telah menyiapkan paket."),
    ("collected", "Paket diambil kurir."),
    ("in_transit", "Paket dalam perjalanan."),
    ("delivered", "Paket telah diterima."),
)


class Orders:
    """The order calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        search, detail = "/order/202309/orders/search", Spec("GET", "get_order", self.detail)
        price, tracking = (
            "/order/202407/orders/{order_id}/price_detail",
            "/fulfillment/202309/orders/{order_id}/tracking",
        )
        self.specs = {
            ("POST", search): Spec("POST", "list_orders", self.search),
            ("GET", "/order/202507/orders"): detail,
            ("GET", "/order/202309/orders"): detail,
            ("GET", price): Spec("GET", "get_order", self.price),
            ("GET", tracking): Spec("GET", "get_tracking", self.tracking),
        }

    def search(self, call: TikTokCall) -> Response:
        size = call.size(100)
        field = call.query.get("sort_field", "create_time")
        direction = call.query.get("sort_order", "DESC")
        if field not in ("create_time", "update_time") or direction not in ("ASC", "DESC"):
            raise Refused(36009004, "invalid param: sort_field or sort_order", 400)
        status = call.body.get("order_status")
        if status is not None and status not in _STATUSES:
            raise Refused(36009004, "invalid param: order_status", 400)
        rows = [one for one in map(self.world.seen, self.world.orders_of(call.shop)) if _matches(call.body, one)]
        rows.sort(key=lambda one: (one[field], one["id"]), reverse=direction == "DESC")
        return success(page([describe(one) for one in rows], call, size, "orders"))

    def detail(self, call: TikTokCall) -> Response:
        ids = [one for one in call.query.get("ids", "").split(",") if one]
        if not ids or len(ids) > MOST_IDS:
            raise Refused(36009004, f"invalid param: ids must be 1-{MOST_IDS}", 400)
        found = [self.world.orders.get(one) for one in ids]
        if any(one is not None and one["shop_id"] != call.shop["id"] for one in found):
            raise Refused(21008111, "The order does not belong to the seller")
        rows = [describe(self.world.seen(one)) for one in found if one is not None]
        if "omit_item" in call.strange:
            rows = rows[:-1]
        return success({"orders": rows} if rows else {})

    def price(self, call: TikTokCall) -> Response:
        payment = _payment(self._own(call))
        told = {"currency": "IDR", "total": payment["total_amount"], "payment": payment["total_amount"]}
        return success({**told, "subtotal": payment["sub_total"], "shipping_sale_price": payment["shipping_fee"]})

    def tracking(self, call: TikTokCall) -> Response:
        order = self.world.seen(self._own(call))
        shipped = min((one["shipped"] for one in order["packages"] if one.get("shipped")), default=None)
        way = {**({"arranged": shipped} if shipped else {}), **order["way"]}
        scans = [
            {"description": text, "update_time_millis": way[step] * 1000, "action_code": 100 + number}
            for number, (step, text) in enumerate(_SCANS)
            if step in way
        ]
        return success({"tracking": scans[::-1]} if scans else {})

    def _own(self, call: TikTokCall) -> Order:
        order = self.world.find(call.shop, call.path["order_id"])
        if order is None:
            raise Refused(21001001, "The order does not exist")
        return order


def _matches(body: dict[str, Any], order: Order) -> bool:
    for field in ("create_time", "update_time"):
        since, until = body.get(f"{field}_ge"), body.get(f"{field}_lt")
        if (since is not None and order[field] < since) or (until is not None and order[field] >= until):
            return False
    if body.get("order_status") not in (None, order["status"]):
        return False
    if body.get("is_buyer_request_cancel") not in (None, order["cancellation"] == "requested"):
        return False
    return body.get("shipping_type") in (None, order["shipping_type"])


def _payment(order: Order) -> dict[str, str]:
    goods = sum(unit["price"] for unit in order["units"])
    return {
        "currency": "IDR",
        "original_total_product_price": str(goods),
        "seller_discount": "0",
        "platform_discount": "0",
        "sub_total": str(goods),
        "original_shipping_fee": str(order["shipping_fee"]),
        "shipping_fee_seller_discount": "0",
        "shipping_fee_platform_discount": "0",
        "shipping_fee_cofunded_discount": "0",
        "shipping_fee": str(order["shipping_fee"]),
        "tax": "0",
        "total_amount": str(goods + order["shipping_fee"]),
        "buyer_service_fee": "0",
        "handling_fee": "0",
    }


def delivery_option(order: Order) -> str:
    """Which delivery option the buyer chose."""
    return INSTANT if order["is_instant"] else OWN if order["shipping_type"] == "SELLER" else STANDARD


def describe(order: Order) -> dict[str, Any]:
    """Empty fields are left out, ids and money are text."""
    packages = {one["id"]: one for one in order["packages"]}
    is_early = order["status"] in ("UNPAID", "ON_HOLD")
    has_package = not is_early or order["status"] == "ON_HOLD"
    told: dict[str, Any] = {
        "id": order["id"],
        "status": order["status"],
        "order_type": "NORMAL",
        "commerce_platform": order["platform"],
        "user_id": "7021000000000000001",
        "buyer_email": "v2b2V5abc@scs.tiktok.com",
        "buyer_message": order["note"],
        "is_cod": order["is_cod"],
        "is_sample_order": False,
        "is_on_hold_order": order["is_held"],
        "is_buyer_request_cancel": order["cancellation"] == "requested",
        "has_updated_recipient_address": False,
        "fulfillment_type": "FULFILLMENT_BY_DILAYANI_TOKOPEDIA" if order["is_by_platform"] else "FULFILLMENT_BY_SELLER",
        "shipping_type": order["shipping_type"],
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": delivery_option(order),
        "delivery_option_name": "Instant" if order["is_instant"] else "Standard shipping",
        "shipping_provider": order["provider"],
        "warehouse_id": WAREHOUSE,
        "fulfillment_priority_level": 100 if order["is_instant"] else 600,
        "create_time": order["create_time"],
        "paid_time": order["paid_time"],
        "update_time": order["update_time"],
        **order["deadlines"],
        "request_cancel_time": order["request"]["created"] if order["cancellation"] == "requested" else 0,
        "cancellation_initiator": order["initiator"],
        "cancel_reason": order["cancel_reason"],
        "tracking_number": next((one["tracking"] for one in packages.values() if one["tracking"]), ""),
        "split_or_combine_tag": "SPLIT" if len(packages) > 1 else "",
        "payment_method_name": order["payment"],
        "payment": _payment(order),
        "recipient_address": {} if is_early else _address(order),
        "packages": [{"id": one} for one in packages] if has_package else [],
        "line_items": [_line_item(order, unit, packages[unit["package_id"]], has_package) for unit in order["units"]],
        "a_field_of_next_year": "x",
    }
    return {name: value for name, value in told.items() if value not in ("", 0, [], {}) or value is False}


def _address(order: Order) -> dict[str, Any]:
    buyer = order["buyer"]
    levels = (
        ("L0", "Country", "Indonesia"),
        ("L1", "Provinsi", buyer["state"]),
        ("L2", "Kota", buyer["city"]),
        ("L3", "Kecamatan", buyer["district"]),
    )
    return {
        "name": buyer["name"],
        "first_name": buyer["name"],
        "last_name": "",
        "phone_number": buyer["phone"],
        "region_code": "ID",
        "postal_code": buyer["postal_code"],
        "full_address": f"Indonesia, {buyer['state']}, {buyer['city']}, {buyer['detail']}",
        "address_detail": buyer["detail"],
        "district_info": [
            {"address_level": level, "address_level_name": name, "address_name": text} for level, name, text in levels
        ],
    }


def _line_item(order: Order, unit: dict[str, Any], package: dict[str, Any], has_package: bool) -> dict[str, Any]:
    told = {
        "id": unit["id"],
        "product_id": unit["product_id"],
        "product_name": unit["product_name"],
        "sku_id": unit["sku_id"],
        "sku_name": unit["sku_name"],
        "seller_sku": unit["seller_sku"],
        "currency": "IDR",
        "original_price": str(unit["price"]),
        "seller_discount": "0",
        "platform_discount": "0",
        "sale_price": str(unit["price"]),
        "display_status": order["status"],
        "is_gift": False,
    }
    if has_package:
        told |= {
            "package_id": package["id"],
            "package_status": package["status"],
            "tracking_number": package["tracking"],
        }
        if package["provider"]:
            told["shipping_provider_name"] = package["provider"]
    return told
