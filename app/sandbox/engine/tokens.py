"""Codes, access tokens and refresh tokens as OAuth marketplaces give them, with their lives on the sandbox clock."""

import secrets
from dataclasses import dataclass
from typing import Any

from app.sandbox.engine.core import Engine

SELLER = "seller"
"""The chain of tokens that began with the seller's latest consent."""
PUBLISHED = "published"
"""The chain the control API publishes: reading it must not end the one an app was given."""


@dataclass(frozen=True)
class Pair:
    """A credential and its ends, in seconds of the sandbox clock."""

    access: str
    refresh: str
    access_until: float
    refresh_until: float


class Tokens:
    """Every shop has two chains; a refresh moves its own chain only and spends the refresh token."""

    def __init__(
        self, engine: Engine, kind: str, *, access_life: int, refresh_life: int, code_life: int = 1800
    ) -> None:
        self._engine = engine
        self._kind = kind
        self._lives = (access_life, refresh_life, code_life)
        self._codes: dict[str, dict[str, Any]] = engine.store.load(f"{kind}.code")
        self._chains: dict[str, dict[str, Any]] = engine.store.load(f"{kind}.chain")

    def new_code(self, shop_id: str) -> str:
        """A single-use code."""
        code = f"0_{secrets.token_hex(12)}"
        self._codes[code] = {"shop_id": shop_id, "until": self._engine.clock.now() + self._lives[2]}
        self._engine.store.put(f"{self._kind}.code", code, self._codes[code])
        return code

    def take_code(self, code: str) -> str | None:
        """The shop of a good code, which is spent now."""
        found = self._codes.pop(code, None)
        self._engine.store.remove(f"{self._kind}.code", code)
        return str(found["shop_id"]) if found is not None and self._engine.clock.now() <= found["until"] else None

    def grant(self, shop_id: str) -> Pair:
        """New tokens after a consent; those of an earlier one die."""
        return self._turn(shop_id, SELLER)

    def publish(self, shop_id: str) -> Pair:
        """Tokens that work, for whoever reads the control API."""
        chain = self._chains.get(f"{shop_id}:{PUBLISHED}")
        if chain is None or chain["access_until"] <= self._engine.clock.now():
            return self._turn(shop_id, PUBLISHED)
        return _pair(chain)

    def refresh(self, refresh_token: str) -> tuple[str, Pair] | None:
        """The shop and a new pair for a good refresh token."""
        for chain in list(self._chains.values()):
            if chain["refresh"] == refresh_token and chain["refresh_until"] > self._engine.clock.now():
                ends = chain["refresh_until"]  # refreshing does not lengthen the consent
                return chain["shop_id"], self._turn(chain["shop_id"], chain["name"], refresh_until=ends)
        return None

    def owner_of(self, access_token: str) -> str | None:
        """The shop an access token opens now."""
        for chain in self._chains.values():
            if chain["access"] == access_token and chain["access_until"] > self._engine.clock.now():
                return str(chain["shop_id"])
        return None

    def revoke_access(self, access_token: str) -> None:
        """This access token is dead; its refresh token still works."""
        for name, chain in self._chains.items():
            if chain["access"] == access_token:
                chain["access_until"] = 0.0
                self._engine.store.put(f"{self._kind}.chain", name, chain)

    def _turn(self, shop_id: str, name: str, *, refresh_until: float | None = None) -> Pair:
        now = self._engine.clock.now()
        chain = {
            "shop_id": shop_id,
            "name": name,
            "access": secrets.token_hex(20),
            "refresh": secrets.token_hex(20),
            "access_until": now + self._lives[0],
            "refresh_until": refresh_until or now + self._lives[1],
        }
        self._chains[f"{shop_id}:{name}"] = chain
        self._engine.store.put(f"{self._kind}.chain", f"{shop_id}:{name}", chain)
        return _pair(chain)


def _pair(chain: dict[str, Any]) -> Pair:
    return Pair(chain["access"], chain["refresh"], chain["access_until"], chain["refresh_until"])
