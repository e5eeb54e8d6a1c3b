"""How an order moves: the transitions of the state machine, the delays, the pushes they cause."""

from collections.abc import Sequence
from typing import Any

from app.sandbox.shopee.catalogue import COURIER_OF
from app.sandbox.shopee.generator import new_package, new_tracking_number
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.world import CHANNEL, Order, Package, World

DAY = 86_400
ARRANGED_SECONDS = (2, 5)
"""From an accepted `ship_order` to REQUEST_CREATED."""
NUMBER_SECONDS = (5, 15)
"""From an accepted `ship_order` to the tracking number."""
ANSWER_SECONDS = DAY
"""How long a seller has to answer a cancellation request before the platform accepts it."""
SHIPPABLE = ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY")
_OVER = ("LOGISTICS_INVALID", "LOGISTICS_REQUEST_CANCELED")


class Lifecycle:
    """Moves orders of one world. Every step keeps the order and tells the subscribers."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes

    def pay(self, order: Order) -> None:
        """Paid, or a cash order that passed the screening."""
        now = self.world.now()
        order["order_status"] = "READY_TO_SHIP"
        order["pay_time"] = 0 if order["cod"] else now
        order["ship_by_date"] = now + order["days_to_ship"] * DAY
        self._to_all(order, "LOGISTICS_READY")

    def arrange(self, order: Order, package: Package, method: str, *, tracking_number: str = "") -> None:
        """`ship_order` was accepted. Status and number follow; an own courier's parcel leaves at once."""
        package["arranged"], package["method"] = True, method
        if method == "non_integrated":
            self._hand_to_own_courier(order, package, tracking_number)
            return
        chance = self.world.engine.random_for("delay", package["package_number"])
        self.world.save(order)
        where = {"order_sn": order["order_sn"], "package_number": package["package_number"]}
        later = self.world.engine.later
        later(chance.uniform(*ARRANGED_SECONDS), CHANNEL, "request_created", **where)
        later(chance.uniform(*NUMBER_SECONDS), CHANNEL, "tracking_number", **where, given=tracking_number)

    def request_created(self, order: Order, package: Package) -> None:
        """The carrier knows about the parcel."""
        if not package["arranged"] or package["logistics_status"] not in SHIPPABLE:
            return
        package["logistics_status"] = "LOGISTICS_REQUEST_CREATED"
        self._event(package, "ORDER_CREATED", "Penjual telah mengatur pengiriman. Menunggu paket diserahkan ke kurir.")
        self._settle(order, [package])

    def assign_number(self, order: Order, package: Package, given: str = "") -> None:
        """The carrier gave a number, once."""
        if package["tracking_number"] or package["logistics_status"] in _OVER:
            return
        package["tracking_number"] = given or new_tracking_number(self.world, package)
        self.world.save(order)
        self.pushes.tracking_number(order, package)

    def arrange_all(self, order: Order) -> None:
        """In the seller centre; a parcel that waits for the carrier's answer gets it now."""
        for package in order["packages"]:
            if not package["arranged"]:
                methods = COURIER_OF[package["logistics_channel_id"]].methods
                method = "dropoff" if "dropoff" in methods else methods[0]
                number = f"TOKO{package['package_number'][3:]}" if method == "non_integrated" else ""
                self.arrange(order, package, method, tracking_number=number)
            self.request_created(order, package)

    def collect(self, order: Order) -> None:
        """The courier has every parcel."""
        for package in order["packages"]:
            self.request_created(order, package)
            self.assign_number(order, package)
            if package["logistics_status"] != "LOGISTICS_PICKUP_DONE":
                self._event(package, "PICKED_UP", "Paket telah diambil oleh kurir.")
        order["order_status"] = "SHIPPED"
        order["pickup_done_time"] = order["pickup_done_time"] or self.world.now()
        order["actual_shipping_fee"] = order["estimated_shipping_fee"]
        self._to_all(order, "LOGISTICS_PICKUP_DONE")

    def move(self, order: Order) -> None:
        """The parcel leaves the first hub; the order's status stays."""
        order["is_moving"] = True
        for package in order["packages"]:
            self._event(package, "PICKED_UP", f"Paket dalam perjalanan ke {order['recipient']['city']}.")
        self.world.save(order)

    def deliver(self, order: Order) -> None:
        """Every parcel arrived."""
        order["order_status"] = "TO_CONFIRM_RECEIVE"
        if order["cod"]:
            order["pay_time"] = self.world.now()
        for package in order["packages"]:
            self._event(package, "DELIVERY_PENDING", f"Paket diantar kurir di {order['recipient']['district']}.")
            self._event(package, "DELIVERED", "Paket telah diterima.")
        self._to_all(order, "LOGISTICS_DELIVERY_DONE")

    def complete(self, order: Order) -> None:
        """The buyer is content."""
        order["order_status"], order["completed_scenario"] = "COMPLETED", "NORMAL"
        self._tell(order)

    def edit(self, order: Order) -> None:
        """The buyer adds a hint to the address, and Shopee moves the deadline of what is still here by a day."""
        order["recipient"]["full_address"] += " (pagar hijau)"
        before = order["ship_by_date"]
        is_here = order["order_status"] in ("READY_TO_SHIP", "RETRY_SHIP", "PROCESSED")
        order["ship_by_date"] += DAY if is_here else 0
        self._tell(order)
        for package in order["packages"] if is_here else ():
            self.pushes.ship_by(order, package, before)

    def request_cancel(self, order: Order) -> None:
        """The buyer asks; packages stay as they are until somebody answers."""
        order["before_cancel"] = order["order_status"]
        order["order_status"], order["cancellation"] = "IN_CANCEL", "requested"
        order["buyer_cancel_reason"] = "Ingin mengubah alamat pengiriman"
        self._tell(order)
        self.world.engine.later(ANSWER_SECONDS, CHANNEL, "cancel_unanswered", order_sn=order["order_sn"])

    def answer_cancel(self, order: Order, *, is_accepted: bool) -> None:
        """A rejected request leads back to the status before."""
        if is_accepted:
            order["cancellation"] = "approved"
            self.cancel(order, by="buyer", reason=order["buyer_cancel_reason"])
            return
        order["order_status"], order["cancellation"] = order["before_cancel"], "rejected"
        self._tell(order)

    def cancel(self, order: Order, *, by: str, reason: str) -> None:
        """Over. The goods go back on sale."""
        order["order_status"], order["cancel_by"], order["cancel_reason"] = "CANCELLED", by, reason
        for package in order["packages"]:
            was_created = package["logistics_status"] == "LOGISTICS_REQUEST_CREATED"
            package["logistics_status"] = "LOGISTICS_REQUEST_CANCELED" if was_created else "LOGISTICS_INVALID"
        self.world.give_back(order)
        self._tell(order, order["packages"])

    def split(self, order: Order, groups: Sequence[Sequence[dict[str, Any]]]) -> None:
        """New packages with new numbers; the old ones vanish."""
        order["packages"] = [new_package(self.world, order, group) for group in groups]
        for package in order["packages"]:
            package["logistics_status"] = "LOGISTICS_READY"
        self.world.save(order)

    def _hand_to_own_courier(self, order: Order, package: Package, tracking_number: str) -> None:
        package["tracking_number"] = tracking_number
        package["logistics_status"] = "LOGISTICS_PICKUP_DONE"
        order["pickup_done_time"] = self.world.now()
        self._event(package, "PICKED_UP", "Paket diserahkan penjual ke kurir.")
        self._settle(order, [package])
        self.pushes.tracking_number(order, package)

    def _settle(self, order: Order, changed: Sequence[Package]) -> None:
        """The order follows its slowest package; while a cancellation is open it only remembers."""
        statuses = {package["logistics_status"] for package in order["packages"]}
        if statuses == {"LOGISTICS_PICKUP_DONE"}:
            status = "SHIPPED"
        elif statuses & set(SHIPPABLE):
            status = "READY_TO_SHIP"
        else:
            status = "PROCESSED"
        order["before_cancel" if order["order_status"] == "IN_CANCEL" else "order_status"] = status
        self._tell(order, changed)

    def _to_all(self, order: Order, status: str) -> None:
        for package in order["packages"]:
            package["logistics_status"] = status
        self._tell(order, order["packages"])

    def _event(self, package: Package, code: str, text: str) -> None:
        package["events"].append({"update_time": self.world.now(), "description": text, "logistics_status": code})

    def _tell(self, order: Order, packages: Sequence[Package] = ()) -> None:
        self.world.save(order)
        self.pushes.status(order)
        for package in packages:
            self.pushes.fulfilment(order, package)
