"""The database: one place for all transaction rules.

`Database.transact(step, merchant_id, …)` runs one step in one transaction under the merchant's row-level security,
commits, and repeats it on a serialization failure. `read_value` and `copy_out` are the hot read paths on plain asyncpg.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, MetaData, Text, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from app.core.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_REPEATABLE = {"40001", "40P01"}
_TOO_SLOW = {"57014", "55P03", "25P04"}
"""Statement, lock or transaction took longer than it may: nothing was stored, trying again may help."""
_DISCONNECTED = (asyncpg.InterfaceError, asyncpg.ConnectionDoesNotExistError, asyncpg.PostgresConnectionError, OSError)


class Base(DeclarativeBase):
    """Parent of all tables; names constraints so that migrations can speak of them."""

    type_annotation_map = {datetime: DateTime(timezone=True), str: Text()}  # noqa: RUF012 (SQLAlchemy reads it so)
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UnsafeRole(RuntimeError):
    """The database role would ignore row-level security."""


@event.listens_for(Session, "after_begin")
def _enter_tenant(session: Session, transaction: SessionTransaction, connection: Any) -> None:
    merchant_id = session.info["merchant_id"]  # KeyError: a transaction outside transact() is a bug
    connection.execute(
        text("select set_config('app.merchant_id', :merchant, true)"),
        {"merchant": str(merchant_id) if merchant_id else ""},
    )


class Database:
    """Connections of one process. `transact` for everything that writes.

    The pool of `read_value` for pages and counts.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        read_pool_size: int = 8,
        statement_timeout_ms: int = 5_000,
        application: str = "api",
    ) -> None:
        parsed = make_url(url).set(drivername="postgresql+asyncpg")
        limits = {
            "application_name": f"plugosync-{application}",
            "statement_timeout": str(statement_timeout_ms),
            "lock_timeout": "2000",
            "idle_in_transaction_session_timeout": "10000",
            "transaction_timeout": str(max(10_000, statement_timeout_ms)),
            "jit": "off",
            # JSON that the database builds shows instants as UTC.
            "timezone": "UTC",
        }
        self._engine = create_async_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"server_settings": limits, "timeout": 5},
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._read_dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._read_settings = limits
        self._read_pool_size = read_pool_size
        self._read_pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self.committed: Callable[[dict[str, Any]], None] | None = None
        """Called with `session.info` after each commit; the waker listens here."""

    async def close(self) -> None:
        """Give every connection back."""
        if self._read_pool is not None:
            await self._read_pool.close()
        await self._engine.dispose()

    async def transact(
        self,
        step: Callable[Concatenate[AsyncSession, UUID, P], Awaitable[T]],
        merchant_id: UUID,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `step(session, merchant_id, …)` in one transaction of that merchant and commit.

        The step must be repeatable and must not use the network. A caller that is cancelled meanwhile leaves the
        transaction to end by itself: nothing stops halfway. Raises Unavailable when the database is away.
        """

        async def bound(session: AsyncSession) -> T:
            return await step(session, merchant_id, *args, **kwargs)

        return await asyncio.shield(asyncio.ensure_future(self._run(bound, merchant_id)))

    async def transact_globally(
        self, step: Callable[Concatenate[AsyncSession, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same without a merchant: tenant tables are empty, only global tables and definer functions answer."""

        async def bound(session: AsyncSession) -> T:
            return await step(session, *args, **kwargs)

        return await asyncio.shield(asyncio.ensure_future(self._run(bound, None)))

    async def _run(self, step: Callable[[AsyncSession], Awaitable[T]], merchant_id: UUID | None) -> T:
        for attempt in range(4):
            try:
                info: dict[str, Any] = {"merchant_id": merchant_id}
                async with self._sessions(info=info) as session, session.begin():
                    result = await step(session)
                if self.committed is not None:
                    self.committed(info)
                return result
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) in _REPEATABLE and attempt < 3:
                    continue
                if is_disconnect(error) or getattr(error.orig, "sqlstate", None) in _TOO_SLOW:
                    raise Unavailable() from error
                raise
            except (PoolTimeout, TimeoutError, *_DISCONNECTED) as error:
                raise Unavailable() from error
        raise AssertionError("the last attempt returns or raises")

    async def fetch_globally(self, query: str, *args: Any) -> asyncpg.Record | None:
        """One row of one statement without a merchant, in one round trip: what definer functions say or keep.

        The statement is a transaction of its own, committed when this returns. Raises Unavailable.
        """
        try:
            pool = await self._open_read_pool()
            async with pool.acquire(timeout=5) as connection:
                return await connection.fetchrow(query, *args)
        except asyncpg.PostgresError as error:
            if isinstance(error, _DISCONNECTED) or error.sqlstate in _TOO_SLOW:
                raise Unavailable() from error
            raise
        except (TimeoutError, *_DISCONNECTED) as error:
            raise Unavailable() from error

    async def read_value(self, merchant_id: UUID, query: str, *args: Any) -> Any:
        """First column of the first row of one read-only query under the merchant's row-level security."""
        async with self.read_transaction(merchant_id) as connection:
            return await connection.fetchval(query, *args)

    @asynccontextmanager
    async def read_transaction(
        self, merchant_id: UUID, *, isolation: str = "read committed", custom_plans: bool = False
    ) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A read-only transaction on a plain connection, for several reads of one snapshot or a COPY.

        `custom_plans`: statements are planned for their values, not once for all; right for combined filters.
        """
        planning = "; set local plan_cache_mode = force_custom_plan" if custom_plans else ""
        try:
            pool = await self._open_read_pool()
            async with pool.acquire(timeout=5) as connection:
                # One simple-protocol message; the id is a UUID, so its text can hold nothing but hex digits.
                await connection.execute(
                    f"begin isolation level {isolation} read only; set local app.merchant_id ="
                    f" '{UUID(int=merchant_id.int)}'{planning}"
                )
                try:
                    yield connection
                finally:
                    if not connection.is_closed():
                        await connection.execute("rollback")
        except (TimeoutError, *_DISCONNECTED) as error:
            raise Unavailable() from error

    async def _open_read_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        if self._read_pool is None:
            async with self._opening:
                if self._read_pool is None:
                    self._read_pool = await asyncpg.create_pool(
                        self._read_dsn,
                        min_size=1,
                        max_size=self._read_pool_size,
                        server_settings=self._read_settings,
                        timeout=5,
                        reset=_keep_session,
                    )
        return self._read_pool

    async def assert_safe_role(self) -> None:
        """Refuse to run as a role that ignores row-level security. Raises UnsafeRole."""
        unsafe = await self.transact_globally(_role_is_unsafe)
        if unsafe:
            raise UnsafeRole(
                "PLUGOSYNC_DATABASE_URL must name a role without SUPERUSER and BYPASSRLS (plugosync_app): "
                "this one would see every merchant's data."
            )


async def _keep_session(connection: object) -> None:
    """Everything we set is local to a transaction, so a returned connection needs no reset round trip."""


async def _role_is_unsafe(session: AsyncSession) -> bool:
    return bool(
        await session.scalar(text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user"))
    )


async def wait_for_turn(session: AsyncSession, merchant_id: UUID, name: str) -> None:
    """Of one merchant's transactions that take this turn, one goes on after the other has ended."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, cast(:seed as bigint)))"),
        {"name": name, "seed": merchant_id.int & 0x7FFF_FFFF_FFFF_FFFF},
    )


def is_disconnect(error: BaseException) -> bool:
    """True when the server went away rather than refused."""
    if isinstance(error, DBAPIError):
        return (
            bool(error.connection_invalidated)
            or isinstance(error, InterfaceError | OperationalError)
            or (getattr(error.orig, "sqlstate", "") or "").startswith(("08", "57P"))
        )
    return isinstance(error, _DISCONNECTED)
