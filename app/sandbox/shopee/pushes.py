"""Pushes: signed, retried after 300, 1800 and 10800 seconds, then kept for the lost-push queue."""

import json
import secrets
from typing import Any

import httpx

from app.sandbox.shopee.signing import sign_push
from app.sandbox.shopee.world import PUSH_KEY, Order, Package, World

RETRIES = (300, 1800, 10_800)


class Pushes:
    """Sends what subscribers hear. Without a URL, or switched off, changes send none."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._client: httpx.AsyncClient | None = None

    def status(self, order: Order) -> None:
        self._queue(order["shop_id"], 3, self._status_data(order))

    def fulfilment(self, order: Order, package: Package) -> None:
        data = {
            "ordersn": order["order_sn"],
            "package_number": package["package_number"],
            "fulfillment_status": package["logistics_status"],
            "update_time": order["update_time"],
        }
        self._queue(order["shop_id"], 30, data)

    def tracking_number(self, order: Order, package: Package) -> None:
        data = {
            "ordersn": order["order_sn"],
            "forder_id": "",
            "package_number": package["package_number"],
            "tracking_no": package["tracking_number"],
        }
        self._queue(order["shop_id"], 4, data)

    def document(self, order: Order, package: Package, status: str) -> None:
        data = {"ordersn": order["order_sn"], "package_number": package["package_number"], "status": status}
        self._queue(order["shop_id"], 15, data)

    def authorization(self, shop: dict[str, Any], code: int) -> None:
        words = "shop authorization by user" if code == 1 else "user cancel shop authorization"
        data = {
            "authorize_type": words,
            "extra": f"shop id {shop['shop_id']} (ID)",
            "shop_id": shop["shop_id"],
            "success": 1,
        }
        self._queue(None, code, data)

    async def send_now(self, order: Order, mode: str) -> None:
        """A push on request, whatever the switch says."""
        message = self._message(order["shop_id"], 3, self._status_data(order))
        if mode == "forged":
            await self._post(message, signature="0" * 64)
            return
        if mode == "reordered":
            late = {**message, "msg_id": secrets.token_hex(16), "timestamp": message["timestamp"] - 120}
            late["data"] = {**message["data"], "update_time": order["update_time"] - 120}
            await self._post(message)
            await self._post(late)
            return
        for _ in range(2 if mode == "duplicate" else 1):
            await self._post(message)

    def retry(self, message: dict[str, Any], attempt: int) -> None:
        """The next try of a push that was not taken."""
        self.world.engine.spawn(self._deliver(message, attempt))

    def _status_data(self, order: Order) -> dict[str, Any]:
        return {
            "completed_scenario": order["completed_scenario"],
            "items": [],
            "ordersn": order["order_sn"],
            "status": order["order_status"],
            "update_time": order["update_time"],
        }

    def _message(self, shop_id: int | None, code: int, data: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {
            "msg_id": secrets.token_hex(16),
            "data": data,
            "code": code,
            "timestamp": self.world.now(),
        }
        if shop_id is None:
            message["partner_id"] = 2001887
        else:
            message["shop_id"] = shop_id
        return message

    def _queue(self, shop_id: int | None, code: int, data: dict[str, Any]) -> None:
        if self.world.push["enabled"] and self.world.push["url"]:
            self.world.engine.spawn(self._deliver(self._message(shop_id, code, data), 0))

    async def _deliver(self, message: dict[str, Any], attempt: int) -> None:
        if await self._post(message):
            return
        if attempt < len(RETRIES):
            self.world.engine.later(RETRIES[attempt], "shopee", "push", message=message, attempt=attempt + 1)
        else:
            self.world.lost.append(message)

    async def _post(self, message: dict[str, Any], *, signature: str | None = None) -> bool:
        url = self.world.push["url"]
        if not url:
            return False
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = {"Authorization": signature or sign_push(PUSH_KEY, url, body), "Content-Type": "application/json"}
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=3, trust_env=False)
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success and not answer.content
