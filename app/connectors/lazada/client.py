"""One signed call: signature, envelope, pace, repetition, errors. No business words."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import structlog

from app.channels import decoding, references
from app.channels.contract import Rate, ShopAccess
from app.channels.errors import ChannelError, Malformed, Throttled, Unavailable, Unknown
from app.channels.http import HttpAnswer, send
from app.channels.limiter import WAIT_SECONDS, Limiter
from app.connectors.lazada import failures
from app.connectors.lazada.settings import is_official
from app.connectors.lazada.signing import sign, sign_push

log = structlog.get_logger(__name__)

READ_TRIES = 3
READ_PAUSE_SECONDS = 0.2
RATES = {"read": Rate(8, 16), "write": Rate(4, 8)}
"""Nothing is published per call; integrators live well with eight to ten a second."""
Json = dict[str, Any]
Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted call: the whole envelope and the channel's clock."""

    payload: Json
    at: datetime

    @property
    def data(self) -> Any:
        """Orders, products, sellers."""
        return self.payload.get("data")

    @property
    def result(self) -> Json:
        """Fulfilment, traces and reverse orders wrap their answer once more."""
        inner = self.payload.get("result")
        return inner if isinstance(inner, dict) else {}


class Client:
    """Calls Lazada on behalf of one app."""

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
        self, path: str, access: ShopAccess, parameters: Mapping[str, str], *, method: Method = "POST"
    ) -> Answer:
        """One try, at once: the caller has reserved. Whatever stays unclear is Unknown."""
        request = self._request(method, self._base_url, path, parameters, access.access_token)
        return await self._pausing(access, "write", request, is_write=True)

    async def read(
        self, path: str, access: ShopAccess, parameters: Mapping[str, str], *, wait_seconds: float = WAIT_SECONDS
    ) -> Answer:
        """A call without effect: up to three tries, each signed anew. Waits so long for its turn at the limiter."""
        key = _limiter_key(access, "read")
        for attempt in range(1, READ_TRIES + 1):
            await self._limiter.acquire(key, RATES["read"], priority=access.priority, wait_seconds=wait_seconds)
            request = self._request("GET", self._base_url, path, parameters, access.access_token)
            try:
                return await self._pausing(access, "read", request, is_write=False)
            except (Unavailable, Malformed):
                if attempt == READ_TRIES:
                    raise
            await asyncio.sleep(random.uniform(0, READ_PAUSE_SECONDS * 2**attempt))  # noqa: S311 (jitter)
        raise AssertionError("the last try answers or raises")

    async def trade(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """A token call: one try."""
        return await self._call(self._request("POST", self._token_url, path, parameters, None), is_write=True)

    async def download(self, url: str) -> bytes:
        """A label behind a short-lived link. The caller has checked the host."""
        answer = await send(self._http, self._http.build_request("GET", url), is_write=False)
        if answer.status == 429:
            raise Throttled("http_429", retry_after=answer.retry_after or failures.PAUSE_SECONDS)
        if answer.status >= 300:
            raise Unavailable(f"http_{answer.status}", "The file cannot be fetched.")
        return answer.body

    def may_download(self, url: str) -> bool:
        """https at Lazada's own hosts, or wherever the gateway itself is."""
        parts, own = urlsplit(url), urlsplit(self._base_url)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        return parts.scheme == "https" and is_official(parts.hostname or "") and parts.username is None

    def _request(
        self, method: Method, base: str, path: str, parameters: Mapping[str, str], token: str | None
    ) -> httpx.Request:
        signed = {
            **parameters,
            "app_key": self.app_key,
            "timestamp": str(int(time.time() * 1000)),
            "sign_method": "sha256",
            **({"access_token": token} if token else {}),
        }
        signed["sign"] = sign(self._app_secret, path, signed)
        if method == "GET":
            return self._http.build_request("GET", f"{base}{path}", params=signed)
        return self._http.build_request("POST", f"{base}{path}", data=signed)

    async def _pausing(self, access: ShopAccess, family: str, request: httpx.Request, *, is_write: bool) -> Answer:
        """Call; when Lazada asks for a pause, everybody pauses this account's family."""
        try:
            return await self._call(request, is_write=is_write)
        except Throttled as error:
            await self._limiter.backoff(_limiter_key(access, family), error.retry_after or failures.PAUSE_SECONDS)
            raise

    async def _call(self, request: httpx.Request, *, is_write: bool) -> Answer:
        started = time.monotonic()
        answer: HttpAnswer | None = None
        payload: Json = {}
        code = ""
        try:
            answer = await send(self._http, request, is_write=is_write)
            payload = _envelope(answer, is_write=is_write)
            _raise_for_error(answer, payload, is_write=is_write)
            return Answer(payload, answer.at)
        except ChannelError as error:
            code = error.code
            raise
        finally:
            log.info(
                "channel_call",
                channel="lazada",
                endpoint=request.url.path,
                status=answer.status if answer else None,
                code=code,
                duration_ms=round((time.monotonic() - started) * 1000),
                channel_request_id=references.note(payload.get("request_id")),
            )


def _limiter_key(access: ShopAccess, family: str) -> str:
    return f"{access.limiter_key or f'lazada:{access.external_id}'}:{family}"


def _envelope(answer: HttpAnswer, *, is_write: bool) -> Json:
    """The JSON object of any HTTP status."""
    if answer.status == 429:
        retry_after = answer.retry_after or failures.PAUSE_SECONDS
        raise Throttled("http_429", "Too many requests.", retry_after=retry_after)
    try:
        payload = decoding.parse(answer.body)
        if "code" not in payload:
            raise ValueError("no code")
    except ValueError as error:
        if is_write:
            raise Unknown("unreadable_answer", str(error)) from error
        if answer.status >= 300:
            raise Unavailable(f"http_{answer.status}", str(error)) from error
        raise Malformed("unreadable_answer", str(error)) from error
    return payload


def _raise_for_error(answer: HttpAnswer, payload: Json, *, is_write: bool) -> None:
    """Lazada's verdict is in the object, not in the status."""
    code = str(payload["code"])
    if answer.status >= 500:
        raise Unknown(code, "The server failed.") if is_write else Unavailable(code, "The server failed.")
    if code != "0":
        raise failures.explain(code, str(payload.get("message") or ""), is_write=is_write)
