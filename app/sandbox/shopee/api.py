"""The ASGI app: the gate every call passes, in the order the real one checks, then the endpoint."""

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.engine.gateway import Call, perform
from app.sandbox.shopee.answers import Refused, refusal
from app.sandbox.shopee.signing import sign
from app.sandbox.shopee.world import PARTNER_ID, PARTNER_KEY, World

SKEW_SECONDS = 300
_RATE, _BURST = 20.0, 40.0


@dataclass
class ShopeeCall(Call):
    """A call that passed the gate. Times in `query` and `body` are as they came."""

    shop: dict[str, Any] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """One query parameter."""
        return self.query.get(name, [default])[0]

    def listed(self, name: str) -> list[str]:
        """Comma-joined or repeated."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    def number(self, name: str, default: int | None = None) -> int:
        """An integer parameter. Refuses when missing or no number."""
        value = self.text(name)
        if not value and default is not None:
            return default
        if not value.lstrip("-").isdigit():
            raise Refused("error_param", f"Wrong parameters, detail: {name} is a required field.")
        return int(value)


Endpoint = Callable[[ShopeeCall], Response]


@dataclass(frozen=True)
class Spec:
    """One path: method, the control API's word for it, who may call."""

    method: str
    operation: str
    endpoint: Endpoint
    is_public: bool = False


class Api:
    """Paths by name, and the gate in front of them."""

    def __init__(self, world: World, specs: dict[str, Spec], pages: list[Route]) -> None:
        self.world = world
        self.specs = specs
        self._tokens, self._filled_at = _BURST, time.monotonic()
        self.app = Starlette(
            routes=[*pages, Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]
        )

    async def _serve(self, request: Request) -> Response:
        raw = await request.body()
        query: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            query.setdefault(name, []).append(value)
        try:
            answer = await self._pass(request, query, raw)
        except Refused as refused:
            answer = refusal(refused)
        answer.headers["Date"] = self.world.engine.clock.http_date()
        return answer

    async def _pass(self, request: Request, query: dict[str, list[str]], raw: bytes) -> Response:
        spec = self.specs.get(request.url.path)
        if spec is None or spec.method != request.method:
            raise Refused(
                "error_param", "Permission denied. This API is currently offline or the request path is incorrect."
            )
        shop = self._check_caller(request.url.path, spec, query)
        if self.world.engine.has_rate_limit and not self._take_token():
            raise Refused("error_rate_limit", "Too many requests. You have reached the rate limit.")
        call = self._build(spec, shop, query, _read_json(raw) if request.method == "POST" else {})
        late = {"path": request.url.path, "shop_id": shop.get("shop_id"), "query": query, "body": call.body}
        return await perform(
            self.world.engine,
            request,
            call,
            lambda one: self._answer(spec, call),
            throttled=_throttled,
            revoke=lambda: self._revoke(shop),
            late=late,
        )

    def late_call(
        self,
        path: str,
        shop_id: int | None,
        query: dict[str, list[str]],
        body: dict[str, Any],
        strange: dict[str, int],
    ) -> None:
        """The effect of a call whose caller gave up long ago."""
        spec = self.specs[path]
        call = self._build(spec, self.world.shop(shop_id) if shop_id else {}, query, body)
        call.strange = strange
        self._answer(spec, call)

    def _build(self, spec: Spec, shop: dict[str, Any], query: dict[str, list[str]], body: dict[str, Any]) -> ShopeeCall:
        numbers = frozenset(_order_numbers(query, body))
        return ShopeeCall(spec.operation, frozenset({"shopee"}), numbers, {}, shop, query, body)

    def _answer(self, spec: Spec, call: ShopeeCall) -> Response:
        try:
            return spec.endpoint(call)
        except Refused as refused:
            return refusal(refused)

    def _revoke(self, shop: dict[str, Any]) -> Response:
        if shop:
            self.world.revoke(shop)
        return refusal(Refused("invalid_acceess_token", "Invalid access_token, please have a check."))

    def _check_caller(self, path: str, spec: Spec, query: dict[str, list[str]]) -> dict[str, Any]:
        def one(name: str, message: str) -> str:
            value = query.get(name, [""])[0]
            if not value:
                raise Refused("error_param", message)
            return value

        partner = one("partner_id", "There is no partner_id in query.")
        if partner != str(PARTNER_ID):
            raise Refused("invalid_partner_id", "partner_id is invalid.")
        stamp = one("timestamp", "There is no timestamp in query.")
        if not stamp.isdigit():
            raise Refused("error_param", "Invalid timestamp.")
        # The signature's time is judged on wall time: callers sign with their own clock.
        if abs(time.time() - int(stamp)) > SKEW_SECONDS:
            raise Refused("error_param", "Timestamp is expired.")
        given = one("sign", "There is no sign in query.")
        token, shop_id = query.get("access_token", [""])[0], query.get("shop_id", [""])[0]
        parts = (partner, path, stamp) if spec.is_public else (partner, path, stamp, token, shop_id)
        if not hmac.compare_digest(given.encode(), sign(PARTNER_KEY, *parts).encode()):
            raise Refused("error_sign", "Wrong sign.")
        if spec.is_public:
            return {}
        one("access_token", "There is no access_token in query.")
        one("shop_id", "There is no shop_id in query.")
        return self._check_token(token, shop_id)

    def _check_token(self, token: str, shop_id: str) -> dict[str, Any]:
        owner = next((shop for shop in self.world.shops.values() if token in shop["access"]), None)
        if owner is not None and str(owner["shop_id"]) != shop_id:
            raise Refused("error_auth", "Invalid partner_id or shopid.")
        if owner is None or owner["access"][token] <= self.world.engine.clock.now():
            shop = self.world.shops.get(shop_id)
            if shop is not None and not shop["is_linked"]:
                raise Refused("error_auth", "Invalid partner_id or shopid.")
            raise Refused("invalid_acceess_token", "Invalid access_token, please have a check.")
        return owner

    def _take_token(self) -> bool:
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._filled_at) * _RATE)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _throttled() -> Response:
    answer = refusal(Refused("error_rate_limit", "Too many requests. You have reached the rate limit."))
    answer.headers["Retry-After"] = "2"
    return answer


def _read_json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        raise Refused("error_param", "parse data failed") from None
    if not isinstance(body, dict):
        raise Refused("error_param", "parse data failed")
    return body


def _order_numbers(query: dict[str, list[str]], body: dict[str, Any]) -> set[str]:
    found = set(query.get("order_sn", []))
    found |= {part for value in query.get("order_sn_list", []) for part in value.split(",") if part}
    if isinstance(body.get("order_sn"), str):
        found.add(body["order_sn"])
    for entry in body.get("order_list") or []:
        if isinstance(entry, dict) and isinstance(entry.get("order_sn"), str):
            found.add(entry["order_sn"])
    return found
