"""Order list, order detail, package views, notes, split, cancellation."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.api import ShopeeCall, Spec
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.world import Order, Package, World

WINDOW = 15 * 86_400
_FILTERS = ("UNPAID", "READY_TO_SHIP", "PROCESSED", "SHIPPED", "COMPLETED", "IN_CANCEL", "CANCELLED", "INVOICE_PENDING")
_ALWAYS = (
    "order_sn",
    "region",
    "currency",
    "cod",
    "order_status",
    "message_to_seller",
    "create_time",
    "update_time",
    "days_to_ship",
    "ship_by_date",
)


class Orders:
    """The order module."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        base = "/api/v2/order/"
        self.specs = {
            base + "get_order_list": Spec("GET", "list_orders", self.list_orders),
            base + "get_order_detail": Spec("GET", "get_order", self.detail),
            base + "get_package_detail": Spec("GET", "get_order", self.package_detail),
            base + "search_package_list": Spec("POST", "list_orders", self.search_packages),
            base + "get_shipment_list": Spec("GET", "list_orders", self.shipment_list),
            base + "set_note": Spec("POST", "set_note", self.set_note),
            base + "split_order": Spec("POST", "split", self.split),
            base + "unsplit_order": Spec("POST", "split", self.unsplit),
            base + "cancel_order": Spec("POST", "cancel", self.cancel),
            base + "handle_buyer_cancellation": Spec("POST", "answer_cancellation", self.answer_cancellation),
            "/api/v2/returns/get_return_list": Spec(
                "GET", "get_order", lambda call: success({"more": False, "return": []})
            ),
        }

    # --- reads --------------------------------------------------------------------------------------------------------

    def list_orders(self, call: ShopeeCall) -> Response:
        by = call.text("time_range_field")
        if by not in ("create_time", "update_time"):
            raise Refused("error_param", "Wrong parameters, detail: time_range_field is a required field.")
        since, until, size = call.number("time_from"), call.number("time_to"), call.number("page_size")
        if not 1 <= size <= 100:
            raise Refused("error_param", "Wrong parameters, detail: page_size must be between 1 and 100.")
        if since >= until or until - since > WINDOW:
            raise Refused(
                "order.order_list_invalid_time", "Start time must be earlier than end time and diff in 15days."
            )
        status = call.text("order_status")
        if status and status not in _FILTERS:
            raise Refused("error_param", "Wrong parameters, detail: order_status is invalid.")
        seen = [
            self.world.seen(order) for order in self.world.orders_of(call.shop["shop_id"]) if not order["is_hidden"]
        ]
        rows = [
            order for order in seen if since <= order[by] <= until and (not status or order["order_status"] == status)
        ]
        rows.sort(key=lambda order: (order[by], order["order_sn"]))
        start = int(call.text("cursor") or 0)
        if "shifting_page" in call.strange and start:
            start += 1
        if "duplicate_page" in call.strange and start:
            start = max(0, start - size)
        page = rows[start : start + size]
        if "omit_item" in call.strange:
            page = page[1:]
        more = start + size < len(rows)
        has_status = "order_status" in call.listed("response_optional_fields")
        entries = [
            {"order_sn": one["order_sn"]} | ({"order_status": one["order_status"]} if has_status else {})
            for one in page
        ]
        return success({"more": more, "next_cursor": str(start + size) if more else "", "order_list": entries})

    def detail(self, call: ShopeeCall) -> Response:
        numbers = call.listed("order_sn_list")
        if not 1 <= len(numbers) <= 50:
            raise Refused("error_param", "Wrong parameters, detail: order_sn_list must have 1 to 50 entries.")
        found = [self.world.orders[number] for number in dict.fromkeys(numbers) if self._is_mine(call, number)]
        if not found:
            raise Refused("error_not_found", "Wrong parameters, detail: the order is not found.")
        if "omit_item" in call.strange:
            found = found[1:]
        optional = frozenset(call.listed("response_optional_fields"))
        return success({"order_list": [self._detail(self.world.seen(order), optional) for order in found]})

    def _is_mine(self, call: ShopeeCall, number: str) -> bool:
        order = self.world.orders.get(number)
        return order is not None and order["shop_id"] == call.shop["shop_id"]

    def _detail(self, order: Order, optional: frozenset[str]) -> dict[str, Any]:
        everything = {
            **{name: order[name] for name in order if name not in ("recipient", "packages", "stale", "is_moving")},
            "region": "ID",
            "currency": "IDR",
            "actual_shipping_fee_confirmed": order["actual_shipping_fee"] > 0,
            "recipient_address": _masked(order["recipient"]),
            "dropshipper": "",
            "dropshipper_phone": "",
            "split_up": len(order["packages"]) > 1,
            "fulfillment_flag": "fulfilled_by_local_seller",
            "reverse_shipping_fee": 0,
            "order_chargeable_weight_gram": 500,
            "return_request_due_date": 0,
            "package_list": [_order_package(package) for package in order["packages"]]
            if order["order_status"] != "UNPAID"
            else [],
            "pay_time": order["pay_time"] or None,
        }
        known = (
            "buyer_user_id",
            "buyer_username",
            "estimated_shipping_fee",
            "recipient_address",
            "actual_shipping_fee",
            "actual_shipping_fee_confirmed",
            "note",
            "note_update_time",
            "item_list",
            "pay_time",
            "dropshipper",
            "dropshipper_phone",
            "split_up",
            "buyer_cancel_reason",
            "cancel_by",
            "cancel_reason",
            "fulfillment_flag",
            "pickup_done_time",
            "package_list",
            "shipping_carrier",
            "checkout_shipping_carrier",
            "payment_method",
            "total_amount",
            "order_chargeable_weight_gram",
            "reverse_shipping_fee",
            "return_request_due_date",
        )
        names = [*_ALWAYS, *(name for name in known if name in optional)]
        return {name: everything[name] for name in names}

    def package_detail(self, call: ShopeeCall) -> Response:
        wanted = call.listed("package_number_list")
        if not 1 <= len(wanted) <= 50:
            raise Refused("error_param", "Wrong parameters, detail: package_number_list must have 1 to 50 entries.")
        rows = []
        for order in self.world.orders_of(call.shop["shop_id"]):
            view = self.world.seen(order)
            rows += [
                self._package(view, package) for package in view["packages"] if package["package_number"] in wanted
            ]
        if "omit_item" in call.strange:
            rows = rows[1:]
        if not rows:
            raise Refused("error_not_found", "Wrong parameters, detail: the package is not found.")
        return success({"package_list": rows})

    def _package(self, order: Order, package: Package) -> dict[str, Any]:
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
            "recipient_address": _masked(order["recipient"]),
            "group_shipment_id": 0,
            "is_shipment_arranged": package["arranged"],
            "is_pre_order": False,
        }

    def search_packages(self, call: ShopeeCall) -> Response:
        pagination = call.body.get("pagination") or {}
        size, start = int(pagination.get("page_size") or 0), int(pagination.get("cursor") or 0)
        if not 1 <= size <= 100:
            raise Refused("error_param", "Wrong parameters, detail: pagination.page_size is a required field.")
        wanted = int((call.body.get("filter") or {}).get("package_status", 2))
        groups = {
            1: ("LOGISTICS_NOT_START",),
            2: ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY"),
            3: ("LOGISTICS_REQUEST_CREATED",),
        }
        statuses = groups.get(wanted, sum(groups.values(), ()))
        rows = [
            {
                "order_sn": view["order_sn"],
                "package_number": package["package_number"],
                "logistics_channel_id": package["logistics_channel_id"],
                "product_location_id": "IDZ",
                "sorting_group": "",
                "is_shipment_arranged": package["arranged"],
            }
            for view in map(self.world.seen, self.world.orders_of(call.shop["shop_id"]))
            for package in view["packages"]
            if package["logistics_status"] in statuses and not view["is_hidden"]
        ]
        more = start + size < len(rows)
        page = {"total_count": len(rows), "next_cursor": str(start + size) if more else "", "more": more}
        return success(
            {
                "packages_list": rows[start : start + size],
                "pagination": page,
                "sort": {"sort_type": 1, "ascending": True},
            }
        )

    def shipment_list(self, call: ShopeeCall) -> Response:
        size, start = call.number("page_size"), int(call.text("cursor") or 0)
        rows = [
            {"order_sn": order["order_sn"], "package_number": package["package_number"]}
            for order in self.world.orders_of(call.shop["shop_id"])
            if order["order_status"] in ("READY_TO_SHIP", "RETRY_SHIP")
            for package in order["packages"]
        ]
        more = start + size < len(rows)
        return success(
            {"order_list": rows[start : start + size], "more": more, "next_cursor": str(start + size) if more else ""}
        )

    # --- writes -------------------------------------------------------------------------------------------------------

    def mine(self, call: ShopeeCall) -> Order:
        """The order the body names. Refuses when it is not this shop's."""
        number = call.body.get("order_sn")
        if not isinstance(number, str) or not self._is_mine(call, number):
            raise Refused("error_not_found", "Wrong parameters, detail: the order is not found.")
        return self.world.orders[number]

    def set_note(self, call: ShopeeCall) -> Response:
        order = self.mine(call)
        order["note"], order["note_update_time"] = str(call.body.get("note", "")), self.world.now()
        self.world.save(order)
        return success()

    def split(self, call: ShopeeCall) -> Response:
        order = self.mine(call)
        if len(order["packages"]) > 1:
            raise Refused("order.order_has_been_split", "The order has been split.")
        if order["order_status"] != "READY_TO_SHIP" or order["packages"][0]["arranged"]:
            raise Refused("order.order_cannot_split", "The order can not be split.")
        by_key = {(item["item_id"], item["model_id"]): item for item in order["item_list"]}
        groups = []
        for package in call.body.get("package_list") or []:
            keys = [(item.get("item_id"), item.get("model_id")) for item in package.get("item_list") or []]
            if not keys or any(key not in by_key for key in keys):
                raise Refused("order.order_split_item_error", "The items do not fit the order.")
            groups.append([by_key.pop(key) for key in keys])
        if by_key or not 2 <= len(groups) <= 5:
            raise Refused("order.order_split_item_error", "All items must be in 2 to 5 packages.")
        self.lifecycle.split(order, groups)
        rows = [{"package_number": one["package_number"], "item_list": one["items"]} for one in order["packages"]]
        return success({"order_sn": order["order_sn"], "package_list": rows})

    def unsplit(self, call: ShopeeCall) -> Response:
        order = self.mine(call)
        if len(order["packages"]) < 2 or any(one["arranged"] for one in order["packages"]):
            raise Refused("order.order_cannot_undo_split", "The order can not be unsplit.")
        self.lifecycle.split(order, [order["item_list"]])
        return success()

    def cancel(self, call: ShopeeCall) -> Response:
        order = self.mine(call)
        reason = str(call.body.get("cancel_reason", ""))
        is_open = order["order_status"] in ("UNPAID", "READY_TO_SHIP") and not any(
            one["tracking_number"] for one in order["packages"]
        )
        self._record(call, order, "cancel", is_effective=is_open, params={"cancel_reason": reason})
        if reason == "OUT_OF_STOCK" and not call.body.get("item_list"):
            raise Refused("order.error_param", "item_list is required for OUT_OF_STOCK.")
        if not is_open:
            raise Refused("order.error_limit", "Can not cancel this order.")
        self._stale(call, order)
        self.lifecycle.cancel(order, by="seller", reason=reason)
        return success({"update_time": order["update_time"]})

    def answer_cancellation(self, call: ShopeeCall) -> Response:
        order = self.mine(call)
        operation = call.body.get("operation")
        if operation not in ("ACCEPT", "REJECT"):
            raise Refused("error_param", "Wrong parameters, detail: operation must be ACCEPT or REJECT.")
        is_open = order["order_status"] == "IN_CANCEL"
        self._record(call, order, "answer_cancellation", is_effective=is_open, params={"operation": operation})
        if not is_open:
            raise Refused("order.cancel_order_invalid_status", "The order status should be IN_CANCEL.")
        self._stale(call, order)
        self.lifecycle.answer_cancel(order, is_accepted=operation == "ACCEPT")
        return success({"update_time": order["update_time"]})

    def _stale(self, call: ShopeeCall, order: Order) -> None:
        if "stale_read" in call.strange:
            self.world.remember_for_stale_reads(order, call.strange["stale_read"])

    def _record(
        self, call: ShopeeCall, order: Order, operation: str, *, is_effective: bool, params: dict[str, Any]
    ) -> None:
        row = (self.world.engine.clock.now(), "shopee", operation, order["order_sn"], None, is_effective, "", params)
        self.world.engine.store.record([row])


def _order_package(package: Package) -> dict[str, Any]:
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


def _masked(recipient: dict[str, str]) -> dict[str, str]:
    name, phone, address = recipient["name"], recipient["phone"], recipient["full_address"]
    return {
        **recipient,
        "name": f"{name[0]}****{name[-1]}",
        "phone": f"******{phone[-2:]}",
        "full_address": f"{address[:5]}******",
    }
