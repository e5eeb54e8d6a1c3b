"""One signed call: signature, envelope, pace, repetition, errors. No business words."""

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import structlog

from app.channels import decoding, references
from app.channels.contract import Rate, ShopAccess
from app.channels.errors import ChannelError, Malformed, Throttled, Unauthorized, Unavailable, Unknown
from app.channels.http import HttpAnswer, send
from app.channels.limiter import Limiter
from app.connectors.shopee import failures
from app.connectors.shopee.signing import sign

log = structlog.get_logger(__name__)

READ_TRIES = 3
READ_PAUSE_SECONDS = 0.2
ALL_FAILED = "batch_api_all_failed"
RATES = {"read": Rate(10, 20), "write": Rate(3, 6)}
"""Shopee publishes no numbers; these stay below what others were throttled at."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted call: the whole envelope as sent (empty for a file), the bytes, the channel's clock."""

    payload: Json
    body: bytes
    at: datetime

    @property
    def response(self) -> Json:
        """The `response` object; empty where the call has none."""
        inner = self.payload.get("response")
        return inner if isinstance(inner, dict) else {}


class Client:
    """Calls Shopee on behalf of one app."""

    def __init__(
        self, http: httpx.AsyncClient, limiter: Limiter, *, base_url: str, partner_id: int, partner_key: str
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._base_url = base_url
        self._partner_key = partner_key
        self.partner_id = partner_id

    def signed(self, path: str, access: ShopAccess | None = None) -> Json:
        """The common query parameters, signed now; those of a public call without `access`."""
        now = int(time.time())
        query: Json = {"partner_id": self.partner_id, "timestamp": now}
        if access is None:
            return {**query, "sign": sign(self._partner_key, self.partner_id, path, now)}
        token, shop_id = access.access_token, access.external_id
        signature = sign(self._partner_key, self.partner_id, path, now, token, shop_id)
        return {**query, "sign": signature, "access_token": token, "shop_id": shop_id}

    async def reserve(self, access: ShopAccess) -> None:
        """Take the limiter's token for one `write`. Raises Throttled."""
        await self._limiter.acquire(_limiter_key(access, "write"), RATES["write"], priority=access.priority)

    async def write(self, path: str, access: ShopAccess, body: Json) -> Answer:
        """One try, at once: the caller has reserved. Whatever stays unclear is Unknown."""
        request = self._request(path, self.signed(path, access), body)
        return await self._pausing(access, "write", request, is_write=True)

    async def write_public(self, path: str, body: Json) -> Answer:
        """A token call: one try, no shop, hence no pace of its own."""
        return await self._call(self._request(path, self.signed(path), body), is_write=True)

    async def read(
        self,
        path: str,
        access: ShopAccess,
        query: Json | None = None,
        body: Json | None = None,
        *,
        is_file: bool = False,
    ) -> Answer:
        """A call without effect, POST when it has a body: up to three tries, each signed anew.

        With `is_file` success is raw bytes and leaves the payload empty.
        """
        for attempt in range(1, READ_TRIES):
            try:
                return await self._read_once(path, access, query, body, is_file)
            except (Unavailable, Malformed):
                await asyncio.sleep(random.uniform(0, READ_PAUSE_SECONDS * 2**attempt))  # noqa: S311 (jitter)
        return await self._read_once(path, access, query, body, is_file)

    async def _read_once(
        self, path: str, access: ShopAccess, query: Json | None, body: Json | None, is_file: bool
    ) -> Answer:
        await self._limiter.acquire(_limiter_key(access, "read"), RATES["read"], priority=access.priority)
        request = self._request(path, {**(query or {}), **self.signed(path, access)}, body)
        return await self._pausing(access, "read", request, is_write=False, is_file=is_file)

    def _request(self, path: str, query: Json, body: Json | None) -> httpx.Request:
        url = f"{self._base_url}{path}"
        if body is None:
            return self._http.build_request("GET", url, params=query)
        return self._http.build_request("POST", url, params=query, json=body)

    async def _pausing(
        self, access: ShopAccess, family: str, request: httpx.Request, *, is_write: bool, is_file: bool = False
    ) -> Answer:
        """Call; when Shopee asks for a pause, everybody pauses this account's family."""
        try:
            return await self._call(request, is_write=is_write, is_file=is_file)
        except Throttled as error:
            if failures.is_about_pace(error):
                pause = error.retry_after or failures.BURST_PAUSE_SECONDS
                await self._limiter.backoff(_limiter_key(access, family), pause)
            raise

    async def _call(self, request: httpx.Request, *, is_write: bool, is_file: bool = False) -> Answer:
        started = time.monotonic()
        answer: HttpAnswer | None = None
        payload: Json = {}
        code = ""
        try:
            answer = await send(self._http, request, is_write=is_write)
            payload = {} if is_file and _looks_like_file(answer) else _envelope(answer, is_write=is_write)
            _raise_for_error(answer, payload, is_write=is_write)
        except ChannelError as error:
            code = error.code
            raise
        finally:
            log.info(
                "channel_call",
                channel="shopee",
                endpoint=request.url.path.removeprefix("/api/v2/"),
                status=answer.status if answer else None,
                code=code,
                duration_ms=round((time.monotonic() - started) * 1000),
                channel_request_id=references.note(payload.get("request_id")),
            )
        return Answer(payload, answer.body, answer.at)


def _limiter_key(access: ShopAccess, family: str) -> str:
    return f"{access.limiter_key or f'shopee:{access.external_id}'}:{family}"


def _looks_like_file(answer: HttpAnswer) -> bool:
    return answer.status < 300 and not answer.body.lstrip().startswith(b"{")


def _envelope(answer: HttpAnswer, *, is_write: bool) -> Json:
    """The JSON object of any HTTP status. Shopee's verdict is in it, not in the status."""
    if answer.status == 429:
        retry_after = answer.retry_after or failures.BURST_PAUSE_SECONDS
        raise Throttled("http_429", "Too many requests.", retry_after=retry_after)
    if is_write and (answer.status >= 500 or 300 <= answer.status < 400):
        raise Unknown(f"http_{answer.status}", "The server failed or pointed elsewhere.")
    try:
        payload = decoding.parse(answer.body)
        if not isinstance(payload.get("error"), str):
            raise ValueError("no error field")
    except ValueError as error:
        raise _unreadable(answer, str(error), is_write=is_write) from error
    return payload


def _unreadable(answer: HttpAnswer, reason: str, *, is_write: bool) -> ChannelError:
    if answer.status == 401:
        return Unauthorized("http_401", reason)
    if is_write:
        return Unknown("unreadable_answer", reason)
    if answer.status >= 300:
        return Unavailable(f"http_{answer.status}", reason)
    return Malformed("unreadable_answer", reason)


def _raise_for_error(answer: HttpAnswer, payload: Json, *, is_write: bool) -> None:
    code = payload.get("error", "").strip()
    if failures.bare(code) == ALL_FAILED and isinstance(payload.get("response"), dict):
        return  # each element has its own error, the caller reads those
    if code:
        message = str(payload.get("message") or "")
        raise failures.explain(code, message, is_write=is_write, at=answer.at, retry_after=answer.retry_after)
