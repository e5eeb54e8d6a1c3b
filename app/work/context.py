"""What every job gets, and what a job looks like."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from app.channels.contract import Connectors
from app.core.db import Database
from app.core.security import Keyring
from app.core.settings import Settings
from app.work.service import Claimed


@dataclass(frozen=True, slots=True)
class Context:
    """The process's connections and settings; built once at start-up."""

    settings: Settings
    database: Database
    keyring: Keyring
    connectors: Connectors
    http: httpx.AsyncClient


Handler = Callable[[Context, Claimed], Coroutine[Any, Any, timedelta | None]]
"""Does one piece of work and may be run twice. Answers when to run again, None when done. May raise ChannelError."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something the whole service does every so often; a missed run is caught up."""

    every_seconds: int
    run: Callable[[Context], Awaitable[None]]
