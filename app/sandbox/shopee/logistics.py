"""Shipping parameters, ship_order and its variants, tracking, channels and addresses."""

import uuid
from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.api import ShopeeCall, Spec
from app.sandbox.shopee.generator import CHANNELS
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.world import Order, Package, World

DAY = 86_400
WIB = 7 * 3600
_METHODS = ("pickup", "dropoff", "non_integrated")
_READY = ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY")


class Logistics:
    """The logistics module without documents."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        base = "/api/v2/logistics/"
        self.specs = {
            base + "get_shipping_parameter": Spec("GET", "shipping_options", self.shipping_parameter),
            base + "get_mass_shipping_parameter": Spec("POST", "shipping_options", self.mass_shipping_parameter),
            base + "ship_order": Spec("POST", "ship", self.ship_order),
            base + "mass_ship_order": Spec("POST", "ship", self.mass_ship_order),
            base + "update_shipping_order": Spec("POST", "ship", self.update_shipping_order),
            base + "get_tracking_number": Spec("GET", "get_tracking", self.tracking_number),
            base + "get_mass_tracking_number": Spec("POST", "get_tracking", self.mass_tracking_number),
            base + "get_tracking_info": Spec("GET", "get_tracking", self.tracking_info),
            base + "get_channel_list": Spec("GET", "get_channels", self.channels),
            base + "get_address_list": Spec("GET", "get_channels", self.addresses),
        }

    # --- options ------------------------------------------------------------------------------------------------------

    def shipping_parameter(self, call: ShopeeCall) -> Response:
        order, package = self._find(call, call.text("order_sn"), call.text("package_number"), is_read=True)
        if order["order_status"] == "CANCELLED":
            raise Refused("error_status", "The order has been cancelled.")
        if package["logistics_status"] not in _READY or package["arranged"]:
            raise Refused("error_param", "OFG list type is not TO_PROCESS")
        return success(self._options(call))

    def mass_shipping_parameter(self, call: ShopeeCall) -> Response:
        ready, failed = self._sort_out(call)
        groups = {
            "success_list": [{"package_number": package["package_number"]} for _, package in ready],
            "fail_list": failed,
        }
        return success({**self._options(call), **groups})

    def _options(self, call: ShopeeCall) -> dict[str, Any]:
        addresses = [
            {
                **{
                    name: address[name]
                    for name in ("address_id", "region", "state", "city", "district", "town", "address", "zipcode")
                },
                "address_flag": ["default_address", "pickup_address", "return_address"]
                if address["is_default"]
                else ["pickup_address"],
                "time_slot_list": self._slots(),
            }
            for address in call.shop["addresses"]
        ]
        return {
            "info_needed": {
                "pickup": ["address_id", "pickup_time_id"],
                "dropoff": [],
                "non_integrated": ["tracking_no"],
            },
            "pickup": {"address_list": addresses},
            "dropoff": {"branch_list": None, "slug_list": None},
        }

    def _slots(self) -> list[dict[str, Any]]:
        """10:00 and 14:00 WIB of the next three days."""
        midnight = (self.world.now() + WIB) // DAY * DAY - WIB
        starts = [midnight + day * DAY + hour * 3600 for day in (1, 2, 3) for hour in (10, 14)]
        return [
            {"date": start, "time_text": _time_text(start), "pickup_time_id": str(start)}
            | ({"flags": ["recommended"]} if position == 0 else {})
            for position, start in enumerate(starts)
        ]

    # --- ship ---------------------------------------------------------------------------------------------------------

    def ship_order(self, call: ShopeeCall) -> Response:
        order, package = self._find(call, str(call.body.get("order_sn", "")), call.body.get("package_number"))
        self._ship(call, order, package, str(uuid.uuid4()))
        return success()

    def mass_ship_order(self, call: ShopeeCall) -> Response:
        ready, failed = self._sort_out(call)
        call_id, shipped = str(uuid.uuid4()), []
        numbers = {
            str(one.get("package_number")): one.get("tracking_number")
            for one in (call.body.get("non_integrated") or {}).get("tracking_number") or []
        }
        for order, package in ready:
            try:
                self._ship(call, order, package, call_id, own_number=numbers.get(package["package_number"]))
                shipped.append({"package_number": package["package_number"]})
            except Refused as refused:
                failed.append({"package_number": package["package_number"], "fail_reason": refused.message})
        if "omit_item" in call.strange:
            shipped = shipped[1:]
        return success({"success_list": shipped, "fail_list": failed})

    def _ship(
        self, call: ShopeeCall, order: Order, package: Package, call_id: str, own_number: str | None = None
    ) -> None:
        method = self._method(call)
        params = dict(call.body.get(method) or {})
        if own_number:
            params["tracking_number"] = own_number
        refused = self._refusal(call, order, package, method, params)
        is_repeat = package["arranged"] and "accept_duplicates" in call.strange
        if is_repeat and refused is not None and refused.error == "logistics.package_already_shipped":
            refused = None
        row = (
            self.world.engine.clock.now(),
            "shopee",
            "ship",
            order["order_sn"],
            package["package_number"],
            refused is None,
            call_id,
            {"method": method, **params},
        )
        self.world.engine.store.record([row])
        if refused is not None:
            raise refused
        if "stale_read" in call.strange:
            self.world.remember_for_stale_reads(order, call.strange["stale_read"])
        if not is_repeat:
            number = str(params.get("tracking_number") or params.get("tracking_no") or "")
            self.lifecycle.arrange(order, package, method, tracking_number=number)

    def _method(self, call: ShopeeCall) -> str:
        chosen = [method for method in _METHODS if isinstance(call.body.get(method), dict)]
        if len(chosen) != 1:
            raise Refused(
                "logistics.ship_order_only_support_one_type",
                "Exactly one of pickup, dropoff, non_integrated is needed.",
            )
        return chosen[0]

    def _refusal(
        self, call: ShopeeCall, order: Order, package: Package, method: str, params: dict[str, Any]
    ) -> Refused | None:
        if order["order_status"] == "CANCELLED":
            return Refused("error_status", "The order has been cancelled.")
        if package["arranged"]:
            return Refused("logistics.package_already_shipped", "This package has already been arranged shipment.")
        if order["order_status"] not in ("READY_TO_SHIP", "RETRY_SHIP") or package["logistics_status"] not in _READY:
            return Refused("logistics.ship_order_not_ready_to_ship", "The order is not ready to ship.")
        if method == "pickup":
            return self._pickup_refusal(call, params)
        if method == "non_integrated" and not (params.get("tracking_number") or params.get("tracking_no")):
            return Refused("logistics.ship_order_need_tracking_number", "tracking_number is needed.")
        return None

    def _pickup_refusal(self, call: ShopeeCall, params: dict[str, Any]) -> Refused | None:
        if params.get("address_id") not in {address["address_id"] for address in call.shop["addresses"]}:
            return Refused("logistics.ship_order_need_address_pickup_time", "address_id is needed.")
        if str(params.get("pickup_time_id")) not in {slot["pickup_time_id"] for slot in self._slots()}:
            return Refused("logistics.ship_order_pickup_time_invalid", "The pickup_time_id received is invalid.")
        return None

    def update_shipping_order(self, call: ShopeeCall) -> Response:
        order, package = self._find(call, str(call.body.get("order_sn", "")), call.body.get("package_number"))
        if package["logistics_status"] != "LOGISTICS_PICKUP_RETRY":
            raise Refused("logistics.order_not_ready_to_update", "The order is not ready to update.")
        refused = self._pickup_refusal(call, call.body.get("pickup") or {})
        if refused is not None:
            raise refused
        self.lifecycle.request_created(order, package)
        return success()

    # --- tracking -----------------------------------------------------------------------------------------------------

    def tracking_number(self, call: ShopeeCall) -> Response:
        try:
            _, package = self._find(call, call.text("order_sn"), call.text("package_number"), is_read=True)
        except Refused:
            raise Refused("logistics.invalid_error", "The order is not exist.") from None
        number = package["tracking_number"]
        hint = "" if number else "The tracking number is being generated."
        return success({"tracking_number": number, "hint": hint, "pickup_code": ""})

    def mass_tracking_number(self, call: ShopeeCall) -> Response:
        rows, failed = [], []
        for number in _package_numbers(call):
            found = self._by_package(call, number, is_read=True)
            if found is None:
                failed.append({"package_number": number, "fail_reason": "package not exist"})
            else:
                rows.append(
                    {
                        "package_number": number,
                        "tracking_number": found[1]["tracking_number"],
                        "hint": "",
                        "pickup_code": "",
                    }
                )
        return success({"success_list": rows, "fail_list": failed})

    def tracking_info(self, call: ShopeeCall) -> Response:
        try:
            order, package = self._find(call, call.text("order_sn"), call.text("package_number"), is_read=True)
        except Refused:
            raise Refused("logistics.invalid_error", "The order is not exist.") from None
        if package["logistics_status"] in ("LOGISTICS_NOT_START", "LOGISTICS_READY"):
            raise Refused("logistics.error_status_limit", "The order status does not support tracking.")
        events = sorted(package["events"], key=lambda event: -int(event["update_time"]))
        return success(
            {
                "order_sn": order["order_sn"],
                "package_number": package["package_number"],
                "logistics_status": package["logistics_status"],
                "tracking_info": events,
            }
        )

    # --- channels -----------------------------------------------------------------------------------------------------

    def channels(self, call: ShopeeCall) -> Response:
        rows = [
            {
                "logistics_channel_id": number,
                "logistics_channel_name": name,
                "enabled": True,
                "cod_enabled": True,
                "fee_type": "SIZE_INPUT",
                "mask_channel_id": 0,
                "preprint": False,
                "logistics_capability": {"seller_logistics": False},
                "service_type_identifier": None,
            }
            for number, name, _ in CHANNELS
        ]
        return success({"logistics_channel_list": rows})

    def addresses(self, call: ShopeeCall) -> Response:
        rows = [
            {
                **{name: value for name, value in address.items() if name != "is_default"},
                "address_type": ["DEFAULT_ADDRESS", "PICK_UP_ADDRESS", "RETURN_ADDRESS"]
                if address["is_default"]
                else ["PICK_UP_ADDRESS"],
            }
            for address in call.shop["addresses"]
        ]
        return success({"show_pickup_address": True, "address_list": rows})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _find(
        self, call: ShopeeCall, number: str, package_number: Any, *, is_read: bool = False
    ) -> tuple[Order, Package]:
        order = self.world.orders.get(number)
        if order is None or order["shop_id"] != call.shop["shop_id"]:
            raise Refused("error_not_found", "Wrong parameters, detail: the order is not found.")
        view = self.world.seen(order) if is_read else order
        packages = view["packages"]
        if package_number:
            found = next((one for one in packages if one["package_number"] == package_number), None)
            if found is None:
                raise Refused("logistics.package_number_not_exist", "The package number does not exist.")
            if len(packages) == 1 and not is_read:
                raise Refused(
                    "logistics.ship_order_not_need_pacakge_number",
                    "Please don't request with package_number for this unsplit order.",
                )
            return view, found
        if package_number == "":
            if len(packages) > 1:
                raise Refused(
                    "logistics.ship_order_need_pacakge_number",
                    "Please request with package_number for this split order.",
                )
            if not is_read:
                raise Refused("logistics.error_param", "package_number is invalid.")
        if len(packages) > 1:
            raise Refused(
                "logistics.ship_order_need_pacakge_number", "Please request with package_number for this split order."
            )
        return view, packages[0]

    def _by_package(self, call: ShopeeCall, number: str, *, is_read: bool) -> tuple[Order, Package] | None:
        for order in self.world.orders_of(call.shop["shop_id"]):
            view = self.world.seen(order) if is_read else order
            for package in view["packages"]:
                if package["package_number"] == number:
                    return view, package
        return None

    def _sort_out(self, call: ShopeeCall) -> tuple[list[tuple[Order, Package]], list[dict[str, Any]]]:
        ready: list[tuple[Order, Package]] = []
        failed: list[dict[str, Any]] = []
        for number in _package_numbers(call):
            found = self._by_package(call, number, is_read=False)
            if found is None:
                failed.append({"package_number": number, "fail_reason": "package not exist"})
            else:
                ready.append(found)
        return ready, failed


def _package_numbers(call: ShopeeCall) -> list[str]:
    numbers = [str(one.get("package_number", "")) for one in call.body.get("package_list") or []]
    if not 1 <= len(numbers) <= 50:
        raise Refused("error_param", "Wrong parameters, detail: package_list must have 1 to 50 entries.")
    return numbers


def _time_text(start: int) -> str:
    hour = (start + WIB) % DAY // 3600
    return f"{hour:02d}:00-{hour + 4:02d}:00"
