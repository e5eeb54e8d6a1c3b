"""The gateway: path, app, clock, signature, token, cipher; then the endpoint."""

import json
import re
import time
from collections import Counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.engine.gateway import perform
from app.sandbox.engine.tokens import Tokens
from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, refusal
from app.sandbox.tiktok_shop.signing import sign_call
from app.sandbox.tiktok_shop.world import APP_KEY, APP_SECRET, CHANNELS, Refused, Shop, World, channel_of

CALLS_PER_SECOND = 20
_BEHIND, _AHEAD = 300, 30
_PARTS = re.compile(r"\{(\w+)\}")
_PUBLIC = ("/api/v2/token/get", "/api/v2/token/refresh")


class Api:
    """Every signed path, the token calls, and the pages beside them."""

    def __init__(self, world: World, tokens: Tokens, specs: dict[tuple[str, str], Spec], pages: list[Route]) -> None:
        self.world = world
        self.tokens = tokens
        self.specs = [(re.compile(_PARTS.sub(r"(?P<\1>[^/]+)", path)), spec) for (_, path), spec in specs.items()]
        self._this_second: tuple[int, Counter[tuple[str, str]]] = (0, Counter())
        catch_all = Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
        self.app = Starlette(routes=[*pages, catch_all])

    async def _serve(self, request: Request) -> Response:
        self.world.engine.apply_due()
        try:
            answer = await self._answer(request)
        except Refused as refused:
            answer = refusal(refused)
        answer.headers["Date"] = self.world.engine.clock.http_date()
        return answer

    async def _answer(self, request: Request) -> Response:
        spec, parts = self._route(request.method, request.url.path)
        query = _read_query(request)
        raw = await request.body()
        is_public = request.url.path in _PUBLIC
        shop = {} if is_public else self._check(request, spec, query, raw)
        body = _read_body(raw)
        call = self._build(spec, shop, parts, query, body)
        return await perform(
            self.world.engine,
            request,
            call,
            lambda _: self._run(spec, call),
            throttled=lambda: refusal(Refused(36009002, "Too many requests", 429), {"Retry-After": "1"}),
            revoked=lambda: self._revoked(call, request),
            late={
                "method": request.method,
                "path": request.url.path,
                "shop_id": shop.get("id"),
                "query": query,
                "body": body,
            },
        )

    def late_call(
        self,
        method: str,
        path: str,
        shop_id: str | None,
        query: dict[str, str],
        body: dict[str, Any],
        strange: dict[str, int],
    ) -> None:
        """The effect of a call whose caller gave up long ago."""
        spec, parts = self._route(method, path)
        call = self._build(spec, self.world.shop(shop_id) if shop_id else {}, parts, query, body)
        call.strange = strange
        self._run(spec, call)

    def _route(self, method: str, path: str) -> tuple[Spec, dict[str, str]]:
        is_known = False
        for pattern, spec in self.specs:
            found = pattern.fullmatch(path)
            if found is not None:
                is_known = True
                if spec.method == method:
                    return spec, found.groupdict()
        if is_known:
            raise Refused(36009010, "Method not allowed", 405)
        raise Refused(36009009, "Invalid path", 404)

    def _check(self, request: Request, spec: Spec, query: dict[str, str], raw: bytes) -> Shop:
        if query.get("app_key") != APP_KEY:
            raise Refused(36009004, "Invalid credentials: app_key", 400)
        stamp = query.get("timestamp", "")
        late = time.time() - int(stamp) if stamp.isdecimal() else None
        if late is None or not -_AHEAD <= late <= _BEHIND:
            raise Refused(36009004, "Invalid timestamp", 400)
        if not self._is_signed(request.url.path, query, raw):
            raise Refused(106001, "Invalid sign", 401)
        shop_id = self.tokens.owner_of(request.headers.get("x-tts-access-token", ""))
        if shop_id is None:
            raise Refused(105002, "Expired credentials: access_token", 401)
        shop = self.world.shop(shop_id)
        cipher = query.get("shop_cipher")
        if not spec.has_cipher and cipher is not None:
            raise Refused(36009004, "Unexpected identifier: shop_cipher is not required", 400)
        if spec.has_cipher and cipher is None:
            raise Refused(106013, "shop_cipher is missing", 400)
        if spec.has_cipher and cipher != shop["cipher"]:
            raise Refused(101000, "The shop does not fit the token", 401)
        self._check_pace(shop, spec)
        return shop

    def _is_signed(self, path: str, query: dict[str, str], raw: bytes) -> bool:
        """An empty object may be signed or left out: clients differ."""
        bodies = [raw, b""] if raw.strip() == b"{}" else [raw]
        return query.get("sign") in [sign_call(APP_SECRET, path, query, body) for body in bodies]

    def _check_pace(self, shop: Shop, spec: Spec) -> None:
        if not self.world.engine.has_rate_limit:
            return
        second = int(time.time())
        if self._this_second[0] != second:
            self._this_second = (second, Counter())
        self._this_second[1][shop["id"], spec.operation] += 1
        if self._this_second[1][shop["id"], spec.operation] > CALLS_PER_SECOND:
            raise Refused(36009002, "Too many requests", 429)

    def _build(
        self, spec: Spec, shop: Shop, parts: dict[str, str], query: dict[str, str], body: dict[str, Any]
    ) -> TikTokCall:
        numbers = _order_numbers(self.world, parts, query, body)
        named = {channel_of(self.world.orders[one]) for one in numbers if one in self.world.orders}
        channels = frozenset(named or CHANNELS)
        return TikTokCall(spec.operation, channels, numbers, shop=shop, path=parts, query=query, body=body)

    def _run(self, spec: Spec, call: TikTokCall) -> Response:
        try:
            return spec.endpoint(call)
        except Refused as refused:
            return refusal(refused)

    def _revoked(self, call: TikTokCall, request: Request) -> Response:
        if call.operation == "token_refresh":
            return refusal(Refused(36004004, "invalid refresh token"))
        self.tokens.revoke_access(request.headers.get("x-tts-access-token", ""))
        return refusal(Refused(105002, "Expired credentials: access_token", 401))


def _read_query(request: Request) -> dict[str, str]:
    """Repeated keys are joined, since one SDK sends lists that way."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def _read_body(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refused(36009022, "Invalid body format", 400) from error
    if not isinstance(body, dict):
        raise Refused(36009022, "Invalid body format", 400)
    return body


def _order_numbers(world: World, parts: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> frozenset[str]:
    """Orders a call names, by themselves, by packages or by cancellations, as far as it can be read."""
    listed = [*query.get("ids", "").split(","), *query.get("order_ids", "").split(",")]
    named = [parts.get("order_id"), body.get("order_id"), *listed]
    named += body["order_ids"] if isinstance(body.get("order_ids"), list) else []
    packages = [parts.get("package_id")]
    packages += [one.get("id") for one in body.get("packages") or [] if isinstance(one, dict)]
    named += [world.number_of_package(one) for one in packages]
    named.append(world.number_of_cancellation(parts.get("cancel_id") or query.get("return_or_cancel_id")))
    return frozenset(one for one in named if isinstance(one, str) and one.isdecimal() and len(one) < 40)
