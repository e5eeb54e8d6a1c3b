"""Tracking numbers and events, logistics channels, addresses."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.catalogue import COURIER_OF
from app.sandbox.shopee.parcels import find_by_number, find_to_read
from app.sandbox.shopee.world import Order, Package, World

_TOO_EARLY = ("LOGISTICS_NOT_START", "LOGISTICS_READY")


class Tracking:
    """Reads of the logistics module."""

    def __init__(self, world: World) -> None:
        self.world = world
        base = "/api/v2/logistics/"
        self.specs = {
            base + "get_tracking_number": Spec("GET", "get_tracking", self.tracking_number),
            base + "get_mass_tracking_number": Spec("POST", "get_tracking", self.mass_tracking_number),
            base + "get_tracking_info": Spec("GET", "get_tracking", self.tracking_info),
            base + "get_channel_list": Spec("GET", "get_channels", self.channels),
            base + "get_address_list": Spec("GET", "get_addresses", self.addresses),
            "/api/v2/shop/get_warehouse_detail": Spec("GET", "get_addresses", self.warehouses),
        }

    def tracking_number(self, call: ShopeeCall) -> Response:
        _, package = self._find(call)
        return success(_number_of(package))

    def mass_tracking_number(self, call: ShopeeCall) -> Response:
        rows: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in call.entries("package_list"):
            number = entry.get("package_number")
            found = find_by_number(self.world, call, number, is_read=True)
            if found is None:
                failed.append({"package_number": number, "fail_reason": "The package number does not exist."})
            else:
                rows.append({"package_number": number, **_number_of(found[1])})
        return success({"success_list": rows[1:] if "omit_item" in call.strange else rows, "fail_list": failed})

    def tracking_info(self, call: ShopeeCall) -> Response:
        order, package = self._find(call)
        if package["logistics_status"] in _TOO_EARLY:
            raise Refused("logistics.error_status_limit", "The order status does not support tracking.")
        answer = {
            "order_sn": order["order_sn"],
            "package_number": package["package_number"],
            "logistics_status": package["logistics_status"],
            "tracking_info": list(reversed(package["events"])),
        }
        return success(answer)

    def channels(self, call: ShopeeCall) -> Response:
        rows: list[dict[str, Any]] = [
            {
                "logistics_channel_id": one.channel_id,
                "logistics_channel_name": one.name,
                "enabled": True,
                "cod_enabled": one.service_type is None,
                "fee_type": "SIZE_INPUT",
                "size_list": [],
                "mask_channel_id": 0,
                "preprint": False,
                "logistics_capability": {"seller_logistics": one.methods == ("non_integrated",)},
                "service_type_identifier": one.service_type,
            }
            for one in COURIER_OF.values()
        ]
        return success({"logistics_channel_list": rows})

    def addresses(self, call: ShopeeCall) -> Response:
        rows: list[dict[str, Any]] = [
            {
                **{name: value for name, value in address.items() if name != "is_default"},
                "address_type": ["DEFAULT_ADDRESS", "PICK_UP_ADDRESS", "RETURN_ADDRESS"]
                if address["is_default"]
                else ["PICK_UP_ADDRESS"],
            }
            for address in call.shop["addresses"]
        ]
        return success({"show_pickup_address": True, "address_list": rows})

    def warehouses(self, call: ShopeeCall) -> Response:
        """No simulated shop has several warehouses."""
        raise Refused("warehouse.error_not_in_whitelist", "The shop is not in the multi-warehouse whitelist.")

    def _find(self, call: ShopeeCall) -> tuple[Order, Package]:
        try:
            return find_to_read(self.world, call)
        except Refused as refused:
            if refused.error == "error_not_found":
                raise Refused("logistics.invalid_error", "The order is not exist.") from None
            raise


def _number_of(package: Package) -> dict[str, str]:
    number = package["tracking_number"]
    is_instant = COURIER_OF[package["logistics_channel_id"]].service_type == "instant"
    return {
        "tracking_number": number,
        "hint": "" if number else "The tracking number is being generated.",
        "pickup_code": number[-4:] if number and is_instant else "",
    }
