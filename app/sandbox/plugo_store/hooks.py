"""Webhooks: kept per store, signed with the secret they were made with, delivered once, switched off after failures."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.sandbox.engine.core import Impossible
from app.sandbox.engine.deliveries import Deliveries, Letter, Message
from app.sandbox.plugo_store.answers import php_json
from app.sandbox.plugo_store.showing import dates, show_order, show_product
from app.sandbox.plugo_store.signing import sign_webhook
from app.sandbox.plugo_store.world import CHANNEL, PUSH_SECRET, VERSION, Order, Product, Shop, World

TIMEOUT_SECONDS = 60.0
RESOURCES = {
    "order": ("created", "updated", "deleted", "restored"),
    "product": ("created", "updated", "deleted", "restored"),
}
Hook = dict[str, Any]
_REORDERED_SECONDS = 120


class Hooks:
    """Every store's webhooks, and the address of the control API for those nobody subscribed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[str, Hook] = world.engine.store.load(f"{CHANNEL}.webhook")
        self.deliveries = Deliveries(world.engine, CHANNEL, self._render, timeout_seconds=TIMEOUT_SECONDS, retries=())

    def of(self, shop: Shop) -> list[Hook]:
        """As they were made."""
        return [hook for hook in self.rows.values() if hook["shop_id"] == shop["shop_id"]]

    def save(self, hook: Hook) -> None:
        """Keep it."""
        hook["modified"] = self.world.now()
        self.rows[str(hook["id"])] = hook
        self.world.engine.store.put(f"{CHANNEL}.webhook", str(hook["id"]), hook)

    def remove(self, hook: Hook) -> None:
        """Forget it."""
        self.rows.pop(str(hook["id"]), None)
        self.world.engine.store.remove(f"{CHANNEL}.webhook", str(hook["id"]))

    def ping(self, hook: Hook) -> None:
        """The greeting of a new one: a form, unsigned."""
        message = {"url": hook["delivery_url"], "body": f"webhook_id={hook['id']}"}
        self.world.engine.spawn(self._deliver(message, None))

    def tell(self, topic: str, thing: Order | Product) -> None:
        """Something happened; the body is made when it is delivered."""
        if not self.deliveries.config["enabled"]:
            return
        for message, hook_id in self._messages(topic, thing):
            self.world.engine.spawn(self._deliver(message, hook_id))

    async def send_now(self, order: Order, mode: str) -> None:
        """A delivery on request. Raises Impossible when nobody listens."""
        messages = [message for message, _ in self._messages("order.updated", order)]
        if not messages:
            raise Impossible(f"No webhook is there, and no address: POST /_control/{CHANNEL}/pushes first.")
        for message in messages:
            if mode == "forged":
                await self.deliveries.send(message, tamper=_forge)
                continue
            await self.deliveries.send(message)
            if mode == "duplicate":
                await self.deliveries.send(message)
            if mode == "reordered":
                await self.deliveries.send({**message, "seconds_ago": _REORDERED_SECONDS})

    def _messages(self, topic: str, thing: Order | Product) -> list[tuple[Message, int | None]]:
        shop = self.world.shop(thing["shop_id"])
        event = {"topic": topic, "thing_id": thing["id"], "shop_id": shop["shop_id"]}
        found: list[tuple[Message, int | None]] = []
        for hook in self.of(shop):
            if hook["status"] == "active" and hook["topic"] == topic:
                found.append(({**event, "hook_id": hook["id"], "url": hook["delivery_url"]}, hook["id"]))
        url = self.deliveries.config["url"]
        is_covered = any(hook["delivery_url"] == url for hook in self.of(shop))
        if url and topic.startswith("order.") and not is_covered:
            found.append(({**event, "hook_id": 0, "url": url}, None))
        return found

    async def _deliver(self, message: Message, hook_id: int | None) -> None:
        is_taken = await self.deliveries.send(message)
        hook = self.rows.get(str(hook_id))
        if hook is None:
            return
        with self.world.engine.store.transaction():
            if is_taken:
                hook["failures"] = 0
            else:
                limit = self.world.switches(self.world.shop(hook["shop_id"])).webhook_failure_limit
                if hook["failures"] > limit:
                    hook["status"] = "disabled"
                hook["failures"] += 1
            self.world.engine.store.put(f"{CHANNEL}.webhook", str(hook["id"]), hook)

    def _render(self, message: Message) -> Letter:
        if "body" in message:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return Letter(message["url"], headers, message["body"].encode())
        shop = self.world.shop(message["shop_id"])
        hook = self.rows.get(str(message["hook_id"]))
        body = php_json(self._payload(shop, message))
        resource, _, event = message["topic"].partition(".")
        delivery = f"{message['hook_id']}{self.world.now()}".encode()
        headers = {
            "User-Agent": f"WooCommerce/{VERSION} Hookshot (WordPress/6.9)",
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self.world.site_url(shop)}/",
            "X-WC-Webhook-Topic": message["topic"],
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": sign_webhook(PUSH_SECRET if hook is None else hook["secret"], body),
            "X-WC-Webhook-ID": str(message["hook_id"]),
            "X-WC-Webhook-Delivery-ID": hashlib.sha256(delivery).hexdigest()[:32],
        }
        return Letter(message["url"], headers, body)

    def _payload(self, shop: Shop, message: Message) -> dict[str, Any]:
        thing_id, show = message["thing_id"], _SHOW[message["topic"].partition(".")[0]]
        thing = self.world.orders.get(thing_id) or self.world.products.get(thing_id)
        if thing is None or message["topic"].endswith(".deleted"):
            return {"id": thing_id}
        if "seconds_ago" in message:
            thing = {**thing, "modified": thing["modified"] - message["seconds_ago"]}
        return show(self.world, thing)


_SHOW: dict[str, Callable[[World, dict[str, Any]], dict[str, Any]]] = {"order": show_order, "product": show_product}


def show_hook(world: World, shop: Shop, hook: Hook) -> dict[str, Any]:
    """The secret is never shown."""
    resource, _, event = hook["topic"].partition(".")
    return {
        "id": hook["id"],
        "name": hook["name"],
        "status": hook["status"],
        "topic": hook["topic"],
        "resource": resource,
        "event": event,
        "hooks": [f"woocommerce_{hook['topic'].replace('.', '_')}"],
        "delivery_url": hook["delivery_url"],
        **dates(world.switches(shop), date_created=hook["created"], date_modified=hook["modified"]),
    }


def _forge(letter: Letter) -> Letter:
    return replace(letter, headers={**letter.headers, "X-WC-Webhook-Signature": "bm90IHNpZ25lZA=="})
