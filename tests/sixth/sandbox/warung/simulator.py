"""Warung behind the sandbox's control API: orders walk from paid to completed, one package each."""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.engine import staleness
from app.sandbox.engine.core import Engine, Impossible, UnknownThing
from app.sandbox.engine.gateway import Call, perform

CHANNEL, APP_KEY, APP_SECRET = "warung", "warung-app", "warung-secret-0123456789"
STEPS = ("unpaid", "paid", "arranged", "collected", "in_transit", "delivered", "completed")
PAGE = 50
TOKEN_LIFE = 3600


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.answer = JSONResponse({"error": word}, status_code=status)


class Warung:
    """One API, one channel; everything it knows stays in memory and on disk as plain JSON."""

    channels = (CHANNEL,)
    port_offset = 5

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shops: dict[str, dict[str, Any]] = engine.store.load("warung.shop")
        self.orders: dict[str, dict[str, Any]] = engine.store.load("warung.order")
        self.codes: dict[str, str] = {}
        routes = [Route("/authorize", self._authorize), Route("/token", self._serve, methods=["POST"])]
        routes += [Route(path, self._serve, methods=["GET", "POST"]) for path in ("/shop", "/orders", "/read", "/ship")]
        self.app = Starlette(routes=routes)

    # --- control

    def open_demo(self) -> None:
        if not self.shops:
            self.add_shop(CHANNEL, "Warung Bu Tini")

    def credentials(self, channel: str) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.engine.port + self.port_offset}"
        shops = [self._describe(shop) for shop in self.shops.values()]
        keys = {"app_key": APP_KEY, "app_secret": APP_SECRET, "push_secret": ""}
        return {**keys, "base_url": base, "auth_url": f"{base}/authorize", "shops": shops}

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        shop = {"shop_id": str(self.engine.store.next_number("warung.shop")), "name": name}
        self._renew(shop)
        return self._describe(shop)

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        code = secrets.token_hex(8)
        self.codes[code] = self._shop(shop_id)["shop_id"]
        return {"code": code}

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        shop = self._shop(wish["shop_id"]) if wish.get("shop_id") else next(iter(self.shops.values()))
        return [self._place(shop, wish) for _ in range(wish["count"])]

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        order = self._order(number)
        package = {"package_number": f"P{number}", "state": order["state"], "tracking_number": order["tracking_number"]}
        at = datetime.fromtimestamp(order["updated"], UTC).isoformat()
        return {
            "order_number": number,
            "shop_id": order["shop_id"],
            "state": order["state"],
            "cancellation": "none",
            "packages": [package],
            "updated_at": at,
        }

    def advance(self, channel: str, number: str, to: str) -> None:
        order = self._order(number)
        if to == "edited":
            order["buyer"] = f"{order['buyer']}!"
        elif to == "cancelled" or (to in STEPS and order["state"] in STEPS):
            if to in STEPS and STEPS.index(to) < STEPS.index(order["state"]):
                raise Impossible(f"{number} is {order['state']} already.")
            self._move(order, to)
        else:
            raise Impossible(f"{number} cannot become {to}.")
        self._save(order)

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        raise Impossible("Warung sends no pushes.")

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        """Warung sends none."""

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        if args["number"] in self.orders:
            call = Call("ship", frozenset({CHANNEL}), frozenset({args["number"]}), args["strange"])
            with suppress(Refused):  # cancelled meanwhile
                self._ship(call, args["wish"], args["shop_id"])

    def reset(self) -> None:
        self.orders.clear()
        self.engine.store.clear("warung.order")

    async def close(self) -> None:
        """Nothing is open."""

    # --- the marketplace

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        code = self.consent(CHANNEL, query["shop_id"])["code"]
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}", status_code=302)

    async def _serve(self, request: Request) -> Response:
        body = await request.json() if request.method == "POST" else dict(request.query_params)
        number = str(body.get("package", ""))[1:] if request.url.path == "/ship" else ""
        numbers = frozenset({number} if number else body.get("ids", ()) if request.url.path == "/read" else ())
        word = {"/token": "token_refresh", "/shop": "get_shop", "/orders": "list_orders", "/read": "get_order"}
        call = Call(word.get(request.url.path, "ship"), frozenset({CHANNEL}), numbers)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        answer = await perform(
            self.engine,
            request,
            call,
            lambda made: self._handle(made, request.url.path, body, token),
            throttled=lambda: JSONResponse({"error": "slow down"}, status_code=429, headers={"Retry-After": "2"}),
            revoked=lambda: self._revoke(token),
            late={"number": number, "shop_id": self._shop_of(token), "wish": body},
        )
        answer.headers["Date"] = formatdate(self.engine.clock.now(), usegmt=True)
        return answer

    def _handle(self, call: Call, path: str, body: dict[str, Any], token: str) -> Response:
        try:
            if path == "/token":
                return JSONResponse(self._token(call, body))
            shop_id = self._shop_of(token)
            if shop_id is None:
                raise Refused(401, "token")
            if path == "/shop":
                return JSONResponse(self._describe(self.shops[shop_id]))
            if path == "/orders":
                return JSONResponse(self._list(call, body, shop_id))
            if path == "/read":
                return JSONResponse({"orders": self._read(call, body["ids"], shop_id)})
            return JSONResponse(self._ship(call, body, shop_id))
        except Refused as refused:
            return refused.answer

    def _token(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("secret") != APP_SECRET:
            raise Refused(403, "app")
        if "code" in body:
            shop_id = self.codes.pop(str(body["code"]), None)
        else:
            mine = (one["shop_id"] for one in self.shops.values() if one["refresh_token"] == body["refresh_token"])
            shop_id = next(mine, None)
            self._record(call, None, is_effective=shop_id is not None, params={"shop_id": shop_id})
        if shop_id is None:
            raise Refused(400, "grant")
        shop = self.shops[shop_id]
        self._renew(shop)
        return {**self._describe(shop), "expires_in": TOKEN_LIFE}

    def _list(self, call: Call, body: dict[str, Any], shop_id: str) -> dict[str, Any]:
        since, until, start = float(body["since"]), float(body["until"]), int(body.get("start", 0))
        name = "placed" if body["by"] == "created" else "updated"
        mine = [one for one in self.orders.values() if one["shop_id"] == shop_id and since <= one[name] <= until]
        ids = [one["number"] for one in sorted(mine, key=lambda one: (one[name], one["number"]))]
        if "duplicate_page" in call.strange:
            start = max(0, start - PAGE)
        if "shifting_page" in call.strange:
            start += 1
        following = start + PAGE if start + PAGE < len(ids) else None
        return {"ids": ids[start : start + PAGE], "next": following}

    def _read(self, call: Call, ids: list[str], shop_id: str) -> list[dict[str, Any]]:
        found = [staleness.seen(self.engine.clock, self.orders[one]) for one in ids if one in self.orders]
        mine = [one for one in found if one["shop_id"] == shop_id]
        return mine[:-1] if "omit_item" in call.strange else mine

    def _ship(self, call: Call, body: dict[str, Any], shop_id: str | None) -> dict[str, Any]:
        order = self.orders.get(str(body["package"])[1:])
        if order is None or order["shop_id"] != shop_id:
            raise Refused(404, "package")
        may_repeat = "accept_duplicates" in call.strange and order["state"] == "arranged"
        is_effective = order["state"] == "paid" or may_repeat
        self._record(call, order, is_effective=is_effective, params={"method": body["method"]})
        if not is_effective:
            raise Refused(409 if order["state"] in STEPS[2:] else 422, order["state"])
        if "stale_read" in call.strange:
            staleness.remember(self.engine.clock, order, call.strange["stale_read"])
        self._move(order, "arranged")
        self._save(order)
        return {"ok": True}

    # --- what is kept

    def _place(self, shop: dict[str, Any], wish: dict[str, Any]) -> str:
        serial = self.engine.store.next_number("warung.order")
        number, now = f"W{serial:08d}", self.engine.clock.seconds()
        lines = [
            {"id": f"{serial}-{one}", "sku": f"KUE-{one}", "name": f"Kue {one}", "quantity": 1 + one, "price": 12_500}
            for one in range(wish.get("lines") or 1)
        ]
        order = {
            "number": number,
            "shop_id": shop["shop_id"],
            "state": wish["state"],
            "placed": now,
            "updated": now,
            "buyer": "Ibu Sari",
            "lines": lines,
            "tracking_number": None,
        }
        self._save(order)
        return number

    def _move(self, order: dict[str, Any], to: str) -> None:
        order["state"] = to
        if to in STEPS[2:] and order["tracking_number"] is None:
            order["tracking_number"] = f"WRG{order['number'][1:]}"

    def _save(self, order: dict[str, Any]) -> None:
        order["updated"] = max(self.engine.clock.seconds(), order["updated"])
        self.orders[order["number"]] = order
        self.engine.store.put("warung.order", order["number"], order)

    def _renew(self, shop: dict[str, Any]) -> None:
        shop |= {"access_token": secrets.token_hex(16), "refresh_token": secrets.token_hex(16)}
        self.shops[shop["shop_id"]] = shop
        self.engine.store.put("warung.shop", shop["shop_id"], shop)

    def _revoke(self, token: str) -> Response:
        shop_id = self._shop_of(token)
        if shop_id is not None:
            self._renew(self.shops[shop_id])
        return Refused(401, "token").answer

    def _shop_of(self, token: str) -> str | None:
        return next((one["shop_id"] for one in self.shops.values() if one["access_token"] == token), None)

    def _shop(self, shop_id: object) -> dict[str, Any]:
        try:
            return self.shops[str(shop_id)]
        except KeyError:
            raise UnknownThing(f"There is no shop {shop_id} at Warung.") from None

    def _order(self, number: str) -> dict[str, Any]:
        try:
            return self.orders[number]
        except KeyError:
            raise UnknownThing(f"There is no order {number} at Warung.") from None

    def _describe(self, shop: dict[str, Any]) -> dict[str, Any]:
        return {name: shop[name] for name in ("shop_id", "name", "access_token", "refresh_token")}

    def _record(self, call: Call, order: dict[str, Any] | None, *, is_effective: bool, params: dict[str, Any]) -> None:
        self.engine.ledger.record(
            at=self.engine.clock.now(),
            channel=CHANNEL,
            operation=call.operation,
            is_effective=is_effective,
            call_id=call.id,
            order_number=order["number"] if order else None,
            package_number=f"P{order['number']}" if order else None,
            params=params,
        )
