"""Lazada behind the sandbox's control API."""

from datetime import UTC, datetime
from typing import Any

from starlette.routing import Route

from app.sandbox.engine.core import Engine, Impossible
from app.sandbox.engine.tokens import Tokens
from app.sandbox.lazada.api import Api
from app.sandbox.lazada.demo import open_demo_shops
from app.sandbox.lazada.generator import new_order, new_shop
from app.sandbox.lazada.lifecycle import CANCELLABLE, STATES, Lifecycle, live_items, state_of
from app.sandbox.lazada.oauth import ACCESS_LIFE, REFRESH_LIFE, OAuth
from app.sandbox.lazada.orders import Orders
from app.sandbox.lazada.packages import Packages
from app.sandbox.lazada.products import Products
from app.sandbox.lazada.pushes import Pushes
from app.sandbox.lazada.reverse import Reverse
from app.sandbox.lazada.world import APP_KEY, APP_SECRET, CHANNEL, Order, Shop, World

_AFTER_SHIPPING = {"shipped": "collected", "delivered": "delivered", "confirmed": "completed", "canceled": "cancelled"}


class Lazada:
    """One API, one channel. See `engine.core.Simulator` for what the methods promise."""

    channels = (CHANNEL,)
    port_offset = 2

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine)
        self.tokens = Tokens(engine, CHANNEL, access_life=ACCESS_LIFE, refresh_life=REFRESH_LIFE)
        self.pushes = Pushes(self.world)
        self.lifecycle = Lifecycle(self.world, self.pushes)
        oauth = OAuth(self.world, self.tokens)
        packages = Packages(self.world, self.lifecycle, lambda: self.base)
        specs = {
            **oauth.specs,
            **Orders(self.world).specs,
            **packages.specs,
            **Reverse(self.world, self.lifecycle).specs,
            **Products(self.world).specs,
        }
        pages = [
            Route("/oauth/authorize", oauth.consent_page, methods=["GET"]),
            Route("/oss/proxy/waybill/PDF/{key}.pdf", packages.download, methods=["GET"]),
        ]
        self.api = Api(self.world, self.tokens, specs, pages)
        self.app = self.api.app

    @property
    def base(self) -> str:
        """Where this marketplace is reached."""
        return f"http://127.0.0.1:{self.engine.port + self.port_offset}"

    def open_demo(self) -> None:
        if not self.world.shops:
            with self.engine.store.transaction():
                open_demo_shops(self.world, self.lifecycle)

    def credentials(self, channel: str) -> dict[str, Any]:
        return {
            "app_key": APP_KEY,
            "app_secret": APP_SECRET,
            "base_url": f"{self.base}/rest",
            "auth_url": f"{self.base}/oauth/authorize",
            "push_secret": APP_SECRET,
            "shops": [self._describe(shop) for shop in self.world.shops.values()],
        }

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        return self._describe(new_shop(self.world, name))

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        return {"code": self.tokens.new_code(self.world.shop(shop_id)["seller_id"])}

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        shop_id = wish.get("shop_id")
        shop = self.world.shop(shop_id) if shop_id is not None else next(iter(self.world.shops.values()))
        numbers = []
        for position in range(wish["count"]):
            order = new_order(self.world, shop, {**wish, "position": position})
            self.world.save(order)
            if wish["state"] == "paid":
                self.lifecycle.pay(order)
            else:
                self.pushes.status(order, order["items"][0])
            numbers.append(order["id"])
        return numbers

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        order = self.world.order(number)
        packages: dict[str, dict[str, Any]] = {}
        for item in order["items"]:
            if item["package_id"]:
                packages[item["package_id"]] = {
                    "package_number": item["package_id"],
                    "state": _package_state(order, item["status"]),
                    "tracking_number": item["tracking"] or None,
                }
        return {
            "order_number": order["id"],
            "shop_id": order["seller_id"],
            "state": state_of(order),
            "cancellation": order["cancellation"],
            "packages": list(packages.values()),
            "updated_at": datetime.fromtimestamp(order["updated"], UTC).isoformat().replace("+00:00", "Z"),
        }

    def advance(self, channel: str, number: str, to: str) -> None:
        order = self.world.order(number)
        if to == "edited":
            order["buyer"]["address1"] = f"{order['buyer']['address1']} (baru)"
            order["updated"] = max(self.world.now(), order["updated"] + 1)
            self.world.save(order)
            self.pushes.status(order, order["items"][0])
        elif to == "cancel_requested":
            self._request_cancel(order)
        elif to == "cancelled":
            self._cancel(order)
        else:
            self.lifecycle.walk(order, to)

    def _request_cancel(self, order: Order) -> None:
        if state_of(order) not in ("paid", "received", "arranged") or order["cancellation"] != "none":
            raise Impossible(f"A buyer cannot ask to cancel an order that is {state_of(order)}.")
        self.lifecycle.request_cancel(order)

    def _cancel(self, order: Order) -> None:
        items = [item for item in live_items(order) if item["status"] in ("unpaid", *CANCELLABLE)]
        if not items or len(items) < len(live_items(order)):
            raise Impossible(f"An order that is {state_of(order)} cannot be cancelled.")
        if order["cancellation"] == "requested":
            self.lifecycle.answer_cancel(order, is_agreed=True)
        else:
            self.lifecycle.cancel(order, items, reason="Berubah pikiran", initiator="buyer-cancel")

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        await self.pushes.send_now(self.world.order(number), mode)

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        self.pushes.deliveries.configure(enabled=enabled, url=url)

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        if kind == "push":
            self.pushes.deliveries.again(**args)
        elif kind == "late_call":
            if args["path"]:
                self.api.late_call(**args)
        else:
            order = self.world.orders.get(args["number"])
            is_open = order is not None and order["cancellation"] == "requested"
            if order is not None and is_open and order["request"]["id"] == args["reverse_id"]:
                self.lifecycle.answer_cancel(order, is_agreed=True)

    def reset(self) -> None:
        self.world.forget_orders()

    async def close(self) -> None:
        await self.pushes.deliveries.close()

    def _describe(self, shop: Shop) -> dict[str, Any]:
        pair = self.tokens.publish(shop["seller_id"])
        return {
            "shop_id": shop["seller_id"],
            "name": shop["name"],
            "access_token": pair.access,
            "refresh_token": pair.refresh,
        }


def _package_state(order: Order, status: str) -> str:
    if status in _AFTER_SHIPPING:
        is_moving = status == "shipped" and order["is_moving"]
        return "in_transit" if is_moving else _AFTER_SHIPPING[status]
    return {"packed": "received", "ready_to_ship": "arranged"}.get(status, STATES[1])
