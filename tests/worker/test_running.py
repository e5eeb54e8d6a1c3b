"""The worker's loops: waiting is no failure, one bad piece stops no other, and nothing ends but the process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.channels.errors import Throttled, Unauthorized, Unavailable
from app.core.ids import new_id
from app.work import service as work
from app.work.context import Context, Duty, Handler
from app.work.service import Claimed
from app.work.waking import Waker
from app.worker.alarm import ring_from_arq
from app.worker.running import POISON_AFTER, Worker
from app.worker.sweeping import sweep_once
from tests.fixtures import owner
from tests.worker.proxy import Proxy


class Bench:
    """One merchant's piece of work, and workers that know how to do it, or do not."""

    def __init__(self, context: Context, owner_url: str) -> None:
        self.context = context
        self.merchant_id = new_id()
        self._owner_url = owner_url

    async def sql(self, query: str, *args: Any) -> list[asyncpg.Record]:
        return await owner.ask(self._owner_url, query, *args)

    async def add(self, kind: str = "test.piece", lane: UUID | None = None, ref: str = "1") -> None:
        await self.context.database.transact(work.add, self.merchant_id, kind, ref, lane=lane)

    async def run(self, jobs: Mapping[str, Handler]) -> None:
        """Whatever waits is due now, and is run."""
        await self.sql(
            "update work set due_at = app_now() where merchant_id = $1 and due_at is not null and not is_leased",
            self.merchant_id,
        )
        await Worker(self.context, jobs).run_until_idle()

    async def piece(self) -> asyncpg.Record:
        [row] = await self.sql(
            "select *, due_at - app_now() as due_in from work where merchant_id = $1", self.merchant_id
        )
        return row


@pytest.fixture
async def bench(context: Context, owner_url: str) -> AsyncIterator[Bench]:
    bench = Bench(context, owner_url)
    await bench.sql("update work set due_at = null")
    yield bench
    await bench.sql("update work set due_at = null where merchant_id = $1", bench.merchant_id)


def scripted(wanted: Sequence[Exception | None]) -> tuple[Mapping[str, Handler], list[int]]:
    """A job that goes through these steps; and the attempts it saw."""
    steps = list(wanted)
    seen: list[int] = []

    async def piece(context: Context, claimed: Claimed) -> timedelta | None:
        seen.append(claimed.attempts)
        step = steps.pop(0) if steps else None
        if step is not None:
            raise step
        return None

    return {"test.piece": piece}, seen


@pytest.mark.parametrize("wait", [Throttled("quota"), Unavailable("no_answer"), Unauthorized("revoked", is_final=True)])
async def test_waiting_for_a_channel_does_not_poison_the_work(bench: Bench, wait: Exception) -> None:
    jobs, seen = scripted([wait] * (POISON_AFTER + 5) + [ValueError("our own, once")])
    await bench.add()

    for _ in range(POISON_AFTER + 7):
        await bench.run(jobs)

    piece = await bench.piece()
    assert (piece["is_dead"], piece["due_at"], piece["attempts"]) == (False, None, 0)
    assert len(seen) == POISON_AFTER + 7


async def test_poisoned_work_is_shown_as_dead_and_tried_only_now_and_then(bench: Bench) -> None:
    jobs, seen = scripted([ValueError("bad piece")] * POISON_AFTER)
    await bench.add()

    for _ in range(POISON_AFTER):
        await bench.run(jobs)

    piece = await bench.piece()
    assert (piece["is_dead"], len(seen)) == (True, POISON_AFTER)
    assert piece["due_in"] > timedelta(minutes=50)
    assert "bad piece" in piece["last_error"]
    await bench.run(jobs)  # a version that can do it has come
    piece = await bench.piece()
    assert (piece["is_dead"], piece["due_at"], piece["attempts"]) == (False, None, 0)


