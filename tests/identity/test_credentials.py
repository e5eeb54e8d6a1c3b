"""Which tokens and keys open the door."""

import time
import zlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from app.core.security import Keyring
from app.identity.keys import make_key, parse_key
from app.identity.tokens import AUDIENCE, AccessClaims, AccessTokens
from tests.fixtures.application import Desk
from tests.fixtures.keys import KEY

_SIGNING_KEY = Keyring([KEY]).signing_keys[0]
Claims = dict[str, Any]


def _claims(desk: Desk) -> tuple[Claims, Claims]:
    """Header and claims of a token that works."""
    token = desk.app.state.access_tokens.issue(AccessClaims(desk.merchant_id, desk.owner_id, 1))
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def _forge(**changes: Any) -> Callable[[Claims, Claims], str]:
    """Signed with our key, but with other claims; None leaves one out."""

    def forge(header: Claims, claims: Claims) -> str:
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, _SIGNING_KEY, algorithm="EdDSA", headers=header)

    return forge


def _without_signature(header: Claims, claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"typ": "at+jwt", "kid": header["kid"]})


def _signed_with_the_public_key(header: Claims, claims: Claims) -> str:
    public = _SIGNING_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode(claims, public, algorithm="HS256", headers={"typ": "at+jwt", "kid": header["kid"]})


def _signed_by_a_stranger(header: Claims, claims: Claims) -> str:
    return jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=header)


def _of_another_type(header: Claims, claims: Claims) -> str:
    return jwt.encode(claims, _SIGNING_KEY, algorithm="EdDSA", headers=header | {"typ": "JWT"})


def _with_a_key_to_fetch(header: Claims, claims: Claims) -> str:
    stranger = Ed25519PrivateKey.generate()
    public = jwt.algorithms.OKPAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    more = {"jwk": public, "jku": "https://attacker.example/keys", "x5u": "https://attacker.example/cert"}
    return jwt.encode(claims, stranger, algorithm="EdDSA", headers=header | more)


_NOW = int(time.time())
FORGERIES: dict[str, Callable[[Claims, Claims], str]] = {
    "no signature": _without_signature,
    "HS256 with the public key": _signed_with_the_public_key,
    "a stranger's key": _signed_by_a_stranger,
    "a key to fetch": _with_a_key_to_fetch,
    "another type": _of_another_type,
    "expired": _forge(exp=_NOW - 60),
    "not yet valid": _forge(nbf=_NOW + 600),
    "another audience": _forge(aud="somebody-else"),
    "another issuer": _forge(iss="https://elsewhere.example"),
    "no subject": _forge(sub=None),
    "no id": _forge(jti=None),
    "no audience": _forge(aud=None),
    "no expiry": _forge(exp=None),
    "another user": _forge(sub=f"usr_{uuid4().hex}"),
    "another merchant": _forge(merchant=f"mer_{uuid4().hex}"),
    "malformed merchant": _forge(merchant="mer_'; drop"),
    "an earlier version": _forge(version=0),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_token_opens_nothing(desk: Desk, name: str) -> None:
    header, claims = _claims(desk)
    accepted = await desk.with_token(_forge()(dict(header), claims)).get("/v1/me")

    refused = await desk.with_token(FORGERIES[name](dict(header), claims)).get("/v1/me")

    assert accepted.status_code == 200  # the forger's tools work: only the forged part is at fault
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_says_who_for_whom_and_how_long(desk: Desk) -> None:
    token = (await desk.log_in(desk.owner_email))["access_token"]
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})

    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["aud"] == AUDIENCE
    assert claims["sub"] == f"usr_{desk.owner_id.hex}"
    assert claims.keys() >= {"iss", "nbf", "jti"}


def test_tokens_of_the_former_key_are_accepted_until_they_expire() -> None:
    former = Keyring([KEY])
    rotated = Keyring([type(KEY)("a-newer-key-for-tests-0123456789-abcdef"), KEY])
    claims = AccessClaims(uuid4(), uuid4(), 1)

    token = AccessTokens(former, issuer="http://api").issue(claims)

    assert AccessTokens(rotated, issuer="http://api").read(token) == claims


async def test_a_refresh_token_is_no_access_token(desk: Desk) -> None:
    tokens = await desk.log_in(desk.owner_email)

    answer = await desk.with_token(tokens["refresh_token"]).get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", f"Bearer {'x' * 5000}"])
