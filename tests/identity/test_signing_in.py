"""Passwords and refresh tokens."""

import asyncio
import uuid

import asyncpg
import httpx
import jwt
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.identity import service as identity
from app.identity.errors import EmailTaken, PasswordRefused
from app.identity.passwords import check_strength
from tests.fixtures.application import Desk, client_of
from tests.fixtures.merchant import PASSWORD


async def _try(http: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await http.post("/v1/auth/token", data={"grant_type": "password", "username": email, "password": password})


async def test_a_password_opens_a_session(desk: Desk, http: httpx.AsyncClient) -> None:
    answer = await _try(http, desk.owner_email.upper(), PASSWORD)

    tokens = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
    assert "users:write" in tokens["scope"].split()
    me = (await desk.with_token(tokens["access_token"]).get("/v1/me")).json()
    assert me["user"]["email"] == desk.owner_email
    assert me["merchant"]["id"] == f"mer_{desk.merchant_id.hex}"


async def test_unknown_user_and_wrong_password_look_the_same(desk: Desk, http: httpx.AsyncClient) -> None:
    unknown = await _try(http, f"nobody-{uuid.uuid4().hex}@example.id", PASSWORD)
    wrong = await _try(http, desk.owner_email, "not-the-password")

    answers = [answer.json() | {"request_id": ""} for answer in (unknown, wrong)]
    assert unknown.status_code == wrong.status_code == 401
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "invalid_credentials"


async def test_five_failures_close_the_door_for_that_address_only(desk: Desk, application: FastAPI) -> None:
    attacker, elsewhere = client_of(application, client="203.0.113.9"), client_of(application, client="203.0.113.10")
    failures = [await _try(attacker, desk.owner_email, f"guess-number-{n}") for n in range(5)]

    sixth = await _try(attacker, desk.owner_email, PASSWORD)
    owner = await _try(elsewhere, desk.owner_email, PASSWORD)

    assert [answer.status_code for answer in failures] == [401] * 5
    assert (sixth.status_code, sixth.json()["code"]) == (429, "rate_limited")
    assert sixth.headers["Retry-After"] == "900" and sixth.json()["retryable"] is True
    assert owner.status_code == 200


async def test_unknown_users_are_throttled_too(application: FastAPI) -> None:
    attacker, email = client_of(application, client="203.0.113.11"), f"nobody-{uuid.uuid4().hex}@example.id"

    codes = [(await _try(attacker, email, "some-password-1")).status_code for _ in range(6)]

    assert codes == [401] * 5 + [429]


async def test_guessing_side_by_side_gains_nothing(desk: Desk, application: FastAPI) -> None:
    attacker = client_of(application, client="203.0.113.12")
    guesses = [f"guess-number-{n}" for n in range(12)] + [PASSWORD]

    answers = await asyncio.gather(*(_try(attacker, desk.owner_email, guess) for guess in guesses))

    assert answers[-1].status_code == 429
    assert all(answer.status_code in (401, 429) for answer in answers)


async def test_success_does_not_count(desk: Desk, application: FastAPI) -> None:
    http = client_of(application, client="203.0.113.13")

    codes = [(await _try(http, desk.owner_email, PASSWORD)).status_code for _ in range(7)]

    assert codes == [200] * 7


async def test_logins_and_failures_are_on_record(desk: Desk, application: FastAPI, owner_url: str) -> None:
    http = client_of(application, client="203.0.113.14")
    await _try(http, desk.owner_email, "not-the-password")
    good = await _try(http, desk.owner_email, PASSWORD)

    connection = await asyncpg.connect(owner_url)
    rows = await connection.fetch(
        "select type, succeeded, actor_id, after::text, request_id from journal"
        " where merchant_id = $1 and kind = 'audit' and type like 'login.%' order by at",
        desk.merchant_id,
    )
    await connection.close()

    assert [(row["type"], row["succeeded"]) for row in rows] == [("login.failed", False), ("login.succeeded", True)]
    assert rows[1]["actor_id"] == desk.owner_id
    assert rows[1]["request_id"] == good.headers["X-Request-Id"]
    assert "203.0.113.14" in rows[0]["after"] and "password" not in rows[0]["after"]


async def _refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_token_rotates(desk: Desk, http: httpx.AsyncClient) -> None:
    first = await desk.log_in(desk.owner_email)

    second = (await _refresh(http, first["refresh_token"])).json()
    third = await _refresh(http, second["refresh_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert third.status_code == 200
    assert (await desk.with_token(third.json()["access_token"]).get("/v1/me")).status_code == 200


async def test_using_a_spent_refresh_token_ends_the_family(desk: Desk, http: httpx.AsyncClient) -> None:
    stolen = (await desk.log_in(desk.owner_email))["refresh_token"]
    other = (await desk.log_in(desk.owner_email))["refresh_token"]
    heir = (await _refresh(http, stolen)).json()["refresh_token"]

    reuse = await _refresh(http, stolen)
    after = await _refresh(http, heir)
    untouched = await _refresh(http, other)

    assert (reuse.status_code, reuse.json()["code"]) == (401, "invalid_refresh_token")
    assert (after.status_code, after.json()["code"]) == (401, "invalid_refresh_token")
    assert untouched.status_code == 200


async def test_of_two_uses_at_once_one_wins_and_the_family_ends(desk: Desk, http: httpx.AsyncClient) -> None:
    token = (await desk.log_in(desk.owner_email))["refresh_token"]

    answers = await asyncio.gather(*(_refresh(http, token) for _ in range(4)))

    winners = [answer for answer in answers if answer.status_code == 200]
    assert len(winners) == 1
    assert (await _refresh(http, winners[0].json()["refresh_token"])).status_code == 401


@pytest.mark.parametrize("text", ["rt_", "rt_AAAA", "x", "rt_" + "A" * 86, "rt_é"])
async def test_noise_is_no_refresh_token(http: httpx.AsyncClient, text: str) -> None:
    answer = await _refresh(http, text)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_an_old_session_is_over(desk: Desk, http: httpx.AsyncClient, owner_url: str) -> None:
    token = (await desk.log_in(desk.owner_email))["refresh_token"]
    connection = await asyncpg.connect(owner_url)
    await connection.execute("update sessions set expires_at = now() where merchant_id = $1", desk.merchant_id)
    await connection.close()

    answer = await _refresh(http, token)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


async def test_secrets_are_stored_hashed(desk: Desk, owner_url: str) -> None:
    tokens = await desk.log_in(desk.owner_email)
    connection = await asyncpg.connect(owner_url)
    stored = await connection.fetchval("select password_hash from users where id = $1", desk.owner_id)
    sessions = await connection.fetch("select * from sessions where user_id = $1", desk.owner_id)
    await connection.close()

    assert stored.startswith("$argon2id$") and PASSWORD not in stored
    assert tokens["refresh_token"] not in str(sessions)


@pytest.mark.parametrize(
    "password", ["Password1234", "qwertyuiop123", "aaaaaaaaaaaaaa", "123456789012", "Rahasia2026!!", "rina@example.id"]
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        check_strength(password, "rina@example.id")


@pytest.mark.parametrize("password", ["terbang-ke-awan-9", "kereta senja merah", "gado2 pakai telur"])
def test_a_good_password_is_taken(password: str) -> None:
    check_strength(password, "rina@example.id")


async def test_a_merchant_gets_a_password_when_none_is_chosen(database: Database, application: FastAPI) -> None:
    email = f"Owner-{uuid.uuid4().hex}@Example.id"
    merchant_id, _, password = await identity.create_merchant(database, "Toko Maju", email)

    async with client_of(application) as http:
        answer = await _try(http, email, password)

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["merchant"] == f"mer_{merchant_id.hex}"
    with pytest.raises(EmailTaken):
        await identity.create_merchant(database, "Toko Lain", email.lower())
