"""Shops, keys, products, orders and webhooks of the simulated stores, kept in memory and on disk."""

import secrets
from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.engine.core import Engine, UnknownThing
from app.sandbox.plugo_store.switches import Switches

CHANNEL = "plugo_store"
PORT_OFFSET = 4
PUSH_SECRET = "whsec_plugo_store_sandbox_0123456789"  # noqa: S105 (published by the control API)
"""Signs pushes to the address of the control API, which nobody registered with a secret of his own."""
VERSION = "10.4.2"

Shop = dict[str, Any]
Order = dict[str, Any]
Product = dict[str, Any]
Key = dict[str, Any]


class World:
    """Everything the stores know. All stores share one id space, so that an order number names one order."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, Shop] = engine.store.load(f"{CHANNEL}.shop")
        self.keys: dict[str, Key] = engine.store.load(f"{CHANNEL}.key")
        self.orders: dict[int, Order] = {}
        self.products: dict[int, Product] = {}
        self._numbers: dict[str, int] = {}
        self._orders_of: dict[str, dict[int, Order]] = {}
        self._products_of: dict[str, dict[int, Product]] = {}
        self._switches: dict[str, Switches] = {}
        for product in engine.store.load(f"{CHANNEL}.product").values():
            self._index_product(product)
        for order in engine.store.load(f"{CHANNEL}.order").values():
            self._index_order(order)

    def now(self) -> int:
        """Sandbox time in whole seconds."""
        return self.engine.clock.seconds()

    def next_id(self) -> int:
        """Orders, refunds, products and variations share one row of numbers."""
        return 700 + self.engine.store.next_number(f"{CHANNEL}.id")

    def site_url(self, shop: Shop) -> str:
        """The address a shop knows itself by."""
        return f"http://127.0.0.1:{self.engine.port + PORT_OFFSET}/{shop['shop_id']}"

    def shop(self, shop_id: object) -> Shop:
        """Raises UnknownThing."""
        try:
            return self.shops[str(shop_id)]
        except KeyError:
            raise UnknownThing(f"There is no store {shop_id} at PlugoStore.") from None

    def save_shop(self, shop: Shop) -> None:
        """Keep it."""
        self.shops[shop["shop_id"]] = shop
        self._switches.pop(shop["shop_id"], None)
        self.engine.store.put(f"{CHANNEL}.shop", shop["shop_id"], shop)

    def switches(self, shop: Shop) -> Switches:
        """How this store is set up."""
        found = self._switches.get(shop["shop_id"])
        if found is None:
            found = self._switches[shop["shop_id"]] = Switches.model_validate(shop["switches"])
        return found

    def new_key(self, shop: Shop, permissions: str, *, is_published: bool = False) -> tuple[str, Key]:
        """A consumer key with its secret."""
        name = f"ck_{secrets.token_hex(20)}"
        key = {
            "key_id": self.engine.store.next_number(f"{CHANNEL}.key"),
            "shop_id": shop["shop_id"],
            "secret": f"cs_{secrets.token_hex(20)}",
            "permissions": permissions,
            "is_published": is_published,
        }
        self.keys[name] = key
        self.engine.store.put(f"{CHANNEL}.key", name, key)
        return name, key

    def revoke_key(self, name: str) -> None:
        """The merchant deletes it."""
        self.keys.pop(name, None)
        self.engine.store.remove(f"{CHANNEL}.key", name)

    def published_key(self, shop: Shop) -> tuple[str, Key]:
        """The key the control API shows; a new one when the last was revoked."""
        for name, key in self.keys.items():
            if key["is_published"] and key["shop_id"] == shop["shop_id"]:
                return name, key
        return self.new_key(shop, "read_write", is_published=True)

    def order(self, number: str) -> Order:
        """By what the buyer sees; deleted ones too. Raises UnknownThing."""
        try:
            return self.orders[self._numbers[number]]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at PlugoStore.") from None

    def find_order(self, shop: Shop, order_id: int) -> Order | None:
        """The store's order of this id, unless it was deleted."""
        order = self._orders_of.get(shop["shop_id"], {}).get(order_id)
        return order if order is not None and not order["is_gone"] else None

    def seen(self, order: Order) -> Order:
        """As reads show it now."""
        return staleness.seen(self.engine.clock, order)

    def orders_of(self, shop: Shop) -> list[Order]:
        """All orders of a store as reads show them, as they were placed."""
        orders = self._orders_of.get(shop["shop_id"], {}).values()
        return [self.seen(order) for order in orders if not order["is_gone"]]

    def save_order(self, order: Order, *, touch: bool = True) -> None:
        """Keep it; a change moves the modification date, never backwards."""
        if touch:
            order["modified"] = max(self.now(), order["modified"])
        self._index_order(order)
        self.engine.store.put(f"{CHANNEL}.order", str(order["id"]), order)

    def find_product(self, shop: Shop, product_id: int) -> Product | None:
        """A product or a variation of the store."""
        return self._products_of.get(shop["shop_id"], {}).get(product_id)

    def products_of(self, shop: Shop, parent_id: int | None = 0) -> list[Product]:
        """Products, or the variations of one; with None both."""
        rows = self._products_of.get(shop["shop_id"], {}).values()
        return [one for one in rows if parent_id is None or one["parent_id"] == parent_id]

    def save_product(self, product: Product, *, touch: bool = True) -> None:
        """Keep it."""
        if touch:
            product["modified"] = max(self.now(), product["modified"])
        self._index_product(product)
        self.engine.store.put(f"{CHANNEL}.product", str(product["id"]), product)

    def forget_orders(self) -> None:
        """A reset."""
        self.orders.clear()
        self._numbers.clear()
        self._orders_of.clear()
        self.engine.store.clear(f"{CHANNEL}.order")

    def _index_order(self, order: Order) -> None:
        self.orders[order["id"]] = order
        self._numbers[order["number"]] = order["id"]
        self._orders_of.setdefault(order["shop_id"], {})[order["id"]] = order

    def _index_product(self, product: Product) -> None:
        self.products[product["id"]] = product
        self._products_of.setdefault(product["shop_id"], {})[product["id"]] = product


def meta_of(order: Order, key: str) -> Any:
    """The value of an order's meta key, None when absent."""
    return next((row["value"] for row in order["meta_data"] if row["key"] == key), None)


def set_meta(thing: dict[str, Any], key: str, value: Any) -> None:
    """Insert or replace by key, dropping doubles; None deletes."""
    rows = [row for row in thing["meta_data"] if row["key"] == key]
    thing["meta_data"] = [row for row in thing["meta_data"] if row["key"] != key or row is rows[0]]
    if value is None:
        thing["meta_data"] = [row for row in thing["meta_data"] if row["key"] != key]
    elif rows:
        rows[0]["value"] = value
    else:
        thing["meta_data"].append({"id": next_row(thing), "key": key, "value": value})


def next_row(thing: dict[str, Any]) -> int:
    """An id for a line, a meta row or a note: unique in the world, without a counter of its own."""
    thing["rows"] += 1
    return int(thing["id"]) * 1000 + int(thing["rows"])
