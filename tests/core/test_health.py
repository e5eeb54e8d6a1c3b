"""Health, readiness, figures, and the reference page."""

import asyncio
import re
import socket
from pathlib import Path

import asyncpg
import httpx
import pytest
import redis.asyncio as redis
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.core.db import Database
from app.core.ids import new_id
from app.core.migrations import head_revision
from app.core.settings import Settings
from app.dev.processes import find_free_port
from app.dev.servers import EmbeddedServers
from app.identity.tokens import AccessClaims
from app.main import create_app
from tests.fixtures.application import Desk, client_of, settings_for


@pytest.fixture
async def worker_was_seen(owner_url: str) -> None:
    """A worker that beats right now."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute("select beat($1)", new_id())
    await connection.close()


async def _readiness(http: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    answer = await http.get("/readyz")
    return answer.status_code, answer.json()


async def test_ready_when_everything_is_there(http: httpx.AsyncClient, worker_was_seen: None) -> None:
    status, body = await _readiness(http)

    everything = {"status": "ready", "postgres": "up", "migration": "current", "valkey": "up", "worker": "up"}
    assert (status, body) == (200, everything)


async def test_without_a_worker_it_serves_degraded(http: httpx.AsyncClient, owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    await connection.execute("update worker_heartbeats set beat_at = now() - interval '31 seconds'")
    await connection.close()

    status, body = await _readiness(http)

    assert (status, body["status"], body["worker"]) == (200, "degraded", "down")


async def test_without_valkey_it_serves_degraded(
    application: FastAPI, http: httpx.AsyncClient, worker_was_seen: None
) -> None:
    alive = application.state.redis
    application.state.redis = redis.Redis(host="127.0.0.1", port=find_free_port(), socket_connect_timeout=1)
    try:
        status, body = await _readiness(http)
    finally:
        application.state.redis = alive

    assert (status, body["status"], body["valkey"]) == (200, "degraded", "down")


async def test_without_postgres_it_is_not_ready_and_says_so_everywhere(
    application: FastAPI, http: httpx.AsyncClient
) -> None:
    alive = application.state.database
    application.state.database = Database(f"postgresql://plugosync_app:x@127.0.0.1:{find_free_port()}/plugosync")
    try:
        status, body = await _readiness(http)
        token = application.state.access_tokens.issue(AccessClaims(new_id(), new_id(), 1))
        guarded = await client_of(application, token=token).get("/v1/me")
        login = await http.post("/v1/auth/token", data={"username": "a@example.id", "password": "x"})
        alive_answer = await http.get("/healthz")
    finally:
        await application.state.database.close()
        application.state.database = alive

    assert (status, body["status"], body["postgres"], body["migration"]) == (503, "unready", "down", "unknown")
    for answer in (guarded, login):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "2"
    assert alive_answer.status_code == 200


async def test_with_tables_of_another_version_it_is_not_ready(application: FastAPI, http: httpx.AsyncClient) -> None:
    application.state.migration_level = "9999"
    try:
        status, body = await _readiness(http)
    finally:
        application.state.migration_level = head_revision()

    assert (status, body["status"], body["migration"]) == (503, "unready", "other")


async def test_figures_count_requests_by_route_and_name_no_merchant(desk: Desk, http: httpx.AsyncClient) -> None:
    owner = await desk.client()
    await owner.delete("/v1/users/usr_" + "0" * 32)
    await owner.get("/made-up-path-1")

    text = (await http.get("/metrics")).text

    one = 'plugosync_http_request_seconds_count{method="DELETE",route="/v1/users/{user_id}",status="404"} 1.0'
    assert one in text
    assert 'route="none",status="404"' in text and "made-up-path" not in text
    assert "plugosync_work_due" in text and "plugosync_pushes" in text
    assert desk.merchant_id.hex not in text.replace("-", "") and "Toko" not in text


async def test_figures_are_for_this_machine_only(application: FastAPI) -> None:
    outside = await client_of(application, client="203.0.113.7").get("/metrics")
    proxied = await client_of(application).get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})

    assert [(answer.status_code, answer.json()["code"]) for answer in (outside, proxied)] == [(404, "not_found")] * 2


async def test_figures_can_have_a_port_of_their_own(servers: EmbeddedServers, home: Path) -> None:
    port = find_free_port()
    app = create_app(settings_for(servers, home, metrics_port=port), connectors={})
    async with LifespanManager(app), httpx.AsyncClient(trust_env=False) as http:
        own = await http.get(f"http://127.0.0.1:{port}/metrics")
        shared = await client_of(app).get("/metrics")

    assert "plugosync_work_due" in own.text
    assert shared.status_code == 404
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0


async def test_the_reference_page_needs_nothing_from_outside(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assets = [await http.get(f"/{link}") for link in links if not link.startswith("data:")]

    assert len(assets) == 2 and all(answer.status_code == 200 and len(answer.content) > 100_000 for answer in assets)
    assert "http://" not in page.text and "https://" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self' 'sha256-" in policy
    assert (await http.get("/docs/assets/..%2f..%2fsecrets")).status_code == 404


async def test_a_role_that_sees_every_merchant_is_refused(servers: EmbeddedServers, home: Path) -> None:
    app = create_app(settings_for(servers, home, database_url=servers.migration_database_url), connectors={})

    with pytest.raises(Exception, match="plugosync_app"):
        async with LifespanManager(app):
            pass


async def test_a_missing_secret_stops_the_start_by_name(home: Path) -> None:
    app = create_app(Settings.model_validate({"home": home}), connectors={})

    with pytest.raises(ValueError, match="PLUGOSYNC_SECRET_KEYS"):
        async with LifespanManager(app):
            pass


async def test_two_hundred_callers_at_once_are_all_served(desk: Desk) -> None:
    owner = await desk.client()

    answers = await asyncio.gather(*(owner.get("/v1/me") for _ in range(200)))

    assert {answer.status_code for answer in answers} == {200}
