"""The database is what the models say, and walled off."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.core.db import Database, UnsafeRole
from app.core.ids import new_id
from app.core.migrations import upgrade_database
from app.tables import GLOBAL_TABLES, Base

_OURS_ALONE = {"clock", "journal_heads"}


async def test_the_migrations_make_what_the_models_describe(owner_url: str, database_url: str) -> None:
    """From empty (the fixture) and again over what is there."""
    await upgrade_database(owner_url, database_url)
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://"))

    def differences(connection: Connection) -> list[object]:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
        # Tables of the functions, unknown to the models on purpose.
        return [one for one in found if not (one[0] == "remove_table" and one[1].name in _OURS_ALONE)]

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_every_tenant_table_is_behind_forced_row_level_security(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    rows = await connection.fetch(
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity as walled,"
        " array(select p.polname from pg_policy p where p.polrelid = c.oid) as policies"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'merchant_id'"
        " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    await connection.close()

    walled = {row["relname"] for row in rows if row["walled"] and set(row["policies"]) == {"tenant", "system"}}
    assert {row["relname"] for row in rows} - walled == (GLOBAL_TABLES | {"journal_heads"}) & {
        row["relname"] for row in rows
    }
    assert {"orders", "packages", "work", "journal", "operations", "credentials"} <= walled


async def test_one_merchant_cannot_read_or_write_anothers_rows(database: Database) -> None:
    mine, theirs = new_id(), new_id()
    insert = text(
        "insert into order_counts (merchant_id, status, stage, n, requested, unlinked)"
        " values (:merchant, 'ordered', '', 1, 0, 0)"
    )

    async def put(session: AsyncSession, merchant_id: object, owner: object) -> None:
        await session.execute(insert, {"merchant": owner})

    async def count(session: AsyncSession, merchant_id: object) -> int:
        return int(await session.scalar(text("select count(*) from order_counts")) or 0)

    await database.transact(put, mine, mine)
    with pytest.raises(DBAPIError, match="row-level security"):
        await database.transact(put, mine, theirs)

    assert await database.transact(count, mine) == 1
    assert await database.transact(count, theirs) == 0
    assert await database.read_value(theirs, "select count(*) from order_counts") == 0


async def test_the_journal_cannot_be_changed_by_the_service(database: Database) -> None:
    async def forget(session: AsyncSession, merchant_id: object) -> None:
        await session.execute(text("delete from journal"))

    with pytest.raises(DBAPIError, match="permission denied"):
        await database.transact(forget, new_id())


async def test_a_role_that_ignores_the_wall_is_refused(owner_url: str) -> None:
    database = Database(owner_url, application="test")

    with pytest.raises(UnsafeRole, match="PLUGOSYNC_DATABASE_URL"):
        await database.assert_safe_role()

    await database.close()
