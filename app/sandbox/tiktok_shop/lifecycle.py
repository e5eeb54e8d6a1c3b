"""How orders and packages move, whoever moves them. Every change is pushed."""

from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.tiktok_shop.generator import HOUR, more_packages
from app.sandbox.tiktok_shop.pushes import Pushes
from app.sandbox.tiktok_shop.world import TIKTOK_SHOP, TOKOPEDIA, Order, World, channel_of

SHIPPABLE = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
STATES = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")
ANSWER_WITHIN = 48 * HOUR
REMORSE = HOUR
_CLOCKS = ("rts_sla_time", "pick_up_cut_off_time", "tts_sla_time", "shipping_due_time", "collection_due_time")
_STANDARD_HOURS, _INSTANT_HOURS = (48, 60, 72, 96, 168), (1, 2, 3, 2, 4)
_PENDING, _SUCCESS, _CLOSED = (f"CANCELLATION_REQUEST_{word}" for word in ("PENDING", "SUCCESS", "CANCEL"))
OPEN = _PENDING
DONE = _SUCCESS


def state_of(order: Order) -> str:
    """In the control API's words."""
    return {
        "UNPAID": "unpaid",
        "ON_HOLD": "paid",
        "AWAITING_SHIPMENT": "paid",
        "PARTIALLY_SHIPPING": "paid",
        "AWAITING_COLLECTION": "arranged",
        "IN_TRANSIT": "in_transit" if order["way"].get("in_transit") else "collected",
        "DELIVERED": "delivered",
        "COMPLETED": "completed",
        "CANCELLED": "cancelled",
    }[order["status"]]


