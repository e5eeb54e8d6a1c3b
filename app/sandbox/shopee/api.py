"""The ASGI app: consent pages, and the endpoints behind the gate."""

import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.engine.gateway import Call, perform
from app.sandbox.shopee.answers import Refused, rate_limited, refusal
from app.sandbox.shopee.calls import Query, ShopeeCall, Spec, read_json
from app.sandbox.shopee.gate import Gate
from app.sandbox.shopee.world import CHANNEL, Shop, World

_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_NUMBER = re.compile(r"[0-9A-Za-z]{1,40}")
WebPage = Callable[[Request], Response]


class Api:
    """Paths by name. `revoke` ends the consent of the shop a call is for."""

    def __init__(
        self,
        world: World,
        gate: Gate,
        specs: dict[str, Spec],
        pages: dict[str, WebPage],
        revoke: Callable[[Shop], None],
    ) -> None:
        self.world = world
        self.gate = gate
        self.specs = specs
        self.pages = pages
        self._revoke = revoke
        self.app = Starlette(routes=[Route("/{path:path}", self._serve, methods=_METHODS)])

    async def _serve(self, request: Request) -> Response:
        self.world.engine.apply_due()
        try:
            answer = await self._answer(request)
        except Refused as refused:
            answer = refusal(refused)
        answer.headers["Date"] = self.world.engine.clock.http_date()
        return answer

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if request.method == "GET" and path in self.pages:
            with self.world.engine.store.transaction():
                return self.pages[path](request)
        spec = self.specs.get(path)
        if spec is None or spec.method != request.method:
            raise Refused(
                "error_param", "Permission denied. This API is currently offline or the request path is incorrect."
            )
        query = read_query(request)
        raw = await request.body()
        shop = self.gate.check(path, spec, query)
        body = read_json(raw) if request.method == "POST" else {}
        call = self._build(spec, shop, query, body)
        return await perform(
            self.world.engine,
            request,
            call,
            lambda _: self._run(spec, call),
            throttled=lambda: refusal(rate_limited()),
            revoked=lambda: self._revoked(call),
            late={"path": path, "shop_id": shop.get("shop_id"), "query": query, "body": body},
        )

    def late_call(
        self, path: str, shop_id: int | None, query: Query, body: dict[str, Any], strange: dict[str, int]
    ) -> None:
        """The effect of a call whose caller gave up long ago."""
        spec = self.specs[path]
        call = self._build(spec, self.world.shop(shop_id) if shop_id else {}, query, body)
        call.strange = strange
        self._run(spec, call)

    def _build(self, spec: Spec, shop: Shop, query: Query, body: dict[str, Any]) -> ShopeeCall:
        numbers = _order_numbers(self.world, query, body)
        return ShopeeCall(spec.operation, frozenset({CHANNEL}), numbers, shop=shop, query=query, body=body)

    def _run(self, spec: Spec, call: ShopeeCall) -> Response:
        try:
            return spec.endpoint(call)
        except Refused as refused:
            return refusal(refused)

    def _revoked(self, call: Call) -> Response:
        assert isinstance(call, ShopeeCall)
        shop = call.shop or self.world.shops.get(str(call.body.get("shop_id")))
        if shop:
            self._revoke(shop)
        if not call.shop:
            return refusal(Refused("error_auth", "Invalid refresh_token."))
        return refusal(Refused("invalid_acceess_token", "Invalid access_token, please have a check."))


def read_query(request: Request) -> Query:
    """Every value of every parameter."""
    query: Query = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return query


def _order_numbers(world: World, query: Query, body: dict[str, Any]) -> frozenset[str]:
    """Orders a call names, by themselves or by their packages, as far as the call can be read."""
    listed = [part for value in query.get("order_sn_list", []) for part in value.split(",")]
    packages = [part for value in query.get("package_number_list", []) for part in value.split(",")]
    entries = [*_objects(body.get("order_list")), *_objects(body.get("package_list"))]
    named = [*query.get("order_sn", []), *listed, body.get("order_sn"), *(one.get("order_sn") for one in entries)]
    named += [world.number_of(one) for one in (*packages, *(one.get("package_number") for one in entries))]
    return frozenset(one for one in named if isinstance(one, str) and _NUMBER.fullmatch(one))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
