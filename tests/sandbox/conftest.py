"""A sandbox of its own, so that these tests may kill and reset it, and a caller that signs by the book."""

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.dev.processes import find_free_row

ROOT = Path(__file__).parents[2]


class Sandbox:
    """The process, its control API, and signed calls to the simulated Shopee."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = find_free_row(5)
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "app.sandbox", "--home", str(self.home), "--port", str(self.port)]
        environment = {**os.environ, "PLUGOSYNC_SANDBOX_RATE_LIMIT": "off"}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/_control/clock", trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("the sandbox did not come up")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


class Caller:
    """Calls one shop's API as a third party would, with a signature of its own making."""

    def __init__(self, http: httpx.AsyncClient, credentials: dict[str, Any], shop: dict[str, Any]) -> None:
        self.http, self.credentials, self.shop = http, credentials, shop

    def query(self, path: str, **changes: Any) -> dict[str, Any]:
        """Common parameters, signed."""
        stamp = changes.pop("timestamp", int(time.time()))
        partner = self.credentials["app_key"]
        token, shop_id = self.shop["access_token"], self.shop["shop_id"]
        text = f"{partner}{path}{stamp}{token}{shop_id}"
        sign = hmac.new(self.credentials["app_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
        common = {"partner_id": partner, "timestamp": stamp, "sign": sign, "access_token": token, "shop_id": shop_id}
        return {name: value for name, value in {**common, **changes}.items() if value is not None}

    def public_query(self, path: str) -> dict[str, Any]:
        """Common parameters of a public API, signed."""
        stamp, partner = int(time.time()), self.credentials["app_key"]
        text = f"{partner}{path}{stamp}"
        sign = hmac.new(self.credentials["app_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"partner_id": partner, "timestamp": stamp, "sign": sign}

    async def get(self, path: str, _changes: dict[str, Any] | None = None, **query: Any) -> httpx.Response:
        """A GET with business parameters in the query."""
        return await self.http.get(path, params={**self.query(path, **(_changes or {})), **query})

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """A POST with business parameters in the body."""
        return await self.http.post(path, params=self.query(path), json=body)

    async def ship(self, number: str, **body: Any) -> httpx.Response:
        """`ship_order`, drop-off unless told otherwise."""
        return await self.post("/api/v2/logistics/ship_order", {"order_sn": number, **(body or {"dropoff": {}})})


class Control:
    """The control API, failing loudly."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(f"/_control/{path}", params=query)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def place(self, shop_id: str, count: int = 1, **wish: Any) -> list[str]:
        numbers: list[str] = (await self.post("shopee/orders", count=count, shop_id=shop_id, **wish))["order_numbers"]
        return numbers

    async def effects(self, operation: str, number: str) -> list[bool]:
        rows = (await self.get("ledger", operation=operation, order_number=number))["data"]
        return [row["effective"] for row in rows]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    started = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield started
    started.kill()


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=10) as http:
        await http.delete("/_control/faults")
        yield Control(http)


@pytest.fixture
async def caller(control: Control) -> AsyncIterator[Caller]:
    """A shop of its own."""
    shop = await control.post("shopee/shops", name="Toko Uji")
    credentials = (await control.get("credentials"))["shopee"]
    async with httpx.AsyncClient(base_url=credentials["base_url"], trust_env=False, timeout=0.7) as http:
        yield Caller(http, credentials, shop)
