"""What hangs on an order: notes, refunds, and the parcels of the Shipment Tracking plugin."""

import secrets
from datetime import datetime
from typing import Any

from starlette.responses import Response

from app.sandbox.plugo_store import params
from app.sandbox.plugo_store.answers import Refused, RefusedAsNumber, invalid_id, success
from app.sandbox.plugo_store.calls import Spec, StoreCall
from app.sandbox.plugo_store.lifecycle import Lifecycle
from app.sandbox.plugo_store.recording import Before, lag, record_order
from app.sandbox.plugo_store.showing import dates, money, stamp, total_of
from app.sandbox.plugo_store.world import Order, World, meta_of, set_meta

PLUGIN = "wc-shipment-tracking/v3"
ITEMS = "_wc_shipment_tracking_items"
PROVIDERS = {"Indonesia": {"JNE": "https://jne.example/track/%1$s", "SiCepat": "https://sicepat.example/track/%1$s"}}
_ONE = r"orders/(\d{1,15})"
_LINK = "https://track.example/%1$s"


class Diary:
    """The calls below an order."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        note, refunds = rf"{_ONE}/notes/(\d+)", f"{_ONE}/refunds"
        parcels, parcel = f"{_ONE}/shipment-trackings", rf"{_ONE}/shipment-trackings/(\w+)"
        self.specs = (
            Spec(("GET",), f"{_ONE}/notes", "get_notes", self.list_notes, "list"),
            Spec(("POST",), f"{_ONE}/notes", "add_note", self.add_note, "create"),
            Spec(("GET",), note, "get_notes", self.get_note, "view"),
            Spec(("DELETE",), note, "delete_note", self.delete_note, "delete"),
            Spec(("GET",), refunds, "get_refunds", self.list_refunds, "list"),
            Spec(("POST",), refunds, "refund", self.refund, "create"),
            Spec(("GET",), "shipment-trackings/providers", "get_tracking", self.list_providers, "public", PLUGIN),
            Spec(("GET",), parcels, "get_tracking", self.list_parcels, "list", PLUGIN),
            Spec(("POST",), parcels, "add_tracking", self.add_parcel, "create", PLUGIN),
            Spec(("GET",), parcel, "get_tracking", self.get_parcel, "view", PLUGIN),
            Spec(("DELETE",), parcel, "delete_tracking", self.delete_parcel, "delete", PLUGIN),
        )

    # --- notes --------------------------------------------------------------------------------------------------------

    def list_notes(self, call: StoreCall) -> Response:
        order = self._find(call, "Invalid order ID.")
        asked = params.read(call.query, {"type": params.choice("any", "customer", "internal")}, {"type": "any"})
        wanted = {"any": (True, False), "customer": (True,), "internal": (False,)}[asked["type"]]
        return success([note for note in reversed(order["notes"]) if note["customer_note"] in wanted])

    def add_note(self, call: StoreCall) -> Response:
        order = self._find(call, "Invalid order ID.")
        params.require(call.body, "note")
        body = params.read(
            call.body, {"note": params.text, "customer_note": params.boolean, "added_by_user": params.boolean}
        )
        note = self.lifecycle.add_note(
            order, body["note"], author="PlugoSync", is_for_customer=body.get("customer_note", False)
        )
        self.world.save_order(order, touch=False)
        return success(note, 201)

    def get_note(self, call: StoreCall) -> Response:
        return success(self._note(call))

    def delete_note(self, call: StoreCall) -> Response:
        note = self._note(call)
        if not call.flag("force"):
            message = "Order notes do not support trashing."
            raise Refused(501, "woocommerce_rest_trash_not_supported", message)
        order = self._find(call)
        order["notes"].remove(note)
        self.world.save_order(order, touch=False)
        return success(note)

    def _note(self, call: StoreCall) -> dict[str, Any]:
        order = self._find(call, "Invalid order ID.")
        found = next((note for note in order["notes"] if note["id"] == int(call.ids[1])), None)
        if found is None:
            raise Refused(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return dict(found)

    # --- refunds ------------------------------------------------------------------------------------------------------

    def list_refunds(self, call: StoreCall) -> Response:
        order = self.world.find_order(call.shop, call.target)
        if order is None:
            raise RefusedAsNumber(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        return success([self._show_refund(call, one) for one in order["refunds"]])

    def refund(self, call: StoreCall) -> Response:
        """No money moves. A full refund closes the order."""
        order = self.world.find_order(call.shop, call.target)
        if order is None:
            raise RefusedAsNumber(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        params.require(call.body, "amount")
        amount, left = _amount(call.body["amount"]), total_of(order) - sum(one["amount"] for one in order["refunds"])
        if not 0 < amount <= left:
            message = "Invalid refund amount." if amount else "Refund amount must be greater than zero."
            raise RefusedAsNumber(500, "woocommerce_rest_cannot_create_order_refund", message)
        one = {
            "id": self.world.next_id(),
            "created": self.world.now(),
            "reason": str(call.body.get("reason") or ""),
            "amount": amount,
            "meta_data": call.body.get("meta_data") or [],
        }
        order["refunds"].append(one)
        if amount == left:
            self.lifecycle.set_status(order, "refunded")
        self.lifecycle.save(order)
        return success(self._show_refund(call, one), 201)

    def _show_refund(self, call: StoreCall, one: dict[str, Any]) -> dict[str, Any]:
        switches = self.world.switches(call.shop)
        return {
            "id": one["id"],
            **dates(switches, date_created=one["created"]),
            "amount": money(one["amount"], switches.decimals),
            "reason": one["reason"],
            "refunded_by": 1,
            "refunded_payment": False,
            "meta_data": one["meta_data"],
            "line_items": [],
        }

    # --- the tracking plugin ------------------------------------------------------------------------------------------

    def list_providers(self, call: StoreCall) -> Response:
        self._check_plugin(call)
        return success(PROVIDERS)

    def list_parcels(self, call: StoreCall) -> Response:
        self._check_plugin(call)
        return success([_show_parcel(one) for one in _parcels(self._find(call))])

    def add_parcel(self, call: StoreCall) -> Response:
        """Not idempotent: a second call adds a second parcel."""
        self._check_plugin(call)
        order = self._find(call)
        params.require(call.body, "tracking_number")
        before = Before(order)
        lag(self.world, call, order)
        parcel = {
            "tracking_provider": str(call.body.get("tracking_provider") or ""),
            "custom_tracking_provider": str(call.body.get("custom_tracking_provider") or ""),
            "custom_tracking_link": str(call.body.get("custom_tracking_link") or ""),
            "tracking_number": str(call.body["tracking_number"]),
            "date_shipped": str(self._shipped(call)),
            "tracking_id": secrets.token_hex(16),
        }
        set_meta(order, ITEMS, [*_parcels(order), parcel])
        self.lifecycle.save(order)
        body = {"meta_data": [{"key": "plugosync_tracking_number", "value": parcel["tracking_number"]}]}
        record_order(self.world, call, "add_tracking", order, body, before)
        return success(_show_parcel(parcel), 201)

    def get_parcel(self, call: StoreCall) -> Response:
        self._check_plugin(call)
        return success(_show_parcel(self._parcel(call)))

    def delete_parcel(self, call: StoreCall) -> Response:
        self._check_plugin(call)
        parcel, order = self._parcel(call), self._find(call)
        set_meta(order, ITEMS, [one for one in _parcels(order) if one != parcel])
        self.lifecycle.save(order)
        return success(_show_parcel(parcel))

    def _parcel(self, call: StoreCall) -> dict[str, Any]:
        found = next((one for one in _parcels(self._find(call)) if one.get("tracking_id") == call.ids[1]), None)
        if found is None:
            raise Refused(404, "woocommerce_shipment_tracking_rest_invalid_id", "Invalid shipment tracking ID.")
        return found

    def _shipped(self, call: StoreCall) -> int:
        try:
            return int(datetime.fromisoformat(f"{call.body['date_shipped']}T00:00:00+00:00").timestamp())
        except (KeyError, ValueError):
            return self.world.now()

    def _check_plugin(self, call: StoreCall) -> None:
        if not self.world.switches(call.shop).has_shipment_tracking:
            raise Refused(404, "rest_no_route", "No route was found matching the URL and request method.")

    def _find(self, call: StoreCall, message: str = "Invalid ID.") -> Order:
        order = self.world.find_order(call.shop, call.target)
        if order is None:
            raise invalid_id("shop_order", 404, message)
        return order


def _parcels(order: Order) -> list[dict[str, Any]]:
    found = meta_of(order, ITEMS)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _show_parcel(parcel: dict[str, Any]) -> dict[str, Any]:
    provider = parcel.get("tracking_provider") or parcel.get("custom_tracking_provider") or ""
    link = parcel.get("custom_tracking_link") or PROVIDERS["Indonesia"].get(provider, _LINK)
    return {
        "tracking_id": parcel.get("tracking_id", ""),
        "tracking_provider": provider,
        "tracking_link": link.replace("%1$s", str(parcel.get("tracking_number", ""))),
        "tracking_number": parcel.get("tracking_number", ""),
        "date_shipped": (stamp(float(parcel.get("date_shipped") or 0)) or "")[:10],
    }


def _amount(value: Any) -> int:
    try:
        return round(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