async def test_anything_else_in_the_header_is_nobody(http: httpx.AsyncClient, value: str) -> None:
    answer = await http.get("/v1/me", headers={"Authorization": value})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_key_works_within_its_scopes(desk: Desk) -> None:
    key = await desk.make_key("operations:read")
    program = desk.with_token(key["key"])

    me = (await program.get("/v1/me")).json()
    allowed = await program.get("/v1/operations")
    refused = await program.get("/v1/users")

    assert me["api_key"]["id"] == key["id"] and me["user"] is None and me["role"] is None
    assert me["scopes"] == ["operations:read"]
    assert allowed.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_key_is_shown_once_and_stored_hashed(desk: Desk, owner_url: str) -> None:
    created = await desk.make_key("operations:read")
    prefix, env, key_id, secret, checksum = created["key"].split("_")

    owner = await desk.client()
    listed = (await owner.get("/v1/api-keys")).json()["data"]
    connection = await asyncpg.connect(owner_url)
    row = await connection.fetchrow("select * from api_keys where key_id = $1", key_id)
    await connection.close()

    assert (prefix, env, len(key_id), len(secret), len(checksum)) == ("pk", "sandbox", 8, 64, 8)
    assert [entry["key_id"] for entry in listed] == [key_id]
    assert "key" not in listed[0] and secret not in str(listed)
    assert secret not in str(dict(row)) and bytes.fromhex(secret) not in row["secret_hash"]


async def test_a_revoked_key_is_refused_at_once(desk: Desk) -> None:
    key = await desk.make_key("operations:read")
    program, owner = desk.with_token(key["key"]), await desk.client()
    before = await program.get("/v1/me")

    answers = [await owner.delete(f"/v1/api-keys/{key['id']}") for _ in range(2)]
    after = await program.get("/v1/me")

    assert before.status_code == 200
    assert [answer.status_code for answer in answers] == [204, 204]
    assert (after.status_code, after.json()["code"]) == (401, "unauthenticated")


async def test_an_expired_key_is_refused(desk: Desk, owner_url: str) -> None:
    key = await desk.make_key("operations:read", expires_at="2999-01-01T00:00:00Z")
    assert (await desk.with_token(key["key"]).get("/v1/me")).status_code == 200

    connection = await asyncpg.connect(owner_url)
    await connection.execute("update api_keys set expires_at = now() where key_id = $1", key["key_id"])
    await connection.close()
    answer = await desk.with_token(key["key"]).get("/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_key_cannot_be_born_expired_or_do_more_than_its_maker(desk: Desk) -> None:
    small = await desk.make_key("keys:write", "orders:read")
    owner, program = await desk.client(), desk.with_token(small["key"])

    past = await owner.post(
        "/v1/api-keys", json={"name": "x", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"}
    )
    greedy = await program.post("/v1/api-keys", json={"name": "x", "scopes": ["orders:read", "users:write"]})

    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "/expires_at")
    assert (greedy.status_code, greedy.json()["code"]) == (422, "scope_not_held")
    assert "users:write" in greedy.json()["detail"] and "orders:read" not in greedy.json()["detail"]


async def test_a_right_id_with_a_wrong_secret_is_refused(desk: Desk) -> None:
    key = await desk.make_key("operations:read")
    wrong, parsed = make_key("sandbox")
    swapped = wrong.replace(parsed.key_id, key["key_id"])

    refusals = [
        await desk.with_token(text).get("/v1/me")
        for text in (swapped, wrong, key["key"][:-1] + ("1" if key["key"].endswith("0") else "0"))
    ]

    assert parse_key(swapped) is None  # the checksum covers the id
    assert [answer.status_code for answer in refusals] == [401, 401, 401]


async def test_a_valid_checksum_does_not_replace_the_secret(desk: Desk) -> None:
    key = await desk.make_key("operations:read")
    body = f"pk_sandbox_{key['key_id']}_{'0' * 64}"
    forged = f"{body}_{zlib.crc32(body.encode()):08x}"

    answer = await desk.with_token(forged).get("/v1/me")

    assert parse_key(forged) is not None
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_last_use_is_recorded_once_a_minute(desk: Desk, owner_url: str) -> None:
    key = await desk.make_key("operations:read")
    program = desk.with_token(key["key"])
    connection = await asyncpg.connect(owner_url)

    async def last_used() -> Any:
        return await connection.fetchval("select last_used_at from api_keys where key_id = $1", key["key_id"])

    assert await last_used() is None
    await program.get("/v1/me")
    first = await last_used()
    await program.get("/v1/me")
    assert first is not None and await last_used() == first
    await connection.execute(
        "update api_keys set last_used_at = now() - interval '61 seconds' where key_id = $1", key["key_id"]
    )
    await program.get("/v1/me")
    assert await last_used() >= first
    await connection.close()


async def test_a_caller_is_known_after_one_round_trip(
    desk: Desk, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await desk.make_key("operations:read")
    owner, program = await desk.client(), desk.with_token(key["key"])
    await program.get("/v1/me")  # records the use
    database = application.state.database
    asked: list[str] = []
    original = asyncpg.Connection.fetchrow

    async def counting(self: Any, query: str, *args: Any, **more: Any) -> Any:
        asked.append(query)
        return await original(self, query, *args, **more)

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", counting)
    opened = database._engine.pool.checkedout()
    for client in (owner, program):
        await client.get("/v1/operations", params={"limit": 0})  # refused right after the caller is known

    assert asked == ["select * from find_user($1, $2)", "select * from find_api_key($1)"]
    assert database._engine.pool.checkedout() == opened == 0
