"""One call to one store: authentication, envelope, pace, repetition, errors. No business words."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import structlog

from app.channels.contract import Rate, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.channels.http import HttpAnswer, send
from app.channels.limiter import Limiter
from app.connectors.plugo_store import addresses
from app.connectors.plugo_store.settings import PlugoStoreSettings
from app.connectors.plugo_store.signing import sign_query

log = structlog.get_logger(__name__)

READ_TRIES = 3
READ_PAUSE_SECONDS = 0.2
PAUSE_SECONDS = 5.0
API = "/wp-json/wc/v3"
_DIGITS = 40
Method = Literal["GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted call: the JSON as sent (an object or a list) and the store's clock."""

    body: Any
    headers: httpx.Headers
    at: datetime


class Client:
    """Calls stores, each with its own keys. The store's address is the account's id."""

    def __init__(self, http: httpx.AsyncClient, limiter: Limiter, settings: PlugoStoreSettings) -> None:
        self._http = http
        self._limiter = limiter
        self._is_production = settings.is_production
        self.rates = {
            "read": Rate(settings.reads_per_second, max(1, round(2 * settings.reads_per_second))),
            "write": Rate(settings.writes_per_second, max(1, round(2 * settings.writes_per_second))),
        }

    async def reserve(self, access: ShopAccess) -> None:
        """Take the limiter's token for one `write`. Raises Throttled."""
        await self._limiter.acquire(_limiter_key(access, "write"), self.rates["write"], priority=access.priority)

    async def write(self, path: str, access: ShopAccess, body: Any, *, method: Method = "PUT") -> Answer:
        """One try, at once: the caller has reserved. Whatever stays unclear is Unknown."""
        return await self._pausing(access, "write", method, f"{API}{path}", {}, body)

    async def read(self, path: str, access: ShopAccess, query: Mapping[str, str] | None = None) -> Answer:
        """A call without effect: up to three tries."""
        for attempt in range(1, READ_TRIES + 1):
            try:
                return await self.read_once(path, access, query)
            except (Unavailable, Malformed):
                if attempt == READ_TRIES:
                    raise
            await asyncio.sleep(random.uniform(0, READ_PAUSE_SECONDS * 2**attempt))  # noqa: S311 (jitter)
        raise AssertionError("the last try answers or raises")

    async def read_once(self, path: str, access: ShopAccess, query: Mapping[str, str] | None = None) -> Answer:
        """The same, one try."""
        await self._limiter.acquire(_limiter_key(access, "read"), self.rates["read"], priority=access.priority)
        return await self._pausing(access, "read", "GET", f"{API}{path}", query or {}, None)

    async def index(self, store_url: str) -> Any:
        """What the store says of itself to everybody."""
        return (await self._call("GET", store_url, "/wp-json/", {}, None, token=None)).body

    async def _pausing(
        self, access: ShopAccess, family: str, method: Method, path: str, query: Mapping[str, str], body: Any
    ) -> Answer:
        """Call; when the store's host asks for a pause, everybody pauses this account's family."""
        try:
            return await self._call(method, access.external_id, path, query, body, token=access.access_token)
        except Throttled as error:
            await self._limiter.backoff(_limiter_key(access, family), error.retry_after or PAUSE_SECONDS)
            raise

    async def _call(
        self, method: Method, store_url: str, path: str, query: Mapping[str, str], body: Any, *, token: str | None
    ) -> Answer:
        is_write = method != "GET"
        started = time.monotonic()
        answer: HttpAnswer | None = None
        code = ""
        try:
            target = await addresses.check(store_url, is_production=self._is_production)
            answer = await send(
                self._http, self._request(method, store_url, path, query, body, token, target), is_write=is_write
            )
            return Answer(_envelope(answer, is_write=is_write), answer.headers, answer.at)
        except ChannelError as error:
            code = error.code
            raise
        finally:
            log.info(
                "channel_call",
                channel="plugo_store",
                endpoint=f"{method} {path}",
                status=answer.status if answer else None,
                code=code,
                duration_ms=round((time.monotonic() - started) * 1000),
            )

    def _request(
        self,
        method: Method,
        store_url: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        token: str | None,
        target: addresses.Target,
    ) -> httpx.Request:
        url = f"{store_url}{path}"
        headers = {"Accept": "application/json"}
        parameters = dict(query)
        auth: httpx.BasicAuth | None = None
        if token is not None:
            key, _, secret = token.partition(":")
            if urlsplit(store_url).scheme == "https":
                auth = httpx.BasicAuth(key, secret)
            else:
                parameters = sign_query(method, url, parameters, key, secret)
        extensions: dict[str, Any] = {}
        if target.address is not None:
            # To the very address that was checked: the name might resolve to another one by now.
            headers["Host"] = urlsplit(store_url).netloc
            extensions["sni_hostname"] = target.host
            url = str(httpx.URL(url).copy_with(host=target.address))
        request = self._http.build_request(
            method, url, params=parameters, headers=headers, json=body, extensions=extensions
        )
        if auth is not None:
            request = next(auth.auth_flow(request))
        return request


def _limiter_key(access: ShopAccess, family: str) -> str:
    return f"{access.limiter_key or f'plugo_store:{access.external_id}'}:{family}"


def _envelope(answer: HttpAnswer, *, is_write: bool) -> Any:
    """The JSON of a success. Hosts answer 429 and 503 with HTML; JSON after a PHP warning counts as unreadable."""
    status = answer.status
    if status == 429:
        raise Throttled(
            "http_429", "The store's host asks for a pause.", retry_after=answer.retry_after or PAUSE_SECONDS
        )
    if status == 503 and answer.retry_after is not None:
        raise Throttled("http_503", "The store is being maintained.", retry_after=answer.retry_after)
    payload = _parse(answer.body)
    if status >= 500 or 300 <= status < 400:
        raise _unclear(f"http_{status}", "The store failed or pointed elsewhere.", is_write=is_write)
    if status >= 400:
        raise _refusal(status, payload, is_write=is_write)
    if payload is None:
        if is_write:
            raise Unknown("unreadable_answer", "not JSON")
        raise Malformed("unreadable_answer", "not JSON")
    return payload


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"), parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("a number out of range")
    return int(digits)


def _unclear(code: str, reason: str, *, is_write: bool) -> ChannelError:
    return Unknown(code, reason) if is_write else Unavailable(code, reason)


def _refusal(status: int, payload: Any, *, is_write: bool) -> ChannelError:
    if not isinstance(payload, dict) or not isinstance(payload.get("code"), str):
        if status == 401:
            return Unauthorized("http_401", "", is_final=True)
        return _unclear(f"http_{status}", "The store's host refused.", is_write=is_write)
    code, message = payload["code"], str(payload.get("message") or "")[:500]
    if status == 401:
        return Unauthorized(code, message, is_final=True)
    if status == 403:
        return Rejected(code, message, meaning="rejected_by_channel")
    if code.endswith("_invalid_id") or code in ("woocommerce_rest_invalid_product_id", "rest_no_route"):
        return Rejected(code, message, meaning="not_found")
    return Rejected(code, message)
