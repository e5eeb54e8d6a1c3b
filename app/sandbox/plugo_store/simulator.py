"""PlugoStore behind the sandbox's control API."""

from datetime import UTC, datetime
from typing import Any

from app.sandbox.engine.core import Engine, Impossible
from app.sandbox.plugo_store.api import Api
from app.sandbox.plugo_store.consent import Consent
from app.sandbox.plugo_store.demo import open_demo_stores
from app.sandbox.plugo_store.diary import Diary
from app.sandbox.plugo_store.gate import Gate
from app.sandbox.plugo_store.generator import new_order, new_shop
from app.sandbox.plugo_store.hooks import Hooks
from app.sandbox.plugo_store.lifecycle import Lifecycle, cancellation_of, state_of
from app.sandbox.plugo_store.orders import Orders
from app.sandbox.plugo_store.products import Products
from app.sandbox.plugo_store.site import Site
from app.sandbox.plugo_store.webhooks import Webhooks
from app.sandbox.plugo_store.world import CHANNEL, PORT_OFFSET, PUSH_SECRET, Order, Shop, World, meta_of

_BEFORE_DISPATCH = ("unpaid", "paid", "arranged")


class PlugoStore:
    """Stores of merchants' own. See `engine.core.Simulator` for what the methods promise."""

    channels = (CHANNEL,)
    port_offset = PORT_OFFSET

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine)
        self.hooks = Hooks(self.world)
        self.lifecycle = Lifecycle(self.world, self.hooks)
        self._consent = Consent(self.world)
        specs = (
            *Site(self.world).specs,
            *Orders(self.world, self.lifecycle).specs,
            *Diary(self.world, self.lifecycle).specs,
            *Products(self.world, self.hooks).specs,
            *Webhooks(self.world, self.hooks).specs,
        )
        self.api = Api(self.world, Gate(self.world), self._consent, specs)
        self.app = self.api.app

    def open_demo(self) -> None:
        if not self.world.shops:
            with self.engine.store.transaction():
                open_demo_stores(self.world, self.lifecycle)

    def credentials(self, channel: str) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.engine.port + PORT_OFFSET}"
        return {
            "base_url": base,
            "push_secret": PUSH_SECRET,
            "shops": [self._describe(shop) for shop in self.world.shops.values()],
        }

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        return self._describe(new_shop(self.world, name))

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        """A store hands out keys, no code."""
        name, key = self.world.new_key(self.world.shop(shop_id), "read_write")
        return {"code": name, "consumer_key": name, "consumer_secret": key["secret"]}

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        shop_id = wish.get("shop_id")
        shop = self.world.shop(shop_id) if shop_id is not None else next(iter(self.world.shops.values()))
        numbers = []
        for position in range(wish["count"]):
            order = new_order(self.world, shop, {**wish, "position": position})
            self.world.save_order(order)
            self.hooks.tell("order.created", order)
            if wish["state"] == "paid":
                self.lifecycle.pay(order)
            numbers.append(order["number"])
        return numbers

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        order = self.world.order(number)
        state = "cancelled" if order["is_gone"] else state_of(order)
        return {
            "order_number": order["number"],
            "shop_id": order["shop_id"],
            "state": state,
            "cancellation": cancellation_of(order),
            "packages": [
                {
                    "package_number": str(order["id"]),
                    "state": state,
                    "tracking_number": meta_of(order, "plugosync_tracking_number"),
                }
            ],
            "updated_at": datetime.fromtimestamp(order["modified"], UTC).isoformat().replace("+00:00", "Z"),
        }

    def advance(self, channel: str, number: str, to: str) -> None:
        order = self.world.order(number)
        if to == "edited":
            self.lifecycle.edit(order)
        elif to == "cancel_requested":
            self._request_cancel(order)
        elif to == "cancelled":
            if state_of(order) not in _BEFORE_DISPATCH:
                raise Impossible(f"An order that is {state_of(order)} cannot be cancelled.")
            self.lifecycle.cancel(order)
        else:
            self.lifecycle.walk(order, to)

    def _request_cancel(self, order: Order) -> None:
        if state_of(order) not in _BEFORE_DISPATCH[1:] or cancellation_of(order) != "none":
            raise Impossible(f"A buyer cannot ask to cancel an order that is {state_of(order)}.")
        self.lifecycle.request_cancel(order)

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        await self.hooks.send_now(self.world.order(number), mode)

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        self.hooks.deliveries.configure(enabled=enabled, url=url)

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        if kind == "late_call":
            self.api.late_call(**args)

    def reset(self) -> None:
        self.world.forget_orders()

    async def close(self) -> None:
        await self.hooks.deliveries.close()
        await self._consent.close()

    def _describe(self, shop: Shop) -> dict[str, Any]:
        name, key = self.world.published_key(shop)
        return {
            "shop_id": shop["shop_id"],
            "name": shop["name"],
            "consumer_key": name,
            "consumer_secret": key["secret"],
            "base_url": self.world.site_url(shop),
        }
