"""Consent pages, token exchange and rotation, shop information."""

from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.sandbox.shopee.answers import Refused, success, wrong_parameter
from app.sandbox.shopee.api import WebPage, read_query
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.gate import check_sign, check_timestamp
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.tokens import ACCESS_LIFE, AUTHORIZATION_LIFE, Tokens
from app.sandbox.shopee.world import CHANNEL, PARTNER_ID, Shop, World

SIGNED_AGREE, SIGNED_CANCEL = "/api/v2/shop/auth_partner", "/api/v2/shop/cancel_auth_partner"
AGREE, CANCEL = "/auth", "/cancel_auth"


class OAuth:
    """Everything about consent. The signed links are the old form, the unsigned ones carry a `state`."""

    def __init__(self, world: World, tokens: Tokens, pushes: Pushes) -> None:
        self.world = world
        self.tokens = tokens
        self.pushes = pushes
        self.pages: dict[str, WebPage] = dict.fromkeys((AGREE, CANCEL, SIGNED_AGREE, SIGNED_CANCEL), self.consent_page)
        self.specs = {
            "/api/v2/auth/token/get": Spec("POST", "token_exchange", self.exchange, is_public=True),
            "/api/v2/auth/access_token/get": Spec("POST", "token_refresh", self.refresh, is_public=True),
            "/api/v2/shop/get_shop_info": Spec("GET", "get_shop", self.shop_info),
            "/api/v2/public/get_shops_by_partner": Spec("GET", "get_shop", self.shops, is_public=True),
        }

    def consent_page(self, request: Request) -> Response:
        """The seller picks a shop and agrees; `shop_id` and `approve=1` in the link do it without a browser."""
        query, path = request.query_params, request.url.path
        target = self._check_link(request)
        shop = self.world.shops.get(query.get("shop_id", ""))
        if shop is None or query.get("approve") != "1":
            return HTMLResponse(_render(query, list(self.world.shops.values()), is_cancel="cancel" in path))
        if "cancel" in path:
            self.revoke(shop)
            return RedirectResponse(_with_query(target, {"shop_id": str(shop["shop_id"])}), status_code=302)
        extra = {"code": self.tokens.new_code(shop), "shop_id": str(shop["shop_id"])}
        if path == AGREE and query.get("state"):
            extra["state"] = query["state"]
        return RedirectResponse(_with_query(target, extra), status_code=302)

    def revoke(self, shop: Shop) -> None:
        """The seller takes the consent back."""
        self.tokens.revoke(shop)
        self.pushes.authorization(shop, is_granted=False)

    def _check_link(self, request: Request) -> str:
        """Where the browser goes afterwards. Raises Refused."""
        query, path = request.query_params, request.url.path
        is_signed = path in (SIGNED_AGREE, SIGNED_CANCEL)
        if query.get("partner_id") != str(PARTNER_ID):
            raise Refused("error_auth", "partner_id is invalid")
        if is_signed:
            stamp = check_timestamp(read_query(request))
            check_sign(query.get("sign", ""), str(PARTNER_ID), path, stamp)
        target = query.get("redirect" if is_signed else "redirect_uri", "")
        if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).netloc:
            raise Refused(
                "error_param",
                "The domain of redirect_uri is not consistent with the Redirect URL Domain declared in console.",
            )
        return target

    def exchange(self, call: ShopeeCall) -> Response:
        _check_partner(call)
        if "main_account_id" in call.body:
            raise Refused("invalid_main_acount_id", "Invalid main_account_id.")
        shop = self.tokens.take_code(call.body_text("code"), _shop_id(call))
        if shop is None:
            raise Refused("invalid_code", "Invalid code.")
        access, refresh = self.tokens.grant(shop)
        self.pushes.authorization(shop, is_granted=True)
        return success(access_token=access, refresh_token=refresh, expire_in=ACCESS_LIFE)

    def refresh(self, call: ShopeeCall) -> Response:
        _check_partner(call)
        shop = self.world.shops.get(str(_shop_id(call)))
        pair = self.tokens.refresh(shop, call.body_text("refresh_token")) if shop is not None else None
        self.world.engine.ledger.record(
            at=self.world.engine.clock.now(),
            channel=CHANNEL,
            operation="token_refresh",
            is_effective=pair is not None,
            call_id=call.id,
            params={"shop_id": str(call.body.get("shop_id"))},
        )
        if shop is None or pair is None:
            raise Refused("error_auth", "Invalid refresh_token.")
        return success(
            partner_id=PARTNER_ID,
            shop_id=shop["shop_id"],
            access_token=pair[0],
            refresh_token=pair[1],
            expire_in=ACCESS_LIFE,
        )

    def shop_info(self, call: ShopeeCall) -> Response:
        shop = call.shop
        return success(
            shop_name=shop["name"],
            status="NORMAL",
            is_cb=False,
            is_sip=False,
            merchant_id=None,
            shop_fulfillment_flag="Others",
            **_authorization(shop),
        )

    def shops(self, call: ShopeeCall) -> Response:
        page, size = call.number("page_no", 1), call.number("page_size", 100)
        if page < 1 or not 1 <= size <= 100:
            raise wrong_parameter("page_no must be from 1 and page_size between 1 and 100.")
        linked = [shop for shop in self.world.shops.values() if self.tokens.is_linked(shop)]
        rows = [
            {"shop_id": shop["shop_id"], "sip_affi_shop_list": [], **_authorization(shop)}
            for shop in linked[(page - 1) * size : page * size]
        ]
        return success(authed_shop_list=rows, more=page * size < len(linked))


def _authorization(shop: Shop) -> dict[str, Any]:
    return {
        "region": "ID",
        "auth_time": shop["auth_time"],
        "expire_time": shop["auth_time"] + AUTHORIZATION_LIFE,
    }


def _check_partner(call: ShopeeCall) -> None:
    if call.body.get("partner_id") != PARTNER_ID:
        raise wrong_parameter("partner_id is a required field and must be that of the query.")


def _shop_id(call: ShopeeCall) -> int:
    shop_id = call.body.get("shop_id")
    if not isinstance(shop_id, int) or isinstance(shop_id, bool):
        raise wrong_parameter("shop_id is a required field.")
    return shop_id


def _render(query: Any, shops: list[Shop], *, is_cancel: bool) -> str:
    question = "Which shop takes its consent back?" if is_cancel else "Which shop agrees?"
    links = "".join(
        f'<li><a href="?{escape(urlencode({**query, "shop_id": one["shop_id"], "approve": "1"}))}">'
        f"{escape(one['name'])}</a></li>"
        for one in shops
    )
    return f"<!doctype html><title>Simulated Shopee</title><h1>{question}</h1><ul>{links}</ul>"


def _with_query(url: str, extra: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(extra)) if part)
    return urlunsplit(parts._replace(query=query))
