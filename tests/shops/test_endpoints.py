"""Channels, connections and shops over HTTP: shapes, refusals, and what other merchants get to see."""

from typing import Any

import httpx
import pytest

from tests.shops.channel import CHANNEL
from tests.shops.desk import Desk, new_shop_id, state_in
from tests.shops.problems import problem
from tests.shops.shopkeeper import RETURN_URL, Shopkeeper

PAPERS = ("print_invoices", "print_packing_slips", "print_pick_list")
OURS = (*PAPERS, "hold", "release", "add_tags", "remove_tags", "set_note")


async def change(keeper: Shopkeeper, shop_id: str, wish: dict[str, Any]) -> httpx.Response:
    return await keeper.http.patch(f"/v1/shops/{shop_id}", json=wish)


async def test_channels_say_what_can_be_done(keeper: Shopkeeper) -> None:
    [channel] = (await keeper.get("/v1/channels"))["data"]

    # It can be read and connected, and nothing else: the rest is what we do by ourselves.
    assert channel["actions"] == ["connect", "import", "sync", *OURS]
    assert (channel["channel"], channel["first_step"], channel["handovers"]) == (CHANNEL, "none", ["pickup"])
    assert channel["windows"] == {"order_list_days": 15, "import_max_days": 90}
    assert channel["caps"] == {"bulk_max_orders": 100, "import_max_numbers": 200, "detail_batch": 50, "label_batch": 50}


async def test_a_shop_is_connected_by_consent(keeper: Shopkeeper) -> None:
    begun, shop_id = await keeper.begin(), new_shop_id()
    assert begun["state"] == "pending"

    back = await keeper.come_back(begun, shop_id)
    confirmed = await keeper.confirm(begun)

    assert (back.status_code, back.headers["location"]) == (302, f"{RETURN_URL}?connection_id={begun['id']}")
    assert (back.headers["referrer-policy"], back.headers["cache-control"]) == ("no-referrer", "no-store")
    connection = confirmed.json()
    assert (connection["state"], connection["channel"], connection["expires_at"]) == ("connected", CHANNEL, None)
    shop = await keeper.shop(shop_id)
    assert connection["shops"] == [{"id": shop["id"], "name": f"Shop {shop_id}", "channel": CHANNEL}]
    assert (shop["state"], shop["connection_id"], shop["timezone"]) == ("ok", begun["id"], "Asia/Jakarta")
    assert (await keeper.confirm(begun)).json() == connection
    assert await keeper.get(f"/v1/connections/{begun['id']}") == connection


async def test_a_posted_callback_counts_too(keeper: Shopkeeper) -> None:
    begun = await keeper.begin()
    callback = {"state": state_in(begun["authorization_url"]), "code": keeper.channel.consent(new_shop_id())}

    back = await keeper.http.post(f"/v1/connections/callback/{CHANNEL}", data=callback)

    assert back.status_code == 302
    assert (await keeper.confirm(begun)).json()["state"] == "connected"


async def test_a_callback_needs_no_login_and_a_state_that_counts(keeper: Shopkeeper) -> None:
    begun = await keeper.begin()
    del keeper.http.headers["Authorization"]

    for path in (
        f"{CHANNEL}?code=x",
        f"{CHANNEL}?code=x&state=AAAAAAAAAAAAAAAAAAAAAA",
        f"{CHANNEL}?state=%00",
        f"other?state={state_in(begun['authorization_url'])}",
    ):
        answer = await keeper.http.get(f"/v1/connections/callback/{path}")
        assert problem(answer) == (400, "invalid_state_token", "state")
    assert problem(await keeper.http.get("/v1/connections/callback/a%00b?state=x"))[:2] == (404, "not_found")
    assert (await keeper.come_back(begun, new_shop_id())).status_code == 302
    assert problem(await keeper.come_back(begun, new_shop_id()))[:2] == (400, "invalid_state_token")


