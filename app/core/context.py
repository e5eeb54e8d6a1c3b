"""Who is acting, bound once at the edge and read where history and logs are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import structlog

Language = Literal["en", "id"]
ActorType = Literal["user", "api_key", "channel", "system"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, key or process on whose behalf the present code runs."""

    type: ActorType = "system"
    id: UUID | None = None
    name: str = "PlugoSync"
    request_id: str = ""
    language: Language = "en"


_caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039 (frozen)


def caller() -> Caller:
    """The present caller; the system itself when nobody was bound."""
    return _caller.get()


def set_caller(value: Caller) -> None:
    """Bind the caller for the rest of this task (the edge of a request)."""
    _caller.set(value)


@contextmanager
def acting_as(value: Caller, *, merchant_id: UUID | None = None) -> Iterator[None]:
    """Run a block on behalf of `value`; logs inside carry its request id and the merchant."""
    token = _caller.set(value)
    with structlog.contextvars.bound_contextvars(
        request_id=value.request_id, **({"merchant_id": str(merchant_id)} if merchant_id else {})
    ):
        try:
            yield
        finally:
            _caller.reset(token)