async def test_a_kind_of_work_that_only_newer_workers_know_is_left_to_them(bench: Bench) -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, trouble: unhandled.append(trouble))
    await bench.add()

    for _ in range(POISON_AFTER + 5):
        await bench.run({})

    piece = await bench.piece()
    assert (piece["is_dead"], piece["is_leased"], piece["done"]) == (False, False, 0)
    assert timedelta(0) < piece["due_in"] < timedelta(seconds=15)
    assert unhandled == []
    jobs, seen = scripted([])
    await bench.run(jobs)
    assert len(seen) == 1


async def test_a_claim_that_fails_does_not_end_the_worker(bench: Bench) -> None:
    """As a prepared statement does when a migration has changed what it reads."""
    jobs, seen = scripted([])
    await bench.sql("alter function claim_work(integer, interval) rename to claim_work_away")
    stop = asyncio.Event()
    running = asyncio.ensure_future(Worker(bench.context, jobs).run(stop))
    try:
        await asyncio.wait([running], timeout=0.3)
        await bench.sql("alter function claim_work_away(integer, interval) rename to claim_work")
        await bench.add()
        await until(lambda: bool(seen) or running.done())
    finally:
        stop.set()
        await asyncio.wait([running], timeout=5)
    assert (len(seen), running.exception()) == (1, None)


async def test_a_duty_interrupted_by_a_stop_is_due_at_once_and_holds_up_no_other(bench: Bench) -> None:
    begun = asyncio.Event()
    done: list[str] = []

    async def slow(context: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def quick(context: Context) -> None:
        done.append("quick")

    first, second = (f"stop.{new_id().hex}" for _ in range(2))
    await bench.sql("select ensure_duty($1, 60)", first)
    await bench.sql("update schedule set next_run_at = app_now() - interval '1 h' where name = $1", first)
    stopped = asyncio.get_running_loop().create_task(sweep_once(bench.context, new_id(), {first: Duty(60, slow)}))
    await begun.wait()
    await bench.sql("select ensure_duty($1, 60)", second)
    await sweep_once(bench.context, new_id(), {second: Duty(60, quick)})
    assert done == ["quick"], "the slow one alone is leased"
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)

    both = {name: Duty(60, quick) for name in (first, second)}
    await sweep_once(bench.context, new_id(), both)

    assert done == ["quick", "quick"], "the interrupted one at once, the other in a minute"


async def test_a_duty_that_fails_keeps_no_other_from_running(bench: Bench) -> None:
    ran: list[str] = []

    async def bad(context: Context) -> None:
        raise ValueError("always")

    async def good(context: Context) -> None:
        ran.append("good")

    names = ["test.a_bad", "test.b_good", "test.c_bad"]
    duties = dict(zip(names, [Duty(60, bad), Duty(60, good), Duty(60, bad)], strict=True))
    try:
        for name in names:
            await bench.sql("select ensure_duty($1, 60)", name)
        await sweep_once(bench.context, new_id(), duties)
        rows = await bench.sql("select name from schedule where name like 'test.%' and last_success_at is not null")
    finally:
        await bench.sql("delete from schedule where name like 'test.%'")

    assert ran == ["good"]
    assert [row["name"] for row in rows] == ["test.b_good"]


async def test_the_alarm_rings_again_after_valkey_was_away(bench: Bench) -> None:
    url = bench.context.settings.require("redis_url")
    rings: list[float] = []
    async with Proxy(url) as proxy:
        alarm = asyncio.ensure_future(ring_from_arq(proxy.url, lambda: rings.append(0)))
        waker = Waker(url)
        try:
            waker.committed({"wakes": [(new_id(), 1)]})
            await until(lambda: len(rings) == 1)
            await proxy.cut()
            waker.committed({"wakes": [(new_id(), 1)]})
            await until(lambda: proxy.refused > 0 or alarm.done())
            await proxy.mend()

            await until(lambda: len(rings) >= 2 or alarm.done(), seconds=15)
            assert not alarm.done()
            assert len(rings) >= 2
        finally:
            alarm.cancel()
            await asyncio.wait([alarm])
            await waker.close()


async def until(condition: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