async def test_only_whoever_began_may_confirm(keeper: Shopkeeper) -> None:
    begun = await keeper.begin()
    await keeper.come_back(begun, new_shop_id())
    key = await keeper.http.post("/v1/api-keys", json={"name": "robot", "scopes": ["shops:read", "shops:write"]})
    assert key.status_code == 201, key.text
    as_robot = {"Authorization": f"Bearer {key.json()['key']}"}

    by_robot = await keeper.http.post(f"/v1/connections/{begun['id']}/confirm", headers=as_robot)

    assert problem(by_robot)[:2] == (400, "invalid_state_token")
    assert (await keeper.confirm(begun)).json()["state"] == "connected"
    begun = (
        await keeper.http.post("/v1/connections", json={"channel": CHANNEL, "return_url": RETURN_URL}, headers=as_robot)
    ).json()
    await keeper.come_back(begun, new_shop_id())
    own = await keeper.http.post(f"/v1/connections/{begun['id']}/confirm", headers=as_robot)
    assert own.json()["state"] == "connected"


async def test_confirming_too_early_says_what_is_missing(keeper: Shopkeeper) -> None:
    answer = await keeper.confirm(await keeper.begin())

    assert problem(answer)[:2] == (409, "invalid_state")
    assert "authorization_url" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"channel": "nowhere", "return_url": RETURN_URL}, "/channel"),
        ({"channel": CHANNEL, "return_url": "https://evil.example/docs"}, "/return_url"),
        ({"channel": CHANNEL, "return_url": RETURN_URL, "store": 1}, "/store"),
        ({"channel": CHANNEL}, "/return_url"),
    ],
)
async def test_a_wish_for_a_connection_that_cannot_be_names_its_field(
    keeper: Shopkeeper, wish: dict[str, Any], pointer: str
) -> None:
    answer = await keeper.http.post("/v1/connections", json=wish)

    assert problem(answer) == (422, "validation_failed", pointer)
    assert (await keeper.get("/v1/connections"))["data"] == []


async def test_a_code_the_channel_refuses_is_told_in_the_channels_name(keeper: Shopkeeper) -> None:
    begun = await keeper.begin()
    await keeper.come_back(begun, new_shop_id())
    keeper.channel.codes.clear()

    answer = await keeper.confirm(begun)

    assert problem(answer)[:2] == (502, "channel_error")
    assert answer.json()["source"] == CHANNEL
    assert (await keeper.get(f"/v1/connections/{begun['id']}"))["state"] == "pending"


async def test_a_shop_of_another_merchant_cannot_be_taken(keeper: Shopkeeper, other_keeper: Shopkeeper) -> None:
    mine = await keeper.connect()
    begun = await other_keeper.begin()
    await other_keeper.come_back(begun, mine["external_id"])

    answer = await other_keeper.confirm(begun)

    assert problem(answer)[:2] == (409, "shop_already_connected")
    assert "Toko" not in answer.text
    assert (await other_keeper.get("/v1/shops"))["data"] == []
    assert (await keeper.shop(mine["external_id"]))["state"] == "ok"


async def test_other_merchants_see_and_change_nothing(keeper: Shopkeeper, other_keeper: Shopkeeper) -> None:
    mine = await keeper.connect()
    connection = f"/v1/connections/{mine['connection_id']}"

    answers = [
        await other_keeper.http.get(connection),
        await other_keeper.http.delete(connection),
        await other_keeper.http.post(f"{connection}/confirm"),
        await other_keeper.http.post(f"{connection}/reauthorize"),
        await change(other_keeper, mine["id"], {"name": "Mine now"}),
        await other_keeper.http.get(f"/v1/shops/{mine['id']}/health"),
        await other_keeper.http.get("/v1/connections/con_nonsense"),
    ]

    assert [problem(answer)[:2] for answer in answers] == [(404, "not_found")] * len(answers)
    assert (await other_keeper.get("/v1/connections"))["data"] == []
    assert await keeper.shop(mine["external_id"]) == mine


