"""How items move, whoever moves them. Every change is pushed, a message per item."""

from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.lazada.pushes import Pushes
from app.sandbox.lazada.world import Item, Order, World

WAITING = ("pending", "repacked")
PACKED = "packed"
READY = ("ready_to_ship_pending", "ready_to_ship")
CANCELLABLE = (*WAITING, PACKED, *READY)
STATES = ("unpaid", "paid", "received", "arranged", "collected", "in_transit", "delivered", "completed")
ANSWER_WITHIN = 48 * 3600
_AFTER_READY = {"collected": "shipped", "in_transit": "shipped", "delivered": "delivered", "completed": "confirmed"}


def live_items(order: Order) -> list[Item]:
    """What is not cancelled."""
    return [item for item in order["items"] if item["status"] != "canceled"]


def state_of(order: Order) -> str:
    """In the control API's words: as far as the slowest item."""
    live = {item["status"] for item in live_items(order)}
    if not live:
        return "cancelled"
    for state, words in (("unpaid", ("unpaid",)), ("paid", WAITING), ("received", (PACKED,)), ("arranged", READY)):
        if live & set(words):
            return state
    if "shipped" in live:
        return "in_transit" if order["is_moving"] else "collected"
    return "delivered" if "delivered" in live else "completed"


class Lifecycle:
    """The moves."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes

    def pay(self, order: Order) -> None:
        """Or COD accepted."""
        paid = None if order["payment_method"] == "COD" else self.world.now()
        self._set(order, order["items"], status="pending", paid=paid)

    def pack(self, order: Order, items: list[Item]) -> str:
        """These items are one package now. Answers its id."""
        serial = self.world.engine.store.next_number("lazada.package")
        package_id = f"FP{94_612_143_000_000 + serial * 7:015d}"
        self._set(
            order,
            items,
            status=PACKED,
            package_id=package_id,
            tracking=f"LXAD-{3_300_000_000 + serial}",
            courier=items[0]["wanted_courier"],
        )
        return package_id

    def make_ready(self, order: Order, items: list[Item]) -> None:
        """The courier is told."""
        self._set(order, items, status="ready_to_ship")
        self.pushes.package(order, items[0]["package_id"], "READY_TO_SHIP")

    def repack(self, order: Order, items: list[Item]) -> None:
        """The package is dissolved."""
        self._set(order, items, status="repacked", package_id="", tracking="", courier="")

    def cancel(self, order: Order, items: list[Item], *, reason: str, initiator: str) -> None:
        """Gone; their goods are back."""
        self.world.move_stock(order, items, 1)
        self._set(order, items, status="canceled", reason=reason, initiator=initiator)

    def request_cancel(self, order: Order) -> None:
        """The buyer asks; without an answer Lazada agrees."""
        serial = self.world.engine.store.next_number("lazada.reverse")
        order["request"] = {
            "id": str(658_960_600_000_000 + serial * 11),
            "line_id": str(663_790_000_000_000 + serial * 11),
            "trigger": self.world.now() + ANSWER_WITHIN,
            "reason": "Berubah pikiran",
            "created": self.world.now(),
            "status": "REQUEST_INITIATE",
        }
        order["cancellation"] = "requested"
        self.world.save(order)
        self.world.engine.later(
            ANSWER_WITHIN, "lazada", "answer", number=order["id"], reverse_id=order["request"]["id"]
        )
        self.pushes.reverse(order, "CANCEL_INIT")
        self.pushes.status(order, order["items"][0])

    def answer_cancel(self, order: Order, *, is_agreed: bool) -> None:
        """The seller decides, or Lazada in the seller's place."""
        order["cancellation"] = "approved" if is_agreed else "rejected"
        order["request"]["status"] = "CANCEL_SUCCESS" if is_agreed else "REQUEST_REJECT"
        if is_agreed:
            items = [item for item in order["items"] if item["status"] in CANCELLABLE]
            self.cancel(order, items, reason=order["request"]["reason"], initiator="buyer-cancel")
            self.pushes.reverse(order, "CANCEL_SUCCESS")
        else:
            self.world.save(order)
            self.pushes.status(order, order["items"][0])

    def walk(self, order: Order, to: str) -> None:
        """Through every state up to `to`, as seller centre and courier would. Raises Impossible."""
        state = state_of(order)
        if state not in STATES or order["cancellation"] == "requested" or STATES.index(to) <= STATES.index(state):
            raise Impossible(f"An order that is {state} (cancellation {order['cancellation']}) cannot become {to}.")
        for step in STATES[STATES.index(state) + 1 : STATES.index(to) + 1]:
            self._step(order, step)

    def _step(self, order: Order, step: str) -> None:
        live = live_items(order)
        if step == "paid":
            self.pay(order)
        elif step == "received":
            for warehouse in dict.fromkeys(item["warehouse"] for item in live):
                self.pack(order, [one for one in live if one["warehouse"] == warehouse and one["status"] in WAITING])
        elif step == "arranged":
            for package_id in dict.fromkeys(item["package_id"] for item in live):
                self.make_ready(order, [one for one in live if one["package_id"] == package_id])
        else:
            order["is_moving"] = step != "collected"
            self._set(order, live, status=_AFTER_READY[step])

    def _set(self, order: Order, items: list[Item], **changes: Any) -> None:
        now = self.world.now()
        for item in items:
            item.update(changes)
            item["updated"] = max(now, item["updated"])
            item.setdefault("way", {}).setdefault(item["status"], now)
        self.world.save(order)
        for item in items:
            self.pushes.status(order, item)
