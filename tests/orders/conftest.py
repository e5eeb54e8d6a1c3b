"""A merchant with many orders of every kind, and the application in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from app.core.db import Database
from app.core.ids import new_id
from app.dev.servers import EmbeddedServers
from app.identity import service as identity
from tests.fixtures.application import Desk, application, desk, http, other_desk
from tests.orders.archive import ShelfShop, Stored, build_variety, open_shops, write

__all__ = ["application", "desk", "http", "other_desk"]

SHOPS = (
    ("testmart", "Toko Satu", "Asia/Jakarta"),
    ("testmart", "Toko Dua", "Asia/Makassar"),
    ("othermart", "=Toko Tiga", "America/New_York"),
)


@dataclass(frozen=True)
class Archive:
    """A merchant's orders as they were written."""

    merchant_id: UUID
    owner_id: UUID
    shops: list[ShelfShop]
    orders: list[Stored]


@asynccontextmanager
async def owning(servers: EmbeddedServers) -> AsyncIterator[asyncpg.Connection]:
    """The database as its owner."""
    connection = await asyncpg.connect(servers.migration_database_url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def fill(servers: EmbeddedServers, count: int, seed: int) -> Archive:
    """A new merchant with `count` orders."""
    merchant_id, owner_id = new_id(), new_id()
    database = Database(servers.database_url, application="test")
    try:
        await database.transact(
            identity.found_merchant,
            merchant_id,
            owner_id,
            name="Toko",
            email=f"{owner_id}@example.id",
            password_hash="x",
        )
    finally:
        await database.close()
    async with owning(servers) as owner:
        now: datetime = await owner.fetchval("select app_now()")
        shops = await open_shops(owner, merchant_id, SHOPS)
        orders = build_variety(shops, merchant_id, now, count, seed)
        await write(owner, orders)
        await owner.execute("analyze orders")
    return Archive(merchant_id, owner_id, shops, orders)


@pytest.fixture(scope="package")
def archive(servers: EmbeddedServers) -> Archive:
    """300 orders; nobody changes them."""
    return asyncio.run(fill(servers, 300, seed=7))


@pytest.fixture(scope="package")
def other_archive(servers: EmbeddedServers) -> Archive:
    """Somebody else's orders."""
    return asyncio.run(fill(servers, 40, seed=8))


@pytest.fixture
async def owner(servers: EmbeddedServers) -> AsyncIterator[asyncpg.Connection]:
    async with owning(servers) as connection:
        yield connection


def desk_of(archive: Archive, desk: Desk) -> Desk:
    """The people who work at the archive's merchant."""
    return Desk(desk.app, archive.merchant_id, archive.owner_id, f"{archive.owner_id}@example.id")
