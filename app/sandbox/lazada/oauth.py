"""Consent page, token exchange and rotation, the seller's own data."""

from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from app.sandbox.engine.tokens import Pair, Tokens
from app.sandbox.lazada.calls import LazadaCall, Spec, record, success
from app.sandbox.lazada.world import APP_KEY, Refused, World

ACCESS_LIFE = 30 * 86_400
REFRESH_LIFE = 180 * 86_400


class OAuth:
    """Everything about consent. `shop_id` and `approve=1` in the link agree without a browser, `approve=0` refuses."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self.world = world
        self.tokens = tokens
        self.specs = {
            "/auth/token/create": Spec("token_exchange", self.create, is_public=True),
            "/auth/token/refresh": Spec("token_refresh", self.refresh, is_public=True),
            "/seller/get": Spec("get_shop", self.seller, ("GET",)),
        }

    async def consent_page(self, request: Request) -> Response:
        """`/oauth/authorize`."""
        query = request.query_params
        target = query.get("redirect_uri", "")
        if query.get("client_id") != APP_KEY or query.get("response_type") != "code":
            return PlainTextResponse("The client_id is invalid.", status_code=400)
        if urlsplit(target).scheme not in ("http", "https"):
            return PlainTextResponse("Redirect uri does not match the callback of the app.", status_code=400)
        state = {"state": query["state"]} if query.get("state") else {}
        if query.get("approve") == "0":
            return RedirectResponse(_with(target, {"error": "access_denied", **state}), status_code=302)
        shop = self.world.shops.get(query.get("shop_id", ""))
        if shop is None or query.get("approve") != "1":
            return HTMLResponse(self._render(request))
        with self.world.engine.store.transaction():
            code = self.tokens.new_code(shop["seller_id"])
        return RedirectResponse(_with(target, {"code": code, **state}), status_code=302)

    def _render(self, request: Request) -> str:
        rows = "".join(
            f'<li><a href="?{escape(urlencode({**request.query_params, "shop_id": shop_id, "approve": "1"}))}">'
            f"{escape(shop['name'])}</a></li>"
            for shop_id, shop in self.world.shops.items()
        )
        refuse = escape(urlencode({**request.query_params, "approve": "0"}))
        return (
            "<!doctype html><title>Lazada (simulasi)</title><h1>Lazada (simulasi)</h1>"
            f'<p>Pilih toko yang memberi izin:</p><ul>{rows}</ul><p><a href="?{refuse}">Tolak</a></p>'
        )

    def create(self, call: LazadaCall) -> Response:
        shop_id = self.tokens.take_code(call.text("code"))
        if shop_id is None:
            raise Refused("InvalidCode", "The specified code is invalid, used or expired.")
        return self._answer(shop_id, self.tokens.grant(shop_id), "country_user_info")

    def refresh(self, call: LazadaCall) -> Response:
        renewed = self.tokens.refresh(call.text("refresh_token"))
        record(self.world, call, None, is_effective=renewed is not None, params={"seller_id": renewed and renewed[0]})
        if renewed is None:
            raise Refused("IllegalRefreshToken", "The specified refresh token is invalid or expired")
        return self._answer(*renewed, "country_user_info_list")

    def _answer(self, shop_id: str, pair: Pair, key: str) -> Response:
        now = self.world.engine.clock.now()
        user = {"country": "id", "user_id": shop_id, "seller_id": shop_id, "short_code": f"ID{shop_id[-8:]}"}
        return success(
            access_token=pair.access,
            refresh_token=pair.refresh,
            expires_in=int(pair.access_until - now),
            refresh_expires_in=int(pair.refresh_until - now),
            country="id",
            account_platform="seller_center",
            account=f"toko{shop_id[-4:]}@example.co.id",
            account_id=None,
            **{key: [user]},
        )

    def seller(self, call: LazadaCall) -> Response:
        shop = call.shop
        return success(
            {
                "seller_id": int(shop["seller_id"]),
                "name": shop["name"],
                "name_company": shop["name"],
                "short_code": f"ID{shop['seller_id'][-8:]}",
                "email": f"toko{shop['seller_id'][-4:]}@example.co.id",
                "cb": False,
                "location": "Jakarta",
                "status": "ACTIVE",
                "verified": True,
                "marketplaceEaseMode": False,
            }
        )


def _with(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
