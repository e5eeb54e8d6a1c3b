"""Order list and order detail."""

from operator import itemgetter
from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, not_found, success, wrong_parameter
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.paging import cut_page
from app.sandbox.shopee.world import Order, Package, World

WINDOW_SECONDS = 15 * 86_400
_FILTERS = ("UNPAID", "READY_TO_SHIP", "PROCESSED", "SHIPPED", "COMPLETED", "IN_CANCEL", "CANCELLED", "INVOICE_PENDING")
_ALWAYS = (
    "order_sn", "region", "currency", "cod", "order_status", "message_to_seller", "create_time", "update_time",
    "days_to_ship", "ship_by_date",
)  # fmt: skip
_ON_REQUEST = (
    "buyer_user_id", "buyer_username", "estimated_shipping_fee", "recipient_address", "actual_shipping_fee",
    "actual_shipping_fee_confirmed", "note", "note_update_time", "item_list", "pay_time", "dropshipper",
    "dropshipper_phone", "split_up", "buyer_cancel_reason", "cancel_by", "cancel_reason", "fulfillment_flag",
    "pickup_done_time", "package_list", "shipping_carrier", "checkout_shipping_carrier", "payment_method",
    "total_amount", "order_chargeable_weight_gram", "reverse_shipping_fee", "return_request_due_date",
)  # fmt: skip


class Orders:
    """How apps find and read orders."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs = {
            "/api/v2/order/get_order_list": Spec("GET", "list_orders", self.list_orders),
            "/api/v2/order/get_order_detail": Spec("GET", "get_order", self.detail),
            "/api/v2/returns/get_return_list": Spec("GET", "list_returns", self.list_returns),
        }

    def list_orders(self, call: ShopeeCall) -> Response:
        by = call.text("time_range_field")
        if by not in ("create_time", "update_time"):
            raise wrong_parameter("time_range_field must be create_time or update_time.")
        since, until = call.number("time_from"), call.number("time_to")
        start, size = call.page()
        if since >= until or until - since > WINDOW_SECONDS:
            raise Refused(
                "order.order_list_invalid_time", "Start time must be earlier than end time and diff in 15days."
            )
        status = call.text("order_status")
        if status and status not in _FILTERS:
            raise wrong_parameter("order_status is invalid.")
        views = (self.world.seen(order) for order in self.world.orders_of(call.shop) if not order["is_hidden"])
        rows = [view for view in views if since <= view[by] <= until and status in ("", view["order_status"])]
        rows.sort(key=itemgetter(by, "order_sn"))
        page = cut_page(call, rows, start, size)
        names = ["order_sn", *(["order_status"] if "order_status" in call.listed("response_optional_fields") else [])]
        entries = [{name: view[name] for name in names} for view in page.rows]
        return success({"more": page.next is not None, "next_cursor": page.cursor, "order_list": entries})

    def detail(self, call: ShopeeCall) -> Response:
        numbers = call.some("order_sn_list")
        found = {number: self.world.find_order(call.shop, number) for number in numbers}
        views = [self.world.seen(order) for order in found.values() if order is not None]
        if not views:
            raise not_found()
        if "omit_item" in call.strange:
            views = views[1:]
        optional = frozenset(call.listed("response_optional_fields"))
        unknown = [number for number, order in found.items() if order is None]
        return success({"order_list": [_detail(view, optional) for view in views]}, warning=unknown)

    def list_returns(self, call: ShopeeCall) -> Response:
        """Nobody returns anything here."""
        if not 1 <= call.number("page_size") <= 100:
            raise wrong_parameter("page_size must be between 1 and 100.")
        return success({"more": False, "return": []})


def _detail(order: Order, optional: frozenset[str]) -> dict[str, Any]:
    """What was not asked for is absent, not empty."""
    weight = sum(line["weight"] * line["model_quantity_purchased"] for line in order["item_list"])
    everything = {
        **order,
        "region": "ID",
        "currency": "IDR",
        "actual_shipping_fee_confirmed": order["actual_shipping_fee"] > 0,
        "recipient_address": mask(order["recipient"]),
        "dropshipper": "",
        "dropshipper_phone": "",
        "split_up": len(order["packages"]) > 1,
        "fulfillment_flag": "fulfilled_by_local_seller",
        "reverse_shipping_fee": 0,
        "order_chargeable_weight_gram": round(weight * 1000),
        "return_request_due_date": 0,
        # Shopee has no parcels before the payment.
        "package_list": [] if order["order_status"] == "UNPAID" else [_parcel(one) for one in order["packages"]],
        "pay_time": order["pay_time"] or None,
    }
    return {name: everything[name] for name in (*_ALWAYS, *(name for name in _ON_REQUEST if name in optional))}


def _parcel(package: Package) -> dict[str, Any]:
    """A package as order detail shows it: without its tracking number."""
    return {
        "package_number": package["package_number"],
        "logistics_status": package["logistics_status"],
        "logistics_channel_id": package["logistics_channel_id"],
        "shipping_carrier": package["shipping_carrier"],
        "allow_self_design_awb": False,
        "group_shipment_id": 0,
        "parcel_chargeable_weight_gram": 500,
        "item_list": package["items"],
    }


def mask(recipient: dict[str, str]) -> dict[str, str]:
    """What an app sees whose server addresses are not declared."""
    name, phone, address = recipient["name"], recipient["phone"], recipient["full_address"]
    return {
        **recipient,
        "name": f"{name[0]}****{name[-1]}",
        "phone": f"******{phone[-2:]}",
        "full_address": f"{address[:5]}******",
    }
