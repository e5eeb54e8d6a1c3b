"""HTTP to channels: one pooled client, a deadline for the whole call, and what a broken call proves."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app.channels.errors import Malformed, Unavailable, Unknown

KEEPALIVE_SECONDS = 5.0
"""An idle connection that the other side closed looks exactly like a lost answer: keep none for long."""
ANSWER_MAX_BYTES = 20_000_000
RETRY_AFTER_MAX_SECONDS = 3600.0
"""No answer may silence an account for longer."""

# Both print whole URLs, and those carry tokens and signatures.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


def open_http(timeout_seconds: float) -> httpx.AsyncClient:
    """The pooled client all connectors share. Its read timeout is the deadline of a whole call."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout_seconds, connect=timeout_seconds / 2, pool=timeout_seconds / 2),
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=KEEPALIVE_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def at(self) -> datetime:
        """The channel's clock (`Date`), ours when it sends none."""
        try:
            moment = parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return datetime.now(UTC)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    @property
    def retry_after(self) -> float | None:
        """Seconds asked for by `Retry-After`, in either of its forms."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value), RETRY_AFTER_MAX_SECONDS)
        try:
            seconds = (parsedate_to_datetime(value) - self.at).total_seconds()
        except (ValueError, TypeError):
            return None
        return min(max(0.0, seconds), RETRY_AFTER_MAX_SECONDS)


class _Phase:
    """How far a call came, told by httpx's trace events."""

    def __init__(self) -> None:
        self.is_connecting = False
        self.is_sending = False

    async def __call__(self, event: str, info: object) -> None:
        if event.endswith("connect_tcp.started"):
            self.is_connecting = True
        elif event.endswith("send_request_headers.started"):
            self.is_sending = True

    def proves_nothing_sent(self, error: Exception) -> bool:
        """True only with evidence: refused while connecting or waiting for a connection."""
        if self.is_sending:
            return False
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return True
        return self.is_connecting


async def send(
    http: httpx.AsyncClient, request: httpx.Request, *, is_write: bool, max_bytes: int = ANSWER_MAX_BYTES
) -> HttpAnswer:
    """Send once, never follow a redirect, read the whole answer before the deadline.

    A broken read is Unavailable. A broken write is Unavailable only when nothing left this machine, else Unknown.
    """
    phase = _Phase()
    request.extensions["trace"] = phase
    try:
        # httpx's own timeout starts again with every byte; this one does not.
        async with asyncio.timeout(http.timeout.read):
            response = await http.send(request, stream=True)
            try:
                body = await _read(response, max_bytes)
            finally:
                await response.aclose()
    except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
        reason = f"{type(error).__name__} {error}".strip()
        if is_write and not phase.proves_nothing_sent(error):
            raise Unknown("no_answer", reason) from error
        raise Unavailable("no_answer", reason) from error
    if body is None:
        oversize = f"more than {max_bytes} bytes"
        raise Unknown("unreadable_answer", oversize) if is_write else Malformed("unreadable_answer", oversize)
    return HttpAnswer(response.status_code, response.headers, body)


async def _read(response: httpx.Response, max_bytes: int) -> bytes | None:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > max_bytes:
            return None
    return bytes(body)
