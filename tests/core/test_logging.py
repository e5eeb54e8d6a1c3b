"""Nothing secret reaches a log."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.logging import REDACTED, configure_logging, register_secret, scrub
from app.core.settings import Settings
from app.identity.keys import make_key
from tests.fixtures.application import Desk, client_of
from tests.fixtures.keys import KEY
from tests.fixtures.merchant import PASSWORD


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged from now on, as text."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logging(Settings.model_validate({"secret_keys": (KEY,)}))
    yield stream
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def _entries(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


async def test_a_request_is_logged_with_its_id_and_merchant_and_without_its_query(
    desk: Desk, lines: io.StringIO
) -> None:
    owner = await desk.client()
    answer = await owner.get("/v1/users", params={"cursor": "canary-in-the-query"})

    entry = next(entry for entry in _entries(lines) if entry["event"] == "request")
    assert entry["request_id"] == answer.headers["X-Request-Id"]
    assert entry["merchant_id"] == str(desk.merchant_id)
    assert entry["principal"] == f"user:{desk.owner_id.hex}"
    assert (entry["method"], entry["route"], entry["status"]) == ("GET", "/v1/users", 400)
    assert "canary" not in lines.getvalue()


async def test_the_next_request_does_not_inherit_the_caller(desk: Desk, lines: io.StringIO) -> None:
    await (await desk.client()).get("/v1/me")
    await client_of(desk.app).get("/v1/me")

    entries = [entry for entry in _entries(lines) if entry["event"] == "request"]
    assert "merchant_id" in entries[0] and "merchant_id" not in entries[1]


async def test_logins_leave_no_secret_behind(desk: Desk, lines: io.StringIO) -> None:
    tokens = await desk.log_in(desk.owner_email)
    await client_of(desk.app).post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await desk.with_token(tokens["access_token"]).get("/v1/me")

    text = lines.getvalue()
    assert text.count('"event": "request"') == 3
    for secret in (PASSWORD, tokens["access_token"], tokens["refresh_token"], desk.owner_email):
        assert secret not in text


async def test_a_bug_is_logged_with_its_trace_and_without_secrets(own_application: FastAPI, lines: io.StringIO) -> None:
    async def fail() -> None:
        url = f"https://partner.example/api?sign=canary-signature&secret={KEY.get_secret_value()}"
        raise RuntimeError(f"cannot read {url} as {KEY.get_secret_value()}")

    own_application.add_api_route("/v1/bug", fail)
    await client_of(own_application).get("/v1/bug")

    entry = next(entry for entry in _entries(lines) if entry["event"] == "unexpected_error")
    assert entry["level"] == "error"
    assert "RuntimeError: cannot read https://partner.example/api?…" in entry["exception"]
    assert "canary" not in lines.getvalue() and KEY.get_secret_value() not in lines.getvalue()


def test_secrets_hide_by_name_and_by_value(lines: io.StringIO) -> None:
    register_secret("a-registered-value-123")
    key, _ = make_key("sandbox")
    log = structlog.get_logger()

    log.info(
        "canary",
        access_token="canary-1",
        nested={"recipient": {"phone": "canary-2"}, "list": [{"partner_key": "canary-3"}]},
        note=f"value a-registered-value-123, key {key}, header Bearer canary-4",
        url="https://shop.example/path?sign=canary-5",
        dsn="postgresql://user:canary-6@db/x",
        secret=SecretStr("canary-7"),
        attempts=3,
        outcome="confirmed",
    )

    text = lines.getvalue()
    entry = _entries(lines)[0]
    assert "canary-" not in text and "a-registered" not in text and key not in text
    assert (entry["attempts"], entry["outcome"]) == (3, "confirmed")
    assert entry["url"] == "https://shop.example/path?…"
    assert entry["nested"]["list"] == [{"partner_key": REDACTED}]


def test_libraries_log_through_the_same_road(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("refused %s", "https://x.example/a?token=canary-8")
    logging.getLogger("httpx").info("HTTP Request: GET https://x.example/a?sign=canary-9")

    (entry,) = _entries(lines)
    assert entry["event"] == "refused https://x.example/a?…"
    assert (entry["level"], entry["logger"]) == ("warning", "some.library")


@pytest.mark.parametrize(
    "text",
    [
        "(asyncpg.UniqueViolationError) DETAIL: Key (phone)=(canary) already exists.",
        "[SQL: insert into x] [parameters: ('canary',)]",
        "Authorization: bearer canary",
        "rt_" + "A" * 20 + "canary" + "A" * 30,
    ],
)
def test_known_carriers_of_secrets_are_cut(text: str) -> None:
    assert "canary" not in scrub(text)
