"""How orders move, whoever moves them: shop staff, the API or the buyer. The shop itself has no state machine."""

import secrets
from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.plugo_store.hooks import Hooks
from app.sandbox.plugo_store.showing import dates, stamp
from app.sandbox.plugo_store.world import Order, World, meta_of, next_row, set_meta

BUILT_IN = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft")
FULFILMENT = "plugosync_fulfilment"
REQUEST = "plugosync_cancel_request"
STATES = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")
_REDUCES = ("processing", "on-hold", "completed")
_GIVES_BACK = ("cancelled", "pending")
_PAYS = ("processing", "completed")
_CANCELLATIONS = {"requested": "requested", "accepted": "approved", "rejected": "rejected"}
_STEPS = {"processed": "arranged", "dispatched": "collected", "delivered": "delivered"}


def state_of(order: Order) -> str:
    """In the control API's words."""
    if order["status"] in ("cancelled", "refunded", "trash"):
        return "cancelled"
    if order["status"] in ("pending", "failed", "checkout-draft") or (
        order["status"] == "on-hold" and order["paid"] is None
    ):
        return "unpaid"
    if order["status"] == "completed":
        was_delivered = meta_of(order, FULFILMENT) == "delivered"
        return "delivered" if was_delivered and not order["is_closed"] else "completed"
    step = _STEPS.get(str(meta_of(order, FULFILMENT)), "paid")
    return "in_transit" if step == "collected" and order["is_moving"] else step


def cancellation_of(order: Order) -> str:
    """In the control API's words."""
    return _CANCELLATIONS.get(str(meta_of(order, REQUEST)), "none")


class Lifecycle:
    """The moves."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        self.world = world
        self.hooks = hooks

    def save(self, order: Order, *, touch: bool = True) -> None:
        """Keep what changed, and tell whoever listens."""
        self.world.save_order(order, touch=touch)
        self.hooks.tell("order.updated", order)

    def set_status(self, order: Order, status: str) -> None:
        """With what a shop does by itself: stock, dates, a note. The caller saves."""
        before = order["status"]
        if status == before:
            return
        order["status"] = status
        if status in _REDUCES:
            self._move_stock(order, is_given_back=False)
        elif status in _GIVES_BACK:
            self._move_stock(order, is_given_back=True)
        if status in _PAYS and order["paid"] is None and (order["payment_method"] != "cod" or status == "completed"):
            order["paid"] = self.world.now()
        if status == "completed":
            order["completed"] = self.world.now()
        self.add_note(order, f"Order status changed from {before} to {status}.", author="system")

    def pay(self, order: Order) -> None:
        """Paid, or cash on delivery accepted."""
        if order["status"] in ("pending", "on-hold", "failed"):
            self.set_status(order, "processing")
            self.save(order)

    def add_note(self, order: Order, text: str, *, author: str, is_for_customer: bool = False) -> dict[str, Any]:
        """A line of the order's diary. Notes do not move the modification date."""
        switches = self.world.switches(self.world.shop(order["shop_id"]))
        note = {
            "id": next_row(order),
            "author": author,
            **dates(switches, date_created=self.world.now()),
            "note": text,
            "customer_note": is_for_customer,
            "added_by_user": author != "system",
        }
        order["notes"].append(note)
        return note

    def request_cancel(self, order: Order) -> None:
        """The buyer asks at the store front."""
        set_meta(order, REQUEST, "requested")
        set_meta(order, "plugosync_cancel_reason", "Berubah pikiran")
        set_meta(order, "plugosync_cancel_requested_at", f"{stamp(self.world.now())}Z")
        self.save(order)

    def cancel(self, order: Order) -> None:
        """By buyer or shop; an open request is answered by it."""
        if meta_of(order, REQUEST) == "requested":
            set_meta(order, REQUEST, "accepted")
        self.set_status(order, "cancelled")
        self.save(order)

    def edit(self, order: Order) -> None:
        """The buyer corrects the address."""
        for part in ("billing", "shipping"):
            if order[part]["address_1"]:
                order[part]["address_1"] += " (baru)"
        order["modified"] += 1
        self.save(order)

    def walk(self, order: Order, to: str) -> None:
        """Through every state up to `to`, as the shop's staff would. Raises Impossible."""
        state, request = state_of(order), cancellation_of(order)
        if state not in STATES or request == "requested" or STATES.index(to) <= STATES.index(state):
            raise Impossible(f"An order that is {state} (cancellation {request}) cannot become {to}.")
        for step in STATES[STATES.index(state) + 1 : STATES.index(to) + 1]:
            self._step(order, step)

    def _step(self, order: Order, step: str) -> None:
        if step == "paid":
            self.set_status(order, "processing")
        elif step == "arranged":
            number = self.world.engine.store.next_number("plugo_store.tracking")
            set_meta(order, FULFILMENT, "processed")
            set_meta(order, "plugosync_shipment_id", f"staff-{secrets.token_hex(8)}")
            set_meta(order, "plugosync_method", "drop_off")
            set_meta(order, "plugosync_courier", order["shipping_title"])
            set_meta(order, "plugosync_tracking_number", f"STAFF{number:08d}")
            set_meta(order, "plugosync_tracking_source", "merchant")
        elif step in ("collected", "in_transit"):
            set_meta(order, FULFILMENT, "dispatched")
            order["is_moving"] = step == "in_transit"
        elif step == "delivered":
            set_meta(order, FULFILMENT, "delivered")
            self.set_status(order, "completed")
        else:
            order["is_closed"] = True
        self.save(order)

    def _move_stock(self, order: Order, *, is_given_back: bool) -> None:
        """Once per line, whatever way the order comes and goes."""
        shop = self.world.shop(order["shop_id"])
        for item in order["items"]:
            product = self.world.find_product(shop, item["variation_id"] or item["product_id"])
            quantity = item["reduced"] if is_given_back else item["quantity"] - item["reduced"]
            if product is None or not quantity:
                continue
            item["reduced"] = 0 if is_given_back else item["quantity"]
            parent = self.world.find_product(shop, product["parent_id"]) if product["parent_id"] else None
            holder = parent if parent is not None and not product["manage_stock"] else product
            if holder["manage_stock"]:
                holder["stock"] = (holder["stock"] or 0) + (quantity if is_given_back else -quantity)
                self.world.save_product(holder)
