"""Shipping parameters, ship_order and its variants."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.calls import ShopeeCall, Spec, objects
from app.sandbox.shopee.catalogue import COURIER_OF
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.parcels import find_by_number, find_to_read, find_to_ship
from app.sandbox.shopee.recording import keep_view_for_stale_reads, record, record_refusal
from app.sandbox.shopee.ship_rules import (
    METHODS,
    not_arrangeable,
    own_number_in,
    pickup_refusal,
    pickup_slots,
    ship_refusal,
)
from app.sandbox.shopee.world import Order, Package, Shop, World

_ADDRESS_PARTS = ("address_id", "region", "state", "city", "district", "town", "address", "zipcode")


class Shipping:
    """Arranging."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        base = "/api/v2/logistics/"
        self.specs = {
            base + "get_shipping_parameter": Spec("GET", "shipping_options", self.parameter),
            base + "get_mass_shipping_parameter": Spec("POST", "shipping_options", self.mass_parameter),
            base + "ship_order": Spec("POST", "ship", self.ship_order),
            base + "mass_ship_order": Spec("POST", "ship", self.mass_ship_order),
            base + "update_shipping_order": Spec("POST", "ship", self.update_shipping_order),
        }

    def parameter(self, call: ShopeeCall) -> Response:
        order, package = find_to_read(self.world, call)
        refused = not_arrangeable(order, package)
        if refused is not None:
            raise refused
        return success(self._options(call.shop, package))

    def mass_parameter(self, call: ShopeeCall) -> Response:
        ready, failed = self._sort_out(call, is_read=True)
        able = []
        for order, package in ready:
            refused = not_arrangeable(order, package)
            if refused is None:
                able.append(package)
            else:
                failed.append({"package_number": package["package_number"], "fail_reason": refused.message})
        groups = {"success_list": [{"package_number": one["package_number"]} for one in able], "fail_list": failed}
        return success({**(self._options(call.shop, able[0]) if able else {"info_needed": {}}), **groups})

    def ship_order(self, call: ShopeeCall) -> Response:
        try:
            order, package = find_to_ship(self.world, call)
        except Refused as refused:
            record_refusal(self.world, call, refused, self.world.find_order(call.shop, call.body.get("order_sn")))
            raise
        self._ship(call, order, package)
        return success()

    def mass_ship_order(self, call: ShopeeCall) -> Response:
        ready, failed = self._sort_out(call, is_read=False)
        shipped = []
        own = objects(call.body_object("non_integrated"), "tracking_number") if "non_integrated" in call.body else []
        numbers = {one.get("package_number"): one.get("tracking_number") for one in own}
        for order, package in ready:
            number = package["package_number"]
            try:
                self._ship(call, order, package, own_number=numbers.get(number))
                shipped.append({"package_number": number})
            except Refused as refused:
                failed.append({"package_number": number, "fail_reason": refused.message})
        if "omit_item" in call.strange:
            shipped = shipped[1:]
        return success({"success_list": shipped, "fail_list": failed})

    def update_shipping_order(self, call: ShopeeCall) -> Response:
        """A new pickup after the courier came in vain."""
        order, package = find_to_ship(self.world, call)
        pickup = call.body_object("pickup")
        refused = pickup_refusal(call.shop, package, pickup, now=self.world.now())
        if package["logistics_status"] != "LOGISTICS_PICKUP_RETRY":
            refused = Refused("logistics.order_not_ready_to_update", "The order is not ready to update.")
        if refused is not None:
            record_refusal(self.world, call, refused, order, package)
            raise refused
        record(self.world, call, order, package, is_effective=True, params={"method": "pickup", **pickup})
        self.lifecycle.request_created(order, package)
        return success()

    def _ship(self, call: ShopeeCall, order: Order, package: Package, *, own_number: Any = None) -> None:
        method, params = _read_method(call)
        if own_number is not None:
            params = {"tracking_number": own_number}
        refused = ship_refusal(call.shop, order, package, method, params, now=self.world.now())
        is_repeat = refused is not None and refused.error == "logistics.package_already_shipped"
        if is_repeat and "accept_duplicates" in call.strange:
            refused = None
        sent = {"method": method, **params}
        if refused is not None:
            record(self.world, call, order, package, is_effective=False, params={**sent, "error": refused.error})
            raise refused
        record(self.world, call, order, package, is_effective=True, params=sent)
        keep_view_for_stale_reads(self.world, call, order)
        if not is_repeat:
            assert method is not None, "a call without a method is refused"
            self.lifecycle.arrange(order, package, method, tracking_number=own_number_in(params))

    def _options(self, shop: Shop, package: Package) -> dict[str, Any]:
        courier = COURIER_OF[package["logistics_channel_id"]]
        slots = pickup_slots(self.world.now()) if courier.has_slots else None
        needed = {
            "pickup": ["address_id", "pickup_time_id"] if courier.has_slots else ["address_id"],
            "dropoff": [],
            "non_integrated": ["tracking_no"],
        }
        addresses = [
            {
                **{name: address[name] for name in _ADDRESS_PARTS},
                "address_flag": ["default_address", "pickup_address", "return_address"]
                if address["is_default"]
                else ["pickup_address"],
                "time_slot_list": slots,
            }
            for address in shop["addresses"]
        ]
        return {
            "info_needed": {method: needed[method] for method in courier.methods},
            "pickup": {"address_list": addresses if "pickup" in courier.methods else None},
            "dropoff": {"branch_list": None, "slug_list": None},
        }

    def _sort_out(self, call: ShopeeCall, *, is_read: bool) -> tuple[list[tuple[Order, Package]], list[dict[str, Any]]]:
        """Packages of the first one's courier; the others have failed."""
        ready: list[tuple[Order, Package]] = []
        failed: list[dict[str, Any]] = []
        for entry in call.entries("package_list"):
            number = entry.get("package_number")
            found = find_by_number(self.world, call, number, is_read=is_read)
            if found is None:
                failed.append({"package_number": number, "fail_reason": "The package number does not exist."})
            elif ready and found[1]["logistics_channel_id"] != ready[0][1]["logistics_channel_id"]:
                failed.append({"package_number": number, "fail_reason": "Packages must have the same channel."})
            else:
                ready.append(found)
        return ready, failed


def _read_method(call: ShopeeCall) -> tuple[str | None, dict[str, Any]]:
    """The chosen method counts even when it is an empty object."""
    chosen = [method for method in METHODS if isinstance(call.body.get(method), dict)]
    return (chosen[0], dict(call.body[chosen[0]])) if len(chosen) == 1 else (None, {})
