"""Connecting a shop: who may, once, and what a failure leaves behind."""

import asyncio
import json
import uuid
from pathlib import Path

import pytest

from app.channels.errors import Unauthorized, Unavailable
from app.core.settings import Settings
from app.shops import connections, consent
from app.shops.errors import (
    ChannelFailed,
    ChannelUnknown,
    ConsentMissing,
    Disconnected,
    InvalidStateToken,
    OtherShopConsented,
    ReturnUrlNotAllowed,
    ShopAlreadyConnected,
)
from tests.shops.desk import RETURN_URL, Desk, new_shop_id, state_in


async def test_a_confirmed_consent_connects_the_shops_and_begins_to_read_them(desk: Desk) -> None:
    merchant_id, first, second = await desk.sign_up(), new_shop_id(), new_shop_id()

    connection = await desk.connect(merchant_id, first, second)

    assert (connection.state, connection.callback, connection.expires_at) == ("connected", None, None)
    shops = await desk.sql("select name from shops where merchant_id = $1 order by id", merchant_id)
    assert [shop["name"] for shop in shops] == [f"Shop {first}", f"Shop {second}"]
    work = await desk.sql("select kind, ref, lane from work where merchant_id = $1", merchant_id)
    accounts = {str(await desk.account_id(merchant_id, shop)) for shop in (first, second)}
    assert {(row["kind"], row["ref"]) for row in work} == {
        (kind, account) for kind in ("sync.backfill", "sync.poll") for account in accounts
    }
    assert {str(row["lane"]) for row in work} == accounts


async def test_the_browser_is_sent_on_with_the_connection(desk: Desk) -> None:
    connection_id, state = await desk.begin(await desk.sign_up(), uuid.uuid4())

    assert await desk.come_back(state, new_shop_id()) == f"{RETURN_URL}?connection_id=con_{connection_id.hex}"


