"""Shops, tokens, items and orders of the simulated Shopee, kept in memory and on disk."""

from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.engine.core import Engine, UnknownThing

PARTNER_ID = 2001887
PARTNER_KEY = "shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"
PUSH_KEY = "pushkey-0123456789abcdef0123456789abcdef"
CHANNEL = "shopee"

Shop = dict[str, Any]
Order = dict[str, Any]
Package = dict[str, Any]


class World:
    """Everything Shopee knows. Shops and orders are plain JSON objects, so that what is kept is what is served."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, Shop] = engine.store.load("shopee.shop")
        self.orders: dict[str, Order] = {}
        self._orders_of: dict[int, dict[str, Order]] = {}
        self._order_of_package: dict[str, str] = {}
        for order in engine.store.load("shopee.order").values():
            self._index(order)

    def now(self) -> int:
        """Sandbox time in whole seconds."""
        return self.engine.clock.seconds()

    def shop(self, shop_id: str | int) -> Shop:
        """Raises UnknownThing."""
        try:
            return self.shops[str(shop_id)]
        except KeyError:
            raise UnknownThing(f"There is no shop {shop_id} at Shopee.") from None

    def save_shop(self, shop: Shop) -> None:
        """Keep it."""
        self.shops[str(shop["shop_id"])] = shop
        self.engine.store.put("shopee.shop", str(shop["shop_id"]), shop)

    def order(self, number: str) -> Order:
        """Raises UnknownThing."""
        try:
            return self.orders[number]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at Shopee.") from None

    def find_order(self, shop: Shop, number: object) -> Order | None:
        """The shop's order of this number."""
        order = self.orders.get(number) if isinstance(number, str) else None
        return order if order is not None and order["shop_id"] == shop["shop_id"] else None

    def number_of(self, package_number: object) -> str | None:
        """The order a package belongs, or once belonged, to."""
        return self._order_of_package.get(package_number) if isinstance(package_number, str) else None

    def orders_of(self, shop: Shop) -> list[Order]:
        """All orders of a shop, as they were placed."""
        return list(self._orders_of.get(shop["shop_id"], {}).values())

    def save(self, order: Order, *, touch: bool = True) -> None:
        """Keep it; every change moves its update time, never backwards."""
        if touch:
            order["update_time"] = max(self.now(), order["update_time"])
        self._index(order)
        self.engine.store.put("shopee.order", order["order_sn"], order)

    def forget_orders(self) -> None:
        """A reset."""
        self.orders.clear()
        self._orders_of.clear()
        self._order_of_package.clear()
        self.engine.store.clear("shopee.order")

    def seen(self, order: Order) -> Order:
        """The order as reads show it now: the state before a write while a planned lag lasts."""
        return staleness.seen(self.engine.clock, order)

    def sell(self, order: Order) -> None:
        """Checkout takes the goods out of the seller's stock."""
        self._move_stock(order, -1)

    def give_back(self, order: Order) -> None:
        """A cancellation puts them back."""
        self._move_stock(order, 1)

    def _move_stock(self, order: Order, sign: int) -> None:
        shop = self.shop(order["shop_id"])
        models = {(item["item_id"], model["model_id"]): model for item in shop["items"] for model in item["models"]}
        for line in order["item_list"]:
            model = models[line["item_id"], line["model_id"]]
            model["stock"] += sign * line["model_quantity_purchased"]
            assert model["stock"] >= 0, "nobody sells what is not there"
        self.save_shop(shop)

    def _index(self, order: Order) -> None:
        number = order["order_sn"]
        self.orders[number] = order
        self._orders_of.setdefault(order["shop_id"], {})[number] = order
        for package in order["packages"]:
            self._order_of_package[package["package_number"]] = number
