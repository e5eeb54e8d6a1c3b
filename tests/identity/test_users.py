"""Who may be let in, changed and shut out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.fixtures.application import Desk
from tests.fixtures.merchant import PASSWORD


async def test_a_changed_role_takes_effect_at_once(desk: Desk) -> None:
    manager = await desk.hire("owner")
    token = (await desk.log_in(manager["email"]))["access_token"]
    theirs, owner = desk.with_token(token), await desk.client()
    before = await theirs.get("/v1/users")

    changed = await owner.patch(f"/v1/users/{manager['id']}", json={"role": "viewer"})
    after = await theirs.get("/v1/users")
    again = desk.with_token((await desk.log_in(manager["email"]))["access_token"])

    assert before.status_code == 200
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert (after.status_code, after.json()["code"]) == (401, "unauthenticated")
    assert (await again.get("/v1/users")).json()["code"] == "forbidden"


async def test_after_a_role_change_the_session_goes_on_with_the_new_role(desk: Desk, http: httpx.AsyncClient) -> None:
    user = await desk.hire("viewer")
    tokens = await desk.log_in(user["email"])
    await (await desk.client()).patch(f"/v1/users/{user['id']}", json={"role": "manager"})

    renewed = await http.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})

    assert renewed.status_code == 200
    assert (await desk.with_token(renewed.json()["access_token"]).get("/v1/me")).json()["role"] == "manager"


@pytest.mark.parametrize("how", ["disable", "delete", "password"])
async def test_shutting_out_ends_tokens_and_sessions_at_once(desk: Desk, http: httpx.AsyncClient, how: str) -> None:
    user = await desk.hire("packer")
    tokens = await desk.log_in(user["email"])
    owner, path = await desk.client(), f"/v1/users/{user['id']}"

    if how == "delete":
        assert (await owner.delete(path)).status_code == 204
    else:
        body = {"disabled": True} if how == "disable" else {"password": "another-good-one-77"}
        assert (await owner.patch(path, json=body)).status_code == 200

    assert (await desk.with_token(tokens["access_token"]).get("/v1/me")).status_code == 401
    renewed = await http.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert (renewed.status_code, renewed.json()["code"]) == (401, "invalid_refresh_token")
    login = await http.post("/v1/auth/token", data={"username": user["email"], "password": PASSWORD})
    assert (login.status_code, login.json()["code"]) == (401, "invalid_credentials")


async def test_an_enabled_user_may_log_in_again(desk: Desk) -> None:
    user, owner = await desk.hire("packer"), await desk.client()
    await owner.patch(f"/v1/users/{user['id']}", json={"disabled": True})

    enabled = await owner.patch(f"/v1/users/{user['id']}", json={"disabled": False})

    assert enabled.json()["disabled_at"] is None
    assert (await desk.log_in(user["email"]))["access_token"]


async def test_the_last_owner_stays(desk: Desk) -> None:
    owner, path = await desk.client(), f"/v1/users/usr_{desk.owner_id.hex}"

    refusals = [
        await owner.patch(path, json={"role": "manager"}),
        await owner.patch(path, json={"disabled": True}),
        await owner.delete(path),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refusals] == [(409, "last_owner")] * 3
    assert (await owner.get("/v1/me")).json()["role"] == "owner"


@asynccontextmanager
async def _holding(owner_url: str, query: str, *args: Any) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Rows locked by somebody else; gives a way to wait until so many others queue for them."""
    holder = await asyncpg.connect(owner_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute(query, *args)

    async def until_waiting(count: int) -> None:
        waiting = "select count(*) from pg_locks where not granted"
        async with asyncio.timeout(1.5):
            while await holder.fetchval(waiting) < count:
                await asyncio.sleep(0.01)

    try:
        yield until_waiting
    finally:
        await transaction.rollback()
        await holder.close()


async def test_two_owners_cannot_demote_each_other(desk: Desk, owner_url: str) -> None:
    second = await desk.hire("owner")
    theirs = desk.with_token((await desk.log_in(second["email"]))["access_token"])
    ours = await desk.client()

    query = "select 1 from users where merchant_id = $1 for update"
    async with _holding(owner_url, query, desk.merchant_id) as until_waiting:
        demotions = [
            asyncio.create_task(ours.patch(f"/v1/users/{second['id']}", json={"role": "viewer"})),
            asyncio.create_task(theirs.patch(f"/v1/users/usr_{desk.owner_id.hex}", json={"role": "viewer"})),
        ]
        await until_waiting(2)
    answers = await asyncio.gather(*demotions)

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_session_renewed_while_the_password_changes_ends_too(
    desk: Desk, http: httpx.AsyncClient, owner_url: str
) -> None:
    user, owner = await desk.hire("packer"), await desk.client()
    token = (await desk.log_in(user["email"]))["refresh_token"]

    query = "select 1 from sessions where merchant_id = $1 for update"
    async with _holding(owner_url, query, desk.merchant_id) as until_waiting:
        renewal = asyncio.create_task(http.post("/v1/auth/refresh", json={"refresh_token": token}))
        await until_waiting(1)
        body = {"password": "another-good-one-77"}
        change = asyncio.create_task(owner.patch(f"/v1/users/{user['id']}", json=body))
        await until_waiting(2)
    renewed, changed = await renewal, await change

    assert (renewed.status_code, changed.status_code) == (200, 200)
    after = await http.post("/v1/auth/refresh", json={"refresh_token": renewed.json()["refresh_token"]})
    assert (after.status_code, after.json()["code"]) == (401, "invalid_refresh_token")


async def test_an_email_address_logs_in_one_user_of_one_merchant(desk: Desk, other_desk: Desk) -> None:
    owner = await desk.client()
    body = {"email": other_desk.owner_email.upper(), "name": "Twin", "role": "viewer", "password": PASSWORD}

    answer = await owner.post("/v1/users", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert answer.json()["errors"][0]["pointer"] == "/email"
    assert len((await owner.get("/v1/users")).json()["data"]) == 1  # nothing was left behind


async def test_users_are_listed_page_by_page(desk: Desk) -> None:
    hired = [(await desk.hire("viewer"))["id"] for _ in range(3)]
    owner = await desk.client()

    first = (await owner.get("/v1/users", params={"limit": 2})).json()
    second = (await owner.get("/v1/users", params={"limit": 2, "cursor": first["page"]["next_cursor"]})).json()

    assert [user["id"] for user in first["data"] + second["data"]] == [f"usr_{desk.owner_id.hex}", *hired]
    assert second["page"]["next_cursor"] is None
    assert not any("password" in user for user in first["data"])


async def test_a_cursor_of_another_list_or_merchant_is_refused(desk: Desk, other_desk: Desk) -> None:
    await desk.hire("viewer")
    owner, stranger = await desk.client(), await other_desk.client()
    cursor = (await owner.get("/v1/users", params={"limit": 1})).json()["page"]["next_cursor"]

    refusals = [
        await owner.get("/v1/api-keys", params={"cursor": cursor}),
        await stranger.get("/v1/users", params={"cursor": cursor}),
        await owner.get("/v1/users", params={"cursor": cursor[:-4] + "AAAA"}),
        await owner.get("/v1/users", params={"cursor": "é"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refusals] == [(400, "cursor_mismatch")] * 4


async def test_another_merchants_ids_are_told_like_absent_ones(desk: Desk, other_desk: Desk) -> None:
    key = await other_desk.make_key("orders:read")
    owner = await desk.client()
    foreign = [f"/v1/users/usr_{other_desk.owner_id.hex}", f"/v1/api-keys/{key['id']}"]
    absent = ["/v1/users/usr_" + "0" * 32, "/v1/api-keys/key_" + "0" * 32]
    malformed = ["/v1/users/usr_1", "/v1/users/usr_'; drop", "/v1/users/" + "x" * 5000]

    answers = [await owner.delete(path) for path in foreign + absent + malformed]
    answers += [await owner.patch(path, json={"name": "Mine now"}) for path in (foreign[0], absent[0])]

    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "not_found"
    assert (await other_desk.with_token(key["key"]).get("/v1/me")).status_code == 200
    assert (await (await other_desk.client()).get("/v1/me")).json()["user"]["name"] != "Mine now"


BAD_USERS: list[tuple[dict[str, Any], str, str]] = [
    ({"password": "short"}, "/password", "too_short"),
    ({"email": "no-at-sign"}, "/email", "malformed"),
    ({"role": "god"}, "/role", "not_allowed"),
    ({"name": ""}, "/name", "too_short"),
    ({"name": "A\u0000B"}, "/name", "nul_character"),
    ({"name": 7}, "/name", "wrong_type"),
    ({"merchant_id": "mer_1"}, "/merchant_id", "unknown_field"),
    ({"token_version": 9}, "/token_version", "unknown_field"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), BAD_USERS)
async def test_a_bad_field_is_named(desk: Desk, change: dict[str, Any], pointer: str, code: str) -> None:
    owner = await desk.client()
    good = {"email": "rina@example.id", "name": "Rina", "role": "viewer", "password": PASSWORD}

    answer = await owner.post("/v1/users", json=good | change)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed")
    assert [(entry["pointer"], entry["code"]) for entry in problem["errors"]] == [(pointer, code)]


async def test_a_common_password_is_refused_on_creation_and_change(desk: Desk) -> None:
    owner, user = await desk.client(), await desk.hire("viewer")
    body = {"email": "new@example.id", "name": "New", "role": "viewer", "password": "Password1234"}

    answers = [
        await owner.post("/v1/users", json=body),
        await owner.patch(f"/v1/users/{user['id']}", json={"password": "Password1234"}),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(422, "password_refused")] * 2
    assert answers[0].json()["errors"][0]["pointer"] == "/password"


async def test_changes_of_users_and_keys_are_on_record(desk: Desk, owner_url: str) -> None:
    owner, user = await desk.client(), await desk.hire("viewer")
    await owner.patch(f"/v1/users/{user['id']}", json={"role": "packer", "password": "another-good-one-77"})
    await owner.patch(f"/v1/users/{user['id']}", json={"role": "packer"})  # changes nothing
    key = await desk.make_key("orders:read")
    await owner.delete(f"/v1/api-keys/{key['id']}")

    connection = await asyncpg.connect(owner_url)
    rows = await connection.fetch(
        "select type, before::text, after::text, actor_id from journal"
        " where merchant_id = $1 and actor_type = 'user' and type not like 'login.%' order by at, id",
        desk.merchant_id,
    )
    await connection.close()

    assert [row["type"] for row in rows] == ["user.created", "user.changed", "api_key.created", "api_key.revoked"]
    assert {row["actor_id"] for row in rows} == {desk.owner_id}
    assert '"viewer"' in rows[1]["before"] and '"packer"' in rows[1]["after"]
    assert "another-good-one-77" not in str(rows)
