"""Which package a logistics call means."""

from typing import Any

from app.sandbox.shopee.answers import Refused, not_found
from app.sandbox.shopee.calls import ShopeeCall
from app.sandbox.shopee.world import Order, Package, World


def find_to_ship(world: World, call: ShopeeCall) -> tuple[Order, Package]:
    """The package of a write. `package_number` belongs to split orders, and to no others."""
    order = world.find_order(call.shop, call.body.get("order_sn"))
    if order is None:
        raise not_found()
    packages, wanted = order["packages"], call.body.get("package_number")
    if len(packages) > 1 and not wanted:
        raise Refused(
            "logistics.ship_order_need_pacakge_number", "Please request with package_number for this split order."
        )
    if len(packages) == 1 and wanted is not None:
        raise Refused(
            "logistics.ship_order_not_need_pacakge_number",
            "Please don't request with package_number for this unsplit order.",
        )
    return order, _pick(packages, wanted)


def find_to_read(world: World, call: ShopeeCall) -> tuple[Order, Package]:
    """The package of a read, as reads show it now."""
    order = world.find_order(call.shop, call.text("order_sn"))
    if order is None:
        raise not_found()
    view, wanted = world.seen(order), call.text("package_number")
    if len(view["packages"]) > 1 and not wanted:
        raise Refused(
            "logistics.ship_order_need_pacakge_number", "Please request with package_number for this split order."
        )
    return view, _pick(view["packages"], wanted)


def find_by_number(world: World, call: ShopeeCall, number: object, *, is_read: bool) -> tuple[Order, Package] | None:
    """The package of this number in the calling shop."""
    order = world.find_order(call.shop, world.number_of(number))
    if order is None:
        return None
    view = world.seen(order) if is_read else order
    found = next((one for one in view["packages"] if one["package_number"] == number), None)
    return None if found is None else (view, found)


def _pick(packages: list[Package], wanted: Any) -> Package:
    for package in packages:
        if not wanted or package["package_number"] == wanted:
            return package
    raise Refused("logistics.package_number_not_exist", "The package number does not exist.")
