"""TikTok Shop and Tokopedia behind the sandbox's control API."""

from datetime import UTC, datetime
from typing import Any

from starlette.routing import Route

from app.sandbox.engine.core import Engine, Impossible, UnknownThing
from app.sandbox.engine.tokens import Tokens
from app.sandbox.tiktok_shop.api import Api
from app.sandbox.tiktok_shop.cancellations import Cancellations
from app.sandbox.tiktok_shop.demo import open_demo_shops
from app.sandbox.tiktok_shop.generator import new_order, new_shop
from app.sandbox.tiktok_shop.lifecycle import SHIPPABLE, Lifecycle, state_of
from app.sandbox.tiktok_shop.oauth import ACCESS_LIFE, REFRESH_LIFE, OAuth
from app.sandbox.tiktok_shop.orders import Orders
from app.sandbox.tiktok_shop.packages import Packages
from app.sandbox.tiktok_shop.products import Products
from app.sandbox.tiktok_shop.pushes import Pushes
from app.sandbox.tiktok_shop.world import (
    APP_KEY,
    APP_SECRET,
    CHANNELS,
    SERVICE_ID,
    Order,
    Shop,
    World,
    channel_of,
)

_PACKAGE_STATES = {"TO_FULFILL": "paid", "PROCESSING": "arranged", "CANCELLED": "cancelled"}


class TikTokShop:
    """One API and one seller, two channels: every order belongs to the platform where its buyer bought."""

    channels = CHANNELS
    port_offset = 3

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine)
        self.tokens = Tokens(engine, "tiktok", access_life=ACCESS_LIFE, refresh_life=REFRESH_LIFE)
        self.pushes = Pushes(self.world)
        self.lifecycle = Lifecycle(self.world, self.pushes)
        oauth = OAuth(self.world, self.tokens, self.pushes)
        packages = Packages(self.world, self.lifecycle, lambda: self.base)
        specs = {
            **oauth.specs,
            **Orders(self.world).specs,
            **packages.specs,
            **Cancellations(self.world, self.lifecycle).specs,
            **Products(self.world).specs,
        }
        pages = [
            Route("/open/authorize", oauth.consent_page, methods=["GET"]),
            Route("/files/{key}.pdf", packages.download, methods=["GET"]),
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
            "service_id": SERVICE_ID,
            "base_url": self.base,
            "auth_url": f"{self.base}/open/authorize",
            "push_secret": APP_SECRET,
            "shops": [self._describe(shop) for shop in self.world.shops.values()],
        }

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        return self._describe(new_shop(self.world, name))

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        return {"code": self.tokens.new_code(self.world.shop(shop_id)["id"])}

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        shop_id = wish.get("shop_id")
        shop = self.world.shop(shop_id) if shop_id is not None else next(iter(self.world.shops.values()))
        numbers = []
        for position in range(wish["count"]):
            order = new_order(self.world, shop, channel, {**wish, "position": position})
            self.world.save(order)
            if wish["state"] == "paid":
                self.lifecycle.pay(order)
            else:
                self.pushes.status(order)
            numbers.append(order["id"])
        return numbers

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        order = self._order(channel, number)
        state = state_of(order)
        packages = [
            {
                "package_number": package["id"],
                "state": _PACKAGE_STATES.get(package["status"], state),
                "tracking_number": package["tracking"] or None,
            }
            for package in order["packages"]
        ]
        return {
            "order_number": order["id"],
            "shop_id": order["shop_id"],
            "state": state,
            "cancellation": order["cancellation"],
            "packages": packages,
            "updated_at": datetime.fromtimestamp(order["update_time"], UTC).isoformat().replace("+00:00", "Z"),
        }

    def advance(self, channel: str, number: str, to: str) -> None:
        order = self._order(channel, number)
        if to == "edited":
            order["buyer"]["detail"] = f"{order['buyer']['detail']} (baru)"
            order["update_time"] = max(self.world.now(), order["update_time"] + 1)
            self.world.save(order)
            self.pushes.address(order)
        elif to == "cancel_requested":
            self.lifecycle.buyer_wants_out(order)
        elif to == "cancelled":
            self._cancel(order)
        else:
            self.lifecycle.walk(order, to)

    def _cancel(self, order: Order) -> None:
        if state_of(order) not in ("unpaid", "paid", "arranged"):
            raise Impossible(f"An order that is {state_of(order)} cannot be cancelled.")
        if order["cancellation"] == "requested":
            self.lifecycle.answer(order, is_agreed=True)
        else:
            self.lifecycle.cancel(order, initiator="BUYER", reason="Berubah pikiran")

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        await self.pushes.send_now(self._order(channel, number), mode)

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
            if order is not None:  # a reset may have taken it
                self._move_on(order, kind, args)

    def _move_on(self, order: Order, kind: str, args: dict[str, Any]) -> None:
        is_asked = order["cancellation"] == "requested"
        if kind == "remorse_over":
            self.lifecycle.release(order)
        elif kind == "unanswered" and is_asked and order["request"]["id"] == args["cancel_id"]:
            self.lifecycle.answer(order, is_agreed=True)
        elif kind == "overdue" and order["status"] in SHIPPABLE:
            # The platform's clock runs whatever a seller's own software calls the order.
            self._end(order, "Penjual terlambat mengirim")
        elif kind == "uncollected" and order["status"] == "AWAITING_COLLECTION":
            self._end(order, "Paket tidak diserahkan ke kurir")

    def _end(self, order: Order, reason: str) -> None:
        if order["cancellation"] == "requested":
            self.lifecycle.answer(order, is_agreed=True)
        else:
            self.lifecycle.cancel(order, initiator="SYSTEM", reason=reason)

    def reset(self) -> None:
        self.world.forget_orders()

    async def close(self) -> None:
        await self.pushes.deliveries.close()

    def _order(self, channel: str, number: str) -> Order:
        order = self.world.order(number)
        if channel_of(order) != channel:
            raise UnknownThing(f"Order {number} is one of {channel_of(order)}, not of {channel}.")
        return order

    def _describe(self, shop: Shop) -> dict[str, Any]:
        pair = self.tokens.publish(shop["id"])
        return {
            "shop_id": shop["id"],
            "name": shop["name"],
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "shop_cipher": shop["cipher"],
        }
