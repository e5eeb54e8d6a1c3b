"""Tokens: one refresh at a time, stored before use, and a clear end when only the seller can help."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.channels.contract import Connector, ShopAccess
from app.channels.errors import Rejected, Throttled, Unauthorized, Unavailable, Unknown
from app.dev.servers import EmbeddedServers
from app.shops import access, connections
from tests.shops.desk import Desk, new_shop_id
from tests.shops.refresher import CALLERS


class OneShop:
    """A connected shop, and a call for it."""

    def __init__(self, desk: Desk, merchant_id: UUID, connection_id: UUID, shop_id: str, account_id: UUID) -> None:
        self.desk, self.merchant_id, self.connection_id = desk, merchant_id, connection_id
        self.shop_id, self.account_id = shop_id, account_id

    async def use(self) -> str:
        return await self.desk.use(self.merchant_id, self.account_id)

    async def age(self, share: float) -> None:
        await self.desk.age_token(self.merchant_id, self.shop_id, share)

    def refreshes(self) -> int:
        return len(self.desk.channel.refreshes(self.shop_id))

    async def connection_state(self) -> str:
        [row] = await self.desk.sql("select state from connections where id = $1", self.connection_id)
        return str(row["state"])


@pytest.fixture
async def one(desk: Desk) -> OneShop:
    merchant_id, shop_id = await desk.sign_up(), new_shop_id()
    connection = await desk.connect(merchant_id, shop_id)
    return OneShop(desk, merchant_id, connection.id, shop_id, await desk.account_id(merchant_id, shop_id))


async def test_fifty_callers_in_two_processes_cause_one_refresh(one: OneShop, servers: EmbeddedServers) -> None:
    await one.age(1.1)
    urls = [servers.database_url, servers.migration_database_url]
    arguments = [*urls, str(one.desk.channel.ledger), str(one.merchant_id), str(one.account_id)]

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.shops.refresher",
            *arguments,
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    lines = [line for process in processes for line in (await process.communicate())[0].decode().splitlines()]

    assert one.refreshes() == 1
    assert [line for line in lines if line.startswith("access-")] == [
        one.desk.channel.newest(one.shop_id)
    ] * 2 * CALLERS


async def test_a_token_is_renewed_at_eighty_percent_of_its_life(one: OneShop) -> None:
    await one.age(0.79)
    before = await one.use()
    await one.age(0.81)

    after = await one.use()

    assert (before, after) == (f"access-{one.shop_id}-0", f"access-{one.shop_id}-1")


async def test_a_refused_token_is_renewed_and_the_call_repeated(one: OneShop) -> None:
    with one.desk.channel.ledger.open("a") as ledger:  # somebody rotates behind our back, and tells us the token
        ledger.write(f"{one.shop_id} elsewhere\n")
    sealed = one.desk.context.keyring.seal(f"refresh-{one.shop_id}-1")
    await one.desk.sql("update credentials set refresh_token = $1 where connection_id = $2", sealed, one.connection_id)

    used = await one.use()

    assert used == f"access-{one.shop_id}-2"
    assert await one.use() == used
    assert one.refreshes() == 2


async def test_a_rotated_token_is_stored_before_it_is_used(one: OneShop) -> None:
    await one.age(1.1)

    async def look(connector: Connector, door: ShopAccess) -> tuple[str, str]:
        row = await one.desk.credential(one.merchant_id, one.shop_id)
        return one.desk.context.keyring.open(row["access_token"]), door.access_token

    in_database, used = await access.call(one.desk.context, one.merchant_id, one.account_id, look)

    assert in_database == used == f"access-{one.shop_id}-1"


async def test_a_token_that_is_still_good_serves_while_the_channel_cannot_refresh(one: OneShop) -> None:
    await one.age(0.9)
    one.desk.channel.plan = [(Unavailable("down"), False)]

    assert await one.use() == f"access-{one.shop_id}-0"


async def test_a_lost_answer_without_rotation_is_asked_again(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Unknown("no_answer"), False)]

    assert await one.use() == f"access-{one.shop_id}-1"
    assert await one.connection_state() == "connected"


async def test_a_rotation_whose_answer_was_lost_asks_for_a_new_consent(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Unknown("no_answer"), True)]

    with pytest.raises(Unauthorized) as raised:
        await one.use()

    assert raised.value.is_final
    assert await one.connection_state() == "needs_reauth"
    [entry] = await one.desk.sql(
        "select * from journal where type = 'connection.needs_reauth' and merchant_id = $1", one.merchant_id
    )
    assert entry["subject_id"].hex == one.connection_id.hex


async def test_an_outage_of_the_token_call_costs_no_consent_and_is_never_an_unknown_effect(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Unknown("no_answer"), False), (Unknown("no_answer"), False)]

    with pytest.raises(Unavailable):
        await one.use()

    assert await one.connection_state() == "connected"
    assert await one.use() == f"access-{one.shop_id}-1"


async def test_a_refusal_after_a_lost_answer_says_the_old_token_is_spent(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Unknown("no_answer"), True), (Rejected("error_param"), False)]

    with pytest.raises(Unauthorized):
        await one.use()

    assert await one.connection_state() == "needs_reauth"


async def test_a_refusal_that_is_about_our_settings_asks_nobody_for_consent(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Rejected("error_sign"), False)]

    with pytest.raises(Unavailable):
        await one.use()

    assert await one.connection_state() == "connected"


async def test_a_channel_that_asks_for_a_pause_gets_it(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Throttled("slow_down", retry_after=30), False)]

    with pytest.raises(Throttled):
        await one.use()

    credential = await one.desk.credential(one.merchant_id, one.shop_id)
    [clock] = await one.desk.sql("select app_now() as now")
    assert 20 < (credential["refresh_lease_until"] - clock["now"]).total_seconds() <= 30
    assert not credential["refresh_started"]


async def test_without_consent_the_channel_is_not_even_asked(one: OneShop) -> None:
    one.desk.channel.revoked.add(one.shop_id)
    with pytest.raises(Unauthorized):
        await one.use()
    one.desk.channel.revoked.clear()

    with pytest.raises(Unauthorized) as raised:
        await one.use()

    assert (raised.value.code, raised.value.reason, raised.value.is_final) == ("needs_reauth", "consent_revoked", True)
    assert one.refreshes() == 0


async def test_a_new_consent_opens_the_shop_and_hastens_what_waited(one: OneShop) -> None:
    one.desk.channel.revoked.add(one.shop_id)
    with pytest.raises(Unauthorized):
        await one.use()
    await one.desk.sql("update work set due_at = app_now() + interval '1 hour' where merchant_id = $1", one.merchant_id)

    connection = await one.desk.consent_again(one.merchant_id, one.connection_id, one.shop_id)

    assert (connection.id, connection.state) == (one.connection_id, "connected")
    assert await one.use() == one.desk.channel.newest(one.shop_id)
    assert await one.desk.account_id(one.merchant_id, one.shop_id) == one.account_id
    waiting = await one.desk.sql("select 1 from work where merchant_id = $1 and due_at > app_now()", one.merchant_id)
    assert waiting == []


async def test_a_refusal_of_a_token_that_was_renewed_meanwhile_asks_nobody_for_consent(one: OneShop) -> None:
    tokens: list[str] = []

    async def be_overtaken(connector: Connector, door: ShopAccess) -> str:
        tokens.append(door.access_token)
        if len(tokens) == 1:
            await one.age(1.1)
            await one.use()
            raise Unauthorized("token_dead", is_final=True)
        return door.access_token

    used = await access.call(one.desk.context, one.merchant_id, one.account_id, be_overtaken)

    assert used == one.desk.channel.newest(one.shop_id) != tokens[0]
    assert await one.connection_state() == "connected"


async def test_the_lease_of_a_dead_worker_is_taken_over(one: OneShop) -> None:
    await one.age(1.1)
    await one.desk.sql(
        "update credentials set refresh_fence = 7, refresh_started = true,"
        " refresh_lease_until = app_now() - interval '1 second'"
        " where connection_id = $1",
        one.connection_id,
    )

    assert await one.use() == f"access-{one.shop_id}-1"
    credential = await one.desk.credential(one.merchant_id, one.shop_id)
    assert (credential["refresh_fence"], credential["refresh_started"]) == (8, False)


async def test_a_caller_who_hangs_up_does_not_lose_the_rotated_token(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.seconds_per_refresh = 0.2
    caller = asyncio.ensure_future(one.use())
    await one.desk.channel.is_asked.wait()

    caller.cancel()

    assert await one.use() == f"access-{one.shop_id}-1"
    assert one.refreshes() == 1


async def test_a_rotation_that_ends_after_the_disconnection_writes_nothing_back(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.seconds_per_refresh = 0.2
    caller = asyncio.ensure_future(one.use())
    await one.desk.channel.is_asked.wait()

    await one.desk.context.database.transact(connections.disconnect, one.merchant_id, one.connection_id)

    with pytest.raises(Unauthorized) as raised:
        await caller
    assert raised.value.code == "disconnected"
    credential = await one.desk.credential(one.merchant_id, one.shop_id)
    assert (credential["access_token"], credential["refresh_token"]) == (b"", b"")


async def test_tokens_are_nowhere_in_clear(one: OneShop) -> None:
    await one.age(1.1)
    one.desk.channel.plan = [(Unknown("no_answer"), False)]

    with capture_logs() as logs:
        used = await one.use()

    stored = await one.desk.sql("select c::text from credentials c where merchant_id = $1", one.merchant_id)
    stored += await one.desk.sql("select j::text from journal j where merchant_id = $1", one.merchant_id)
    stored += await one.desk.sql("select n::text from connections n where merchant_id = $1", one.merchant_id)
    everything = f"{stored}{logs}"
    assert "token_refreshed" in everything
    hidden = used.encode().hex()
    assert used not in everything
    assert hidden not in everything
    assert f"refresh-{one.shop_id}" not in everything
