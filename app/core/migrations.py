"""Brings a database to the level of this code: tables, roles, policies, functions."""

import asyncio
import importlib.resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.settings import Settings

_ROOT = Path(str(importlib.resources.files("app"))).parent


def configuration() -> Config:
    """Alembic's configuration of this project."""
    return Config(_ROOT / "alembic.ini")


def head_revision() -> str:
    """The migration level this code needs."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    assert head is not None
    return head


def upgrade(settings: Settings) -> None:
    """Migrate with the owner's URL and let the service's role log in with the password of its own URL. Repeatable."""
    asyncio.run(upgrade_database(settings.require("migration_database_url"), settings.require("database_url")))


async def upgrade_database(owner_url: str, app_url: str) -> None:
    """Migrate the database at `owner_url`; `app_url` names role and password of the service."""
    engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
    app = make_url(app_url)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("set lock_timeout = '5s'"))
            await connection.run_sync(_create_app_role, app.username or "plugosync_app", str(app.password or ""))
            await connection.commit()
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _create_app_role(connection: Connection, name: str, password: str) -> None:
    exists = connection.scalar(text("select 1 from pg_roles where rolname = :name"), {"name": name})
    quoted = connection.scalar(
        text("select format(cast(:form as text), cast(:name as text), cast(:password as text))"),
        {
            "form": "alter role %I login password %L"
            if exists
            else "create role %I login nosuperuser nobypassrls password %L",
            "name": name,
            "password": password,
        },
    )
    connection.exec_driver_sql(str(quoted))
