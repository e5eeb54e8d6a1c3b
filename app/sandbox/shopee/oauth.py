"""Consent pages, token exchange and rotation, shop information."""

import time
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.shopee.answers import Refused, refusal, success
from app.sandbox.shopee.api import SKEW_SECONDS, ShopeeCall, Spec
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.signing import sign
from app.sandbox.shopee.world import ACCESS_LIFE, AUTHORIZATION_LIFE, PARTNER_ID, PARTNER_KEY, World

_OLD_PATH = "/api/v2/shop/auth_partner"


class OAuth:
    """Everything about consent."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes
        self.pages = [Route("/auth", self.consent_page), Route(_OLD_PATH, self.consent_page)]
        self.specs = {
            "/api/v2/auth/token/get": Spec("POST", "token_exchange", self.exchange, is_public=True),
            "/api/v2/auth/access_token/get": Spec("POST", "token_refresh", self.refresh, is_public=True),
            "/api/v2/shop/get_shop_info": Spec("GET", "get_shop", self.shop_info),
            "/api/v2/public/get_shops_by_partner": Spec("GET", "get_shop", self.shops, is_public=True),
        }

    async def consent_page(self, request: Request) -> Response:
        """The seller picks a shop and agrees; `shop_id` and `approve=1` in the link do it without a browser."""
        query = request.query_params
        is_old = request.url.path == _OLD_PATH
        if query.get("partner_id") != str(PARTNER_ID):
            return refusal(Refused("error_auth", "partner_id is invalid"))
        if is_old:
            stamp = query.get("timestamp", "")
            if not stamp.isdigit() or abs(time.time() - int(stamp)) > SKEW_SECONDS:
                return refusal(Refused("error_param", "Timestamp is expired."))
            if query.get("sign") != sign(PARTNER_KEY, PARTNER_ID, _OLD_PATH, stamp):
                return refusal(Refused("error_sign", "Wrong sign."))
        target = query.get("redirect" if is_old else "redirect_uri", "")
        if urlsplit(target).scheme not in ("http", "https"):
            return refusal(
                Refused(
                    "error_param",
                    "The domain of redirect_uri is not consistent with the Redirect URL Domain declared in console.",
                )
            )
        shop = self.world.shops.get(query.get("shop_id", ""))
        if shop is not None and query.get("approve") == "1":
            extra = {"code": self.world.new_code(shop), "shop_id": str(shop["shop_id"])}
            if not is_old and query.get("state"):
                extra["state"] = query["state"]
            return RedirectResponse(_with_query(target, extra), status_code=302)
        links = "".join(
            f'<li><a href="?{escape(urlencode({**query, "shop_id": one["shop_id"], "approve": "1"}))}">'
            f"{escape(one['name'])}</a></li>"
            for one in self.world.shops.values()
        )
        return HTMLResponse(
            f"<!doctype html><title>Simulated Shopee</title><h1>Which shop agrees?</h1><ul>{links}</ul>"
        )

    def exchange(self, call: ShopeeCall) -> Response:
        shop = self.world.take_code(str(call.body.get("code", "")))
        if shop is None:
            raise Refused("invalid_code", "Invalid code.")
        if call.body.get("shop_id") not in (shop["shop_id"], None):
            raise Refused("invalid_shop_id", "Invalid shop_id.")
        access, refresh = self.world.grant(shop)
        self.pushes.authorization(shop, 1)
        return success(access_token=access, refresh_token=refresh, expire_in=ACCESS_LIFE)

    def refresh(self, call: ShopeeCall) -> Response:
        shop = self.world.shops.get(str(call.body.get("shop_id")))
        token = str(call.body.get("refresh_token", ""))
        is_good = shop is not None and shop["refresh"].get(token, 0) > self.world.engine.clock.now()
        row = (
            self.world.engine.clock.now(),
            "shopee",
            "token_refresh",
            None,
            None,
            is_good,
            "",
            {"shop_id": call.body.get("shop_id")},
        )
        self.world.engine.store.record([row])
        if shop is None or not is_good:
            raise Refused("error_auth", "Invalid refresh_token.")
        access, refresh = self.world.rotate(shop)
        return success(
            partner_id=PARTNER_ID,
            shop_id=shop["shop_id"],
            access_token=access,
            refresh_token=refresh,
            expire_in=ACCESS_LIFE,
        )

    def shop_info(self, call: ShopeeCall) -> Response:
        return success(**_shop_info(call.shop))

    def shops(self, call: ShopeeCall) -> Response:
        page, size = call.number("page_no", 1), call.number("page_size", 100)
        linked = [shop for shop in self.world.shops.values() if shop["is_linked"]]
        part = linked[(page - 1) * size : page * size]
        rows = [
            {
                "shop_id": shop["shop_id"],
                "region": "ID",
                "auth_time": shop["auth_time"],
                "expire_time": shop["auth_time"] + AUTHORIZATION_LIFE,
                "sip_affi_shop_list": [],
            }
            for shop in part
        ]
        return success(authed_shop_list=rows, more=page * size < len(linked))


def _shop_info(shop: dict[str, Any]) -> dict[str, Any]:
    return {
        "shop_name": shop["name"],
        "region": "ID",
        "status": "NORMAL",
        "auth_time": shop["auth_time"],
        "expire_time": shop["auth_time"] + AUTHORIZATION_LIFE,
        "is_cb": False,
        "is_sip": False,
        "merchant_id": None,
        "shop_fulfillment_flag": "Others",
    }


def _with_query(url: str, extra: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(extra)) if part)
    return urlunsplit(parts._replace(query=query))
