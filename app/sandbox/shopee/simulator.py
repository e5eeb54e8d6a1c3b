"""Shopee behind the sandbox's control API."""

from typing import Any

from app.sandbox.engine.core import Engine
from app.sandbox.shopee import controls
from app.sandbox.shopee.api import Api
from app.sandbox.shopee.decisions import Decisions
from app.sandbox.shopee.demo import open_demo_shops, open_shop
from app.sandbox.shopee.documents import Documents
from app.sandbox.shopee.gate import Gate
from app.sandbox.shopee.generator import new_order
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.oauth import AGREE, OAuth
from app.sandbox.shopee.orders import Orders
from app.sandbox.shopee.packages import Packages
from app.sandbox.shopee.products import Products
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.shipping import Shipping
from app.sandbox.shopee.tokens import Tokens
from app.sandbox.shopee.tracking import Tracking
from app.sandbox.shopee.world import CHANNEL, PARTNER_ID, PARTNER_KEY, PUSH_KEY, Order, Shop, World


class Shopee:
    """One API, one channel. See `engine.core.Simulator` for what the methods promise."""

    channels = (CHANNEL,)
    port_offset = 1

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine)
        self.tokens = Tokens(self.world)
        self.pushes = Pushes(self.world)
        self.lifecycle = Lifecycle(self.world, self.pushes)
        oauth = OAuth(self.world, self.tokens, self.pushes)
        specs = {
            **oauth.specs,
            **Orders(self.world).specs,
            **Packages(self.world).specs,
            **Decisions(self.world, self.lifecycle).specs,
            **Shipping(self.world, self.lifecycle).specs,
            **Tracking(self.world).specs,
            **Documents(self.world).specs,
            **Products(self.world).specs,
            **self.pushes.specs,
        }
        self.api = Api(self.world, Gate(self.world, self.tokens), specs, oauth.pages, oauth.revoke)
        self.app = self.api.app

    def open_demo(self) -> None:
        if not self.world.shops:
            with self.engine.store.transaction():
                open_demo_shops(self.world, self.tokens, self.lifecycle)

    def credentials(self, channel: str) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.engine.port + self.port_offset}"
        return {
            "app_key": str(PARTNER_ID),
            "app_secret": PARTNER_KEY,
            "base_url": base,
            "auth_url": f"{base}{AGREE}",
            "push_secret": PUSH_KEY,
            "shops": [self._describe(shop) for shop in self.world.shops.values()],
        }

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        return self._describe(open_shop(self.world, self.tokens, name))

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        return {"code": self.tokens.new_code(self.world.shop(shop_id))}

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
                self.pushes.status(order)
            numbers.append(order["order_sn"])
        return numbers

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        return controls.describe(self.world.order(number))

    def advance(self, channel: str, number: str, to: str) -> None:
        controls.advance(self.lifecycle, self.world.order(number), to)

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        await self.pushes.send_now(self.world.order(number), mode)

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        self.pushes.configure(enabled=enabled, **({} if url is None else {"url": url}))

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        if kind == "late_call":
            self.api.late_call(**args)
        elif kind == "push":
            self.pushes.retry(**args)
        else:
            order = self.world.orders.get(args["order_sn"])
            if order is not None:  # a reset may have taken it
                self._move_on(order, kind, args)

    def reset(self) -> None:
        self.world.forget_orders()
        self.pushes.forget_lost()

    async def close(self) -> None:
        await self.pushes.close()

    def _move_on(self, order: Order, kind: str, args: dict[str, Any]) -> None:
        if kind == "cancel_unanswered":
            if order["order_status"] == "IN_CANCEL":
                self.lifecycle.answer_cancel(order, is_accepted=True)
            return
        package = next((one for one in order["packages"] if one["package_number"] == args["package_number"]), None)
        if package is None:  # split or unsplit meanwhile
            return
        if kind == "request_created":
            self.lifecycle.request_created(order, package)
        elif kind == "tracking_number":
            self.lifecycle.assign_number(order, package, args["given"])
        elif kind == "document":
            self.pushes.document(order, package, "READY")

    def _describe(self, shop: Shop) -> dict[str, Any]:
        return {"shop_id": str(shop["shop_id"]), "name": shop["name"], **self.tokens.publish(shop)}
