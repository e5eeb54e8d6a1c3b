"""Merchants who use the API of a process that has the tests' own channel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.channels.contract import Connectors
from app.core.settings import Settings
from app.identity.tokens import AccessClaims
from app.main import create_app
from tests.fixtures.merchant import register
from tests.shops.channel import CHANNEL, RotatingChannel
from tests.shops.desk import new_shop_id, state_in

BASE_URL = "http://127.0.0.1:25000"
RETURN_URL = f"{BASE_URL}/docs"


class Shopkeeper:
    """The owner of one merchant, logged in."""

    def __init__(self, http: httpx.AsyncClient, channel: RotatingChannel) -> None:
        self.http = http
        self.channel = channel

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a successful GET."""
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def begin(self) -> dict[str, Any]:
        """A pending connection."""
        answer = await self.http.post("/v1/connections", json={"channel": CHANNEL, "return_url": RETURN_URL})
        assert answer.status_code == 201, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def come_back(self, begun: dict[str, Any], *shop_ids: str) -> httpx.Response:
        """The seller agrees, the browser comes back."""
        callback = {"state": state_in(begun["authorization_url"]), "code": self.channel.consent(*shop_ids)}
        return await self.http.get(f"/v1/connections/callback/{CHANNEL}", params=callback)

    async def confirm(self, begun: dict[str, Any]) -> httpx.Response:
        """As whoever is logged in."""
        return await self.http.post(f"/v1/connections/{begun['id']}/confirm")

    async def connect(self, shop_id: str | None = None) -> dict[str, Any]:
        """A connected shop, as the list shows it."""
        shop_id = shop_id or new_shop_id()
        begun = await self.begin()
        await self.come_back(begun, shop_id)
        confirmed = await self.confirm(begun)
        assert confirmed.status_code == 200, confirmed.text
        return await self.shop(shop_id)

    async def shop(self, external_id: str) -> dict[str, Any]:
        """One of the merchant's shops."""
        [shop] = [one for one in (await self.get("/v1/shops"))["data"] if one["external_id"] == external_id]
        return dict(shop)


@asynccontextmanager
async def open_api(settings: Settings, connectors: Connectors) -> AsyncIterator[FastAPI]:
    """The API, started."""
    api = create_app(settings, connectors)
    async with LifespanManager(api):
        yield api


@asynccontextmanager
async def open_shopkeeper(api: FastAPI, channel: RotatingChannel) -> AsyncIterator[Shopkeeper]:
    """A new merchant."""
    merchant_id, owner_id, _ = await register(api.state.database)
    headers = {"Authorization": f"Bearer {api.state.access_tokens.issue(AccessClaims(merchant_id, owner_id, 1))}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=BASE_URL, headers=headers) as http:
        yield Shopkeeper(http, channel)
