"""Consent page, tokens, the shops a token opens, and webhooks of a shop's own."""

from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from app.sandbox.engine.tokens import Pair, Tokens
from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, record, request_id, success
from app.sandbox.tiktok_shop.pushes import EVENTS, Pushes
from app.sandbox.tiktok_shop.world import APP_KEY, APP_SECRET, SERVICE_ID, Refused, World

ACCESS_LIFE = 7 * 86_400
REFRESH_LIFE = 365 * 86_400
SCOPES = [
    "seller.authorization.info",
    "seller.order.info",
    "seller.fulfillment.basic",
    "seller.fulfillment.package.write",
    "seller.logistics",
    "seller.return_refund.basic",
    "seller.product.basic",
    "seller.product.write",
]
_LONGEST_ADDRESS = 255


class OAuth:
    """Everything about consent."""

    def __init__(self, world: World, tokens: Tokens, pushes: Pushes) -> None:
        self.world = world
        self.tokens = tokens
        self.pushes = pushes
        hooks = "/event/202309/webhooks"
        self.specs = {
            ("GET", "/api/v2/token/get"): Spec("GET", "token_exchange", self.create),
            ("GET", "/api/v2/token/refresh"): Spec("GET", "token_refresh", self.refresh),
            ("GET", "/authorization/202309/shops"): Spec("GET", "get_shop", self.shops, has_cipher=False),
            ("GET", hooks): Spec("GET", "webhooks", self.list_hooks),
            ("PUT", hooks): Spec("PUT", "webhooks", self.put_hook),
            ("DELETE", hooks): Spec("DELETE", "webhooks", self.delete_hook),
        }

    async def consent_page(self, request: Request) -> Response:
        """`/open/authorize?service_id&state`. The callback is registered with a real app; here the link names it too.

        `shop_id` and `approve=1` agree without a browser, `approve=0` refuses, `no_state=1` comes back as an install
        from the seller centre's app store does, `no_scopes=1` gives a token that may do nothing.
        """
        query = request.query_params
        target = query.get("redirect_uri", "")
        if query.get("service_id") not in (SERVICE_ID, APP_KEY):
            return PlainTextResponse("The service_id is invalid.", status_code=400)
        if urlsplit(target).scheme not in ("http", "https"):
            return PlainTextResponse("No callback is registered: add redirect_uri.", status_code=400)
        state = {"state": query["state"]} if query.get("state") and query.get("no_state") != "1" else {}
        if query.get("approve") == "0":
            return RedirectResponse(_with(target, {"code": "null", "error": "auth_denied", **state}), status_code=302)
        shop = self.world.shops.get(query.get("shop_id", ""))
        if shop is None or query.get("approve") != "1":
            return HTMLResponse(self._render(request))
        with self.world.engine.store.transaction():
            code = self.tokens.new_code(shop["id"])
        if query.get("no_scopes") == "1":
            code = f"{code}-bare"
        return RedirectResponse(_with(target, {"code": code, **state}), status_code=302)

    def _render(self, request: Request) -> str:
        rows = "".join(
            f'<li><a href="?{escape(urlencode({**request.query_params, "shop_id": shop_id, "approve": "1"}))}">'
            f"{escape(shop['name'])}</a></li>"
            for shop_id, shop in self.world.shops.items()
        )
        refuse = escape(urlencode({**request.query_params, "approve": "0"}))
        return (
            "<!doctype html><title>Tokopedia &amp; Shop (simulasi)</title><h1>Tokopedia &amp; Shop (simulasi)</h1>"
            f'<p>Pilih toko yang memberi izin:</p><ul>{rows}</ul><p><a href="?{refuse}">Tolak</a></p>'
        )

    def create(self, call: TikTokCall) -> Response:
        _check_app(call, "authorized_code")
        code = call.query.get("auth_code", "")
        shop_id = self.tokens.take_code(code.removesuffix("-bare"))
        if shop_id is None:
            raise Refused(36004004, "invalid auth code")
        scopes = ["seller.authorization.info"] if code.endswith("-bare") else SCOPES
        return self._answer(shop_id, self.tokens.grant(shop_id), scopes)

    def refresh(self, call: TikTokCall) -> Response:
        _check_app(call, "refresh_token")
        renewed = self.tokens.refresh(call.query.get("refresh_token", ""))
        record(self.world, call, None, is_effective=renewed is not None, params={"shop_id": renewed and renewed[0]})
        if renewed is None:
            raise Refused(36004004, "invalid refresh token")
        return self._answer(*renewed, SCOPES)

    def _answer(self, shop_id: str, pair: Pair, scopes: list[str]) -> Response:
        shop = self.world.shop(shop_id)
        data = {
            "access_token": pair.access,
            "access_token_expire_in": int(pair.access_until),
            "refresh_token": pair.refresh,
            "refresh_token_expire_in": int(pair.refresh_until),
            "open_id": shop["open_id"],
            "seller_name": shop["name"],
            "seller_base_region": "ID",
            "user_type": 0,
            "granted_scopes": scopes,
        }
        return JSONResponse({"code": 0, "message": "success", "request_id": request_id(), "data": data})

    def shops(self, call: TikTokCall) -> Response:
        shop = call.shop
        row = {
            "id": shop["id"],
            "name": shop["name"],
            "region": "ID",
            "seller_type": "LOCAL",
            "cipher": shop["cipher"],
            "code": f"IDLC{shop['id'][-6:]}",
        }
        return success({"shops": [row]})

    # --- webhooks

    def list_hooks(self, call: TikTokCall) -> Response:
        rows = list(self.pushes.hooks.get(call.shop["id"], {}).values())
        return success({**({"webhooks": rows} if rows else {}), "total_count": len(rows)})

    def put_hook(self, call: TikTokCall) -> Response:
        address = call.body.get("address")
        parts = urlsplit(address) if isinstance(address, str) else None
        if parts is None or len(str(address)) > _LONGEST_ADDRESS or parts.scheme not in ("http", "https"):
            raise Refused(36009004, "invalid param: address", 400)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise Refused(36009004, "invalid param: address must be https", 400)
        self.pushes.register(call.shop, _event(call), str(address))
        return success()

    def delete_hook(self, call: TikTokCall) -> Response:
        self.pushes.register(call.shop, _event(call), None)
        return success()


def _event(call: TikTokCall) -> str:
    event = call.body.get("event_type")
    if event not in EVENTS:
        raise Refused(36009004, "invalid param: event_type", 400)
    return str(event)


def _check_app(call: TikTokCall, grant_type: str) -> None:
    query = call.query
    if query.get("app_key") != APP_KEY or query.get("app_secret") != APP_SECRET:
        raise Refused(36009004, "Invalid credentials: app_key")
    if query.get("grant_type") != grant_type:
        raise Refused(36009004, "invalid param: grant_type")


def _with(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
