"""Polls: nothing is missed, and the checkpoint moves only past what is stored."""

from datetime import datetime, timedelta

import pytest

from app.channels.errors import ChannelError, Throttled, Unauthorized, Unavailable
from app.sync.jobs import JOBS
from app.work.service import Claimed
from tests.sync.market import BATCH, PAGE, now, order
from tests.sync.scene import Scene


async def poll(scene: Scene) -> timedelta | None:
    claimed = Claimed(scene.merchant_id, scene.merchant_id, "sync.poll", str(scene.account.id), 1, 1, 1)
    return await JOBS["sync.poll"](scene.context, claimed)


async def checkpoint(scene: Scene) -> datetime | None:
    [row] = await scene.sql("select checkpoint_at from accounts where merchant_id = $1")
    moment: datetime | None = row["checkpoint_at"]
    return moment


def place(scene: Scene, count: int, *, minutes_ago: int = 60) -> list[str]:
    names = [f"A{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        at = now() - timedelta(minutes=minutes_ago) + timedelta(seconds=number)
        scene.market.place(order(name, shop=scene.account.external_id, at=at))
    return names


async def stored(scene: Scene) -> set[str]:
    return {row["order_number"] for row in await scene.sql("select order_number from orders where merchant_id = $1")}


async def test_a_poll_stores_what_changed_and_comes_again(scene: Scene) -> None:
    names = place(scene, PAGE + 2)
    started = now()

    again_in = await poll(scene)

    assert again_in == timedelta(seconds=60)
    assert await stored(scene) == set(names)
    moved = await checkpoint(scene)
    assert moved is not None
    assert moved >= started
    [row] = await scene.sql("select last_poll_at, last_error from accounts where merchant_id = $1")
    assert row["last_poll_at"] >= started
    assert row["last_error"] is None


async def test_the_next_window_overlaps_the_last_one(scene: Scene) -> None:
    await poll(scene)
    moved = await checkpoint(scene)
    assert moved is not None

    await poll(scene)

    by, since, _ = scene.market.windows[-1]
    assert (by, since) == ("updated", moved - timedelta(minutes=10))


@pytest.mark.parametrize("error", [Unavailable("away"), Throttled("busy", retry_after=1)])
async def test_a_failed_page_leaves_the_checkpoint_and_is_repeated_whole(scene: Scene, error: ChannelError) -> None:
    before = now() - timedelta(hours=2)
    await scene.sql("update accounts set checkpoint_at = $2 where merchant_id = $1", before)
    names = place(scene, 2 * BATCH)
    scene.market.read_errors = [None, error]

    again_in = await poll(scene)

    assert again_in == timedelta(seconds=60)
    assert await checkpoint(scene) == before
    assert len(await stored(scene)) == BATCH
    [row] = await scene.sql("select last_error from accounts where merchant_id = $1")
    assert row["last_error"] == f"{type(error).__name__}: {error.code}"
    await poll(scene)
    assert await stored(scene) == set(names)
    moved = await checkpoint(scene)
    assert moved is not None
    assert moved > before


async def test_a_failed_list_leaves_the_checkpoint(scene: Scene) -> None:
    await poll(scene)
    before = await checkpoint(scene)
    scene.market.list_errors = [Unavailable("away")]

    await poll(scene)

    assert await checkpoint(scene) == before


async def test_the_checkpoint_follows_the_channel_s_clock_where_that_is_behind(scene: Scene) -> None:
    scene.market.clock_ahead = -timedelta(minutes=8)

    await poll(scene)

    moved = await checkpoint(scene)
    assert moved is not None
    assert moved <= now() - timedelta(minutes=7, seconds=50)


async def test_after_an_outage_the_time_between_is_read_in_windows(scene: Scene) -> None:
    long_ago = now() - timedelta(days=32)
    await scene.sql("update accounts set checkpoint_at = $2 where merchant_id = $1", long_ago)
    at = now() - timedelta(days=20)
    scene.market.place(order("OLD", shop=scene.account.external_id, at=at))
    scene.market.list_errors = [None, None, Unavailable("away")]

    await poll(scene)
    half_way = await checkpoint(scene)
    await poll(scene)

    assert half_way == long_ago - timedelta(minutes=10) + timedelta(days=30)
    assert await stored(scene) == {"OLD"}
    assert scene.market.windows[-1][2] > now() - timedelta(minutes=1)


async def test_an_unreadable_order_does_not_hold_the_checkpoint(scene: Scene) -> None:
    names = place(scene, 5)
    scene.market.unreadable[names[0]] = "broken"

    await poll(scene)

    assert await stored(scene) == set(names[1:])
    assert await checkpoint(scene) is not None
    [kept] = await scene.sql("select external_id, reason from failed_orders where merchant_id = $1")
    assert tuple(kept) == (names[0], "broken")


async def test_an_order_listed_but_not_answered_is_kept_and_read_later(scene: Scene) -> None:
    names = place(scene, 5)
    scene.market.omitted[names[1]] = 2

    await poll(scene)
    assert await stored(scene) == set(names) - {names[1]}
    assert await checkpoint(scene) is not None
    await scene.later()

    assert await stored(scene) == set(names)
    assert await scene.sql("select 1 from failed_orders where merchant_id = $1") == []


async def test_a_paused_shop_is_not_read_but_keeps_its_turn(scene: Scene) -> None:
    place(scene, 1)
    await scene.sql("update shops set is_paused = true where merchant_id = $1")

    assert await poll(scene) == timedelta(seconds=60)
    assert scene.market.windows == []


async def test_a_shop_that_needs_a_new_consent_keeps_its_turn(scene: Scene) -> None:
    scene.market.list_errors = [Unauthorized("revoked", is_final=True)]

    assert await poll(scene) == timedelta(seconds=60)
    assert await checkpoint(scene) is None


async def test_a_disconnected_shop_loses_its_turn(scene: Scene) -> None:
    await scene.sql("update accounts set is_active = false where merchant_id = $1")

    assert await poll(scene) is None
    assert scene.market.windows == []


async def test_a_new_account_is_read_fifteen_days_back_once(scene: Scene) -> None:
    scene.market.place(
        order("A1", shop=scene.account.external_id, at=now() - timedelta(days=14)),
        order("A2", shop=scene.account.external_id, at=now() - timedelta(days=16)),
    )
    await scene.ask("sync.backfill")

    assert await scene.work() == ["sync.backfill", "sync.window"]

    assert await stored(scene) == {"A1"}
    [seen] = await scene.sql("select kind, state, created_by_type, result from operations where merchant_id = $1")
    assert (seen["kind"], seen["state"], seen["created_by_type"]) == ("import", "succeeded", "system")
    [account] = await scene.sql("select complete_since from accounts where merchant_id = $1")
    assert now() - account["complete_since"] < timedelta(days=15, minutes=1)


async def test_a_repeated_backfill_run_opens_no_second_import(scene: Scene) -> None:
    claimed = Claimed(scene.merchant_id, scene.merchant_id, "sync.backfill", str(scene.account.id), 1, 1, 1)

    await JOBS["sync.backfill"](scene.context, claimed)
    await JOBS["sync.backfill"](scene.context, claimed)

    assert len(await scene.sql("select 1 from operations where merchant_id = $1")) == 1
