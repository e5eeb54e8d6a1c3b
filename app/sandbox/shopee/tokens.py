"""Codes, access tokens and refresh tokens with the lives Shopee gives them, on the sandbox clock."""

import secrets
from typing import Any

from app.sandbox.shopee.world import Shop, World

ACCESS_LIFE = 14_400
PREVIOUS_LIFE = 300
REFRESH_LIFE = 30 * 86_400
CODE_LIFE = 600
AUTHORIZATION_LIFE = 365 * 86_400
SELLER = "seller"
"""The chain of tokens that began with the seller's latest consent."""
PUBLISHED = "published"
"""The chain the control API publishes: reading it must not end the one an app was given."""


class Tokens:
    """Every shop has chains of tokens; a refresh moves its own chain only."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._codes: dict[str, dict[str, Any]] = world.engine.store.load("shopee.code")
        self._owners = {
            token: str(shop["shop_id"])
            for shop in world.shops.values()
            for chain in shop["chains"].values()
            for token in chain["access"]
        }

    def new_code(self, shop: Shop) -> str:
        """A single-use code, ten minutes."""
        code = secrets.token_hex(12)
        self._codes[code] = {"shop_id": shop["shop_id"], "until": self.world.now() + CODE_LIFE}
        self.world.engine.store.put("shopee.code", code, self._codes[code])
        return code

    def take_code(self, code: str, shop_id: int) -> Shop | None:
        """The shop of a good code, which is spent now. A code for another shop stays."""
        found = self._codes.get(code)
        if found is None or found["shop_id"] != shop_id:
            return None
        del self._codes[code]
        self.world.engine.store.remove("shopee.code", code)
        return self.world.shop(shop_id) if self.world.now() <= found["until"] else None

    def grant(self, shop: Shop) -> tuple[str, str]:
        """New tokens after a consent; those of an earlier one die."""
        shop["is_linked"], shop["auth_time"] = True, self.world.now()
        self._drop(shop, SELLER)
        return self._turn(shop, SELLER)

    def refresh(self, shop: Shop, refresh_token: str) -> tuple[str, str] | None:
        """A new pair for a good refresh token, which is spent now."""
        now = self.world.now()
        for name, chain in shop["chains"].items():
            if chain["refresh"] == refresh_token and chain["until"] > now and self.is_linked(shop):
                return self._turn(shop, name)
        return None

    def is_linked(self, shop: Shop) -> bool:
        """Whether the seller's consent still holds."""
        return bool(shop["is_linked"]) and self.world.now() < shop["auth_time"] + AUTHORIZATION_LIFE

    def owner(self, token: str) -> Shop | None:
        """The shop that an access token was made for, alive or not."""
        shop_id = self._owners.get(token)
        return None if shop_id is None else self.world.shop(shop_id)

    def is_alive(self, shop: Shop, token: str) -> bool:
        """Whether the access token opens its shop now."""
        now = self.world.engine.clock.now()
        return any(chain["access"].get(token, 0) > now for chain in shop["chains"].values())

    def revoke(self, shop: Shop) -> None:
        """The seller takes the consent back: every token dies."""
        for name in list(shop["chains"]):
            self._drop(shop, name)
        shop["is_linked"] = False
        self.world.save_shop(shop)

    def publish(self, shop: Shop) -> dict[str, str | None]:
        """Tokens that work, for the control API; none once the seller has taken the consent back."""
        if not self.is_linked(shop):
            return {"access_token": None, "refresh_token": None}
        chain = shop["chains"].get(PUBLISHED)
        now = self.world.now()
        if chain is None or max(chain["access"].values()) <= now + PREVIOUS_LIFE or chain["until"] <= now:
            self._turn(shop, PUBLISHED)
            chain = shop["chains"][PUBLISHED]
        newest = max(chain["access"], key=lambda token: int(chain["access"][token]))
        return {"access_token": newest, "refresh_token": chain["refresh"]}

    def _turn(self, shop: Shop, name: str) -> tuple[str, str]:
        """A new pair; the previous access token lives five more minutes."""
        now = self.world.now()
        before = shop["chains"].get(name, {"access": {}})["access"]
        access, refresh = secrets.token_hex(16), secrets.token_hex(16)
        alive = {token: min(until, now + PREVIOUS_LIFE) for token, until in before.items() if until > now}
        shop["chains"][name] = {
            "access": {**alive, access: now + ACCESS_LIFE},
            "refresh": refresh,
            "until": now + REFRESH_LIFE,
        }
        for token in before.keys() - alive.keys():
            self._owners.pop(token, None)
        self._owners[access] = str(shop["shop_id"])
        self.world.save_shop(shop)
        return access, refresh

    def _drop(self, shop: Shop, name: str) -> None:
        for token in shop["chains"].pop(name, {"access": {}})["access"]:
            self._owners.pop(token, None)
