"""A push is verified, stored, answered; then it causes a read, and nothing else."""

import json
import time
from datetime import timedelta

import pytest

from app.channels.contract import PushRequest
from app.core.db import Database
from app.core.errors import NotFound, Unavailable
from app.sync import pushing
from app.sync.errors import PushForged
from tests.sync.market import CHANNEL, now, order, sign
from tests.sync.scene import Scene

URL = "http://127.0.0.1:26000/v1/push/testmart"


def body(scene: Scene, number: str = "A1", *, kind: str = "order", ago: float = 0, shop: str | None = None) -> bytes:
    return json.dumps(
        {"kind": kind, "shop": shop or scene.account.external_id, "order": number, "at": time.time() - ago}
    ).encode()


async def push(scene: Scene, raw: bytes, *, signature: str | None = None, channel: str = CHANNEL) -> None:
    headers = {"authorization": sign(URL, raw) if signature is None else signature}
    request = PushRequest(URL, headers, raw)
    await pushing.accept(scene.context.database, scene.context.connectors, channel, request)


async def inbox(scene: Scene) -> list[str]:
    rows = await scene.sql(
        "select state from push_inbox where account_external_id = $2 and $1::uuid is not null order by id",
        scene.account.external_id,
    )
    return [row["state"] for row in rows]


async def test_a_push_makes_the_order_current(scene: Scene) -> None:
    at = now() - timedelta(minutes=5)
    await scene.ingest(order(shop=scene.account.external_id, at=at))
    scene.market.place(order(shop=scene.account.external_id, at=at + timedelta(minutes=1), channel_status="MOVED"))

    await push(scene, body(scene))
    await pushing.route_pushes(scene.context)
    await scene.work()

    assert (await scene.order())["channel_status"] == "MOVED"
    assert await inbox(scene) == ["routed"]
    [account] = await scene.sql("select last_push_at from accounts where merchant_id = $1")
    assert account["last_push_at"] is not None


@pytest.mark.parametrize("signature", ["", "0" * 64, "0"])
async def test_a_forged_push_causes_no_read_and_is_not_kept(scene: Scene, signature: str) -> None:
    scene.market.place(order(shop=scene.account.external_id))

    with pytest.raises(PushForged) as caught:
        await push(scene, body(scene), signature=signature)
    await pushing.route_pushes(scene.context)
    await scene.work()

    assert caught.value.status == 401
    assert await inbox(scene) == []
    assert not scene.market.reads


async def test_a_thousand_pushes_of_one_order_are_one_read(scene: Scene) -> None:
    scene.market.place(order(shop=scene.account.external_id))
    for _ in range(60):
        await push(scene, body(scene))

    await pushing.route_pushes(scene.context)
    await scene.work()

    assert scene.market.reads["A1"] == 1
    assert await inbox(scene) == ["routed"] * 60


async def test_an_equal_push_after_the_read_causes_another(scene: Scene) -> None:
    scene.market.place(order(shop=scene.account.external_id))
    raw = body(scene)

    for _ in range(2):
        await push(scene, raw)
        await pushing.route_pushes(scene.context)
        await scene.work()

    assert scene.market.reads["A1"] == 2


@pytest.mark.parametrize(("ago", "state"), [(71 * 3600, "waiting"), (73 * 3600, "dropped"), (-660, "dropped")])
async def test_only_pushes_within_the_channel_s_retry_horizon_count(scene: Scene, ago: float, state: str) -> None:
    await push(scene, body(scene, ago=ago))

    assert await inbox(scene) == [state]


async def test_a_push_of_an_unknown_shop_is_dropped(scene: Scene) -> None:
    stranger = f"stranger-{scene.account.external_id}"
    await push(scene, body(scene, shop=stranger))

    await pushing.route_pushes(scene.context)

    rows = await scene.sql(
        "select state from push_inbox where account_external_id = $2 and $1::uuid is not null", stranger
    )
    assert [row["state"] for row in rows] == ["dropped"]
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_a_signed_push_nobody_understands_is_kept_apart(scene: Scene) -> None:
    raw = b'{"kind": "order", "nonce": "' + scene.account.external_id.encode() + b'"'
    await push(scene, raw)

    rows = await scene.sql("select state, kind from push_inbox where body = $2 and $1::uuid is not null", raw)
    assert [tuple(row) for row in rows] == [("quarantined", "unreadable")]


async def test_a_push_that_names_no_storable_order_is_kept_apart(scene: Scene) -> None:
    raw = body(scene, "A\x00")
    await push(scene, raw)

    rows = await scene.sql("select state from push_inbox where body = $2 and $1::uuid is not null", raw)
    assert [row["state"] for row in rows] == ["quarantined"]


async def test_a_claim_without_its_account_blocks_no_other_push(scene: Scene) -> None:
    lost = f"lost-{scene.account.external_id}"
    await scene.sql("insert into shop_claims values ($2, $3, $1, gen_random_uuid())", CHANNEL, lost)
    await push(scene, body(scene, shop=lost))
    await push(scene, body(scene))

    await pushing.route_pushes(scene.context)

    assert await inbox(scene) == ["routed"]


async def test_a_verification_is_answered_and_forgotten(scene: Scene) -> None:
    await push(scene, body(scene, kind="verification"))

    assert await inbox(scene) == []


async def test_a_revocation_is_checked_at_the_channel_not_believed(scene: Scene) -> None:
    await push(scene, body(scene, kind="authorization_revoked"))

    await pushing.route_pushes(scene.context)

    rows = await scene.sql("select kind from work where merchant_id = $1")
    assert [row["kind"] for row in rows] == ["shops.check"]
    [credential] = await scene.sql("select needs_reauth_since from credentials where merchant_id = $1")
    assert credential["needs_reauth_since"] is None


async def test_a_channel_without_pushes_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await push(scene, body(scene), channel="nowhere")


async def test_without_the_database_a_push_is_not_accepted(scene: Scene) -> None:
    away = Database("postgresql://plugosync_app:x@127.0.0.1:1/nowhere", pool_size=1)
    raw = body(scene)
    request = PushRequest(URL, {"authorization": sign(URL, raw)}, raw)

    with pytest.raises(Unavailable) as caught:
        await pushing.accept(away, scene.context.connectors, CHANNEL, request)

    await away.close()
    assert caught.value.status == 503
