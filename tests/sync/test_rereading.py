"""Wishes to read an order again: doubles coalesce, none is forgotten."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import Throttled
from app.core import clock
from app.orders import reading
from app.sync.jobs import JOBS
from app.work import service as work
from app.work.service import Claimed
from tests.sync.market import now, order
from tests.sync.scene import Scene


async def ask(scene: Scene, *numbers: str, seconds: int = 0, priority: int = work.BACKGROUND) -> None:
    await scene.context.database.transact(
        reading.request_read,
        scene.merchant_id,
        scene.account.id,
        numbers,
        due_in=timedelta(seconds=seconds),
        priority=priority,
    )


def place(scene: Scene, *numbers: str) -> None:
    for number in numbers:
        scene.market.place(order(number, shop=scene.account.external_id, at=now() - timedelta(hours=1)))


async def test_a_thousand_wishes_for_one_order_are_one_read(scene: Scene) -> None:
    place(scene, "A1")
    for _ in range(25):
        await ask(scene, *["A1"] * 40)

    await scene.work()

    assert scene.market.reads["A1"] == 1
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_a_wish_during_the_read_causes_one_more(scene: Scene) -> None:
    place(scene, "A1", "A2")
    await ask(scene, "A1", "A2")
    reading_now = await begin_read(scene)

    await ask(scene, "A1")
    await reading_now

    assert (scene.market.reads["A1"], scene.market.reads["A2"]) == (2, 1)


async def test_a_wish_that_was_being_stored_when_the_read_began_causes_one_more(scene: Scene) -> None:
    place(scene, "A1")
    await ask(scene, "A1")
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def ask_slowly(session: AsyncSession, merchant_id: UUID) -> None:
        await clock.now(session)
        has_begun.set()
        await may_go_on.wait()
        await reading.request_read(session, merchant_id, scene.account.id, ["A1"])

    slow = asyncio.ensure_future(scene.context.database.transact(ask_slowly, scene.merchant_id))
    await has_begun.wait()
    reading_now = await begin_read(scene)
    may_go_on.set()
    await slow
    await reading_now

    assert scene.market.reads["A1"] == 2


async def begin_read(scene: Scene) -> "asyncio.Future[timedelta | None]":
    """The job, at the moment in which the channel is answering."""
    is_answering = asyncio.Event()

    def note(numbers: Sequence[str]) -> None:
        is_answering.set()

    scene.market.on_read = note
    scene.market.pause = 0.3
    claimed = Claimed(scene.merchant_id, scene.merchant_id, "sync.read", str(scene.account.id), 1, 1, 1)
    running = asyncio.ensure_future(JOBS["sync.read"](scene.context, claimed))
    async with asyncio.timeout(5):
        await is_answering.wait()
    return running


async def test_a_wish_for_later_is_not_answered_by_a_read_now(scene: Scene) -> None:
    place(scene, "A1")
    await ask(scene, "A1", seconds=600)
    await ask(scene, "A1")

    await scene.work()
    assert scene.market.reads["A1"] == 1
    [left] = await scene.sql("select due_at - now() wait from read_requests where merchant_id = $1")
    assert timedelta(minutes=9) < left["wait"] <= timedelta(minutes=10)
    await scene.later()

    assert scene.market.reads["A1"] == 2
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_a_busy_channel_keeps_the_wish(scene: Scene) -> None:
    place(scene, "A1")
    scene.market.read_errors = [Throttled("busy")]
    await ask(scene, "A1")

    await scene.work()
    assert len(await scene.sql("select 1 from read_requests where merchant_id = $1")) == 1
    await scene.later()

    assert scene.market.reads["A1"] == 1
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_a_pause_in_the_middle_of_many_costs_no_order_twice(scene: Scene) -> None:
    numbers = [f"A{number}" for number in range(8)]
    place(scene, *numbers)
    scene.market.lets_through = [3, 2]
    await ask(scene, *numbers)

    await scene.work()
    assert len(await scene.sql("select 1 from orders where merchant_id = $1")) == 5
    assert len(await scene.sql("select 1 from read_requests where merchant_id = $1")) == 3
    await scene.later()

    assert scene.market.reads == dict.fromkeys(numbers, 1)
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_users_go_first(scene: Scene) -> None:
    place(scene, "A1", "A2")
    order_of_reads: list[str] = []
    scene.market.on_read = order_of_reads.extend
    await ask(scene, "A1")
    await ask(scene, "A2", priority=work.USER)

    await scene.work()

    assert order_of_reads == ["A2", "A1"]


async def test_an_order_the_channel_does_not_know_yet_is_read_again_later(scene: Scene) -> None:
    await ask(scene, "A1")
    await scene.work()
    [waiting] = await scene.sql("select due_at - now() pause from read_requests where merchant_id = $1")
    assert timedelta(0) < waiting["pause"] <= timedelta(seconds=2)

    place(scene, "A1")
    await scene.later()

    assert (await scene.order())["status"] == "ready_to_ship"
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_an_order_that_never_was_is_given_up(scene: Scene) -> None:
    await ask(scene, "A1")
    await scene.work()
    for _ in range(6):
        await scene.later()

    assert scene.market.reads["A1"] == 5
    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []


async def test_a_new_wish_for_an_absent_order_does_not_wait(scene: Scene) -> None:
    await ask(scene, "A1")
    for _ in range(3):
        await scene.later()
    await ask(scene, "A1")

    await scene.work()

    [waiting] = await scene.sql("select absences, due_at - now() pause from read_requests where merchant_id = $1")
    assert (scene.market.reads["A1"], waiting["absences"]) == (4, 1)
    assert waiting["pause"] <= timedelta(seconds=2)


@pytest.mark.parametrize("count", [7])
async def test_many_orders_are_read_in_the_channel_s_batches(scene: Scene, count: int) -> None:
    numbers = [f"A{number}" for number in range(count)]
    place(scene, *numbers)
    calls: list[int] = []
    scene.market.on_read = lambda read: calls.append(len(read))
    await ask(scene, *numbers)

    await scene.work()

    assert calls == [3, 3, 1]
    assert len(await scene.sql("select 1 from orders where merchant_id = $1")) == count


async def test_wishes_for_a_disconnected_shop_are_dropped(scene: Scene) -> None:
    await ask(scene, "A1")
    await scene.sql("update accounts set is_active = false where merchant_id = $1")

    await scene.work()

    assert await scene.sql("select 1 from read_requests where merchant_id = $1") == []
