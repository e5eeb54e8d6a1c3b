"""The package view of orders: detail, search, and the old shipment list."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success, wrong_parameter
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.lifecycle import SHIPPABLE
from app.sandbox.shopee.orders import mask
from app.sandbox.shopee.paging import cut_page
from app.sandbox.shopee.world import Order, Package, World

_STATUS_GROUPS: dict[int, tuple[str, ...]] = {
    1: ("LOGISTICS_NOT_START",),
    2: SHIPPABLE,
    3: ("LOGISTICS_REQUEST_CREATED",),
}
_ALL_STATUSES = tuple(status for group in _STATUS_GROUPS.values() for status in group)
_SORTS = {1: "ship_by_date", 2: "create_time", 3: "pay_time"}


class Packages:
    """How apps find and read packages."""

    def __init__(self, world: World) -> None:
        self.world = world
        base = "/api/v2/order/"
        self.specs = {
            base + "get_package_detail": Spec("GET", "get_order", self.detail),
            base + "search_package_list": Spec("POST", "list_orders", self.search),
            base + "get_shipment_list": Spec("GET", "list_orders", self.shipment_list),
        }

    def detail(self, call: ShopeeCall) -> Response:
        rows = []
        for number in call.some("package_number_list"):
            order = self.world.find_order(call.shop, self.world.number_of(number))
            if order is not None:
                view = self.world.seen(order)
                rows += [_describe(view, one) for one in view["packages"] if one["package_number"] == number]
        if not rows:
            raise Refused("error_not_found", "Wrong parameters, detail: the package is not found.")
        return success({"package_list": rows[1:] if "omit_item" in call.strange else rows})

    def search(self, call: ShopeeCall) -> Response:
        start, size = call.body_page()
        wanted, sort = call.body_object("filter"), call.body_object("sort")
        status, channels = wanted.get("package_status", 2), wanted.get("logistics_channel_ids") or []
        if status not in (0, 1, 2, 3) or not isinstance(channels, list):
            raise wrong_parameter("filter is invalid.")
        statuses = _STATUS_GROUPS.get(status, _ALL_STATUSES)
        found = [
            (view, package)
            for view, package in self._parcels(call)
            if package["logistics_status"] in statuses
            and (not channels or package["logistics_channel_id"] in channels)
            and not view["is_hidden"]
        ]
        sort_type, is_ascending = sort.get("sort_type", 1), bool(sort.get("ascending", True))
        if sort_type not in (1, 2, 3):
            raise wrong_parameter("sort.sort_type is invalid.")
        found.sort(key=lambda one: (one[0][_SORTS[sort_type]], one[1]["package_number"]), reverse=not is_ascending)
        page = cut_page(call, found, start, size)
        answer = {
            "packages_list": [_found(view, package) for view, package in page.rows],
            "pagination": {"total_count": len(found), "next_cursor": page.cursor, "more": page.next is not None},
            "sort": {"sort_type": sort_type, "ascending": is_ascending},
        }
        return success(answer)

    def shipment_list(self, call: ShopeeCall) -> Response:
        start, size = call.page()
        rows = [
            {"order_sn": view["order_sn"], "package_number": package["package_number"]}
            for view, package in self._parcels(call)
            if view["order_status"] in ("READY_TO_SHIP", "RETRY_SHIP") and not view["is_hidden"]
        ]
        page = cut_page(call, rows, start, size)
        return success({"order_list": page.rows, "more": page.next is not None, "next_cursor": page.cursor})

    def _parcels(self, call: ShopeeCall) -> list[tuple[Order, Package]]:
        views = map(self.world.seen, self.world.orders_of(call.shop))
        return [(view, package) for view in views for package in view["packages"]]


def _found(order: Order, package: Package) -> dict[str, Any]:
    return {
        "order_sn": order["order_sn"],
        "package_number": package["package_number"],
        "logistics_channel_id": package["logistics_channel_id"],
        "product_location_id": "IDZ",
        "sorting_group": "",
        "is_shipment_arranged": package["arranged"],
    }


def _describe(order: Order, package: Package) -> dict[str, Any]:
    is_open = package["logistics_status"] == "LOGISTICS_READY" and not package["arranged"]
    return {
        "order_sn": order["order_sn"],
        "package_number": package["package_number"],
        "fulfillment_status": package["logistics_status"],
        "update_time": order["update_time"],
        "logistics_channel_id": package["logistics_channel_id"],
        "shipping_carrier": package["shipping_carrier"],
        "allow_self_design_awb": False,
        "days_to_ship": order["days_to_ship"],
        "ship_by_date": order["ship_by_date"],
        "pending_terms": [],
        "tracking_number": package["tracking_number"],
        "pickup_done_time": order["pickup_done_time"],
        "is_split_up": len(order["packages"]) > 1,
        "item_list": package["items"],
        "recipient_address": mask(order["recipient"]),
        "group_shipment_id": 0,
        "is_shipment_arranged": package["arranged"],
        "can_split_order": is_open and len(order["packages"]) == 1 and len(order["item_list"]) > 1,
        "can_unsplit_order": is_open and len(order["packages"]) > 1,
        "is_pre_order": False,
    }
