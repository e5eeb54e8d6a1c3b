"""Sellers, products and orders of the simulated Lazada, kept in memory and on disk."""

from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.engine.core import Engine, UnknownThing

CHANNEL = "lazada"
APP_KEY = "123456"
APP_SECRET = "lzdsandboxsecret0123456789abcdef"  # noqa: S105 (published by the control API)
WIB_SECONDS = 7 * 3600

Shop = dict[str, Any]
Order = dict[str, Any]
Item = dict[str, Any]


class Refused(Exception):
    """An answer other than success: a gateway code with its text."""

    def __init__(self, code: str, message: str, kind: str = "ISV") -> None:
        super().__init__(message)
        self.code, self.message, self.kind = code, message, kind


class World:
    """Everything Lazada knows, as plain JSON objects. Orders are found by id, by package and by reverse order."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, Shop] = engine.store.load("lazada.shop")
        self.orders: dict[str, Order] = engine.store.load("lazada.order")
        self._of_shop: dict[str, dict[str, Order]] = {}
        self._of_package: dict[str, str] = {}
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
            raise UnknownThing(f"There is no seller {shop_id} at Lazada.") from None

    def save_shop(self, shop: Shop) -> None:
        """Keep it."""
        self.shops[shop["seller_id"]] = shop
        self.engine.store.put("lazada.shop", shop["seller_id"], shop)

    def order(self, number: str) -> Order:
        """Raises UnknownThing."""
        try:
            return self.orders[number]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at Lazada.") from None

    def find(self, shop: Shop, number: object) -> Order | None:
        """The seller's order of this id."""
        order = self.orders.get(str(number))
        return order if order is not None and order["seller_id"] == shop["seller_id"] else None

    def find_by_package(self, shop: Shop, package_id: object) -> Order | None:
        """The seller's order with this package."""
        return self.find(shop, self._of_package.get(str(package_id)))

    def number_of_package(self, package_id: object) -> str | None:
        """The order a package belongs, or once belonged, to."""
        return self._of_package.get(str(package_id))

    def find_by_reverse(self, shop: Shop, reverse_id: object) -> Order | None:
        """The seller's order with this cancellation request."""
        mine = self._of_shop.get(shop["seller_id"], {}).values()
        return next((one for one in mine if one["request"] and one["request"]["id"] == str(reverse_id)), None)

    def orders_of(self, shop: Shop) -> list[Order]:
        """All orders of a seller, as they were placed."""
        return list(self._of_shop.get(shop["seller_id"], {}).values())

    def seen(self, order: Order) -> Order:
        """The order as reads show it now."""
        return staleness.seen(self.engine.clock, order)

    def save(self, order: Order) -> None:
        """Keep it; every change moves its update time, never backwards."""
        order["updated"] = max(self.now(), order["updated"])
        self._index(order)
        self.engine.store.put("lazada.order", order["id"], order)

    def forget_orders(self) -> None:
        """A reset."""
        self.orders.clear()
        self._of_shop.clear()
        self._of_package.clear()
        self.engine.store.clear("lazada.order")

    def move_stock(self, order: Order, items: list[Item], sign: int) -> None:
        """Checkout takes goods out of the sellable stock, a cancellation puts them back."""
        shop = self.shop(order["seller_id"])
        skus = {sku["SkuId"]: sku for product in shop["products"] for sku in product["skus"]}
        for item in items:
            skus[item["sku_id"]]["sellable"] += sign
        self.save_shop(shop)

    def _index(self, order: Order) -> None:
        self.orders[order["id"]] = order
        self._of_shop.setdefault(order["seller_id"], {})[order["id"]] = order
        for item in order["items"]:
            if item["package_id"]:
                self._of_package[item["package_id"]] = order["id"]
