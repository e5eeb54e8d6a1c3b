"""The demo merchant: made once, connected to every channel through the real consent flow, its orders imported."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.db import Database
from app.dev.environment import LocalSecrets, load_secrets, save_secrets
from app.dev.http import Caller, CallFailed, approve_in_browser
from app.identity.errors import EmailTaken
from app.identity.service import create_merchant

EMAIL = "owner@demo.plugosync.example"
_FIRST_ORDERS: tuple[tuple[int, dict[str, Any], tuple[str, ...]], ...] = (
    (10, {"state": "paid"}, ()),
    (4, {"state": "paid", "lines": 3}, ()),
    (2, {"state": "unpaid"}, ()),
    (2, {"state": "paid"}, ("cancel_requested",)),
    (2, {"state": "paid"}, ("arranged", "collected", "in_transit")),
    (2, {"state": "paid"}, ("arranged", "collected", "in_transit", "delivered", "completed")),
)
"""What waits in a shop at its first import: how many, as they are placed, and what happened to them since."""


@dataclass(frozen=True)
class Demo:
    """What a person needs to begin; written to `demo.json`."""

    api_url: str
    docs_url: str
    sandbox_url: str
    email: str
    password: str
    api_key: str


def seed(*, home: Path, database_url: str, api_url: str, sandbox_url: str, say: Callable[[str], None]) -> Demo:
    """Make the demo merchant or find it again. Raises CallFailed."""
    kept = load_secrets(home)
    asyncio.run(_ensure_merchant(database_url, kept.demo_password))
    with Caller(api_url) as visitor:
        login = {"username": EMAIL, "password": kept.demo_password}
        token = visitor.post("/v1/auth/token", form=login)["access_token"]
    with Caller(api_url, token) as owner, Caller(sandbox_url) as sandbox:
        _connect_all(owner, sandbox, api_url, say)
        key = _ensure_key(owner, home, kept, api_url)
    return Demo(api_url, f"{api_url}/docs", sandbox_url, EMAIL, kept.demo_password, key)


async def _ensure_merchant(database_url: str, password: str) -> None:
    database = Database(database_url, application="seed")
    try:
        await create_merchant(database, "Toko Demo", EMAIL, password)
    except EmailTaken:
        return
    finally:
        await database.close()


def _connect_all(owner: Caller, sandbox: Caller, api_url: str, say: Callable[[str], None]) -> None:
    """Every shop the sandbox offers, once; pushes come from the moment there is somebody to read them."""
    channels = owner.get("/v1/channels")["data"]
    offered = {entry["channel"]: sandbox.get("/_control/credentials")[entry["channel"]]["shops"] for entry in channels}
    connected = {shop["channel"] for shop in owner.list_all("/v1/shops")}
    fresh = [entry for entry in channels if entry["channel"] not in connected]
    for channel in [entry["channel"] for entry in fresh]:
        sandbox.post(f"/_control/{channel}/pushes", {"enabled": False})
        for shop in offered[channel]:
            _place_orders(sandbox, channel, shop["shop_id"])
    for entry in fresh:
        for shop in offered[entry["channel"]]:
            _connect(owner, entry, shop, api_url, say)
    for channel in offered:
        sandbox.post(f"/_control/{channel}/pushes", {"enabled": True, "url": f"{api_url}/v1/push/{channel}"})
    begun = [owner.post("/v1/imports", {"channel": entry["channel"]}) for entry in fresh]
    for ended in map(owner.finish, begun):
        if ended["state"] == "failed":
            raise CallFailed(f"An import failed: {ended['counts']}")


def _connect(
    owner: Caller, entry: dict[str, Any], shop: dict[str, Any], api_url: str, say: Callable[[str], None]
) -> None:
    """Through the marketplace's consent page; one authorisation may have given shops of a second channel already."""
    channel, shop_id = entry["channel"], str(shop["shop_id"])
    if any((one["channel"], one["external_id"]) == (channel, shop_id) for one in owner.list_all("/v1/shops")):
        return
    say(f"Connecting {shop['name']} ({entry['title']}) and importing its orders ...")
    wish = {"channel": channel, "return_url": f"{api_url}/docs"}
    if entry["needs_store_url"]:
        wish["store_url"] = shop["base_url"]
    begun = owner.post("/v1/connections", wish)
    approve_in_browser(begun["authorization_url"], shop_id)
    owner.post(f"/v1/connections/{begun['id']}/confirm")


def _place_orders(sandbox: Caller, channel: str, shop_id: str) -> None:
    for count, wishes, steps in _FIRST_ORDERS:
        placed = sandbox.post(f"/_control/{channel}/orders", {"count": count, "shop_id": shop_id, **wishes})
        for number in placed["order_numbers"]:
            for step in steps:
                sandbox.post(f"/_control/{channel}/orders/{number}/advance", {"to": step})


def _ensure_key(owner: Caller, home: Path, kept: LocalSecrets, api_url: str) -> str:
    if kept.api_key:
        with Caller(api_url, kept.api_key) as known:
            try:
                known.get("/v1/me")
                return kept.api_key
            except CallFailed:
                pass  # the data was removed meanwhile: a key for the new merchant
    scopes = owner.get("/v1/me")["scopes"]
    key: str = owner.post("/v1/api-keys", {"name": "demo", "scopes": scopes})["key"]
    save_secrets(home, kept, api_key=key)
    return key
