"""The gateway: one map of parameters from query, form and JSON; verbs, signature, token, pace; then the endpoint."""

import json
import time
from collections import Counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.engine.gateway import perform
from app.sandbox.engine.tokens import Tokens
from app.sandbox.lazada.calls import LazadaCall, Spec, refusal
from app.sandbox.lazada.signing import sign_call
from app.sandbox.lazada.world import APP_KEY, APP_SECRET, CHANNEL, Refused, Shop, World

CALLS_PER_SECOND = 20
_CLOCK_SKEW = 7200
_ROOT = "/rest"


class Api:
    """Every path below /rest, and the pages beside it."""

    def __init__(self, world: World, tokens: Tokens, specs: dict[str, Spec], pages: list[Route]) -> None:
        self.world = world
        self.tokens = tokens
        self.specs = specs
        self._this_second: tuple[int, Counter[str]] = (0, Counter())
        catch_all = Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT", "DELETE"])
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
        path = request.url.path.removeprefix(_ROOT)
        spec = self.specs.get(path) if request.url.path.startswith(_ROOT) else None
        if spec is None:
            raise Refused("InvalidApiPath", "The specified API path is invalid.")
        if request.method not in spec.verbs:
            raise Refused("UnsupportedHTTPMethod", "The HTTP method is not supported.")
        params = await read_params(request)
        _check_signature(path, params)
        shop = {} if spec.is_public else self._owner(params.get("access_token", ""))
        self._check_pace(shop)
        call = self._build(spec, shop, params)
        return await perform(
            self.world.engine,
            request,
            call,
            lambda _: self._run(spec, call),
            throttled=lambda: refusal(_banned("ApiCallLimit", 1)),
            revoked=lambda: self._revoked(call),
            late={"path": path, "seller_id": shop.get("seller_id"), "params": params},
        )

    def late_call(self, path: str, seller_id: str | None, params: dict[str, str], strange: dict[str, int]) -> None:
        """The effect of a call whose caller gave up long ago."""
        spec = self.specs[path]
        call = self._build(spec, self.world.shop(seller_id) if seller_id else {}, params)
        call.strange = strange
        self._run(spec, call)

    def _owner(self, token: str) -> Shop:
        shop_id = self.tokens.owner_of(token)
        if shop_id is None:
            raise Refused("IllegalAccessToken", "The specified access token is invalid or expired")
        return self.world.shop(shop_id)

    def _check_pace(self, shop: Shop) -> None:
        if not self.world.engine.has_rate_limit or not shop:
            return
        second = int(time.time())
        if self._this_second[0] != second:
            self._this_second = (second, Counter())
        self._this_second[1][shop["seller_id"]] += 1
        if self._this_second[1][shop["seller_id"]] > CALLS_PER_SECOND:
            raise _banned("SellerCallLimit", 1)

    def _build(self, spec: Spec, shop: Shop, params: dict[str, str]) -> LazadaCall:
        numbers = frozenset(_order_numbers(self.world, params))
        return LazadaCall(spec.operation, frozenset({CHANNEL}), numbers, shop=shop, params=params)

    def _run(self, spec: Spec, call: LazadaCall) -> Response:
        try:
            return spec.endpoint(call)
        except Refused as refused:
            return refusal(refused)

    def _revoked(self, call: LazadaCall) -> Response:
        if call.operation == "token_refresh":
            return refusal(Refused("IllegalRefreshToken", "The specified refresh token is invalid or expired"))
        self.tokens.revoke_access(call.params.get("access_token", ""))
        return refusal(Refused("IllegalAccessToken", "The specified access token is invalid or expired"))


def _banned(code: str, seconds: int) -> Refused:
    text = f"Api access frequency exceeds the limit. this ban will last {seconds} seconds"
    return Refused(code, text, "SYSTEM")


async def read_params(request: Request) -> dict[str, str]:
    """Query, form and JSON body merged; a body parameter wins over its double in the query."""
    params = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError as error:
            raise Refused("MISSING_PARAMETER", "The body is not valid JSON.") from error
        params |= {name: _to_text(value) for name, value in body.items()} if isinstance(body, dict) else {}
    elif "form" in kind:
        async with request.form() as form:
            params |= {name: value for name, value in form.items() if isinstance(value, str)}
    return params


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def _check_signature(path: str, params: dict[str, str]) -> None:
    for name in ("app_key", "timestamp", "sign_method", "sign"):
        if not params.get(name):
            raise Refused("MissingParameter", f"The input parameter {name} that is mandatory is not supplied.")
    if params["app_key"] != APP_KEY:
        raise Refused("InvalidAppKey", "The specified app key is invalid.")
    stamp = params["timestamp"]
    if not stamp.isdecimal() or abs(int(stamp) / 1000 - time.time()) > _CLOCK_SKEW:
        raise Refused("IllegalTimestamp", "The specified timestamp is invalid.")
    if params["sign"] != sign_call(APP_SECRET, path, params):
        raise Refused("IncompleteSignature", "The request signature does not conform to lazada standards")


def _order_numbers(world: World, params: dict[str, str]) -> set[str]:
    """Orders a call names, by themselves, by packages or by their request, as far as it can be read."""
    named = {params[name] for name in ("order_id",) if params.get(name)}
    named |= set(map(str, _values(params.get("order_ids"))))
    for name in ("packReq", "getShipmentProvidersReq"):
        body = _values(params.get(name))
        orders = body.get("pack_order_list") or body.get("orders") if isinstance(body, dict) else None
        named |= {str(one.get("order_id")) for one in orders or [] if isinstance(one, dict)}
    for name in ("readyToShipReq", "rePackReq", "getDocumentReq", "dbsDeliveryReq", "dbsFailedDeliveryReq"):
        body = _values(params.get(name))
        packages = body.get("packages") if isinstance(body, dict) else None
        for one in packages or []:
            if isinstance(one, dict):
                named.add(world.number_of_package(one.get("package_id")) or "")
    if params.get("reverse_order_id"):
        reverse = params["reverse_order_id"]
        named |= {one["id"] for one in world.orders.values() if one["request"] and one["request"]["id"] == reverse}
    return {one for one in named if one.isdecimal() and len(one) < 40}


def _values(text: str | None) -> Any:
    try:
        return json.loads(text) if text else []
    except ValueError:
        return []
