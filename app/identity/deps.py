"""Who is calling, and may they: every guarded route asks with `needs(scope)`."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog
from fastapi import Request, Security
from fastapi.security import SecurityScopes

from app.core.context import Caller, caller, set_caller
from app.core.db import Database
from app.core.declared import check_declared
from app.core.errors import NotPermitted, Unauthenticated
from app.identity import repository
from app.identity.keys import parse_key
from app.identity.roles import ROLES, SCOPES
from app.identity.tokens import AccessTokens

_MAX_CREDENTIAL = 4_096
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Actor:
    """The user or API key behind a request."""

    merchant_id: UUID
    merchant_name: str
    type: Literal["user", "api_key"]
    id: UUID
    name: str
    role: str
    """The user's role; `api_key` for a key."""
    scopes: frozenset[str]

    @property
    def principal(self) -> str:
        """One word for the two kinds."""
        return f"{'user' if self.type == 'user' else 'key'}:{self.id.hex}"

    def can(self, scope: str) -> bool:
        """Whether the role or key includes the scope."""
        return scope in self.scopes


async def authenticate(request: Request, required: SecurityScopes) -> Actor:
    """The caller, bound for history and logs.

    Raises Unauthenticated, then NotPermitted, then what `check_declared` finds.
    """
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential or len(credential) > _MAX_CREDENTIAL:
        raise Unauthenticated()
    state = request.app.state
    if credential.startswith("pk_"):
        actor = await _find_key_actor(state.database, credential)
    else:
        actor = await _find_user_actor(state.database, state.access_tokens, credential)
    who = caller()
    set_caller(Caller(type=actor.type, id=actor.id, name=actor.name, request_id=who.request_id, language=who.language))
    structlog.contextvars.bind_contextvars(merchant_id=str(actor.merchant_id), principal=actor.principal)
    for scope in required.scopes:
        if scope not in actor.scopes:
            raise NotPermitted(scope=scope)
    await check_declared(request)
    return actor


async def _find_key_actor(database: Database, credential: str) -> Actor:
    key = parse_key(credential)
    if key is None:
        raise Unauthenticated()
    row = await database.fetch_globally("select * from find_api_key($1)", key.key_id)
    # An unknown id goes the same way as a wrong secret.
    fits = key.fits(row["secret_hash"] if row is not None else _NO_HASH)
    if row is None or not fits or not row["is_valid"]:
        raise Unauthenticated()
    if row["is_use_unrecorded"]:
        await database.transact(repository.touch_key, row["merchant_id"], row["id"])
    return Actor(
        merchant_id=UUID(int=row["merchant_id"].int),
        merchant_name=row["merchant_name"],
        type="api_key",
        id=UUID(int=row["id"].int),
        name=row["name"],
        role="api_key",
        scopes=frozenset(row["scopes"]),
    )


async def _find_user_actor(database: Database, tokens: AccessTokens, credential: str) -> Actor:
    claims = tokens.read(credential)
    row = await database.fetch_globally("select * from find_user($1, $2)", claims.merchant_id, claims.user_id)
    if row is None or row["is_disabled"] or row["token_version"] != claims.token_version:
        raise Unauthenticated()
    return Actor(
        merchant_id=claims.merchant_id,
        merchant_name=row["merchant_name"],
        type="user",
        id=claims.user_id,
        name=row["name"],
        role=row["role"],
        scopes=ROLES[row["role"]],
    )


def needs(scope: str) -> Any:
    """Marks an endpoint's `actor`: `actor: Annotated[Actor, needs("orders:read")]`."""
    if scope not in SCOPES:
        raise ValueError(f"There is no scope {scope}.")
    return Security(authenticate, scopes=[scope])


def needs_login() -> Any:
    """The same for routes that every user and key may use, such as `/v1/me`."""
    return Security(authenticate, scopes=[])
