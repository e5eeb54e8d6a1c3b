"""Keyset cursors: opaque, signed, and bound to merchant, list, filter and sort."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from app.core.errors import CursorMismatch

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="Most entries on one page.")]
CursorText = Annotated[
    str | None, Query(max_length=2000, description="`page.next_cursor` of the page before; absent for the first page.")
]


class PageInfo(BaseModel):
    """Where the next page starts."""

    next_cursor: str | None
    limit: int


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    data: list[T]
    page: PageInfo


def binding_of(merchant_id: UUID, route: str, filters: object, sort: str = "") -> str:
    """A digest of everything a cursor must not be moved across."""
    text = json.dumps([str(merchant_id), route, filters, sort], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def encode_cursor(key: bytes, binding: str, values: Sequence[Any]) -> str:
    """A cursor that continues after the row with these sort values."""
    payload = json.dumps([binding, list(values)], separators=(",", ":"), default=str).encode()
    signature = hmac.new(key, payload, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(signature + payload).decode().rstrip("=")


def decode_cursor(key: bytes, binding: str, cursor: str) -> list[Any]:
    """The sort values inside. Raises CursorMismatch when forged or issued for something else."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except ValueError:
        raise CursorMismatch(parameter="cursor") from None
    signature, payload = raw[:16], raw[16:]
    if not hmac.compare_digest(signature, hmac.new(key, payload, hashlib.sha256).digest()[:16]):
        raise CursorMismatch(parameter="cursor")
    bound, values = json.loads(payload)
    if bound != binding:
        raise CursorMismatch(parameter="cursor")
    assert isinstance(values, list)
    return values


def id_after(key: bytes, binding: str, cursor: str | None) -> UUID | None:
    """The id a page of a list in id order begins after. Raises CursorMismatch."""
    return None if cursor is None else UUID(decode_cursor(key, binding, cursor)[0])


def page_by_id(key: bytes, binding: str, ids: Sequence[UUID], limit: int) -> PageInfo:
    """Where the next page of a list in id order begins, when `ids` has one more than fits."""
    more = len(ids) > limit
    return PageInfo(next_cursor=encode_cursor(key, binding, [str(ids[limit - 1])]) if more else None, limit=limit)
