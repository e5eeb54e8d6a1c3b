"""Channels, connections and shops over HTTP, against the simulated marketplace."""

from typing import Any

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop, follow_consent


async def the_shop(merchant: Merchant) -> dict[str, Any]:
    [shop] = (await merchant.get("/v1/shops"))["data"]
    return dict(shop)


async def change(merchant: Merchant, shop_id: str, changes: dict[str, Any]) -> httpx.Response:
    return await merchant.http.patch(f"/v1/shops/{shop_id}", json=changes)


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault."""
    body = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json")
    pointer = body["errors"][0].get("pointer") or body["errors"][0].get("parameter") if body["errors"] else None
    return answer.status_code, body["code"], pointer


async def test_channels_say_what_can_be_done(merchant: Merchant) -> None:
    channels = {channel["channel"]: channel for channel in (await merchant.get("/v1/channels"))["data"]}

    shopee = channels["shopee"]
    assert {"import", "sync", "arrange_shipment", "print_labels", "print_invoices", "hold"} <= set(shopee["actions"])
    assert (shopee["first_step"], shopee["handovers"]) == ("none", ["pickup", "dropoff", "manual"])
    assert shopee["windows"] == {"order_list_days": 15, "import_max_days": 90}
    assert shopee["caps"]["bulk_max_orders"] == 100


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


async def test_a_consent_that_is_not_ours_is_refused(merchant: Merchant, api_url: str) -> None:
    wish = {"channel": "shopee", "return_url": f"{api_url}/docs"}
    begun = await merchant.post("/v1/connections", wish, expect=201)
    assert begun["state"] == "pending"

    for query in ("?code=x&shop_id=1", "?code=x&state=AAAAAAAAAAAAAAAAAAAAAA", "?state=" + "x" * 500):
        answer = await merchant.http.get(f"/v1/connections/callback/shopee{query}")
        assert problem(answer) == (400, "invalid_state_token", "state")
    early = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")
    assert problem(early)[:2] == (409, "invalid_state")


async def test_another_channel_or_return_url_is_refused_with_its_field(merchant: Merchant, api_url: str) -> None:
    for body, pointer in (
        ({"channel": "nowhere", "return_url": f"{api_url}/docs"}, "/channel"),
        ({"channel": "shopee", "return_url": "https://evil.example/docs"}, "/return_url"),
        ({"channel": "shopee", "return_url": f"{api_url}/docs", "store": 1}, "/store"),
    ):
        answer = await merchant.http.post("/v1/connections", json=body)
        assert problem(answer) == (422, "validation_failed", pointer)


async def test_a_posted_callback_counts_too(
    merchant: Merchant, control: httpx.AsyncClient, world: World, api_url: str
) -> None:
    made = (await control.post("/_control/shopee/shops", json={"name": "Toko Pos"})).json()
    code = (await control.post("/_control/shopee/consent", json={"shop_id": made["shop_id"]})).json()["code"]
    begun = await merchant.post(
        "/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs?a=1"}, expect=201
    )
    state = (
        httpx.URL(begun["authorization_url"]).params.get("state")
        or httpx.URL(httpx.URL(begun["authorization_url"]).params["redirect"]).params["state"]
    )

    back = await merchant.http.post(
        "/v1/connections/callback/shopee", data={"state": state, "code": code, "shop_id": str(made["shop_id"])}
    )

    assert back.status_code == 302
    assert back.headers["location"] == f"{api_url}/docs?a=1&connection_id={begun['id']}"
    confirmed = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")
    assert [shop["name"] for shop in confirmed.json()["shops"]] == ["Toko Pos"]


async def test_a_marketplace_that_refuses_the_code_is_named(
    merchant: Merchant, control: httpx.AsyncClient, world: World, api_url: str
) -> None:
    begun = await merchant.post("/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs"}, expect=201)
    url = httpx.URL(begun["authorization_url"])
    state = url.params.get("state") or httpx.URL(url.params["redirect"]).params["state"]
    await merchant.http.get("/v1/connections/callback/shopee", params={"state": state, "code": "old", "shop_id": "1"})

    answer = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")

    assert problem(answer)[:2] == (502, "channel_error")
    assert answer.json()["source"] == "shopee"
    assert (await merchant.get(f"/v1/connections/{begun['id']}"))["state"] == "pending"


async def test_a_shop_of_another_merchant_cannot_be_taken(
    merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop, api_url: str
) -> None:
    begun = await other_merchant.post(
        "/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs"}, expect=201
    )

    with pytest.raises(AssertionError, match="shop_already_connected"):
        await follow_consent(other_merchant, begun, shop)

    assert (await other_merchant.get("/v1/shops"))["data"] == []
    assert (await the_shop(merchant))["state"] == "ok"


async def test_other_merchants_see_and_change_nothing(
    merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    mine = await the_shop(merchant)
    connection = f"/v1/connections/{mine['connection_id']}"

    answers = [
        await other_merchant.http.get(connection),
        await other_merchant.http.delete(connection),
        await other_merchant.http.post(f"{connection}/confirm"),
        await other_merchant.http.post(f"{connection}/reauthorize"),
        await change(other_merchant, mine["id"], {"name": "Mine now"}),
        await other_merchant.http.get(f"/v1/shops/{mine['id']}/health"),
        await other_merchant.http.get("/v1/connections/con_nonsense"),
    ]

    assert [problem(answer)[:2] for answer in answers] == [(404, "not_found")] * len(answers)
    assert (await other_merchant.get("/v1/connections"))["data"] == []
    assert await the_shop(merchant) == mine


async def test_a_disconnected_shop_keeps_its_history_and_can_come_back(
    world: World, merchant: Merchant, shop: SimulatedShop, api_url: str
) -> None:
    before = await the_shop(merchant)

    gone = await merchant.http.delete(f"/v1/connections/{before['connection_id']}")

    assert gone.status_code == 204
    assert (await the_shop(merchant))["state"] == "disconnected"
    health = await merchant.get(f"/v1/shops/{before['id']}/health")
    assert health["auth"]["state"] == "disconnected"
    refused = await merchant.http.post(f"/v1/connections/{before['connection_id']}/reauthorize")
    assert problem(refused)[:2] == (409, "invalid_state")
    begun = await merchant.post("/v1/connections", {"channel": "shopee", "return_url": f"{api_url}/docs"}, expect=201)
    await follow_consent(merchant, begun, shop)
    after = await the_shop(merchant)
    assert (after["id"], after["state"], after["connection_id"]) == (before["id"], "ok", begun["id"])


async def test_settings_of_a_shop_are_changed_one_by_one(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    before = await the_shop(merchant)
    wishes: list[dict[str, Any]] = [
        {"name": "  Toko Baru "},
        {"paused": True},
        {"auto_receive": {"mode": "after_minutes", "value": 30}},
        {"cooling": {"minutes": 15, "mode": "respect"}},
        {"timezone": "Asia/Makassar"},
    ]

    for wish in wishes:
        assert (await change(merchant, before["id"], wish)).status_code == 200

    expected = {**before, **{name: value for wish in wishes for name, value in wish.items()}}
    assert await the_shop(merchant) == {**expected, "name": "Toko Baru", "state": "paused"}
    entries = await world.sql("select before, after from journal where type = 'shop.changed' order by id desc limit 5")
    assert len(entries) == len(wishes)


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"nme": "x"}, "/nme"),
        ({"name": "   "}, "/name"),
        ({"timezone": "Asia/Atlantis"}, "/timezone"),
        ({"auto_receive": {"mode": "after_minutes"}}, "/auto_receive/value"),
        ({"auto_receive": {"mode": "off", "value": 5}}, "/auto_receive/value"),
        ({"auto_receive": {"mode": "sometimes"}}, "/auto_receive/mode"),
        ({"cooling": {"minutes": -1, "mode": "warn"}}, "/cooling/minutes"),
        ({"cooling": {"minutes": 5, "mode": "maybe"}}, "/cooling/mode"),
        ({"state": "ok"}, "/state"),
    ],
)
async def test_a_setting_that_cannot_be_names_its_field(
    merchant: Merchant, shop: SimulatedShop, wish: dict[str, Any], pointer: str
) -> None:
    before = await the_shop(merchant)

    answer = await change(merchant, before["id"], wish)

    assert problem(answer) == (422, "validation_failed", pointer)
    assert await the_shop(merchant) == before


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


async def test_connections_and_shops_are_paged(
    world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str
) -> None:
    for name in ("Toko A", "Toko B", "Toko C"):
        await connect_shop(merchant, control, api_url, name)

    for path, expected in (("shops", ["Toko A", "Toko B", "Toko C"]), ("connections", None)):
        first = await merchant.get(f"/v1/{path}", limit=2)
        second = await merchant.get(f"/v1/{path}", limit=2, cursor=first["page"]["next_cursor"])
        assert (len(first["data"]), len(second["data"]), second["page"]["next_cursor"]) == (2, 1, None)
        assert len({entry["id"] for entry in first["data"] + second["data"]}) == 3
        if expected is not None:
            assert [entry["name"] for entry in first["data"] + second["data"]] == expected
    moved = await merchant.http.get("/v1/connections", params={"cursor": first["page"]["next_cursor"], "limit": 2})
    assert moved.status_code == 200
    foreign = await merchant.http.get("/v1/shops", params={"cursor": first["page"]["next_cursor"]})
    assert problem(foreign)[:2] == (400, "cursor_mismatch")
