"""The channel's own id of its last answer: what its support asks for, and what history keeps.

A flow opens `hearing` around a call and the step that writes what became of it. Clients note what they are answered.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_MOST = 64
_UNPRINTABLE = re.compile(r"[^!-~]")


@dataclass(slots=True)
class Heard:
    """The last answer's id inside one block; None when it has none, or when there was no answer."""

    reference: str | None = None


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextmanager
def hearing(reference: str | None = None) -> Iterator[Heard]:
    """Begin anew, or with an answer that was kept. Calls that run side by side need a block each."""
    heard = Heard(reference)
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def note(reference: object) -> str:
    """For clients, after every call: the id in the answer, None without one. Answers it as text for the log."""
    cleaned = _UNPRINTABLE.sub("", str(reference or ""))[:_MOST]
    heard = _heard.get()
    if heard is not None:
        heard.reference = cleaned or None
    return cleaned


def last_heard() -> str | None:
    """The reference of what is being written down now."""
    heard = _heard.get()
    return heard.reference if heard is not None else None
