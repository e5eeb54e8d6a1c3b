"""Consent, codes and the life of tokens."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.shopee.conftest import Caller, Control

REDIRECT = "https://hub.example.id/cb?mine=1"
SIGNED, UNSIGNED = "/api/v2/shop/auth_partner", "/auth"
DAY = 86_400


def link(caller: Caller, path: str, **more: Any) -> dict[str, Any]:
    """Parameters of a consent link."""
    if path == UNSIGNED:
        partner = caller.credentials["app_key"]
        form = {"auth_type": "seller", "response_type": "code", "redirect_uri": REDIRECT, "state": "s1"}
        return {"partner_id": partner, **form, **more}
    return {**caller.public_query(path), "redirect": REDIRECT, **more}


@pytest.mark.parametrize(("path", "state"), [(SIGNED, None), (UNSIGNED, ["s1"])])
async def test_both_consent_links_lead_back_with_a_code_that_works(
    caller: Caller, path: str, state: list[str] | None
) -> None:
    page = await caller.http.get(path, params=link(caller, path))
    approved = await caller.http.get(path, params=link(caller, path, shop_id=caller.shop["shop_id"], approve=1))

    assert "Toko Uji" in page.text and "text/html" in page.headers["content-type"]
    back = urlsplit(approved.headers["location"])
    given = parse_qs(back.query)
    assert (approved.status_code, back.hostname, given["mine"]) == (302, "hub.example.id", ["1"])
    assert (given["shop_id"], given.get("state")) == ([caller.shop["shop_id"]], state)
    tokens = await caller.exchange(given["code"][0])
    assert (tokens["error"], tokens["expire_in"], "response" in tokens) == ("", 14_400, False)
    caller.shop = {**caller.shop, "access_token": tokens["access_token"]}
    info = (await caller.get("shop/get_shop_info")).json()
    assert (info["shop_name"], info["region"], "response" in info) == ("Toko Uji", "ID", False)


@pytest.mark.parametrize(
    ("path", "changes", "error"),
    [
        (SIGNED, {"sign": "0" * 64}, "error_sign"),
        (SIGNED, {"timestamp": 1_600_000_000}, "error_param"),
        (SIGNED, {"redirect": "javascript:alert(1)"}, "error_param"),
        (UNSIGNED, {"partner_id": 1}, "error_auth"),
        (UNSIGNED, {"redirect_uri": "nowhere"}, "error_param"),
    ],
)
async def test_a_wrong_consent_link_opens_nothing(
    caller: Caller, path: str, changes: dict[str, Any], error: str
) -> None:
    query = {**link(caller, path, shop_id=caller.shop["shop_id"], approve=1), **changes}

    assert (await caller.http.get(path, params=query)).json()["error"] == error


async def test_a_seller_can_take_the_consent_back(caller: Caller) -> None:
    query = {**link(caller, UNSIGNED), "shop_id": caller.shop["shop_id"], "approve": 1}

    assert (await caller.http.get("/cancel_auth", params=query)).status_code == 302
    assert (await caller.get("shop/get_shop_info")).json()["error"] == "error_auth"


async def test_a_code_works_once_and_ten_minutes(control: Control, caller: Caller) -> None:
    async def consent() -> str:
        code: str = (await control.post("shopee/consent", shop_id=caller.shop["shop_id"]))["code"]
        return code

    other = await control.post("shopee/shops", name="Toko Lain")
    once, late = await consent(), await consent()

    assert (await caller.exchange(once, shop_id=int(other["shop_id"])))["error"] == "invalid_code"
    assert (await caller.exchange(once, partner_id=1))["error"] == "error_param"
    assert (await caller.exchange(once))["error"] == ""
    assert (await caller.exchange(once))["error"] == "invalid_code"
    await control.pass_time(601)
    assert (await caller.exchange(late))["error"] == "invalid_code"


async def test_a_refresh_spends_its_token_and_leaves_the_old_access_token_five_minutes(
    control: Control, caller: Caller
) -> None:
    old = caller.shop

    fresh = await caller.refresh(old["refresh_token"])

    assert (fresh["error"], fresh["shop_id"], fresh["expire_in"]) == ("", int(old["shop_id"]), 14_400)
    assert (await caller.refresh(old["refresh_token"]))["error"] == "error_auth"
    assert (await caller.get("shop/get_shop_info")).json()["error"] == ""
    await control.pass_time(301)
    assert (await caller.get("shop/get_shop_info")).json()["error"] == "invalid_acceess_token"
    caller.shop = {**old, "access_token": fresh["access_token"]}
    assert (await caller.get("shop/get_shop_info")).json()["error"] == ""
    rows = (await control.get("ledger", operation="token_refresh"))["data"]
    mine = [row["effective"] for row in rows if row["params"]["shop_id"] == old["shop_id"]]
    assert mine == [True, False]


async def test_a_refresh_token_lives_thirty_days(control: Control, caller: Caller) -> None:
    await control.pass_time(30 * DAY - 60)
    second = await caller.refresh(caller.shop["refresh_token"])
    await control.pass_time(30 * DAY + 1)

    assert second["error"] == ""
    assert (await caller.refresh(second["refresh_token"]))["error"] == "error_auth"


async def test_reading_credentials_leaves_the_tokens_of_an_app_alone(control: Control, caller: Caller) -> None:
    code = (await control.post("shopee/consent", shop_id=caller.shop["shop_id"]))["code"]
    mine = await caller.exchange(code)
    await control.pass_time(5 * 3600)  # the published access token is dead by now, so a new one is published

    shops = (await control.get("credentials"))["shopee"]["shops"]

    [published] = [shop for shop in shops if shop["shop_id"] == caller.shop["shop_id"]]
    assert (await caller.refresh(mine["refresh_token"]))["error"] == ""
    caller.shop = published
    assert (await caller.get("shop/get_shop_info")).json()["error"] == ""
    assert (await caller.refresh(published["refresh_token"]))["error"] == ""


async def test_a_new_consent_ends_the_tokens_of_the_one_before(control: Control, caller: Caller) -> None:
    first, second = [
        await caller.exchange((await control.post("shopee/consent", shop_id=caller.shop["shop_id"]))["code"])
        for _ in range(2)
    ]

    assert (await caller.refresh(first["refresh_token"]))["error"] == "error_auth"
    assert (await caller.refresh(second["refresh_token"]))["error"] == ""
    caller.shop = {**caller.shop, "access_token": first["access_token"]}
    assert (await caller.get("shop/get_shop_info")).json()["error"] == "invalid_acceess_token"


async def test_an_authorisation_ends_after_a_year(control: Control, caller: Caller) -> None:
    token = caller.shop["refresh_token"]
    for _ in range(13):
        await control.pass_time(28.5 * DAY)
        answer = await caller.refresh(token)
        token = answer.get("refresh_token", token)

    assert answer["error"] == "error_auth"
