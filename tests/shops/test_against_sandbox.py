"""Connecting and keeping shops at the simulated marketplace."""

import asyncio
from typing import Any

import httpx
import pytest

from app.channels.contract import Authorises, Connector, ShopAccess
from app.core.ids import Prefixed
from app.shops import access
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop, follow_consent
from tests.shops.problems import problem


async def the_shop(merchant: Merchant) -> dict[str, Any]:
    [shop] = (await merchant.get("/v1/shops"))["data"]
    return dict(shop)


def state_of(begun: dict[str, Any]) -> str:
    """The state in a consent link of either form."""
    query = httpx.URL(begun["authorization_url"]).params
    return query.get("state") or httpx.URL(query["redirect"]).params["state"]


async def test_a_shop_is_connected_by_consent(merchant: Merchant, shop: SimulatedShop) -> None:
    [connection] = (await merchant.get("/v1/connections"))["data"]
    listed = await the_shop(merchant)

    assert (connection["state"], connection["channel"], connection["expires_at"]) == ("connected", "shopee", None)
    assert [one["id"] for one in connection["shops"]] == [listed["id"]]
    assert await merchant.get(f"/v1/connections/{connection['id']}") == connection
    assert (listed["name"], listed["external_id"], listed["state"]) == ("Toko Maju", shop.shop_id, "ok")
    assert listed["connection_id"] == connection["id"]
    assert listed["timezone"] == "Asia/Jakarta"
    assert listed["authorization_expires_at"] is not None


async def test_a_posted_callback_counts_too(
    merchant: Merchant, control: httpx.AsyncClient, world: World, api_url: str
) -> None:
    made = (await control.post("/_control/shopee/shops", json={"name": "Toko Pos"})).json()
    code = (await control.post("/_control/shopee/consent", json={"shop_id": made["shop_id"]})).json()["code"]
    begun = await merchant.post(
        "/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs?a=1"}, expect=201
    )

    back = await merchant.http.post(
        "/v1/connections/callback/shopee",
        data={"state": state_of(begun), "code": code, "shop_id": str(made["shop_id"])},
    )

    assert back.status_code == 302
    assert back.headers["location"] == f"{api_url}/docs?a=1&connection_id={begun['id']}"
    confirmed = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")
    assert [shop["name"] for shop in confirmed.json()["shops"]] == ["Toko Pos"]


async def test_a_marketplace_that_refuses_the_code_is_named(
    merchant: Merchant, control: httpx.AsyncClient, world: World, api_url: str
) -> None:
    begun = await merchant.post("/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs"}, expect=201)
    back = {"state": state_of(begun), "code": "old", "shop_id": "1"}
    await merchant.http.get("/v1/connections/callback/shopee", params=back)

    answer = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")

    assert problem(answer)[:2] == (502, "channel_error")
    assert answer.json()["source"] == "shopee"
    assert (await merchant.get(f"/v1/connections/{begun['id']}"))["state"] == "pending"


async def test_health_tells_of_consent_lag_and_the_next_run(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    health = await merchant.get(f"/v1/shops/{(await the_shop(merchant))['id']}/health")

    assert health["auth"]["state"] == "ok"
    assert health["auth"]["expires_in_days"] > 7
    assert health["lag"]["complete_to"] is not None
    assert health["lag"]["seconds"] < 600
    assert health["complete_back_to"] is not None
    assert (health["last_error"], health["paused"]) == (None, False)
    assert health["next_run"] is not None
    assert health["quota"].keys() == {"read", "write"}

    await shop.plan_fault("list_orders", "error_before", probability=1)
    await world.pass_time(61)
    answer = await merchant.http.get(f"/v1/shops/{health['shop_id']}/health", headers={"Accept-Language": "id"})
    error = answer.json()["last_error"]
    assert (error["code"], error["text"]) == ("channel_unavailable", "Kanal tidak dapat dihubungi; dicoba lagi.")
    await shop.heal()
    await world.pass_time(61)
    assert (await merchant.get(f"/v1/shops/{health['shop_id']}/health"))["last_error"] is None


async def test_a_revoked_shop_says_so_and_goes_on_after_a_new_consent(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await shop.plan_fault("*", "revoke_token")
    await shop.place_order()
    await merchant.import_orders()
    await world.work()
    revoked = await the_shop(merchant)
    assert revoked["state"] == "needs_reauth"
    health = await merchant.get(f"/v1/shops/{revoked['id']}/health")
    assert (health["auth"]["state"], health["auth"]["since"] is None) == ("needs_reauth", False)
    [connection] = (await merchant.get("/v1/connections"))["data"]
    assert connection["state"] == "needs_reauth"
    await shop.heal()

    await world.consent_again(merchant, shop)
    await world.work()

    assert (await the_shop(merchant))["state"] == "ok"
    assert len(await merchant.orders()) == 1


@pytest.mark.parametrize("channel", ["shopee", "lazada", "tiktok_shop"])
async def test_fifty_callers_renew_an_expired_token_once(
    world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str, channel: str
) -> None:
    shop = await connect_shop(merchant, control, api_url, channel=channel)

    async def count_refreshes() -> int:
        return sum(row["effective"] for row in await shop.rows("token_refresh"))

    async def fetch(connector: Connector, door: ShopAccess) -> str:
        assert isinstance(connector, Authorises)
        return (await connector.fetch_account(door)).external_id

    [connection] = (await merchant.get("/v1/connections"))["data"]
    [account] = await world.sql(
        "select a.merchant_id, a.id, a.external_id, c.access_expires_at - app_now() as life"
        " from accounts a join credentials c on c.id = a.credential_id where c.connection_id = $1",
        Prefixed("con").parse(connection["id"]),
    )
    await control.post("/_control/clock", json={"advance_seconds": account["life"].total_seconds() + 60})
    await world.follow_clock()
    before = await count_refreshes()

    calls = (access.call(world.context, account["merchant_id"], account["id"], fetch) for _ in range(50))
    answers = await asyncio.gather(*calls)

    assert answers == [account["external_id"]] * 50
    assert await count_refreshes() == before + 1


async def test_one_authorisation_gives_two_shops(
    world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str
) -> None:
    """TikTok Shop's consent opens Tokopedia too; asking for Tokopedia afterwards renews the same account."""
    shop = await connect_shop(merchant, control, api_url, channel="tiktok_shop")
    await world.work()
    both = {one["channel"]: one for one in (await merchant.get("/v1/shops"))["data"]}
    wish = {"channel": "tokopedia", "return_url": f"{api_url}/docs"}
    again = await follow_consent(merchant, await merchant.post("/v1/connections", wish, expect=201), shop)

    assert both.keys() == {"tiktok_shop", "tokopedia"}
    assert len({one["connection_id"] for one in both.values()}) == 1
    assert again["state"] == "connected"
    after = {one["channel"]: one for one in (await merchant.get("/v1/shops"))["data"]}
    assert {channel: one["id"] for channel, one in after.items()} == {
        channel: one["id"] for channel, one in both.items()
    }
    assert {one["state"] for one in after.values()} == {"ok"}
