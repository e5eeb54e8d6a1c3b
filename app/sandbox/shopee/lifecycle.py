"""How an order moves: the transitions of the state machine, the delays, the pushes they cause."""

from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.shopee import generator
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.world import Order, Package, World

DAY = 86_400
_SHIPPABLE = ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY")
_STEPS = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")


class Lifecycle:
    """Moves orders of one world."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes

    # --- what marketplaces, couriers and buyers do --------------------------------------------------------------------

    def pay(self, order: Order) -> None:
        now = max(self.world.now(), order["create_time"])
        order["order_status"] = "READY_TO_SHIP"
        order["pay_time"] = 0 if order["cod"] else now
        order["ship_by_date"] = now + order["days_to_ship"] * DAY
        self._packages(order, "LOGISTICS_READY")
        self._moved(order)

    def arrange(self, order: Order, package: Package, method: str, *, tracking_number: str = "") -> None:
        """`ship_order` was accepted. The number and the new status follow; an own courier's parcel leaves at once."""
        now = self.world.now()
        package["arranged"], package["arranged_at"], package["method"] = True, now, method
        if method == "non_integrated":
            package["tracking_number"] = tracking_number
            package["logistics_status"] = "LOGISTICS_PICKUP_DONE"
            order["pickup_done_time"] = now
            if all(one["logistics_status"] == "LOGISTICS_PICKUP_DONE" for one in order["packages"]):
                order["order_status"] = "SHIPPED"
            self._event(package, "PICKED_UP", "Paket diserahkan ke kurir")
            self._moved(order)
            return
        chance = self.world.random_for("delay", package["package_number"])
        self.world.save(order)
        where = {"order_sn": order["order_sn"], "package_number": package["package_number"]}
        self.world.engine.later(chance.uniform(2, 5), "shopee", "request_created", **where)
        self.world.engine.later(chance.uniform(5, 15), "shopee", "tracking_number", **where, given=tracking_number)

    def request_created(self, order: Order, package: Package) -> None:
        if not package["arranged"] or package["logistics_status"] not in _SHIPPABLE:
            return
        package["logistics_status"] = "LOGISTICS_REQUEST_CREATED"
        self._event(package, "ORDER_CREATED", "Penjual telah mengatur pengiriman")
        if order["order_status"] in ("READY_TO_SHIP", "RETRY_SHIP") and all(
            one["logistics_status"] != "LOGISTICS_READY" for one in order["packages"]
        ):
            order["order_status"] = "PROCESSED"
        self._moved(order, package)

    def assign_number(self, order: Order, package: Package, given: str = "") -> None:
        if package["tracking_number"] or package["logistics_status"] in (
            "LOGISTICS_INVALID",
            "LOGISTICS_REQUEST_CANCELED",
        ):
            return
        serial = self.world.engine.store.next_number("shopee.tracking")
        prefix = "SPXID" if package["shipping_carrier"].startswith("SPX") else "JX"
        package["tracking_number"] = given or f"{prefix}{500_000_000_000 + serial}"
        self.world.save(order)
        self.pushes.tracking_number(order, package)

    def arrange_all(self, order: Order) -> None:
        """In the seller centre."""
        for package in order["packages"]:
            if not package["arranged"]:
                self.arrange(order, package, "dropoff")
                self.request_created(order, package)

    def move(self, order: Order) -> None:
        """The parcel leaves the first hub; the order's status stays."""
        order["is_moving"] = True
        for package in order["packages"]:
            self._event(package, "PICKED_UP", "Paket dalam perjalanan ke kota tujuan")
        self._moved(order)

    def collect(self, order: Order) -> None:
        for package in order["packages"]:
            self.request_created(order, package)
            self.assign_number(order, package)
        order["order_status"] = "SHIPPED"
        order["pickup_done_time"] = self.world.now()
        order["actual_shipping_fee"] = order["estimated_shipping_fee"]
        for package in order["packages"]:
            self._event(package, "PICKED_UP", "Paket telah diambil kurir")
        self._packages(order, "LOGISTICS_PICKUP_DONE")
        self._moved(order)

    def deliver(self, order: Order) -> None:
        order["order_status"] = "TO_CONFIRM_RECEIVE"
        for package in order["packages"]:
            self._event(package, "DELIVERED", "Paket telah diterima")
        self._packages(order, "LOGISTICS_DELIVERY_DONE")
        self._moved(order)

    def complete(self, order: Order) -> None:
        order["order_status"], order["completed_scenario"] = "COMPLETED", "NORMAL"
        self._moved(order)

    def request_cancel(self, order: Order) -> None:
        order["before_cancel"] = order["order_status"]
        order["order_status"], order["cancellation"] = "IN_CANCEL", "requested"
        order["buyer_cancel_reason"] = "Ingin mengubah alamat pengiriman"
        self._moved(order)
        self.world.engine.later(DAY, "shopee", "cancel_unanswered", order_sn=order["order_sn"])

    def answer_cancel(self, order: Order, *, is_accepted: bool) -> None:
        if is_accepted:
            order["cancellation"] = "approved"
            self.cancel(order, by="buyer", reason=order["buyer_cancel_reason"])
            return
        order["order_status"], order["cancellation"] = order["before_cancel"], "rejected"
        self._moved(order)

    def cancel(self, order: Order, *, by: str, reason: str) -> None:
        order["order_status"], order["cancel_by"], order["cancel_reason"] = "CANCELLED", by, reason
        for package in order["packages"]:
            was_created = package["logistics_status"] == "LOGISTICS_REQUEST_CREATED" or package["arranged"]
            package["logistics_status"] = "LOGISTICS_REQUEST_CANCELED" if was_created else "LOGISTICS_INVALID"
        self._moved(order)

    def split(self, order: Order, groups: list[list[dict[str, Any]]]) -> None:
        order["packages"] = [generator.new_package(self.world, order, group) for group in groups]
        self._packages(order, "LOGISTICS_READY")
        self.world.save(order)

    # --- control ------------------------------------------------------------------------------------------------------

    def advance(self, order: Order, to: str) -> None:
        """Walk through every state up to `to`. Raises Impossible."""
        state = self.state_of(order)
        if to == "edited":
            order["note_update_time"] = self.world.now()
            order["recipient"]["full_address"] += " (pagar hijau)"
            self._moved(order)
        elif to == "cancel_requested":
            if (
                order["order_status"] not in ("READY_TO_SHIP", "PROCESSED", "RETRY_SHIP")
                or order["cancellation"] != "none"
            ):
                raise Impossible(
                    f"A buyer cannot ask to cancel an order that is {state} (cancellation {order['cancellation']})."
                )
            self.request_cancel(order)
        elif to == "cancelled":
            if state in ("in_transit", "collected", "delivered", "completed", "cancelled"):
                raise Impossible(f"An order that is {state} cannot be cancelled.")
            if order["cancellation"] == "requested":
                order["cancellation"] = "approved"
            self.cancel(order, by="buyer", reason="Pembeli membatalkan")
        else:
            self._walk(order, state, to)

    def _walk(self, order: Order, state: str, to: str) -> None:
        if state not in _STEPS or order["cancellation"] == "requested":
            raise Impossible(f"An order that is {state} cannot become {to}.")
        here, there = _STEPS.index(state), _STEPS.index(to)
        if there <= here:
            raise Impossible(f"An order that is {state} cannot become {to}.")
        steps = {
            "paid": self.pay,
            "arranged": self.arrange_all,
            "collected": self.collect,
            "in_transit": self.move,
            "delivered": self.deliver,
            "completed": self.complete,
        }
        for step in _STEPS[here + 1 : there + 1]:
            steps[step](order)

    def state_of(self, order: Order) -> str:
        """In the words of the control API."""
        status = order["order_status"] if order["order_status"] != "IN_CANCEL" else order["before_cancel"]
        if status in ("READY_TO_SHIP", "RETRY_SHIP", "PROCESSED"):
            return "arranged" if all(package["arranged"] for package in order["packages"]) else "paid"
        if status == "SHIPPED":
            return "in_transit" if order.get("is_moving") else "collected"
        return {
            "UNPAID": "unpaid",
            "TO_CONFIRM_RECEIVE": "delivered",
            "COMPLETED": "completed",
            "CANCELLED": "cancelled",
        }[status]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _packages(self, order: Order, status: str) -> None:
        for package in order["packages"]:
            package["logistics_status"] = status

    def _event(self, package: Package, code: str, text: str) -> None:
        package["events"].append({"update_time": self.world.now(), "description": text, "logistics_status": code})

    def _moved(self, order: Order, *packages: Package) -> None:
        self.world.save(order)
        self.pushes.status(order)
        for package in packages or order["packages"]:
            self.pushes.fulfilment(order, package)
