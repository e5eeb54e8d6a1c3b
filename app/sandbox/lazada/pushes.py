"""Push messages: signed, to be taken within 500 ms, else sent again every half hour up to twelve times."""

import json
from dataclasses import replace
from typing import Any

from app.sandbox.engine.deliveries import Deliveries, Letter, Message
from app.sandbox.lazada.signing import sign_push
from app.sandbox.lazada.world import APP_KEY, APP_SECRET, CHANNEL, Item, Order, World

TIMEOUT_SECONDS = 0.5
RETRIES = (1800,) * 12
STATUS, REVERSE, PACKAGE = 0, 10, 14


class Pushes:
    """What subscribers hear. Ids are text in one topic and numbers in another, as in reality."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deliveries = Deliveries(world.engine, CHANNEL, render, timeout_seconds=TIMEOUT_SECONDS, retries=RETRIES)

    def status(self, order: Order, item: Item) -> None:
        """An item has a new status."""
        self.deliveries.queue(self.status_message(order, item))

    def status_message(self, order: Order, item: Item) -> Message:
        """Topic 0."""
        data = {
            "order_status": item["status"],
            "trade_order_id": order["id"],
            "trade_order_line_id": item["id"],
            "status_update_time": item["updated"],
            "buyer_id": "400211112222",
        }
        return self._message(order, STATUS, data)

    def reverse(self, order: Order, status: str) -> None:
        """A cancellation request moved on."""
        request = order["request"]
        data = {
            "reverse_order_id": int(request["id"]),
            "reverse_order_line_id": int(request["line_id"]),
            "reverse_status": status,
            "trade_order_id": int(order["id"]),
            "trade_order_line_id": int(order["items"][0]["id"]),
            "buyer_id": 400211112222,
            "seller_id": int(order["seller_id"]),
            "extraParams": {},
            "status_update_time": self.world.now(),
        }
        self.deliveries.queue(self._message(order, REVERSE, data))

    def package(self, order: Order, package_id: str, status: str) -> None:
        """A package moved on."""
        data = {
            "trade_order_id": order["id"],
            "buyer_id": "400211112222",
            "fulfillment_package_id": package_id,
            "status": status,
            "status_update_time": self.world.now(),
        }
        self.deliveries.queue(self._message(order, PACKAGE, data))

    async def send_now(self, order: Order, mode: str) -> None:
        """A push on request. Raises Impossible without a URL."""
        message = self.status_message(order, order["items"][0])
        if mode == "forged":
            await self.deliveries.send(message, tamper=_forge)
            return
        await self.deliveries.send(message)
        if mode == "duplicate":
            await self.deliveries.send(message)
        if mode == "reordered":
            late = {**message["payload"], "timestamp": message["payload"]["timestamp"] - 120}
            await self.deliveries.send({**message, "payload": late})

    def _message(self, order: Order, topic: int, data: dict[str, Any]) -> Message:
        payload = {
            "seller_id": order["seller_id"],
            "message_type": topic,
            "data": data,
            "timestamp": self.world.now(),
            "site": "lazada_id",
        }
        return {"payload": payload}


def render(message: Message) -> Letter:
    """Signed over the very bytes."""
    body = json.dumps(message["payload"], separators=(",", ":")).encode()
    headers = {"Authorization": sign_push(APP_KEY, APP_SECRET, body), "Content-Type": "application/json"}
    return Letter(message["url"], headers, body)


def _forge(letter: Letter) -> Letter:
    return replace(letter, headers={**letter.headers, "Authorization": "0" * 64})
