"""Connecting a store of the merchant's own at the simulated WooCommerce: by its consent page, or with keys by hand."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app.core.settings import Settings
from app.main import create_app
from tests.fixtures.application import found
from tests.fixtures.merchant import Merchant
from tests.fixtures.own_store import CHANNEL, OwnStore, open_own_store
from tests.fixtures.world import World
from tests.shops.problems import problem


@pytest.fixture
async def store(control: httpx.AsyncClient) -> OwnStore:
    return await open_own_store(control)


async def begin(merchant: Merchant, store: OwnStore, api_url: str) -> dict[str, Any]:
    wish = {"channel": CHANNEL, "store_url": store.url, "return_url": f"{api_url}/docs"}
    begun: dict[str, Any] = await merchant.post("/v1/connections", wish, expect=201)
    return begun


async def answer_at_the_store(begun: dict[str, Any], store: OwnStore, approve: str) -> httpx.Response:
    """The merchant answers on the consent page; the browser follows it back to us."""
    page = httpx.URL(begun["authorization_url"]).copy_merge_params({"approve": approve})
    async with httpx.AsyncClient(trust_env=False) as browser:
        answered = await browser.get(page)
        assert answered.status_code == 302, answered.text
        return await browser.get(answered.headers["location"])


async def post_keys(merchant: Merchant, store: OwnStore, **changes: Any) -> httpx.Response:
    body = {"channel": CHANNEL, "store_url": store.url, **store.keys, **changes}
    return await merchant.http.post("/v1/connections", json={name: value for name, value in body.items() if value})


async def test_a_store_is_connected_on_its_own_consent_page(
    world: World, merchant: Merchant, store: OwnStore, api_url: str
) -> None:
    begun = await begin(merchant, store, api_url)
    back = await answer_at_the_store(begun, store, "1")
    confirmed = (await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")).json()
    await world.work()

    assert back.status_code == 302
    assert back.headers["location"] == f"{api_url}/docs?connection_id={begun['id']}"
    assert (confirmed["state"], [shop["name"] for shop in confirmed["shops"]]) == ("connected", ["Toko Sendiri"])
    [shop] = (await merchant.get("/v1/shops"))["data"]
    assert (shop["state"], shop["external_id"]) == ("ok", store.url)
    async with httpx.AsyncClient(trust_env=False) as browser:
        again = await browser.get(httpx.URL(begun["authorization_url"]).copy_merge_params({"approve": "1"}))
    assert "unable to send" in again.text, "we take one pair of keys per state, and the store says so"


async def test_a_merchant_who_says_no_is_told_so(
    world: World, merchant: Merchant, store: OwnStore, api_url: str
) -> None:
    begun = await begin(merchant, store, api_url)
    back = await answer_at_the_store(begun, store, "0")

    refused = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")

    assert back.status_code == 302
    assert problem(refused)[:2] == (409, "consent_refused")
    assert (await merchant.get("/v1/shops"))["data"] == []
    assert problem(await merchant.http.post(f"/v1/connections/{begun['id']}/confirm"))[:2] == (409, "invalid_state")


async def test_keys_posted_for_a_state_nobody_gave_are_not_taken(
    world: World, merchant: Merchant, store: OwnStore, api_url: str
) -> None:
    keys = {"key_id": 1, "key_permissions": "read_write", **store.keys}
    begun = await begin(merchant, store, api_url)
    state = httpx.URL(begun["authorization_url"]).params["user_id"]
    callback = f"{api_url}/v1/connections/callback/{CHANNEL}"

    foreign = await merchant.http.post(callback, json={**keys, "user_id": "AAAAAAAAAAAAAAAAAAAAAA"})
    taken = await merchant.http.post(callback, json={**keys, "user_id": state})
    used = await merchant.http.post(callback, json={**keys, "user_id": state, "consumer_key": "ck_of_somebody_else"})

    assert problem(foreign) == (400, "invalid_state_token", "user_id")
    assert taken.status_code == 200
    assert problem(used) == (400, "invalid_state_token", "user_id")
    confirmed = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")
    assert confirmed.json()["state"] == "connected", "the first pair counts"


async def test_keys_of_another_store_do_not_open_this_one(
    world: World, merchant: Merchant, store: OwnStore, control: httpx.AsyncClient, api_url: str
) -> None:
    """Nobody signs the posted keys; only a call with them shows whose they are."""
    other = (await control.post(f"/_control/{CHANNEL}/shops", json={"name": "Toko Lain"})).json()
    begun = await begin(merchant, store, api_url)
    body = {
        "key_id": 1,
        "user_id": httpx.URL(begun["authorization_url"]).params["user_id"],
        "consumer_key": other["consumer_key"],
        "consumer_secret": other["consumer_secret"],
        "key_permissions": "read_write",
    }
    await merchant.http.post(f"{api_url}/v1/connections/callback/{CHANNEL}", json=body)

    refused = await merchant.http.post(f"/v1/connections/{begun['id']}/confirm")

    assert problem(refused)[:2] == (409, "consent_refused")
    assert (await merchant.get("/v1/shops"))["data"] == []


async def test_keys_made_by_hand_connect_at_once(world: World, merchant: Merchant, store: OwnStore) -> None:
    answer = await post_keys(merchant, store)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["state"], body["authorization_url"], body["expires_at"]) == ("connected", None, None)
    assert [shop["name"] for shop in (await merchant.get("/v1/shops"))["data"]] == ["Toko Sendiri"]
    number = await store.shop.place_order()
    await merchant.import_orders(channel=CHANNEL)
    await world.work()
    assert (await merchant.order(number))["channel"] == CHANNEL


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"consumer_secret": "cs_" + "0" * 40}, 422, "keys_refused", "/consumer_key"),
        ({"consumer_key": "ck_unknown"}, 422, "keys_refused", "/consumer_key"),
        ({"consumer_key": "kunci-é"}, 422, "keys_refused", "/consumer_key"),
        ({"consumer_secret": None}, 422, "validation_failed", "/consumer_secret"),
        ({"consumer_key": None}, 422, "validation_failed", "/consumer_key"),
        ({"store_url": None}, 422, "validation_failed", "/store_url"),
        ({"channel": "shopee"}, 422, "validation_failed", "/consumer_key"),
        ({"store_url": "http://127.0.0.1:9"}, 502, "channel_error", None),
        ({"store_url": "ftp://toko.example.id"}, 422, "invalid_store_url", "/store_url"),
    ],
)
async def test_keys_that_cannot_be_are_named_and_leave_nothing(
    merchant: Merchant, store: OwnStore, changes: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    answer = await post_keys(merchant, store, **changes)

    assert problem(answer) == (status, code, pointer)
    assert (await merchant.get("/v1/connections"))["data"] == []
    assert (await merchant.get("/v1/shops"))["data"] == []


async def test_keys_are_never_shown_again(
    world: World, merchant: Merchant, store: OwnStore, caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    refused = await post_keys(merchant, store, consumer_secret="cs_wrong_but_still_secret")
    connected = await post_keys(merchant, store)
    await world.work()
    [shop] = (await merchant.get("/v1/shops"))["data"]
    health = await merchant.http.get(f"/v1/shops/{shop['id']}/health")
    connections = await merchant.http.get("/v1/connections")

    said = "".join(answer.text for answer in (refused, connected, health, connections))
    said += (home / "logs" / "api.log").read_text() + caplog.text
    for secret in ("cs_wrong_but_still_secret", *store.keys.values()):
        assert secret not in said


async def test_the_store_tells_us_of_new_orders(
    world: World, merchant: Merchant, store: OwnStore, api_url: str
) -> None:
    await post_keys(merchant, store)
    await world.work()

    hooks = await store.read("webhooks")
    assert hooks and {hook["status"] for hook in hooks} == {"active"}
    assert all(hook["delivery_url"].startswith(f"{api_url}/v1/push/{CHANNEL}") for hook in hooks)
    [shop] = (await merchant.get("/v1/shops"))["data"]
    push = (await merchant.get(f"/v1/shops/{shop['id']}/health"))["push"]
    assert push["subscribed_at"] is not None

    number = await store.shop.place_order()
    await store.shop.push(number)
    await world.pass_time(2)  # pushes are looked at every second, orders polled for every minute
    assert (await merchant.order(number))["status"] == "ready_to_ship"
    assert (await merchant.get(f"/v1/shops/{shop['id']}/health"))["push"]["last_received_at"] is not None


async def test_a_store_has_one_merchant(
    world: World, merchant: Merchant, other_merchant: Merchant, store: OwnStore
) -> None:
    await post_keys(merchant, store)
    before = (await merchant.get("/v1/shops"))["data"]

    taken = await post_keys(other_merchant, store)
    again = await post_keys(merchant, store)

    assert problem(taken)[:2] == (409, "shop_already_connected")
    assert (await other_merchant.get("/v1/connections"))["data"] == []
    assert again.status_code == 201, again.text
    [shop] = (await merchant.get("/v1/shops"))["data"]
    assert shop["id"] == before[0]["id"], "the same shop, renewed"


async def test_production_does_not_call_private_addresses(
    settings: Settings, store: OwnStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the sandbox's own, nor one in another spelling."""
    monkeypatch.setenv("PLUGOSYNC_ENV", "production")
    monkeypatch.setenv("PLUGOSYNC_PUBLIC_URL", "https://orders.example.id")
    app = create_app(Settings())
    async with LifespanManager(app), await (await found(app)).client() as http:
        for url in (store.url, "https://127.0.0.1", "https://10.0.0.7/toko", "https://[::1]", "https://2130706433"):
            body = {"channel": CHANNEL, "store_url": url, "return_url": "https://orders.example.id/docs"}
            answer = await http.post("/v1/connections", json=body)
            assert problem(answer) == (422, "invalid_store_url", "/store_url"), url
        assert (await http.get("/v1/connections")).json()["data"] == []
