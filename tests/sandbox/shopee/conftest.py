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

ROOT = Path(__file__).parents[3]


class Sandbox:
    """The process and where its control API is."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = find_free_row(6) + 1  # one before it, for a neighbour whose ports overlap
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {"PLUGOSYNC_SANDBOX_RATE_LIMIT": "off", **environment}
        self.start()

    def start(self) -> None:
        """Answers when it is ready."""
        command = [sys.executable, "-m", "app.sandbox", "--home", str(self.home), "--port", str(self.port)]
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Sandbox ready"), line

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self._bury()

    def stop(self) -> int:
        """SIGTERM. Answers the exit code."""
        self.process.terminate()
        return self._bury()

    def _bury(self) -> int:
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def open_http(url: str, *, read_seconds: float = 10) -> httpx.AsyncClient:
    """A client without certificates: reading them costs more than most of these tests."""
    return httpx.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=httpx.Timeout(10, read=read_seconds))


class Caller:
    """Calls one shop's API as a third party would, with a signature of its own making."""

    def __init__(self, http: httpx.AsyncClient, credentials: dict[str, Any], shop: dict[str, Any]) -> None:
        self.http, self.credentials, self.shop = http, credentials, shop

    def sign(self, *parts: object) -> str:
        """As the documentation describes it."""
        text = "".join(map(str, parts))
        return hmac.new(self.credentials["app_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()

    def query(self, path: str, *, at: int | None = None) -> dict[str, Any]:
        """Common parameters of a shop API, signed."""
        stamp, partner = int(time.time()) if at is None else at, self.credentials["app_key"]
        token, shop_id = self.shop["access_token"], self.shop["shop_id"]
        sign = self.sign(partner, path, stamp, token, shop_id)
        return {"partner_id": partner, "timestamp": stamp, "sign": sign, "access_token": token, "shop_id": shop_id}

    def public_query(self, path: str) -> dict[str, Any]:
        """Common parameters of a public API, signed."""
        stamp, partner = int(time.time()), self.credentials["app_key"]
        return {"partner_id": partner, "timestamp": stamp, "sign": self.sign(partner, path, stamp)}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """A GET with business parameters in the query."""
        path = f"/api/v2/{path}"
        return await self.http.get(path, params={**self.query(path), **query})

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """A POST with business parameters in the body."""
        path = f"/api/v2/{path}"
        return await self.http.post(path, params=self.query(path), json=body)

    async def read(self, path: str, **query: Any) -> Any:
        """`response` of a GET that works."""
        answer = (await self.get(path, **query)).json()
        assert answer["error"] == "", answer
        return answer["response"]

    async def error(self, path: str, **query: Any) -> str:
        """`error` of a GET."""
        error: str = (await self.get(path, **query)).json()["error"]
        return error

    async def write(self, path: str, **body: Any) -> Any:
        """`response` of a POST that works, None when there is none."""
        answer = (await self.post(path, body)).json()
        assert answer["error"] == "", answer
        return answer.get("response")

    async def refusal(self, path: str, **body: Any) -> str:
        """`error` of a POST."""
        error: str = (await self.post(path, body)).json()["error"]
        return error

    async def ship(self, number: str, **body: Any) -> httpx.Response:
        """`ship_order`, drop-off unless told otherwise."""
        return await self.post("logistics/ship_order", {"order_sn": number, **(body or {"dropoff": {}})})

    async def list_orders(self, **query: Any) -> Any:
        """`get_order_list` around the sandbox's today."""
        now = int(time.time()) + query.pop("ahead", 0)
        window = {"time_range_field": "update_time", "time_from": now - 86_400, "time_to": now + 86_400}
        return await self.read("order/get_order_list", **{"page_size": 100, **window, **query})

    async def refresh(self, refresh_token: str) -> dict[str, Any]:
        """`access_token/get`, whatever it answers."""
        path = "/api/v2/auth/access_token/get"
        ids = {"partner_id": int(self.credentials["app_key"]), "shop_id": int(self.shop["shop_id"])}
        body = {"refresh_token": refresh_token, **ids}
        answer: dict[str, Any] = (await self.http.post(path, params=self.public_query(path), json=body)).json()
        return answer

    async def exchange(self, code: str, **changes: Any) -> dict[str, Any]:
        """`token/get`, whatever it answers."""
        path = "/api/v2/auth/token/get"
        ids = {"partner_id": int(self.credentials["app_key"]), "shop_id": int(self.shop["shop_id"])}
        body = {"code": code, **ids, **changes}
        answer: dict[str, Any] = (await self.http.post(path, params=self.public_query(path), json=body)).json()
        return answer


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

    async def status(self, path: str, **body: Any) -> int:
        """Status of a POST that may be refused."""
        return (await self.http.post(f"/_control/{path}", json=body)).status_code

    async def place(self, shop: dict[str, Any], count: int = 1, **wish: Any) -> list[str]:
        body = {"count": count, "shop_id": shop["shop_id"], **wish}
        numbers: list[str] = (await self.post("shopee/orders", **body))["order_numbers"]
        return numbers

    async def truth(self, number: str) -> Any:
        return await self.get(f"shopee/orders/{number}")

    async def advance(self, number: str, to: str) -> Any:
        return await self.post(f"shopee/orders/{number}/advance", to=to)

    async def fault(self, mode: str, operation: str = "ship", **more: Any) -> None:
        await self.post("faults", channel="shopee", operation=operation, mode=mode, **more)

    async def pass_time(self, seconds: float) -> None:
        await self.post("clock", advance_seconds=seconds)

    async def ahead(self) -> int:
        """How far the sandbox clock is ahead of ours."""
        return int((await self.get("clock"))["offset_seconds"])

    async def effects(self, operation: str, number: str) -> list[bool]:
        rows = (await self.get("ledger", operation=operation, order_number=number))["data"]
        return [row["effective"] for row in rows]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    started = Sandbox(tmp_path_factory.mktemp("running") / "sandbox")
    yield started
    started.kill()


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    async with open_http(sandbox.url) as http:
        await http.delete("/_control/faults")
        yield Control(http)


@pytest.fixture
async def caller(control: Control) -> AsyncIterator[Caller]:
    """A shop of its own, and an app that waits for its answers."""
    shop = await control.post("shopee/shops", name="Toko Uji")
    credentials = (await control.get("credentials"))["shopee"]
    async with open_http(credentials["base_url"]) as http:
        yield Caller(http, credentials, shop)


@pytest.fixture
async def impatient(caller: Caller) -> AsyncIterator[Caller]:
    """The same shop, and an app that gives up soon: for answers that never come."""
    base = caller.credentials["base_url"]
    async with open_http(base, read_seconds=0.4) as http:
        yield Caller(http, caller.credentials, caller.shop)