async def test_confirming_again_changes_nothing(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection = await desk.connect(merchant_id, new_shop_id(), user_id=user_id)

    again = await consent.confirm(desk.context, merchant_id, user_id, connection.id)

    assert (again.id, again.state, again.connected_at) == (connection.id, "connected", connection.connected_at)
    assert desk.channel.exchanges == 1


async def test_two_confirmations_at_once_trade_the_code_once(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())
    desk.channel.seconds_per_refresh = 0.2

    both = await asyncio.gather(*(consent.confirm(desk.context, merchant_id, user_id, connection_id) for _ in range(2)))

    assert [connection.state for connection in both] == ["connected", "connected"]
    assert desk.channel.exchanges == 1


async def test_a_state_counts_once(desk: Desk) -> None:
    _, state = await desk.begin(await desk.sign_up(), uuid.uuid4())
    await desk.come_back(state, new_shop_id())

    with pytest.raises(InvalidStateToken):
        await desk.come_back(state, new_shop_id())


async def test_a_state_that_is_unknown_missing_or_of_another_channel_does_not_count(desk: Desk) -> None:
    _, state = await desk.begin(await desk.sign_up(), uuid.uuid4())

    for wrong, channel in (("x" * 22, "testshop"), ("", "testshop"), (state, "shopee")):
        with pytest.raises(InvalidStateToken):
            await desk.come_back(wrong, new_shop_id(), channel=channel)
    await desk.come_back(state, new_shop_id())  # none of them used it up


async def test_an_expired_state_does_not_count(desk: Desk) -> None:
    connection_id, state = await desk.begin(await desk.sign_up(), uuid.uuid4())
    await desk.sql("update oauth_states set expires_at = app_now() where connection_id = $1", connection_id)

    with pytest.raises(InvalidStateToken):
        await desk.come_back(state, new_shop_id())


async def test_a_new_consent_ends_the_one_before(desk: Desk) -> None:
    merchant_id, first_user = await desk.sign_up(), uuid.uuid4()
    connection_id, first_state = await desk.begin(merchant_id, first_user)

    again = await consent.begin_again(desk.context, merchant_id, uuid.uuid4(), connection_id, return_url=None)

    with pytest.raises(InvalidStateToken):
        await desk.come_back(first_state, new_shop_id())
    await desk.come_back(state_in(again.authorization_url), new_shop_id())
    with pytest.raises(InvalidStateToken):
        await consent.confirm(desk.context, merchant_id, first_user, connection_id)


async def test_a_state_is_128_random_bits_kept_as_a_digest(desk: Desk) -> None:
    connection_id, state = await desk.begin(await desk.sign_up(), uuid.uuid4())

    assert len(state) == 22  # 16 bytes in base64
    [row] = await desk.sql("select state_hash, s::text from oauth_states s where connection_id = $1", connection_id)
    assert row["state_hash"] == consent.digest_of(state)
    assert state not in row["s"]


async def test_what_the_callback_brings_is_sealed(desk: Desk) -> None:
    connection_id, state = await desk.begin(await desk.sign_up(), uuid.uuid4())
    shop_id = new_shop_id()
    await desk.come_back(state, shop_id)

    [row] = await desk.sql("select callback from connections where id = $1", connection_id)

    assert b"code-" not in row["callback"]
    assert shop_id in json.loads(desk.context.keyring.open(row["callback"]))["callback"]["code"]


async def test_only_whoever_began_may_confirm(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())

    with pytest.raises(InvalidStateToken):
        await consent.confirm(desk.context, merchant_id, uuid.uuid4(), connection_id)

    confirmed = await consent.confirm(desk.context, merchant_id, user_id, connection_id)
    assert confirmed.state == "connected"


async def test_a_consent_that_never_came_back_cannot_be_confirmed(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, _ = await desk.begin(merchant_id, user_id)

    with pytest.raises(ConsentMissing):
        await consent.confirm(desk.context, merchant_id, user_id, connection_id)


async def test_a_consent_confirmed_too_late_does_not_count(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())
    await desk.sql("update connections set expires_at = app_now() where id = $1", connection_id)

    with pytest.raises(InvalidStateToken):
        await consent.confirm(desk.context, merchant_id, user_id, connection_id)
    assert desk.channel.exchanges == 0


async def test_a_shop_has_one_merchant(desk: Desk) -> None:
    owner, taker, user_id, shop_id = await desk.sign_up(), await desk.sign_up(), uuid.uuid4(), new_shop_id()
    await desk.connect(owner, shop_id)
    connection_id, state = await desk.begin(taker, user_id)
    await desk.come_back(state, shop_id)

    with pytest.raises(ShopAlreadyConnected) as raised:
        await consent.confirm(desk.context, taker, user_id, connection_id)

    assert str(owner) not in str(raised.value)
    for table in ("accounts", "credentials", "shops", "work"):
        assert await desk.sql(f"select 1 from {table} where merchant_id = $1", taker) == []
    [row] = await desk.sql("select state, callback from connections where id = $1", connection_id)
    assert (row["state"], row["callback"]) == ("pending", None)  # their tokens are not kept
    assert await desk.use(owner, await desk.account_id(owner, shop_id))


async def test_a_disconnected_shop_is_free_for_others_and_its_tokens_are_gone(desk: Desk) -> None:
    owner, taker, shop_id = await desk.sign_up(), await desk.sign_up(), new_shop_id()
    connection = await desk.connect(owner, shop_id)
    account_id = await desk.account_id(owner, shop_id)

    await desk.context.database.transact(connections.disconnect, owner, connection.id)

    credential = await desk.credential(owner, shop_id)
    assert (credential["access_token"], credential["refresh_token"]) == (b"", b"")
    with pytest.raises(Unauthorized) as raised:
        await desk.use(owner, account_id)
    assert (raised.value.code, raised.value.is_final) == ("disconnected", True)
    assert await desk.sql("select 1 from shops where merchant_id = $1", owner) != []
    assert (await desk.connect(taker, shop_id)).state == "connected"
    with pytest.raises(Disconnected):
        await desk.consent_again(owner, connection.id, shop_id)


async def test_a_disconnected_shop_comes_back_as_the_same_account(desk: Desk) -> None:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    connection = await desk.connect(merchant_id, shop_id)
    account_id = await desk.account_id(merchant_id, shop_id)
    await desk.context.database.transact(connections.disconnect, merchant_id, connection.id)
    await desk.sql("delete from work where merchant_id = $1", merchant_id)

    await desk.connect(merchant_id, shop_id)

    assert await desk.account_id(merchant_id, shop_id) == account_id
    assert await desk.use(merchant_id, account_id)
    work = await desk.sql("select kind from work where merchant_id = $1 order by kind", merchant_id)
    assert [row["kind"] for row in work] == ["sync.backfill", "sync.poll"]


async def test_connecting_a_connected_shop_again_renews_its_account(desk: Desk) -> None:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    first = await desk.connect(merchant_id, shop_id)
    account_id = await desk.account_id(merchant_id, shop_id)

    second = await desk.connect(merchant_id, shop_id)

    assert await desk.account_id(merchant_id, shop_id) == account_id
    rows = await desk.sql("select id, state from connections where merchant_id = $1", merchant_id)
    assert {row["id"].hex: row["state"] for row in rows} == {first.id.hex: "disconnected", second.id.hex: "connected"}
    assert len(await desk.sql("select 1 from credentials where merchant_id = $1", merchant_id)) == 1
    assert len(await desk.sql("select 1 from shops where merchant_id = $1", merchant_id)) == 1


async def test_a_new_consent_for_another_shop_is_refused_and_the_first_goes_on(desk: Desk) -> None:
    merchant_id, shop_id, other = await desk.sign_up(), new_shop_id(), new_shop_id()
    connection = await desk.connect(merchant_id, shop_id)

    with pytest.raises(OtherShopConsented):
        await desk.consent_again(merchant_id, connection.id, other)

    assert await desk.use(merchant_id, await desk.account_id(merchant_id, shop_id))
    assert await desk.sql("select 1 from shop_claims where external_id = $1", other) == []


async def test_a_connection_needs_consent_until_each_of_its_shops_has_it(desk: Desk) -> None:
    merchant_id, first, second = await desk.sign_up(), new_shop_id(), new_shop_id()
    connection = await desk.connect(merchant_id, first, second)
    for shop_id in (first, second):
        desk.channel.revoked.add(shop_id)
        with pytest.raises(Unauthorized):
            await desk.use(merchant_id, await desk.account_id(merchant_id, shop_id))

    assert (await desk.consent_again(merchant_id, connection.id, first)).state == "needs_reauth"
    assert (await desk.consent_again(merchant_id, connection.id, second)).state == "connected"


async def test_a_code_the_channel_refuses_leaves_the_connection_open_for_a_new_consent(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())
    desk.channel.codes.clear()

    with pytest.raises(ChannelFailed):
        await consent.confirm(desk.context, merchant_id, user_id, connection_id)
    with pytest.raises(ConsentMissing):
        await consent.confirm(desk.context, merchant_id, user_id, connection_id)

    assert (await desk.consent_again(merchant_id, connection_id, new_shop_id())).state == "connected"


async def test_tokens_survive_a_failure_after_the_code_was_spent(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())
    desk.channel.account_errors = [Unavailable("down")]
    with pytest.raises(ChannelFailed):
        await consent.confirm(desk.context, merchant_id, user_id, connection_id)
    [row] = await desk.sql("select callback from connections where id = $1", connection_id)
    assert b"access-" not in row["callback"]

    confirmed = await consent.confirm(desk.context, merchant_id, user_id, connection_id)

    assert confirmed.state == "connected"
    assert desk.channel.exchanges == 1


async def test_an_unknown_channel_and_a_foreign_return_url_name_the_field(desk: Desk) -> None:
    merchant_id, user_id = await desk.sign_up(), uuid.uuid4()

    with pytest.raises(ChannelUnknown) as channel:
        await consent.begin(desk.context, merchant_id, user_id, channel="nowhere", return_url=RETURN_URL)
    with pytest.raises(ReturnUrlNotAllowed) as url:
        await consent.begin(
            desk.context, merchant_id, user_id, channel="testshop", return_url="https://evil.example/done"
        )

    assert (channel.value.pointer, url.value.pointer) == ("/channel", "/return_url")


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://127.0.0.1:8000/docs", True),
        ("http://127.0.0.1:8000", True),
        ("https://app.example.id/orders", True),
        ("https://app.example.id:443/orders/done?tab=1", True),
        ("https://APP.example.id/orders/", True),
        ("https://app.example.id/orders-evil", False),
        ("https://app.example.id/", False),
        ("https://app.example.id/orders/../admin", False),
        ("https://app.example.id/orders/%2e%2e/admin", False),
        ("https://app.example.id/orders\\@evil.example", False),
        ("https://app.example.id@evil.example/orders", False),
        ("https://user@app.example.id/orders", False),
        ("https://app.example.id.evil.example/orders", False),
        ("http://app.example.id/orders", False),
        ("https://app.example.id:8443/orders", False),
        ("https://app.example.id:x/orders", False),
        ("https://app.example.id/orders#part", False),
        ("http://127.0.0.1:8001/docs", False),
        ("//app.example.id/orders", False),
        ("javascript:alert(1)", False),
        ("https://app.exam\tple.id/orders", False),
        ("https://app.example.id/orders\n", False),
    ],
)
def test_only_listed_places_are_returned_to(url: str, is_allowed: bool, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=8000, return_urls=("https://app.example.id/orders",), public_url=None)

    if is_allowed:
        consent.check_return_url(settings, url)
    else:
        with pytest.raises(ReturnUrlNotAllowed):
            consent.check_return_url(settings, url)
