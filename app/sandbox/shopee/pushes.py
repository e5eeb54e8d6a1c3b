"""Pushes: signed, retried after 300, 1800 and 10800 seconds, then kept for the lost-push queue."""

import asyncio
import json
import secrets
from typing import Any

import httpx
from starlette.responses import Response

from app.sandbox.engine.core import Impossible
from app.sandbox.shopee.answers import success, wrong_parameter
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.signing import sign_push
from app.sandbox.shopee.world import CHANNEL, PARTNER_ID, PUSH_KEY, Order, Package, Shop, World

RETRIES = (300, 1800, 10_800)
TIMEOUT_SECONDS = 3.0
AT_ONCE = 20
CODES = (1, 2, 3, 4, 12, 15, 29, 30, 47)
AUTHORIZED, CANCELED, ORDER_STATUS, TRACKING_NUMBER, DOCUMENT, FULFILMENT, PACKAGE = 1, 2, 3, 4, 15, 30, 47


class Pushes:
    """Sends what subscribers hear. Without a URL, or switched off, changes send none."""

    def __init__(self, world: World) -> None:
        self.world = world
        kept = world.engine.store.load("shopee.push").get("config", {})
        self.config: dict[str, Any] = {"enabled": True, "url": None, "codes": list(CODES), **kept}
        self.lost: dict[str, dict[str, Any]] = world.engine.store.load("shopee.lost")
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._slots = asyncio.Semaphore(AT_ONCE)  # thousands may wait here; the client's own pool would crawl
        base = "/api/v2/push/"
        self.specs = {
            base + "get_app_push_config": Spec("GET", "push_config", self.read_config, is_public=True),
            base + "set_app_push_config": Spec("POST", "push_config", self.write_config, is_public=True),
            base + "get_lost_push_message": Spec("GET", "push_config", self.list_lost, is_public=True),
            base + "confirm_consumed_lost_push_message": Spec("POST", "push_config", self.consume_lost, is_public=True),
        }

    def status(self, order: Order) -> None:
        """The order has a new status."""
        self._queue(order["shop_id"], ORDER_STATUS, _status_of(order))

    def fulfilment(self, order: Order, package: Package) -> None:
        """The package has a new status."""
        status = {"fulfillment_status": package["logistics_status"], "update_time": order["update_time"]}
        self._queue(order["shop_id"], FULFILMENT, {**_names(order, package), **status})

    def ship_by(self, order: Order, package: Package, before: int) -> None:
        """Shopee moved the deadline."""
        data = {
            "order_sn": order["order_sn"],
            "package_number": package["package_number"],
            "changed_fields": ["ship_by_date"],
            "old": {"ship_by_date": before},
            "new": {"ship_by_date": order["ship_by_date"]},
            "update_time": order["update_time"],
        }
        self._queue(order["shop_id"], PACKAGE, data)

    def tracking_number(self, order: Order, package: Package) -> None:
        """The carrier gave a number."""
        number = {"forder_id": "", "tracking_no": package["tracking_number"]}
        self._queue(order["shop_id"], TRACKING_NUMBER, {**_names(order, package), **number})

    def document(self, order: Order, package: Package, status: str) -> None:
        """A label task ended."""
        self._queue(order["shop_id"], DOCUMENT, {**_names(order, package), "status": status})

    def authorization(self, shop: Shop, *, is_granted: bool) -> None:
        """The seller agreed, or took it back."""
        number = shop["shop_id"]
        data = {
            "authorize_type": "shop authorization by user" if is_granted else "user cancel shop authorization",
            "extra": f"shop id {number} (ID) has been {'' if is_granted else 'un'}authorized successfully",
            "shop_id": number,
            "success": 1,
        }
        self._queue(None, AUTHORIZED if is_granted else CANCELED, data)

    async def send_now(self, order: Order, mode: str) -> None:
        """A push on request, whatever the switch says. Raises Impossible without a URL."""
        if not self.config["url"]:
            raise Impossible("Nobody said where pushes go: POST /_control/shopee/pushes first.")
        message = self._message(order["shop_id"], ORDER_STATUS, _status_of(order))
        if mode == "forged":
            await self._post(message, signature="0" * 64)
            return
        await self._post(message)
        if mode == "duplicate":
            await self._post(message)
        if mode == "reordered":
            late = {**message, "msg_id": secrets.token_hex(16), "timestamp": message["timestamp"] - 120}
            late["data"] = {**message["data"], "update_time": order["update_time"] - 120}
            await self._post(late)

    def configure(self, **changes: Any) -> None:
        """Keep where pushes go and which are wanted."""
        self.config |= changes
        self.world.engine.store.put("shopee.push", "config", self.config)

    def retry(self, message: dict[str, Any], attempt: int) -> None:
        """The next try of a push that was not taken; none when pushes were switched off meanwhile."""
        if self.config["enabled"] and self.config["url"]:
            self.world.engine.spawn(self._deliver(message, attempt))

    async def close(self) -> None:
        """Give connections back."""
        await self._http.aclose()

    def read_config(self, call: ShopeeCall) -> Response:
        answer = {
            "callback_url": self.config["url"] or "",
            "live_push_status": "Normal",
            "push_config_on_list": self.config["codes"],
            "push_config_off_list": [code for code in CODES if code not in self.config["codes"]],
            "blocked_shop_id_list": [],
        }
        return success(answer)

    def write_config(self, call: ShopeeCall) -> Response:
        url = call.body_text("callback_url")
        on, off = _codes(call, "set_push_config_on"), _codes(call, "set_push_config_off")
        codes = [code for code in CODES if (code in self.config["codes"] or code in on) and code not in off]
        self.configure(codes=codes, **({"enabled": True, "url": url} if url else {}))
        return success({"result": "success"})

    def list_lost(self, call: ShopeeCall) -> Response:
        oldest = list(self.lost.items())[:100]
        rows = [
            {
                "shop_id": message.get("shop_id", 0),
                "code": message["code"],
                "timestamp": message["timestamp"],
                "data": json.dumps(message, separators=(",", ":")),
            }
            for _, message in oldest
        ]
        last = int(oldest[-1][0]) if oldest else 0
        answer = {"push_message_list": rows, "has_next_page": len(self.lost) > 100, "last_message_id": last}
        return success(answer)

    def consume_lost(self, call: ShopeeCall) -> Response:
        """A watermark: everything up to it is gone."""
        last = call.body.get("last_message_id")
        if not isinstance(last, int):
            raise wrong_parameter("last_message_id is a required field.")
        for number in [one for one in self.lost if int(one) <= last]:
            del self.lost[number]
            self.world.engine.store.remove("shopee.lost", number)
        return success({})

    def forget_lost(self) -> None:
        """A reset."""
        self.lost.clear()
        self.world.engine.store.clear("shopee.lost")

    def _message(self, shop_id: int | None, code: int, data: dict[str, Any]) -> dict[str, Any]:
        whom = {"partner_id": PARTNER_ID} if shop_id is None else {"shop_id": shop_id}
        return {"msg_id": secrets.token_hex(16), "data": data, **whom, "code": code, "timestamp": self.world.now()}

    def _queue(self, shop_id: int | None, code: int, data: dict[str, Any]) -> None:
        if self.config["enabled"] and self.config["url"] and code in self.config["codes"]:
            self.world.engine.spawn(self._deliver(self._message(shop_id, code, data), 0))

    async def _deliver(self, message: dict[str, Any], attempt: int) -> None:
        is_taken = False
        try:
            is_taken = await self._post(message)
        finally:  # a sandbox that is told to stop meanwhile tries again after its next start
            if not is_taken:
                self._keep(message, attempt)

    def _keep(self, message: dict[str, Any], attempt: int) -> None:
        """For the next try, or for those who ask what they lost."""
        if attempt < len(RETRIES):
            self.world.engine.later(RETRIES[attempt], CHANNEL, "push", message=message, attempt=attempt + 1)
            return
        number = str(self.world.engine.store.next_number("shopee.lost"))
        self.lost[number] = message
        self.world.engine.store.put("shopee.lost", number, message)

    async def _post(self, message: dict[str, Any], *, signature: str | None = None) -> bool:
        """Whether the subscriber took it: 2xx and an empty body."""
        url = str(self.config["url"])
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = {"Authorization": signature or sign_push(PUSH_KEY, url, body), "Content-Type": "application/json"}
        try:
            async with self._slots:
                answer = await self._http.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success and not answer.content


def _status_of(order: Order) -> dict[str, Any]:
    return {
        "completed_scenario": order["completed_scenario"],
        "items": [],
        "ordersn": order["order_sn"],
        "status": order["order_status"],
        "update_time": order["update_time"],
    }


def _names(order: Order, package: Package) -> dict[str, str]:
    return {"ordersn": order["order_sn"], "package_number": package["package_number"]}


def _codes(call: ShopeeCall, name: str) -> list[int]:
    codes = call.body.get(name) or []
    if not isinstance(codes, list) or not all(isinstance(code, int) for code in codes):
        raise wrong_parameter(f"{name} must be a list of integers.")
    return codes
