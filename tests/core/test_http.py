"""What may come in, and what every answer carries."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from app.core.http import BodyGuard, Edge, language_of
from app.core.metrics import Metrics
from app.dev.servers import EmbeddedServers
from app.main import create_app
from tests.fixtures.application import Desk, client_of, settings_for

JSON = {"Content-Type": "application/json"}

BROKEN: dict[str, bytes] = {
    "cut off": b'{"refresh_token": "x',
    "no JSON": b"refresh_token=x",
    "two documents": b"{}{}",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "NaN": b'{"refresh_token": NaN}',
    "infinity": b'{"refresh_token": -Infinity}',
    "too large a number": b'{"refresh_token": 1e999}',
    "an endless integer": b'{"refresh_token": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"refresh_token": "a", "refresh_token": "b"}',
    "a lone surrogate": b'{"refresh_token": "\\ud800"}',
    "a surrogate as key": b'{"\\ud800": 1}',
    "not UTF-8": b'{"refresh_token": "\xff"}',
    "UTF-16": '{"refresh_token": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"refresh_token": "x"}',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_json_is_refused(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.post("/v1/auth/refresh", content=BROKEN[name], headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    assert answer.headers["Content-Type"] == "application/problem+json"


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


EXCESSIVE: dict[str, tuple[Any, str, str]] = {
    "depth": ({"a": _nested(25)}, "/a" + "/0" * 19, "too_deep"),
    "array": ({"a": [0] * 1001}, "/a", "too_long"),
    "object": ({"a": {str(n): n for n in range(1001)}}, "/a", "too_long"),
    "text": ({"a": {"b/c": "x" * 4097}}, "/a/b~1c", "too_long"),
    "NUL": ({"a": ["ok", "a\0b"]}, "/a/1", "nul_character"),
    "NUL in a key": ({"a": {"\0": 1}}, "/a", "nul_character"),
    "integer": ({"a": 2**63}, "/a", "out_of_range"),
}


@pytest.mark.parametrize("name", EXCESSIVE)
async def test_json_out_of_limits_is_refused_with_the_place(http: httpx.AsyncClient, name: str) -> None:
    body, pointer, code = EXCESSIVE[name]

    answer = await http.post("/v1/auth/refresh", content=json.dumps(body).encode(), headers=JSON)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed")
    assert [(entry["pointer"], entry["code"]) for entry in problem["errors"]] == [(pointer, code)]


async def test_absurd_depth_is_refused_quietly(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/refresh", content=b'{"a":' + b"[" * 200_000, headers=JSON)

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("invalid_json", "validation_failed")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_body_must_say_that_it_is_json(http: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await http.post("/v1/auth/refresh", content=b'{"refresh_token": "x"}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
async def test_json_types_are_taken(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await http.post(
        "/v1/auth/refresh", content=b'{"refresh_token": "x"}', headers={"Content-Type": content_type}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_an_empty_body_is_a_missing_one(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/refresh")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed")
    assert problem["errors"] == [{"pointer": "", "code": "missing", "detail": "This is required."}]


@asynccontextmanager
async def _over_tcp(app: FastAPI) -> AsyncIterator[str]:
    """The application behind a real server."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, server_header=False, lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_ten_megabytes_are_refused_and_heard(servers: EmbeddedServers, home: Path) -> None:
    body = b'{"refresh_token": "' + b"x" * 10_000_000 + b'"}'

    async def trickle() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 500_000):
            yield body[start : start + 500_000]

    app = create_app(settings_for(servers, home), connectors={})
    async with _over_tcp(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        announced = await http.post("/v1/auth/refresh", content=body, headers=JSON)
        streamed = await http.post("/v1/auth/refresh", content=trickle(), headers=JSON)
        form = await http.post("/v1/auth/token", data={"username": "x" * 300_000, "password": "x"})
        alive = await http.get("/healthz")

    for answer in (announced, streamed, form):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
        assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    assert alive.json() == {"status": "alive"}
    assert "server" not in alive.headers


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    sent: list[Message] = []

    async def never_called(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("half a body must not reach the application")

    async def receive() -> Message:
        if not asking:
            asking.append(True)
            return {"type": "http.request", "body": b'{"a":', "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    asking: list[bool] = []
    guard = BodyGuard(never_called, json_max_bytes=1000, body_seconds=0.05)
    edge = Edge(guard, metrics=Metrics(), is_https=True)
    await edge(_scope("POST", "/v1/x", [(b"transfer-encoding", b"chunked")]), receive, send)

    assert sent[0]["status"] == 408
    headers = Headers(raw=sent[0]["headers"])
    assert headers["connection"] == "close"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert json.loads(sent[1]["body"])["code"] == "request_timeout"


async def test_pushes_come_through_untouched_and_bounded() -> None:
    seen: list[bytes] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = BodyGuard(application, json_max_bytes=10)
    transport = httpx.ASGITransport(Edge(guard, metrics=Metrics(), is_https=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        raw = b'{"a":1,  "a":NaN}' + b"\xff" * 100
        taken = await http.post("/v1/push/shopee", content=raw)
        refused = await http.post("/v1/push/shopee", content=b"x" * 262_145)

    assert taken.status_code == 200 and seen == [raw]
    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")


async def test_long_urls_and_headers_are_refused(http: httpx.AsyncClient) -> None:
    url = await http.get("/v1/me", params={"q": "x" * 9000})
    headers = await http.get("/v1/me", headers={"X-Long": "x" * 17_000})

    assert (url.status_code, url.json()["code"]) == (414, "url_too_long")
    assert (headers.status_code, headers.json()["code"]) == (431, "headers_too_large")


def _scope(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }


async def test_every_answer_has_an_id_and_safe_headers(desk: Desk, http: httpx.AsyncClient) -> None:
    owner = await desk.client()
    answers = [await owner.get("/v1/me"), await http.get("/v1/me"), await http.get("/nowhere"), await http.get("/docs")]

    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 4
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in answer.headers  # plain HTTP on loopback
    assert [answer.headers.get("Cache-Control") for answer in answers[:2]] == ["no-store", "no-store"]


async def test_a_sane_request_id_is_kept_and_a_strange_one_replaced(http: httpx.AsyncClient) -> None:
    kept = await http.get("/v1/me", headers={"X-Request-Id": "0194f0c1-trace.7"})
    strange = [
        await http.get("/v1/me", headers={"X-Request-Id": given})
        for given in ("x" * 65, "a b c d e f", "<script>", "short")
    ]

    assert kept.headers["X-Request-Id"] == kept.json()["request_id"] == "0194f0c1-trace.7"
    assert all(answer.headers["X-Request-Id"].startswith("req_") for answer in strange)


async def test_only_configured_origins_may_call_from_a_browser(servers: EmbeddedServers, home: Path) -> None:
    app = create_app(settings_for(servers, home, cors_origins=("https://desk.example",)), connectors={})
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}

    async with client_of(app) as http:
        ours = await http.options("/v1/orders", headers={"Origin": "https://desk.example", **ask})
        theirs = await http.options("/v1/orders", headers={"Origin": "https://evil.example", **ask})
        alive = await http.get("/healthz", headers={"Origin": "https://desk.example"})

    assert ours.headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Origin" not in theirs.headers
    assert "Access-Control-Allow-Credentials" not in ours.headers
    assert "X-Request-Id" in alive.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("id", "id"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("en-GB,id;q=0.5", "en"),
        ("de, id;q=0.3, en;q=0.2", "id"),
        ("fr", "en"),
        ("id;q=0", "en"),
        ("id;q=oops", "en"),
    ],
)
def test_the_better_liked_language_is_spoken(header: str, language: str) -> None:
    assert language_of(Headers({"accept-language": header})) == language
