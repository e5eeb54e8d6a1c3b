"""Claims due work from PostgreSQL, runs it under a lease, and writes how it ended."""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.errors import ChannelError, Throttled, Unauthorized
from app.core import fail
from app.core.clock import backoff_seconds
from app.core.context import Caller, acting_as
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.work import service as work
from app.work.context import Context, Handler
from app.work.service import Claimed
from app.worker.registry import load_jobs

log = structlog.get_logger()

POISON_AFTER = 20
_POLL_SECONDS = 1.0
_UNKNOWN_KIND_PAUSE = timedelta(seconds=5)


class Worker:
    """One process's claim loop. Holds no state that PostgreSQL does not have."""

    def __init__(self, context: Context, jobs: Mapping[str, Handler] | None = None) -> None:
        self.id = new_id()
        self._context = context
        self._jobs = jobs if jobs is not None else load_jobs()
        self._lease = timedelta(seconds=context.settings.lease_seconds)
        self._running: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Look for work now instead of at the next poll."""
        self._bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and run until `stop`, then finish what is in hand."""
        stopping = asyncio.get_running_loop().create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.ring())
        while not stop.is_set():
            self._bell.clear()
            claimed = await self._claim_as_fits()
            if not claimed or len(self._running) >= self._context.settings.worker_concurrency:
                await self._wait_for_bell()
        if self._running:
            await asyncio.wait(self._running, timeout=25)
        for task in self._running:
            task.cancel()

    async def run_until_idle(self) -> None:
        """Run everything that is due now and what it makes due, then return (tests and one-off commands)."""
        while await self._claim_as_fits() or self._running:
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _wait_for_bell(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _claim_as_fits(self) -> int:
        free = self._context.settings.worker_concurrency - len(self._running)
        if free <= 0:
            return 0
        try:
            claimed = await self._context.database.transact_globally(_claim, free, self._lease)
        except Unavailable:
            log.warning("database_away")
            return 0
        except Exception:  # an outermost loop: the next look may do better
            log.exception("claim_failed")
            return 0
        fail.point("claim.after_commit")
        for one in claimed:
            task = asyncio.get_running_loop().create_task(self._run_one(one))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.ring()

    async def _run_one(self, claimed: Claimed) -> None:
        request_id = f"work-{claimed.id.hex[-12:]}-{claimed.fence}"
        handler = self._jobs.get(claimed.kind)
        with (
            acting_as(Caller(request_id=request_id), merchant_id=claimed.merchant_id),
            structlog.contextvars.bound_contextvars(work_kind=claimed.kind, work_ref=claimed.ref),
        ):
            try:
                if handler is None:  # a newer version's work: its workers do it
                    await self._finish(claimed, _UNKNOWN_KIND_PAUSE, "unknown_kind", is_waiting=True)
                else:
                    await self._run_handler(claimed, handler)
            except Unavailable:
                log.warning("work_waits_for_database")

    async def _run_handler(self, claimed: Claimed, handler: Handler) -> None:
        job = asyncio.get_running_loop().create_task(handler(self._context, claimed))
        heart = asyncio.get_running_loop().create_task(self._beat(claimed, job))
        try:
            await self._finish(claimed, await job)
        except asyncio.CancelledError:
            job.cancel()
            log.warning("work_lease_lost")
        except Unavailable:
            raise
        except ChannelError as error:
            pause = _pause(error, claimed.attempts)
            await self._finish(claimed, pause, f"{type(error).__name__}: {error.code}", is_waiting=True)
        except Exception as error:  # an outermost loop: one poisoned piece must not stop the others
            log.exception("work_failed", attempts=claimed.attempts)
            await self._fail(claimed, f"{type(error).__name__}: {error}"[:500])
        finally:
            heart.cancel()

    async def _beat(self, claimed: Claimed, job: "asyncio.Task[timedelta | None]") -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                if not await self._context.database.transact(work.keep, claimed.merchant_id, claimed, self._lease):
                    job.cancel()
                    return
            except Unavailable:
                continue

    async def _finish(
        self, claimed: Claimed, again_in: timedelta | None, error: str | None = None, *, is_waiting: bool = False
    ) -> None:
        kept = await self._context.database.transact(
            work.finish, claimed.merchant_id, claimed, again_in=again_in, error=error, is_waiting=is_waiting
        )
        log.info("work_done", again_in=again_in and again_in.total_seconds(), error=error, lease_kept=kept)

    async def _fail(self, claimed: Claimed, error: str) -> None:
        if claimed.attempts >= POISON_AFTER:
            await self._context.database.transact(work.bury, claimed.merchant_id, claimed, error)
        else:
            pause = timedelta(seconds=backoff_seconds(claimed.attempts, jitter=random.random()))  # noqa: S311
            await self._context.database.transact(
                work.finish, claimed.merchant_id, claimed, again_in=pause, error=error
            )


def _pause(error: ChannelError, attempts: int) -> timedelta:
    """How long work rests after a channel said no. Waiting for a new consent is not a failure of the work."""
    if isinstance(error, Unauthorized):
        return timedelta(seconds=60)
    if isinstance(error, Throttled):
        return timedelta(seconds=(error.retry_after or 2.0) + random.random())  # noqa: S311
    return timedelta(seconds=backoff_seconds(attempts, base=1.0, cap=60.0, jitter=random.random()))  # noqa: S311


async def _claim(session: AsyncSession, most: int, lease: timedelta) -> list[Claimed]:
    rows = await session.execute(
        text("select merchant_id, id, kind, ref, fence, wanted, attempts from claim_work(:most, :lease)"),
        {"most": most, "lease": lease},
    )
    return [
        Claimed(
            UUID(int=row.merchant_id.int), UUID(int=row.id.int), row.kind, row.ref, row.fence, row.wanted, row.attempts
        )
        for row in rows
    ]
