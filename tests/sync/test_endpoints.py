"""Imports, sync and pushes over HTTP."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.channels.contract import Connector
from app.dev.servers import EmbeddedServers
from app.main import create_app
from app.orders import ingesting
from app.shops.models import AccountRow, ShopRow
from app.work.context import Context
from tests.fixtures.application import Desk, client_of, found, settings_for
from tests.sync.market import CHANNEL, Market, order, sign
from tests.sync.scene import open_account

BASE = "http://127.0.0.1:26001"


@dataclass
class Api:
    """The application with the tests' channel, one merchant and its shop."""

    desk: Desk
    market: Market
    account: AccountRow
    shop: ShopRow
    http: httpx.AsyncClient

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """As the owner, with an Idempotency-Key."""
        return await self.http.post(path, json=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


@pytest.fixture(scope="module")
async def application(servers: EmbeddedServers, home: Path) -> AsyncIterator[FastAPI]:
    """Started once; each test brings its market."""
    app = create_app(settings_for(servers, home, port=26001), connectors={})
    async with LifespanManager(app):
        yield app


@pytest.fixture
async def api(application: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    market = Market()
    context: Context = application.state.context
    monkeypatch.setitem(cast(dict[str, Connector], context.connectors), CHANNEL, market)
    desk = await found(application)
    account, shop = await open_account(context, desk.merchant_id, f"shop-{uuid.uuid4().hex[:12]}")
    async with await desk.client() as http:
        yield Api(desk, market, account, shop, http)


def pointers(answer: httpx.Response) -> list[str]:
    return [error.get("pointer", "") for error in answer.json()["errors"]]


async def test_an_import_is_accepted_once_per_key(api: Api) -> None:
    body = {"shop_ids": [f"shp_{api.shop.id.hex}"], "from": "2026-11-01"}

    first = await api.post("/v1/imports", body, key="k")
    second = await api.post("/v1/imports", body, key="k")
    other = await api.post("/v1/imports", {"channel": CHANNEL}, key="k")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json()["kind"] == "import"
    assert first.json()["result"]["import"] == {"found": 0, "new": 0, "updated": 0, "unchanged": 0, "failed": 0}
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_failed"),
        ({"channel": CHANNEL, "until": "2026-11-01"}, 422, "validation_failed"),
        ({"channel": CHANNEL, "from": "2026-11-02", "to": "2026-11-01"}, 422, "invalid_range"),
        ({"channel": CHANNEL, "from": "2026-01-01", "to": "2026-11-01"}, 422, "invalid_range"),
        ({"channel": CHANNEL, "from": "yesterday"}, 422, "validation_failed"),
        ({"channel": CHANNEL, "order_numbers": ["A\u0000"]}, 422, "validation_failed"),
        ({"channel": "nowhere"}, 422, "validation_failed"),
        ({"shop_ids": ["shp_nonsense"]}, 422, "validation_failed"),
        ({"shop_ids": [f"shp_{'0' * 32}"]}, 422, "validation_failed"),
    ],
)
async def test_a_wrong_wish_is_refused_where_it_is(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    answer = await api.post("/v1/imports", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"]


async def test_another_merchant_s_shop_is_as_unknown_as_none(api: Api) -> None:
    stranger = await found(api.desk.app)
    async with await stranger.client() as http:
        answer = await http.post(
            "/v1/imports", json={"shop_ids": [f"shp_{api.shop.id.hex}"]}, headers={"Idempotency-Key": "k"}
        )

    assert (answer.status_code, pointers(answer)) == (422, ["/shop_ids/0"])


async def test_an_import_needs_a_key_and_a_scope(api: Api) -> None:
    without = await api.http.post("/v1/imports", json={"channel": CHANNEL})
    async with await api.desk.client("packer") as packer:
        refused = await packer.post("/v1/imports", json={"channel": CHANNEL}, headers={"Idempotency-Key": "k"})

    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_required")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_sync_has_one_item(api: Api) -> None:
    imported = await api.desk.app.state.database.transact(_ingest, api.desk.merchant_id, api)

    answer = await api.post(f"/v1/orders/ord_{imported.hex}/sync")
    unknown = await api.post(f"/v1/orders/ord_{'0' * 32}/sync")

    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["counts"]["total"]) == ("sync", 1)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def _ingest(session: Any, merchant_id: uuid.UUID, api: Api) -> uuid.UUID:
    one = order(shop=api.account.external_id)
    result = await ingesting.ingest(session, merchant_id, api.account, [one], read_started_at=one.updated_at)
    return result.ids["A1"]


async def push(
    api: Api, raw: bytes, *, path: str = f"/v1/push/{CHANNEL}", signature: str | None = None
) -> httpx.Response:
    headers = {"Authorization": sign(BASE + path, raw) if signature is None else signature}
    async with client_of(api.desk.app) as marketplace:
        return await marketplace.post(path, content=raw, headers=headers)


def body(api: Api, **more: Any) -> bytes:
    return json.dumps(
        {"kind": "order", "shop": api.account.external_id, "order": "A1", "at": time.time(), **more}
    ).encode()


async def test_a_push_is_answered_with_nothing(api: Api) -> None:
    answer = await push(api, body(api))

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_signed_push_that_is_not_json_is_taken_too(api: Api) -> None:
    answer = await push(api, b"\xff\xfenot json")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_forged_push_is_refused(api: Api) -> None:
    answer = await push(api, body(api), signature="0" * 64)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_push_that_is_too_big_is_refused(api: Api) -> None:
    answer = await push(api, body(api, padding="x" * 262_144))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_an_unknown_channel_pushes_nowhere(api: Api) -> None:
    answer = await push(api, body(api), path="/v1/push/nowhere")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
