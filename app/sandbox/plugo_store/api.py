"""The ASGI app: every store's REST API behind the gate, its key hand-out, and its switches."""

import re
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.engine.gateway import perform
from app.sandbox.plugo_store.answers import Refused, page, refusal, success, throttled
from app.sandbox.plugo_store.calls import Spec, StoreCall, parse_body, parse_query
from app.sandbox.plugo_store.consent import AUTHORIZE, Consent
from app.sandbox.plugo_store.desk import serve_switches
from app.sandbox.plugo_store.gate import Gate, Visit
from app.sandbox.plugo_store.params import split
from app.sandbox.plugo_store.signing import Query
from app.sandbox.plugo_store.world import CHANNEL, Key, Shop, World

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_WARNING = (
    b'<br />\n<b>Warning</b>:  Undefined array key "legacy" in <b>/srv/shop/plugin.php</b> on line <b>42</b><br />\n'
)
_BATCHED = re.compile(r"/wc/v3/orders/batch")


class Api:
    """Routes by pattern, tried in order."""

    def __init__(self, world: World, gate: Gate, consent: Consent, specs: Iterable[Spec]) -> None:
        self.world = world
        self.gate = gate
        self.consent = consent
        self._routes = [(re.compile(spec.pattern), spec) for spec in specs]
        self.app = Starlette(routes=[Route("/{path:path}", self._serve, methods=_METHODS)])

    async def _serve(self, request: Request) -> Response:
        self.world.engine.apply_due()
        name, _, rest = request.url.path[1:].partition("/")
        if name == "_sim":
            answer = serve_switches(self.world, rest, request.method, await request.body())
        elif (shop := self.world.shops.get(name)) is None:
            answer = page(404, "Page not found")
        elif rest.rstrip("/") == AUTHORIZE:
            answer = await self.consent.serve(shop, request)
        else:
            answer = await self._serve_rest(request, shop, f"/{rest}")
        answer.headers["Date"] = self.world.engine.clock.http_date()
        return answer

    async def _serve_rest(self, request: Request, shop: Shop, path: str) -> Response:
        query = parse_query(request.url.query)
        route = path.removeprefix("/wp-json") if re.match(r"/wp-json(/|$)", path) else query.get("rest_route")
        if not isinstance(route, str):
            return page(404, "Page not found")
        weather = self.world.switches(shop).weather
        if weather not in ("fine", "php_warning"):
            return _storm(weather, request)
        try:
            answer = await self._answer(request, shop, f"/{route.strip('/')}", query)
        except Refused as refused:
            answer = refusal(refused)
        if weather == "php_warning":
            return Response(_WARNING + bytes(answer.body), answer.status_code, media_type="application/json")
        return answer

    async def _answer(self, request: Request, shop: Shop, route: str, query: Query) -> Response:
        key = self.gate.identify(self._visit(request, shop, query))
        method = request.headers.get("x-http-method-override") or str(query.get("_method") or request.method)
        method = method.upper() if request.method == "POST" else request.method.replace("HEAD", "GET")
        if method == "OPTIONS":
            return self._describe(route)
        spec, ids = self._find(method, route)
        self.gate.admit(spec, shop, key)
        raw = await request.body()
        body = {} if method == "GET" else parse_body(raw, request.headers.get("content-type", ""))
        call = self._build(spec, shop, method, route, ids, query, body)
        return await perform(
            self.world.engine,
            request,
            call,
            lambda _: self._run(spec, call),
            throttled=throttled,
            revoked=lambda: self._revoke(key),
            late={"shop_id": shop["shop_id"], "method": method, "route": route, "query": query, "body": body},
        )

    def late_call(
        self, shop_id: str, method: str, route: str, query: Query, body: dict[str, Any], strange: dict[str, int]
    ) -> None:
        """The effect of a call whose caller gave up long ago."""
        spec, ids = self._find(method, route)
        call = self._build(spec, self.world.shop(shop_id), method, route, ids, query, body)
        call.strange = strange
        self._run(spec, call)

    def _visit(self, request: Request, shop: Shop, query: Query) -> Visit:
        is_tls = self.world.switches(shop).treat_as_tls or request.headers.get("x-forwarded-proto") == "https"
        path = request.scope["raw_path"].decode().partition("?")[0].removeprefix(f"/{shop['shop_id']}")
        url = self.world.site_url(shop) + path
        return Visit(
            shop=shop,
            method=request.method,
            url=url.replace("http://", "https://", 1) if is_tls else url,
            query=query,
            authorization=request.headers.get("authorization", ""),
            is_tls=is_tls,
        )

    def _find(self, method: str, route: str) -> tuple[Spec, tuple[str, ...]]:
        for pattern, spec in self._routes:
            match = pattern.fullmatch(route)
            if match is not None and method in spec.methods:
                return spec, match.groups()
        raise Refused(404, "rest_no_route", "No route was found matching the URL and request method.")

    def _describe(self, route: str) -> Response:
        methods = [method for pattern, spec in self._routes if pattern.fullmatch(route) for method in spec.methods]
        if not methods:
            raise Refused(404, "rest_no_route", "No route was found matching the URL and request method.")
        return success({"namespace": "wc/v3", "methods": methods, "endpoints": []}, Allow=", ".join(methods))

    def _build(
        self, spec: Spec, shop: Shop, method: str, route: str, ids: tuple[str, ...], query: Query, body: dict[str, Any]
    ) -> StoreCall:
        call = StoreCall(
            "", frozenset({CHANNEL}), self._order_numbers(shop, route, ids, query, body),
            shop=shop, method=method, query=query, body=body, ids=ids, route=route,
        )  # fmt: skip
        call.operation = spec.name(call)
        return call

    def _order_numbers(
        self, shop: Shop, route: str, ids: tuple[str, ...], query: Query, body: dict[str, Any]
    ) -> frozenset[str]:
        named: list[object] = list(ids[:1]) if "/orders/" in route else []
        if route == "/wc/v3/orders" and query.get("include"):
            named = [*split("include", query["include"])]
        if _BATCHED.fullmatch(route):
            updates = body.get("update")
            named = [one.get("id") for one in updates if isinstance(one, dict)] if isinstance(updates, list) else []
        orders = [self.world.find_order(shop, int(str(one))) for one in named if re.fullmatch(r"\d{1,18}", str(one))]
        return frozenset(order["number"] for order in orders if order is not None)

    def _run(self, spec: Spec, call: StoreCall) -> Response:
        try:
            return spec.endpoint(call)
        except Refused as refused:
            return refusal(refused)

    def _revoke(self, key: tuple[str, Key] | None) -> Response:
        """The merchant deleted the key the call came with."""
        if key is not None:
            with self.world.engine.store.transaction():
                self.world.revoke_key(key[0])
        return refusal(Refused(401, "woocommerce_rest_authentication_error", "Consumer key is invalid."))


def _storm(weather: str, request: Request) -> Response:
    if weather == "redirect":
        target = str(request.url).replace("http://", "https://", 1)
        return page(301, "Moved Permanently", Location=target)
    if weather == "bad_gateway":
        return page(502, "Bad Gateway")
    text = "Briefly unavailable for scheduled maintenance. Check back in a minute."
    return page(503, text, **{"Retry-After": "600"})
