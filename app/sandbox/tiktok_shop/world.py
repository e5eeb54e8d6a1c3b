"""Sellers, products and orders of the simulated TikTok Shop, kept in memory and on disk."""

from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.engine.core import Engine, UnknownThing

TIKTOK_SHOP, TOKOPEDIA = "tiktok_shop", "tokopedia"
CHANNELS = (TIKTOK_SHOP, TOKOPEDIA)
APP_KEY = "6aabbccdd1122"
APP_SECRET = "tts-sandbox-secret-0123456789abcdef"  # noqa: S105 (published by the control API)
SERVICE_ID = "7300000000000000001"

Shop = dict[str, Any]
Order = dict[str, Any]
Unit = dict[str, Any]


class Refused(Exception):
    """An answer other than success: a code, its text and an HTTP status."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def channel_of(order: Order) -> str:
    """Where its buyer bought."""
    return TOKOPEDIA if order["platform"] == "TOKOPEDIA" else TIKTOK_SHOP


class World:
    """Everything TikTok Shop knows, as plain JSON objects. Orders are found by id, by package and by cancellation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, Shop] = engine.store.load("tiktok.shop")
        self.orders: dict[str, Order] = engine.store.load("tiktok.order")
        self._of_shop: dict[str, dict[str, Order]] = {}
        self._of_package: dict[str, str] = {}
        self._of_cancellation: dict[str, str] = {}
        for order in self.orders.values():
            self._index(order)

    def now(self) -> int:
        """Sandbox time in whole seconds."""
        return self.engine.clock.seconds()

    def shop(self, shop_id: object) -> Shop:
        """Raises UnknownThing."""
        try:
            return self.shops[str(shop_id)]
        except KeyError:
            raise UnknownThing(f"There is no shop {shop_id} at TikTok Shop.") from None

    def save_shop(self, shop: Shop) -> None:
        """Keep it."""
        self.shops[shop["id"]] = shop
        self.engine.store.put("tiktok.shop", shop["id"], shop)

    def order(self, number: str) -> Order:
        """Raises UnknownThing."""
        try:
            return self.orders[number]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at TikTok Shop.") from None

    def find(self, shop: Shop, number: object) -> Order | None:
        """The seller's order of this id."""
        order = self.orders.get(str(number))
        return order if order is not None and order["shop_id"] == shop["id"] else None

    def number_of_package(self, package_id: object) -> str | None:
        """The order a package belongs, or once belonged, to."""
        return self._of_package.get(str(package_id))

    def number_of_cancellation(self, cancel_id: object) -> str | None:
        """The order a cancellation is about."""
        return self._of_cancellation.get(str(cancel_id))

    def orders_of(self, shop: Shop) -> list[Order]:
        """All orders of a seller, as they were placed."""
        return list(self._of_shop.get(shop["id"], {}).values())

    def seen(self, order: Order) -> Order:
        """The order as reads show it now."""
        return staleness.seen(self.engine.clock, order)

    def save(self, order: Order) -> None:
        """Keep it; every change moves its update time, never backwards."""
        order["update_time"] = max(self.now(), order["update_time"])
        self._index(order)
        self.engine.store.put("tiktok.order", order["id"], order)

    def forget_orders(self) -> None:
        """A reset."""
        self.orders.clear()
        self._of_shop.clear()
        self._of_package.clear()
        self._of_cancellation.clear()
        self.engine.store.clear("tiktok.order")

    def move_stock(self, order: Order, sign: int) -> None:
        """One figure per SKU serves both platforms."""
        shop = self.shop(order["shop_id"])
        skus = {sku["id"]: sku for product in shop["products"] for sku in product["skus"]}
        for unit in order["units"]:
            skus[unit["sku_id"]]["quantity"] += sign
        self.save_shop(shop)

    def _index(self, order: Order) -> None:
        self.orders[order["id"]] = order
        self._of_shop.setdefault(order["shop_id"], {})[order["id"]] = order
        for package in order["packages"]:
            self._of_package[package["id"]] = order["id"]
        if order["request"]:
            self._of_cancellation[order["request"]["id"]] = order["id"]
