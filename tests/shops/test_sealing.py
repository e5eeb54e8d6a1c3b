"""Keys for stored tokens can be changed while everything runs; the wrong ones stop the start."""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.core.migrations import upgrade_database
from app.core.security import Keyring, WrongKey
from app.dev.servers import EmbeddedServers
from app.shops import consent, sealing
from tests.fixtures.keys import KEY
from tests.shops.desk import Desk, new_shop_id, open_desk, plain
from tests.shops.shopkeeper import open_api

NEW_KEY = SecretStr("shops-tests-next-key-" + "2" * 32)


@pytest.fixture
async def lone_desk(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Desk]:
    """At a database of its own: keys are changed for all merchants at once."""
    owner_url = servers.migration_database_url
    name = f"keys_{uuid.uuid4().hex[:8]}"
    connection = await asyncpg.connect(plain(owner_url))
    await connection.execute(f"create database {name}")
    await connection.close()
    owner_url = make_url(owner_url).set(database=name).render_as_string(hide_password=False)
    app_url = make_url(servers.database_url).set(database=name).render_as_string(hide_password=False)
    await upgrade_database(owner_url, app_url)
    async with open_desk(app_url, owner_url, tmp_path) as desk:
        yield desk


async def test_after_a_rotation_the_old_key_opens_nothing_and_shops_go_on(lone_desk: Desk) -> None:
    desk = lone_desk
    merchant_id, shop_id, user_id = await desk.sign_up(), new_shop_id(), uuid.uuid4()
    await desk.connect(merchant_id, shop_id)
    connection_id, state = await desk.begin(merchant_id, user_id)
    await desk.come_back(state, new_shop_id())
    both, only_new = Keyring((NEW_KEY, KEY)), Keyring((NEW_KEY,))
    with pytest.raises(WrongKey):
        await sealing.assert_key_fits(desk.context.database, only_new)

    rewritten = await sealing.reseal_all(desk.context.database, both)

    assert rewritten >= 3
    credential = await desk.credential(merchant_id, shop_id)
    [connection] = await desk.sql("select callback from connections where id = $1", connection_id)
    for sealed in (credential["access_token"], credential["refresh_token"], connection["callback"]):
        assert only_new.open(sealed)
        with pytest.raises(WrongKey):
            desk.context.keyring.open(sealed)
    await sealing.assert_key_fits(desk.context.database, both)
    context = dataclasses.replace(desk.context, keyring=only_new)
    assert (await consent.confirm(context, merchant_id, user_id, connection_id)).state == "connected"


async def test_a_process_whose_key_opens_nothing_does_not_start(lone_desk: Desk, servers: EmbeddedServers) -> None:
    await lone_desk.connect(await lone_desk.sign_up(), new_shop_id())
    settings = lone_desk.context.settings.model_copy(
        update={
            "secret_keys": (NEW_KEY,),
            "database_url": SecretStr(lone_desk.database_url),
            "redis_url": SecretStr(servers.redis_url),
        }
    )

    with pytest.raises(WrongKey, match="PLUGOSYNC_SECRET_KEYS"):
        async with open_api(settings, {}):
            pass
