"""One signed call: signature, envelope, pace, repetition, errors. No business words."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from app.channels import decoding, references
from app.channels.contract import ShopAccess
from app.channels.errors import ChannelError, Malformed, Throttled, Unauthorized, Unavailable, Unknown
from app.channels.http import HttpAnswer, send
from app.channels.limiter import Limiter
from app.connectors.tiktok_shop import failures
from app.connectors.tiktok_shop.facts import API, RATES
from app.connectors.tiktok_shop.signing import sign, sign_push

log = structlog.get_logger(__name__)

READ_TRIES = 3
READ_PAUSE_SECONDS = 0.2
Json = dict[str, Any]
Explain = Callable[..., ChannelError]
"""`failures.explain` or its like."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted call: `data` (empty where there is none) and the channel's clock."""

    data: Json
    at: datetime


class Client:
    """Calls TikTok Shop on behalf of one app."""

    def __init__(
        self, http: httpx.AsyncClient, limiter: Limiter, *, base_url: str, token_url: str, app_key: str, app_secret: str
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._base_url, self._token_url = base_url, token_url
        self.app_key, self._app_secret = app_key, app_secret

    def push_signature(self, body: bytes) -> str:
        """What a genuine push of these bytes carries."""
        return sign_push(self.app_key, self._app_secret, body)

    async def reserve(self, access: ShopAccess) -> None:
        """Take the limiter's token for one `write`. Raises Throttled."""
        await self._limiter.acquire(_limiter_key(access, "write"), RATES["write"], priority=access.priority)

    async def write(
        self, path: str, access: ShopAccess, body: Json | None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """One try, at once: the caller has reserved. Whatever stays unclear is Unknown."""
        request = self._request("POST", path, access, query or {}, body)
        return await self._pausing(access, "write", request, is_write=True)

    async def read(
        self,
        path: str,
        access: ShopAccess,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        has_cipher: bool = True,
    ) -> Answer:
        """A call without effect, POST when it has a body: up to three tries, each signed anew."""
        method = "GET" if body is None else "POST"
        for attempt in range(1, READ_TRIES + 1):
            await self._limiter.acquire(_limiter_key(access, "read"), RATES["read"], priority=access.priority)
            request = self._request(method, path, access, query or {}, body, has_cipher=has_cipher)
            try:
                return await self._pausing(access, "read", request, is_write=False)
            except (Unavailable, Malformed):
                if attempt == READ_TRIES:
                    raise
            await asyncio.sleep(random.uniform(0, READ_PAUSE_SECONDS * 2**attempt))  # noqa: S311 (jitter)
        raise AssertionError("the last try answers or raises")

    async def trade(self, path: str, query: Mapping[str, str]) -> Answer:
        """A token call: unsigned, the secret in the query. One try."""
        parameters = {"app_key": self.app_key, "app_secret": self._app_secret, **query}
        request = self._http.build_request("GET", f"{self._token_url}{path}", params=parameters)
        return await self._call(request, is_write=True, explain=failures.explain_token)

    async def download(self, url: str) -> bytes:
        """A pre-signed file, without token or signature. The caller has checked the host."""
        answer = await send(self._http, self._http.build_request("GET", url), is_write=False)
        if answer.status == 429:
            raise Throttled("http_429", retry_after=answer.retry_after or failures.PAUSE_SECONDS)
        if answer.status >= 300:
            raise Unavailable(f"http_{answer.status}", "The file cannot be fetched.")
        return answer.body

    def may_download(self, url: str) -> bool:
        """https at TikTok's own hosts, or wherever the API itself is."""
        parts, own = urlsplit(url), urlsplit(self._base_url)
        if parts.netloc == own.netloc and parts.scheme == own.scheme:
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and host.endswith(_FILE_HOSTS) and parts.username is None

    def _request(
        self,
        method: str,
        path: str,
        access: ShopAccess,
        query: Mapping[str, str],
        body: Json | None,
        *,
        has_cipher: bool = True,
    ) -> httpx.Request:
        parameters = {"app_key": self.app_key, "timestamp": str(int(time.time())), **query}
        if has_cipher and access.cipher:
            parameters["shop_cipher"] = access.cipher
        raw = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        parameters["sign"] = sign(self._app_secret, path, parameters, raw)
        headers = {"x-tts-access-token": access.access_token, "content-type": "application/json"}
        return self._http.build_request(
            method, f"{self._base_url}{path}", params=parameters, content=raw or None, headers=headers
        )

    async def _pausing(self, access: ShopAccess, family: str, request: httpx.Request, *, is_write: bool) -> Answer:
        """Call; when TikTok Shop asks for a pause, everybody pauses this account's family."""
        try:
            return await self._call(request, is_write=is_write)
        except Throttled as error:
            await self._limiter.backoff(_limiter_key(access, family), error.retry_after or failures.PAUSE_SECONDS)
            raise

    async def _call(self, request: httpx.Request, *, is_write: bool, explain: Explain = failures.explain) -> Answer:
        started = time.monotonic()
        answer: HttpAnswer | None = None
        payload: Json = {}
        code = ""
        try:
            answer = await send(self._http, request, is_write=is_write)
            payload = _envelope(answer, is_write=is_write)
            _raise_for_error(answer, payload, is_write=is_write, explain=explain)
            data = payload.get("data")
            return Answer(data if isinstance(data, dict) else {}, answer.at)
        except ChannelError as error:
            code = error.code
            raise
        finally:
            log.info(
                "channel_call",
                channel=API,
                endpoint=request.url.path,
                status=answer.status if answer else None,
                code=code,
                duration_ms=round((time.monotonic() - started) * 1000),
                channel_request_id=references.note(payload.get("request_id")),
            )


_FILE_HOSTS = (".tiktokglobalshop.com", ".tiktok-shops.com", ".tiktokcdn.com", ".ibyteimg.com", ".byteoversea.com")


def _limiter_key(access: ShopAccess, family: str) -> str:
    return f"{access.limiter_key or f'{API}:{access.external_id}'}:{family}"


def _envelope(answer: HttpAnswer, *, is_write: bool) -> Json:
    """The JSON object of any HTTP status."""
    try:
        payload = decoding.parse(answer.body)
        code = payload.get("code")
        if isinstance(code, bool) or not isinstance(code, int):
            raise ValueError("no code")
    except ValueError as error:
        raise _unreadable(answer, str(error), is_write=is_write) from error
    return payload


def _raise_for_error(answer: HttpAnswer, payload: Json, *, is_write: bool, explain: Explain) -> None:
    """The verdict is in the object's `code`, not in the status."""
    code: int = payload["code"]
    if code == 0 and answer.status < 300:
        return
    message = str(payload.get("message") or "")
    if answer.status == 429:
        raise Throttled(str(code), message, retry_after=answer.retry_after or failures.PAUSE_SECONDS)
    if answer.status >= 500:
        raise Unknown(str(code), message) if is_write else Unavailable(str(code), message)
    raise explain(code, message, is_write=is_write, retry_after=answer.retry_after)


def _unreadable(answer: HttpAnswer, reason: str, *, is_write: bool) -> ChannelError:
    if answer.status == 429:
        return Throttled("http_429", reason, retry_after=answer.retry_after or failures.PAUSE_SECONDS)
    if answer.status == 401:
        return Unauthorized("http_401", reason)
    if is_write:
        return Unknown("unreadable_answer", reason)
    if answer.status >= 300:
        return Unavailable(f"http_{answer.status}", reason)
    return Malformed("unreadable_answer", reason)
