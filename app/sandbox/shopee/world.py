"""Shops, tokens, items and orders of the simulated Shopee, kept in memory and on disk."""

import copy
import hashlib
import random
import secrets
from typing import Any

from app.sandbox.engine.core import Engine, UnknownThing

PARTNER_ID = 2001887
PARTNER_KEY = "shpk4d6f636b4b6579466f7254657374734f6e6c793031323334353637383961"
PUSH_KEY = "pushkey-0123456789abcdef0123456789abcdef"
ACCESS_LIFE = 14_400
PREVIOUS_LIFE = 300
REFRESH_LIFE = 30 * 86_400
CODE_LIFE = 600
AUTHORIZATION_LIFE = 365 * 86_400

Order = dict[str, Any]
Package = dict[str, Any]


class World:
    """Everything Shopee knows. Orders are plain JSON objects, so that what is stored is what is served."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, dict[str, Any]] = engine.store.load("shopee.shop")
        self.orders: dict[str, Order] = engine.store.load("shopee.order")
        self.codes: dict[str, dict[str, Any]] = engine.store.load("shopee.code")
        self.push: dict[str, Any] = engine.store.load("shopee.push").get("config", {"enabled": True, "url": None})
        self.lost: list[dict[str, Any]] = []

    def now(self) -> int:
        """Sandbox time in whole seconds."""
        return self.engine.clock.seconds()

    # --- shops and tokens ---------------------------------------------------------------------------------------------

    def shop(self, shop_id: str | int) -> dict[str, Any]:
        """Raises UnknownThing."""
        try:
            return self.shops[str(shop_id)]
        except KeyError:
            raise UnknownThing(f"There is no shop {shop_id} at Shopee.") from None

    def save_shop(self, shop: dict[str, Any]) -> None:
        """Keep it."""
        self.shops[str(shop["shop_id"])] = shop
        self.engine.store.put("shopee.shop", str(shop["shop_id"]), shop)

    def grant(self, shop: dict[str, Any]) -> tuple[str, str]:
        """New tokens after a consent; older ones die."""
        shop["is_linked"] = True
        shop["auth_time"] = self.now()
        shop["access"], shop["refresh"] = {}, {}
        return self.rotate(shop)

    def rotate(self, shop: dict[str, Any]) -> tuple[str, str]:
        """A new pair; the previous access token lives five more minutes."""
        now = self.now()
        shop["access"] = {
            token: min(until, now + PREVIOUS_LIFE) for token, until in shop["access"].items() if until > now
        }
        access, refresh = secrets.token_hex(16), secrets.token_hex(16)
        shop["access"][access] = now + ACCESS_LIFE
        shop["refresh"] = {refresh: now + REFRESH_LIFE}
        self.save_shop(shop)
        return access, refresh

    def revoke(self, shop: dict[str, Any]) -> None:
        """The seller takes the consent back."""
        shop["access"], shop["refresh"], shop["is_linked"] = {}, {}, False
        self.save_shop(shop)

    def new_code(self, shop: dict[str, Any]) -> str:
        """A single-use code, ten minutes."""
        code = secrets.token_hex(12)
        self.codes[code] = {"shop_id": shop["shop_id"], "until": self.now() + CODE_LIFE}
        self.engine.store.put("shopee.code", code, self.codes[code])
        return code

    def take_code(self, code: str) -> dict[str, Any] | None:
        """The shop of a good code; it is spent now."""
        found = self.codes.pop(code, None)
        self.engine.store.put("shopee.code", code, {"shop_id": 0, "until": 0})
        if found is None or found["until"] < self.now():
            return None
        return self.shop(found["shop_id"])

    # --- orders -------------------------------------------------------------------------------------------------------

    def order(self, number: str) -> Order:
        """Raises UnknownThing."""
        try:
            return self.orders[number]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at Shopee.") from None

    def save(self, order: Order, *, touch: bool = True) -> None:
        """Keep it; every change moves its update time, never backwards."""
        if touch:
            order["update_time"] = max(self.now(), order["update_time"])
        self.orders[order["order_sn"]] = order
        self.engine.store.put("shopee.order", order["order_sn"], order)

    def seen(self, order: Order) -> Order:
        """The order as reads show it now: the state before a write while a planned lag lasts."""
        stale = order.get("stale")
        if stale is not None and self.engine.clock.now() < stale["until"]:
            return dict(stale["view"])
        return order

    def remember_for_stale_reads(self, order: Order, milliseconds: int) -> None:
        """Reads lag behind the write that follows."""
        view = copy.deepcopy({key: value for key, value in self.seen(order).items() if key != "stale"})
        order["stale"] = {"until": self.engine.clock.now() + milliseconds / 1000, "view": view}

    def orders_of(self, shop_id: int) -> list[Order]:
        """All orders of a shop."""
        return [order for order in self.orders.values() if order["shop_id"] == shop_id]

    def random_for(self, *parts: object) -> random.Random:
        """Chance that is the same for the same words."""
        seed = hashlib.sha256(repr((self.engine.seed, *parts)).encode()).digest()
        return random.Random(seed)  # noqa: S311 (a repeatable world, no secret)
