"""Authorisations are looked after also where nobody uses them."""

import uuid
from datetime import timedelta
from uuid import UUID

from app.shops import jobs
from app.work.service import Claimed
from tests.shops.desk import Desk, new_shop_id


async def check(desk: Desk, merchant_id: UUID, shop_id: str) -> None:
    account_id = await desk.account_id(merchant_id, shop_id)
    claimed = Claimed(merchant_id, uuid.uuid4(), "shops.check", str(account_id), 1, 1, 1)
    assert await jobs.check_account(desk.context, claimed) is None


async def warnings(desk: Desk, merchant_id: UUID) -> int:
    return len(
        await desk.sql("select 1 from journal where merchant_id = $1 and type = 'connection.expiring'", merchant_id)
    )


async def test_the_near_end_of_a_consent_is_told_once(desk: Desk) -> None:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    await desk.connect(merchant_id, shop_id)
    await check(desk, merchant_id, shop_id)
    assert await warnings(desk, merchant_id) == 0
    desk.channel.authorization_expires_at = desk.channel.now() + timedelta(days=3)

    await check(desk, merchant_id, shop_id)
    await check(desk, merchant_id, shop_id)

    assert await warnings(desk, merchant_id) == 1


async def test_accounts_whose_consent_or_refresh_token_ends_soon_are_checked(desk: Desk) -> None:
    merchant_id = await desk.sign_up()
    consent_ends, token_ends, healthy = new_shop_id(), new_shop_id(), new_shop_id()
    await desk.connect(merchant_id, token_ends, healthy)
    desk.channel.authorization_expires_at = desk.channel.now() + timedelta(days=3)
    await desk.connect(merchant_id, consent_ends)
    await desk.sql(
        "update credentials c set refresh_expires_at = app_now() + interval '5 days' from accounts a"
        " where a.credential_id = c.id and a.external_id = $1",
        token_ends,
    )

    await jobs.check_expiries(desk.context)

    asked = await desk.sql("select ref from work where merchant_id = $1 and kind = 'shops.check'", merchant_id)
    expected = {str(await desk.account_id(merchant_id, shop)) for shop in (consent_ends, token_ends)}
    assert {row["ref"] for row in asked} == expected


async def test_a_check_renews_a_token_nobody_used_and_finds_a_revoked_consent(desk: Desk) -> None:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    connection = await desk.connect(merchant_id, shop_id)
    await desk.age_token(merchant_id, shop_id, 5)

    await check(desk, merchant_id, shop_id)

    assert len(desk.channel.refreshes(shop_id)) == 1
    desk.channel.revoked.add(shop_id)
    await check(desk, merchant_id, shop_id)
    [row] = await desk.sql("select state from connections where id = $1", connection.id)
    assert row["state"] == "needs_reauth"


async def test_what_was_never_confirmed_is_forgotten(desk: Desk) -> None:
    merchant_id = await desk.sign_up()
    connection_id, state = await desk.begin(merchant_id, uuid.uuid4())
    await desk.come_back(state, new_shop_id())
    await desk.sql("update connections set expires_at = app_now() - interval '2 hours' where id = $1", connection_id)

    await jobs.check_expiries(desk.context)

    [row] = await desk.sql("select callback from connections where id = $1", connection_id)
    assert row["callback"] is None