async def test_a_disconnected_shop_keeps_its_place_and_can_come_back(keeper: Shopkeeper) -> None:
    before = await keeper.connect()
    connection = f"/v1/connections/{before['connection_id']}"

    gone = await keeper.http.delete(connection)

    assert gone.status_code == 204
    assert (await keeper.shop(before["external_id"]))["state"] == "disconnected"
    assert (await keeper.get(f"/v1/shops/{before['id']}/health"))["auth"]["state"] == "disconnected"
    assert problem(await keeper.http.post(f"{connection}/reauthorize"))[:2] == (409, "invalid_state")
    assert (await keeper.http.delete(connection)).status_code == 204
    after = await keeper.connect(before["external_id"])
    assert (after["id"], after["state"]) == (before["id"], "ok")
    assert after["connection_id"] != before["connection_id"]


async def test_a_shop_that_needs_consent_says_so_until_it_has_it(keeper: Shopkeeper, desk: Desk) -> None:
    shop = await keeper.connect()
    await desk.sql(
        "update credentials c set needs_reauth_since = app_now(), needs_reauth_reason = 'revoked' from accounts a"
        " where a.credential_id = c.id and a.external_id = $1",
        shop["external_id"],
    )
    assert (await keeper.shop(shop["external_id"]))["state"] == "needs_reauth"
    auth = (await keeper.get(f"/v1/shops/{shop['id']}/health"))["auth"]
    assert (auth["state"], auth["reason"], auth["since"] is None) == ("needs_reauth", "revoked", False)

    again = await keeper.http.post(f"/v1/connections/{shop['connection_id']}/reauthorize")
    await keeper.come_back(again.json(), shop["external_id"])
    confirmed = await keeper.confirm(again.json())

    assert (confirmed.json()["id"], confirmed.json()["state"]) == (shop["connection_id"], "connected")
    assert await keeper.shop(shop["external_id"]) == shop


async def test_settings_of_a_shop_are_changed_one_by_one(keeper: Shopkeeper, desk: Desk) -> None:
    before = await keeper.connect()
    wishes: list[dict[str, Any]] = [
        {"name": "  Toko Baru "},
        {"paused": True},
        {"auto_receive": {"mode": "after_minutes", "value": 30}},
        {"cooling": {"minutes": 15, "mode": "respect"}},
        {"timezone": "Asia/Makassar"},
    ]

    for wish in wishes:
        assert (await change(keeper, before["id"], wish)).status_code == 200

    expected = {**before, **{name: value for wish in wishes for name, value in wish.items()}}
    assert await keeper.shop(before["external_id"]) == {**expected, "name": "Toko Baru", "state": "paused"}
    assert (await change(keeper, before["id"], {})).json()["name"] == "Toko Baru"
    entries = await desk.sql(
        "select 1 from journal where type = 'shop.changed' and subject_id = $1::uuid", before["id"][4:]
    )
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
async def test_a_setting_that_cannot_be_names_its_field(keeper: Shopkeeper, wish: dict[str, Any], pointer: str) -> None:
    before = await keeper.connect()

    answer = await change(keeper, before["id"], wish)

    assert problem(answer) == (422, "validation_failed", pointer)
    assert await keeper.shop(before["external_id"]) == before


async def test_refusals_speak_indonesian(keeper: Shopkeeper) -> None:
    shop = await keeper.connect()

    answer = await keeper.http.patch(
        f"/v1/shops/{shop['id']}", json={"timezone": "Asia/Atlantis"}, headers={"Accept-Language": "id"}
    )

    assert answer.json()["detail"].startswith("`Asia/Atlantis` bukan zona waktu")


async def test_connections_and_shops_are_paged(keeper: Shopkeeper) -> None:
    connected = [await keeper.connect() for _ in range(3)]

    for path, expected in (
        ("shops", [shop["id"] for shop in connected]),
        ("connections", [shop["connection_id"] for shop in reversed(connected)]),
    ):
        first = await keeper.get(f"/v1/{path}", limit=2)
        second = await keeper.get(f"/v1/{path}", limit=2, cursor=first["page"]["next_cursor"])
        assert [entry["id"] for entry in first["data"] + second["data"]] == expected
        assert (len(first["data"]), second["page"]["next_cursor"]) == (2, None)
    foreign = await keeper.http.get("/v1/shops", params={"cursor": first["page"]["next_cursor"]})
    assert problem(foreign)[:2] == (400, "cursor_mismatch")
