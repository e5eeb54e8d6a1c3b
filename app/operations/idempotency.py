"""The Idempotency-Key of a request that answers 202."""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from app.core.context import caller
from app.operations.errors import IdempotencyKeyInvalid, IdempotencyKeyRequired


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Who asked, where, under which key, and a digest of what."""

    principal: str
    route: str
    key: str
    request_hash: bytes


async def read_idempotency(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1–255 printable characters, kept 7 days. A repeat answers with the same operation.",
        ),
    ] = None,
) -> Idempotency:
    """Raises IdempotencyKeyRequired or IdempotencyKeyInvalid."""
    if not key:
        raise IdempotencyKeyRequired(header="Idempotency-Key")
    if len(key) > 255 or not all(" " <= character <= "~" for character in key):
        raise IdempotencyKeyInvalid(header="Idempotency-Key")
    body = await request.body()
    canonical = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")) if body else ""
    who = caller()
    route = f"{request.method} {request.url.path}"
    digest = hashlib.sha256(f"{route}\n{canonical}".encode()).digest()
    return Idempotency(
        principal=f"{who.type}:{who.id.hex if who.id else ''}", route=route, key=key, request_hash=digest
    )


IdempotencyDep = Annotated[Idempotency, Depends(read_idempotency)]
