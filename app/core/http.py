"""The edge of the service as plain ASGI: request id, access log, headers, limits of what may come in.

BaseHTTPMiddleware is not used: it cancels the inner task when a client goes away.
"""

import asyncio
import re
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.context import Caller, Language, acting_as, caller
from app.core.errors import DomainError
from app.core.ids import new_id
from app.core.metrics import Metrics
from app.core.problems import answer, validation_failed
from app.core.strict_json import BodyOutOfLimits, check_json

log = structlog.get_logger()

MAX_URL_BYTES = 8_192
MAX_HEADER_BYTES = 16_384
MAX_RAW_BYTES = 262_144
BODY_SECONDS = 15.0
_MAX_DRAINED_BYTES = 33_554_432
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_QUIET = ("/healthz", "/readyz", "/metrics", "/docs")
_RAW = "/v1/push/"
_FORMS = ("/v1/auth/token", "/v1/connections/callback/")
_FILES = "/v1/products/import"
MAX_FILE_BYTES = 10_485_760


class UrlTooLong(DomainError):
    """URL over 8 kB."""

    status = 414
    code = "url_too_long"
    title = "URL too long"
    en = "The URL is longer than 8,192 bytes."
    id = "URL lebih panjang dari 8.192 byte."


class HeadersTooLarge(DomainError):
    """Headers over 16 kB."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    en = "The headers are larger than 16,384 bytes together."
    id = "Ukuran seluruh header melebihi 16.384 byte."


class PayloadTooLarge(DomainError):
    """A body over the limit."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"
    en = "The body is larger than {limit} bytes."
    id = "Isi permintaan melebihi {limit} byte."


class BodyTimeout(DomainError):
    """A body that does not arrive."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"
    en = "The body did not arrive within 15 seconds."
    id = "Isi permintaan tidak tiba dalam 15 detik."
    retryable = True


class UnsupportedMediaType(DomainError):
    """A body that is not JSON where JSON is expected."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    en = "Send the body as `Content-Type: application/json`."
    id = "Kirim isi permintaan sebagai `Content-Type: application/json`."


def language_of(headers: Headers) -> Language:
    """The better liked of the two languages we speak; English when neither is named."""
    best: tuple[float, Language] = (0.0, "en")
    for part in headers.get("accept-language", "").split(","):
        tag, _, quality = part.partition(";")
        primary = tag.strip().lower().split("-")[0]
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if primary in ("en", "id") and weight > best[0]:
            best = (weight, "id" if primary == "id" else "en")
    return best[1]


class Edge:
    """Outermost: names the request, logs and measures it, sets the headers of every answer, turns a bug into a 500."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, is_https: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _SANE_REQUEST_ID.fullmatch(given) else f"req_{new_id().hex}"
        with acting_as(Caller(request_id=request_id, language=language_of(headers))):
            try:
                await self._serve(scope, receive, send, request_id)
            finally:
                structlog.contextvars.unbind_contextvars("merchant_id", "principal")

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started_at = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, scope["path"], request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.info("client_left", path=scope["path"][:200])
        except Exception:  # whatever escapes is a bug: answered once, without a trace, and logged with one
            self._metrics.unexpected.inc()
            log.exception("unexpected_error", method=scope["method"], path=scope["path"][:200])
            if status:
                raise  # half an answer is out: the connection must break, so that nobody takes it for a whole one
            await answer(DomainError())(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - started_at)

    def _add_headers(self, message: MutableMapping[str, Any], path: str, request_id: str) -> None:
        headers = MutableHeaders(scope=message)
        headers["X-Request-Id"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("Content-Security-Policy", "frame-ancestors 'none'")
        if path.startswith("/v1"):
            headers.setdefault("Cache-Control", "no-store")
        if self._is_https:
            headers["Strict-Transport-Security"] = "max-age=31536000"

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", None) or getattr(scope.get("route"), "path", None) or "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).observe(seconds)
        if not scope["path"].startswith(_QUIET):
            log.info(
                "request",
                method=method,
                path=scope["path"][:200],
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 1),
            )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class BodyGuard:
    """Reads a body whole, within size and time, and lets only well-formed JSON in.

    Pushes stay as they came: their signature covers the bytes.
    """

    def __init__(self, app: ASGIApp, *, json_max_bytes: int, body_seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._json_max_bytes = json_max_bytes
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            inner = await self._checked(scope, receive)
        except BodyOutOfLimits as refusal:
            await answer(validation_failed(), refusal.errors)(scope, receive, send)
        except DomainError as error:
            response = answer(error)
            if error.status in (408, 413):
                response.headers["Connection"] = "close"
            await response(scope, receive, send)
        else:
            await self._app(scope, inner, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > MAX_URL_BYTES:
            raise UrlTooLong()
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            raise HeadersTooLarge()
        headers = Headers(scope=scope)
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            return receive
        path: str = scope["path"]
        is_json = not path.startswith((_RAW, _FILES, *_FORMS))
        limit = self._json_max_bytes if is_json else MAX_FILE_BYTES if path.startswith(_FILES) else MAX_RAW_BYTES
        body = await self._read(receive, headers, limit)
        if body and is_json:
            if not _is_json_type(headers.get("content-type", "")):
                raise UnsupportedMediaType()
            check_json(body, caller().language)
        return _replay(body, receive)

    async def _read(self, receive: Receive, headers: Headers, limit: int) -> bytes:
        announced = headers.get("content-length", "")
        is_too_large = announced.isdigit() and int(announced) > limit
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect()
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    is_too_large = is_too_large or size > limit
                    # Read on, or the client would see a broken connection instead of the answer.
                    if is_too_large:
                        parts.clear()
                    else:
                        parts.append(part)
                    if not message.get("more_body") or size > _MAX_DRAINED_BYTES:
                        break
        except TimeoutError:
            raise PayloadTooLarge(limit=limit) if is_too_large else BodyTimeout() from None
        if is_too_large:
            raise PayloadTooLarge(limit=limit)
        return b"".join(parts)


def _is_json_type(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json"))


def _replay(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def inner() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return inner
