"""The comparison with the channel's list, when the channel goes wrong meanwhile."""

import json
from datetime import timedelta
from uuid import UUID

from app.channels.errors import Unavailable
from app.operations.idempotency import Idempotency
from app.orders import reading
from app.shops import service as shops
from app.sync import completeness
from app.work import service as work
from tests.sync.market import now, order
from tests.sync.scene import Scene


async def test_a_comparison_that_is_begun_again_forgets_nothing_it_has_mended(scene: Scene) -> None:
    yesterday = now() - timedelta(days=1)
    scene.market.place(order("LOST", shop=scene.account.external_id, at=yesterday, placed_at=yesterday))
    scene.market.list_errors = [*[None] * completeness.DAYS, Unavailable("away")]  # yesterday is looked at twice
    operation_id = await ask(scene)

    await scene.work()
    [broken_off] = await scene.sql("select compared_at from accounts where merchant_id = $1")
    await scene.later()

    assert broken_off["compared_at"] is None
    [operation] = await scene.sql(
        "select state, result from operations where merchant_id = $1 and id = $2", operation_id
    )
    assert operation["state"] == "succeeded"
    assert json.loads(operation["result"]) == {
        "completeness": {"days": completeness.DAYS, "missing": 0, "healed": 1, "refreshed": 0, "failed": 0}
    }
    assert await scene.history("LOST") == ["order.imported", "order.healed"]
    [account] = await scene.sql("select * from accounts where merchant_id = $1")
    assert account["compared_at"] is not None and account["orders_healed"] == 1


async def test_a_paused_shop_is_not_compared_until_it_resumes(scene: Scene) -> None:
    scene.market.place(order("LOST", shop=scene.account.external_id))
    await scene.context.database.transact(completeness.ensure_daily, scene.merchant_id, scene.account.id)
    await change(scene, is_paused=True)

    await scene.later()
    assert scene.market.windows == []

    await change(scene, is_paused=False)
    await scene.sql("update accounts set checkpoint_at = app_now() + interval '1 hour' where merchant_id = $1")
    assert completeness.DAILY in await scene.later()
    assert await scene.history("LOST") == ["order.imported", "order.healed"]


async def test_pushes_of_a_paused_shop_wait_until_it_resumes(scene: Scene) -> None:
    scene.market.place(*(order(number, shop=scene.account.external_id) for number in ("PUSHED", "WISHED")))
    await change(scene, is_paused=True)
    for number, priority in (("PUSHED", work.BACKGROUND), ("WISHED", work.USER)):
        await scene.context.database.transact(
            reading.request_read, scene.merchant_id, scene.account.id, [number], priority=priority
        )

    await scene.work()
    assert dict(scene.market.reads) == {"WISHED": 1}, "people are not paused"

    await change(scene, is_paused=False)
    await scene.sql("update accounts set checkpoint_at = app_now() + interval '1 hour' where merchant_id = $1")
    await scene.work()
    assert scene.market.reads["PUSHED"] == 1
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def change(scene: Scene, **changes: bool) -> None:
    await scene.context.database.transact(shops.change_shop, scene.merchant_id, scene.shop.id, changes)


async def ask(scene: Scene) -> UUID:
    """As a person would."""
    key = Idempotency("user:1", "test", "key", b"")
    opened = await scene.context.database.transact(
        completeness.open_check, scene.merchant_id, scene.shop.id, key, open_operations_max=10
    )
    return opened.operation_id