class Lifecycle:
    """The moves."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes

    def pay(self, order: Order) -> None:
        """Paid: held back for an hour of remorse, or to be shipped."""
        now = self.world.now()
        order["paid_time"] = now
        hours = dict(zip(_CLOCKS, _INSTANT_HOURS if order["is_instant"] else _STANDARD_HOURS, strict=True))
        order["deadlines"] = {clock: now + after * HOUR for clock, after in hours.items()}
        for kind, clock in (("overdue", "shipping_due_time"), ("uncollected", "collection_due_time")):
            self.world.engine.later(hours[clock] * HOUR, TIKTOK_SHOP, kind, number=order["id"])
        if order["is_held"]:
            self.world.engine.later(REMORSE, TIKTOK_SHOP, "remorse_over", number=order["id"])
        self._become(order, "ON_HOLD" if order["is_held"] else "AWAITING_SHIPMENT")

    def release(self, order: Order) -> None:
        """The hour of remorse is over."""
        if order["status"] == "ON_HOLD":
            self._become(order, "AWAITING_SHIPMENT")

    def ship(self, order: Order, package: dict[str, Any], *, tracking: str | None = None, provider: str = "") -> None:
        """One package is arranged; the order with its last one."""
        serial = self.world.engine.store.next_number("tiktok.tracking")
        package["status"] = "PROCESSING"
        package["tracking"] = tracking or f"JP{1_234_000_000 + serial}"
        package["provider"] = provider or order["provider"]
        package["shipped"] = self.world.now()
        live = [one for one in order["packages"] if one["status"] != "CANCELLED"]
        is_last = all(one["status"] != "TO_FULFILL" for one in live)
        self._become(order, "AWAITING_COLLECTION" if is_last else "PARTIALLY_SHIPPING")

    def split(self, order: Order, groups: list[list[str]]) -> list[dict[str, Any]]:
        """The units of each group are a package of their own now."""
        packages = more_packages(self.world, len(groups))
        place = {unit_id: package for group, package in zip(groups, packages, strict=True) for unit_id in group}
        for unit in order["units"]:
            unit["package_id"] = place[unit["id"]]["id"]
        order["packages"] = packages
        self.world.save(order)
        self.pushes.packages(order, "SPLIT")
        return packages

    def request_cancel(self, order: Order) -> None:
        """The buyer asks; without an answer the platform agrees."""
        now = self.world.now()
        order["request"] = self._cancellation("BUYER_CANCEL", "BUYER", "Pesanan dibuat tidak sengaja", OPEN)
        order["request"]["deadline"] = now + ANSWER_WITHIN
        order["cancellation"] = "requested"
        self.world.save(order)
        self.world.engine.later(
            ANSWER_WITHIN, TIKTOK_SHOP, "unanswered", number=order["id"], cancel_id=order["request"]["id"]
        )
        self.pushes.cancellation(order, OPEN)
        self.pushes.status(order)

    def answer(self, order: Order, *, is_agreed: bool) -> None:
        """The seller decides, or the platform in the seller's place."""
        order["cancellation"] = "approved" if is_agreed else "rejected"
        order["request"]["status"] = _SUCCESS if is_agreed else _CLOSED
        order["request"]["updated"] = self.world.now()
        if is_agreed:
            self.pushes.cancellation(order, _SUCCESS)
            self._cancelled(order, "BUYER", order["request"]["reason"])
        else:
            self.world.save(order)
            self.pushes.cancellation(order, f"{_CLOSED}LED")
            self.pushes.status(order)

    def cancel(self, order: Order, *, initiator: str, reason: str) -> None:
        """At once: by the seller, the buyer or the system."""
        order["request"] = self._cancellation("CANCEL", initiator, reason, _SUCCESS)
        self.pushes.cancellation(order, _SUCCESS)
        self._cancelled(order, initiator, reason)

    def buyer_wants_out(self, order: Order) -> None:
        """By the policy of the platform: at once, or with a request. Raises Impossible."""
        state = state_of(order)
        if state not in ("unpaid", "paid", "arranged") or order["cancellation"] != "none":
            raise Impossible(f"A buyer cannot ask to cancel an order that is {state}.")
        is_early = self.world.now() - order["create_time"] <= HOUR
        is_sellers = order["shipping_type"] == "SELLER" and channel_of(order) != TOKOPEDIA
        if order["status"] in ("UNPAID", "ON_HOLD") or (is_sellers and is_early and state == "paid"):
            self.cancel(order, initiator="BUYER", reason="Berubah pikiran")
        else:
            # What waits for an answer are the exceptions of the policy (pre-orders, perishables, own couriers): the
            # control API asks for one of these.
            self.request_cancel(order)

    def walk(self, order: Order, to: str) -> None:
        """Through every state up to `to`, as seller centre and courier would. Raises Impossible."""
        state = state_of(order)
        is_open = order["cancellation"] == "requested"
        if state not in STATES or is_open or STATES.index(to) <= STATES.index(state):
            raise Impossible(f"An order that is {state} (cancellation {order['cancellation']}) cannot become {to}.")
        for step in STATES[STATES.index(state) + 1 : STATES.index(to) + 1]:
            self._step(order, step)

    def _step(self, order: Order, step: str) -> None:
        if step == "paid":
            self.pay(order)
        elif step == "arranged":
            for package in [one for one in order["packages"] if one["status"] == "TO_FULFILL"]:
                self.ship(order, package)
        else:
            order["way"][step] = self.world.now()
            status = {"collected": "IN_TRANSIT", "in_transit": "IN_TRANSIT", "delivered": "DELIVERED"}.get(step)
            for package in order["packages"]:
                if package["status"] != "CANCELLED":
                    package["status"] = "FULFILLING" if status == "IN_TRANSIT" else "COMPLETED"
            self._become(order, status or "COMPLETED")

    def _cancelled(self, order: Order, initiator: str, reason: str) -> None:
        self.world.move_stock(order, 1)
        order["initiator"], order["cancel_reason"] = initiator, reason
        for package in order["packages"]:
            package["status"] = "CANCELLED"
        self._become(order, "CANCELLED")

    def _cancellation(self, kind: str, role: str, reason: str, status: str) -> dict[str, Any]:
        serial = self.world.engine.store.next_number("tiktok.cancellation")
        now = self.world.now()
        return {
            "id": str(4_035_000_000_000_000_000 + serial),
            "type": kind,
            "role": role,
            "reason": reason,
            "status": status,
            "created": now,
            "updated": now,
            "deadline": 0,
        }

    def _become(self, order: Order, status: str) -> None:
        order["status"] = status
        self.world.save(order)
        self.pushes.status(order)
