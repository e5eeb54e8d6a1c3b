"""The queue of record: claims, leases, fences, triggers during a run."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.ids import new_id
from app.work import service as work
from app.work.service import Claimed

LEASE = timedelta(seconds=60)


async def _claim(session: AsyncSession, most: int, lease: timedelta) -> list[Claimed]:
    rows = await session.execute(
        text("select merchant_id, id, kind, ref, fence, wanted, attempts from claim_work(:most, :lease)"),
        {"most": most, "lease": lease},
    )
    return [Claimed(*row) for row in rows]


async def claim(database: Database, merchant_id: UUID, most: int = 50, lease: timedelta = LEASE) -> list[Claimed]:
    claimed = await database.transact_globally(_claim, most, lease)
    return [one for one in claimed if one.merchant_id == merchant_id]


@pytest.fixture
async def merchant_id(database: Database, owner_url: str) -> UUID:
    """A merchant of its own; what other tests left due is put to rest."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute("update work set due_at = null")
    await connection.close()
    return new_id()


async def test_eight_claimers_never_get_the_same_work(database: Database, merchant_id: UUID) -> None:
    for number in range(60):
        await database.transact(work.add, merchant_id, "test.count", str(number))

    refs: list[str] = []
    while taken := [
        one for part in await asyncio.gather(*(claim(database, merchant_id, 10) for _ in range(8))) for one in part
    ]:
        refs += [one.ref for one in taken]

    assert len(refs) == len(set(refs)) == 60


async def test_a_worker_that_lost_its_lease_writes_nothing(database: Database, merchant_id: UUID) -> None:
    await database.transact(work.add, merchant_id, "test.slow", "1")
    [first] = await claim(database, merchant_id, lease=timedelta(seconds=-1))
    [second] = await claim(database, merchant_id)

    assert not await database.transact(work.finish, merchant_id, first)
    assert not await database.transact(work.keep, merchant_id, first, LEASE)
    assert await database.transact(work.keep, merchant_id, second, LEASE)
    assert await database.transact(work.finish, merchant_id, second)
    assert await claim(database, merchant_id) == []


async def test_a_trigger_during_a_run_causes_another_run(database: Database, merchant_id: UUID) -> None:
    await database.transact(work.add, merchant_id, "test.read", "1")
    [running] = await claim(database, merchant_id)

    await database.transact(work.add, merchant_id, "test.read", "1")
    assert await claim(database, merchant_id) == [], "it is leased"
    await database.transact(work.finish, merchant_id, running)

    [again] = await claim(database, merchant_id)
    assert again.wanted == running.wanted + 1
    await database.transact(work.finish, merchant_id, again)
    assert await claim(database, merchant_id) == []


async def test_a_trigger_brings_deferred_work_forward(database: Database, merchant_id: UUID) -> None:
    await database.transact(work.add, merchant_id, "test.poll", "1")
    [running] = await claim(database, merchant_id)
    await database.transact(work.finish, merchant_id, running, again_in=timedelta(hours=1))
    assert await claim(database, merchant_id) == []

    await database.transact(work.add, merchant_id, "test.poll", "1")

    assert len(await claim(database, merchant_id)) == 1


async def test_users_go_before_background_and_accounts_take_turns(database: Database, merchant_id: UUID) -> None:
    busy, quiet = new_id(), new_id()
    for number in range(10):
        await database.transact(
            work.add, merchant_id, "test.poll", f"poll-{number}", lane=busy, priority=work.BACKGROUND
        )
        await database.transact(work.add, merchant_id, "test.ship", f"busy-{number}", lane=busy)
    await database.transact(work.add, merchant_id, "test.ship", "quiet", lane=quiet)

    first_two = {one.ref for one in await claim(database, merchant_id, 2)}

    assert "quiet" in first_two
    assert not any(ref.startswith("poll") for ref in first_two)


async def test_another_merchants_work_cannot_be_finished(database: Database, merchant_id: UUID) -> None:
    await database.transact(work.add, merchant_id, "test.mine", "1")
    [mine] = await claim(database, merchant_id)

    assert not await database.transact(work.finish, new_id(), mine)


async def test_a_backlog_of_one_account_hides_no_other(database: Database, merchant_id: UUID) -> None:
    busy, quiet = new_id(), new_id()

    async def add_many(session: AsyncSession, merchant: UUID) -> None:
        for number in range(300):
            await work.add(session, merchant, "test.ship", f"busy-{number}", lane=busy)

    await database.transact(add_many, merchant_id)
    await database.transact(work.add, merchant_id, "test.ship", "quiet", lane=quiet)

    assert "quiet" in {one.ref for one in await claim(database, merchant_id, 2)}


async def test_one_account_never_has_all_hands(database: Database, merchant_id: UUID) -> None:
    slow, quick = new_id(), new_id()
    for number in range(12):
        await database.transact(work.add, merchant_id, "test.ship", f"slow-{number}", lane=slow)

    taken = [one for _ in range(4) for one in await claim(database, merchant_id, 16)]
    assert len(taken) == 8

    await database.transact(work.add, merchant_id, "test.ship", "quick", lane=quick)
    assert [one.ref for one in await claim(database, merchant_id, 16)] == ["quick"]
    await database.transact(work.finish, merchant_id, taken[0])
    assert len(await claim(database, merchant_id, 16)) == 1
