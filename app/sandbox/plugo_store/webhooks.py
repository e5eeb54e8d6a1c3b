"""The calls about webhooks."""

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from app.sandbox.plugo_store import paging, params
from app.sandbox.plugo_store.answers import Refused, invalid_id, success
from app.sandbox.plugo_store.calls import EDITABLE, Spec, StoreCall
from app.sandbox.plugo_store.hooks import RESOURCES, Hook, Hooks, show_hook
from app.sandbox.plugo_store.world import CHANNEL, World

STATUSES = ("active", "paused", "disabled")
_ONE = r"webhooks/(\d{1,15})"
_KIND = "shop_webhook"
_WRITABLE = ("name", "status", "topic", "delivery_url", "secret")


class Webhooks:
    """Create, list, wake and delete."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        self.world = world
        self.hooks = hooks
        self.specs = (
            Spec(("GET",), "webhooks", "list_webhooks", self.list_hooks, "list"),
            Spec(("POST",), "webhooks", "create_webhook", self.create, "create"),
            Spec(("GET",), _ONE, "get_webhook", self.get_hook, "view"),
            Spec(EDITABLE, _ONE, "update_webhook", self.update, "edit"),
            Spec(("DELETE",), _ONE, "delete_webhook", self.delete, "delete"),
        )

    def list_hooks(self, call: StoreCall) -> Response:
        schema = {**paging.SCHEMA, "status": params.choice("all", *STATUSES)}
        asked = params.read(call.query, schema, {**paging.DEFAULTS, "status": "all"})
        rows = [hook for hook in self.hooks.of(call.shop) if asked["status"] in ("all", hook["status"])]
        if asked["order"] == "desc":
            rows.reverse()
        shown = [show_hook(self.world, call.shop, hook) for hook in paging.cut(call, rows, asked)]
        return paging.answer(self.world, call, shown, len(rows), asked)

    def create(self, call: StoreCall) -> Response:
        """Always active, whatever the body says. Without a secret the shop makes up one nobody knows."""
        topic, url = call.body.get("topic"), call.body.get("delivery_url")
        _check_topic(topic)
        _check_url(url)
        hook: Hook = {
            "id": 100 + self.world.engine.store.next_number(f"{CHANNEL}.webhook"),
            "shop_id": call.shop["shop_id"],
            "name": str(call.body.get("name") or "Webhook"),
            "status": "active",
            "topic": topic,
            "delivery_url": url,
            "secret": str(call.body.get("secret") or "made up by the shop"),
            "created": self.world.now(),
            "failures": 0,
        }
        self.hooks.save(hook)
        self.hooks.ping(hook)
        location = f"{self.world.site_url(call.shop)}/wp-json/wc/v3/webhooks/{hook['id']}"
        return success(show_hook(self.world, call.shop, hook), 201, Location=location)

    def get_hook(self, call: StoreCall) -> Response:
        return success(paging.choose(call, show_hook(self.world, call.shop, self._find(call, 400))))

    def update(self, call: StoreCall) -> Response:
        hook, body = self._find(call, 400), call.body
        if "status" in body and body["status"] not in STATUSES:
            raise Refused(400, "woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.")
        if "topic" in body:
            _check_topic(body["topic"])
        if "delivery_url" in body:
            _check_url(body["delivery_url"])
        hook |= {name: str(body[name]) for name in _WRITABLE if name in body}
        self.hooks.save(hook)
        return success(show_hook(self.world, call.shop, hook))

    def delete(self, call: StoreCall) -> Response:
        hook = self._find(call, 404)
        if not call.flag("force"):
            message = "Webhooks do not support trashing."
            raise Refused(501, "woocommerce_rest_trash_not_supported", message)
        self.hooks.remove(hook)
        return success(show_hook(self.world, call.shop, hook))

    def _find(self, call: StoreCall, status: int) -> Hook:
        hook = self.hooks.rows.get(str(call.target))
        if hook is None or hook["shop_id"] != call.shop["shop_id"]:
            raise invalid_id(_KIND, status)
        return hook


def _check_topic(topic: Any) -> None:
    resource, _, event = str(topic).partition(".")
    if event not in RESOURCES.get(resource, ()):
        message = "Webhook topic is required and must be valid."
        raise Refused(400, "woocommerce_rest_shop_webhook_invalid_topic", message)


def _check_url(url: Any) -> None:
    try:
        parts = urlsplit(str(url))
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise Refused(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message)
