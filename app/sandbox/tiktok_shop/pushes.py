"""Webhooks: signed, to be taken within three seconds, else sent again after 2 min, 30 min, 3 h and 12 h.

A shop's own registrations through the API go before the app's URL, which is what `POST /_control/…/pushes` sets.
"""

import json
from dataclasses import replace
from typing import Any

from app.sandbox.engine.deliveries import Deliveries, Letter, Message
from app.sandbox.tiktok_shop.signing import sign_push
from app.sandbox.tiktok_shop.world import APP_KEY, APP_SECRET, TIKTOK_SHOP, Order, Shop, World

TIMEOUT_SECONDS = 3.0
RETRIES = (120, 1800, 10_800, 43_200)
EVENTS = {
    "ORDER_STATUS_CHANGE": 1,
    "RECIPIENT_ADDRESS_UPDATE": 3,
    "PACKAGE_UPDATE": 4,
    "CANCELLATION_STATUS_CHANGE": 11,
}
_NAMES = {number: name for name, number in EVENTS.items()}


class Pushes:
    """What subscribers hear."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deliveries = Deliveries(
            world.engine, TIKTOK_SHOP, render, timeout_seconds=TIMEOUT_SECONDS, retries=RETRIES
        )
        self.hooks: dict[str, dict[str, dict[str, Any]]] = world.engine.store.load("tiktok.hook")

    def register(self, shop: Shop, event: str, address: str | None) -> None:
        """A shop's own URL for an event; None removes it."""
        mine = self.hooks.setdefault(shop["id"], {})
        if address is None:
            mine.pop(event, None)
        else:
            now = self.world.now() * 1000
            created = mine.get(event, {}).get("create_time", now)
            mine[event] = {"event_type": event, "address": address, "create_time": created, "update_time": now}
        self.world.engine.store.put("tiktok.hook", shop["id"], mine)

    def status(self, order: Order) -> None:
        """Type 1."""
        self.deliveries.queue(self._status(order))

    def address(self, order: Order) -> None:
        """Type 3, which has no id."""
        data = {"order_id": order["id"], "update_time": order["update_time"]}
        self.deliveries.queue(self._message(order, 3, data))

    def packages(self, order: Order, kind: str) -> None:
        """Type 4."""
        packages = [{"package_id": one["id"], "order_id_list": [order["id"]]} for one in order["packages"]]
        data = {
            "sc_type": kind,
            "role_type": "ROLE_SELLER",
            "package_list": packages,
            "update_time": order["update_time"],
        }
        self.deliveries.queue(self._message(order, 4, data))

    def cancellation(self, order: Order, status: str) -> None:
        """Type 11."""
        request = order["request"]
        data = {
            "order_id": order["id"],
            "cancel_id": request["id"],
            "cancellations_role": request["role"],
            "cancel_status": status,
            "create_time": request["created"],
        }
        self.deliveries.queue(self._message(order, 11, data))

    async def send_now(self, order: Order, mode: str) -> None:
        """A push on request. Raises Impossible without a URL."""
        message = self._status(order)
        if mode == "forged":
            await self.deliveries.send(message, tamper=_forge)
            return
        await self.deliveries.send(message)
        if mode == "duplicate":
            await self.deliveries.send(message)
        if mode == "reordered":
            payload = message["payload"]
            late = {**payload, "tts_notification_id": self._serial(), "timestamp": payload["timestamp"] - 120}
            await self.deliveries.send({**message, "payload": late})

    def _status(self, order: Order) -> Message:
        status = "CANCEL" if order["status"] == "CANCELLED" else order["status"]
        data = {
            "order_id": order["id"],
            "order_status": status,
            "is_on_hold_order": order["is_held"],
            "update_time": order["update_time"],
        }
        return self._message(order, 1, data)

    def _message(self, order: Order, kind: int, data: dict[str, Any]) -> Message:
        payload: dict[str, Any] = {"type": kind, "tts_notification_id": self._serial()}
        if kind == EVENTS["RECIPIENT_ADDRESS_UPDATE"]:
            del payload["tts_notification_id"]
        payload |= {"shop_id": order["shop_id"], "timestamp": self.world.now(), "data": data}
        hook = self.hooks.get(order["shop_id"], {}).get(_NAMES[kind])
        return {"payload": payload, **({"url": hook["address"]} if hook else {})}

    def _serial(self) -> str:
        return str(7_327_112_393_000_000_000 + self.world.engine.store.next_number("tiktok.push"))


def render(message: Message) -> Letter:
    """Signed over the very bytes."""
    body = json.dumps(message["payload"], separators=(",", ":")).encode()
    headers = {"Authorization": sign_push(APP_KEY, APP_SECRET, body), "Content-Type": "application/json"}
    return Letter(message["url"], headers, body)


def _forge(letter: Letter) -> Letter:
    return replace(letter, headers={**letter.headers, "Authorization": "0" * 64})
