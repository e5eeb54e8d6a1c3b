"""The embedded servers: data stays, whatever ended them."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from app.dev.postgres import FAST_AND_FORGETFUL, EmbeddedPostgres
from app.dev.processes import StartFailed
from app.dev.servers import EmbeddedServers
from tests.dev.processes import eventually, family, is_alive

Build = Callable[[], EmbeddedServers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture
def build(folder: Path) -> Build:
    return lambda: EmbeddedServers(
        folder,
        owner_password="owner-secret",
        app_password="app-secret",
        valkey_password="valkey-secret",
        postgres_settings=FAST_AND_FORGETFUL,
    )


def ask(servers: EmbeddedServers, query: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(servers.migration_database_url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_second_start_keeps_the_data_and_a_stop_leaves_nobody(build: Build) -> None:
    others = family(os.getpid())
    with build() as first:
        ask(first, "create table kept as select 42 as answer")
        before = family(os.getpid()) - others
    second = build()
    second.start()

    answer = ask(second, "select answer from kept")
    second.stop()

    assert answer == 42
    assert [pid for pid in before | family(os.getpid()) - others if is_alive(pid)] == []


def test_a_killed_server_and_a_foreign_pid_in_its_lock_are_survived(build: Build, folder: Path) -> None:
    servers = build()
    servers.start()
    ask(servers, "create table killed as select 43 as answer")
    assert servers.postgres.process is not None
    os.kill(servers.postgres.process.pid, signal.SIGKILL)
    servers.postgres.process.wait()
    lock = folder / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    servers.postgres.start()

    assert ask(servers, "select answer from killed") == 43
    servers.stop()


def test_a_server_left_behind_is_ended_before_ours_starts(build: Build) -> None:
    left, ours = build(), build()
    left.start()
    assert left.postgres.process is not None

    ours.start()

    eventually(lambda: left.postgres.process is not None and left.postgres.process.poll() is not None, 1, what="ended")
    assert ask(ours, "select 1") == 1
    ours.stop()
    left.stop()


def test_nobody_gets_in_without_the_password(build: Build) -> None:
    with build() as servers:
        wrong = servers.migration_database_url.replace("+asyncpg", "").replace("owner-secret", "guess")
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(wrong))
        assert Redis.from_url(servers.redis_url).ping()
        with pytest.raises(AuthenticationError):
            Redis.from_url(servers.redis_url.replace(":valkey-secret@", "")).ping()


def test_a_start_that_fails_says_why(folder: Path) -> None:
    odd = EmbeddedPostgres(folder / "postgres", owner_password="x", log=folder / "log", settings={"no_such": "1"})

    with pytest.raises(StartFailed, match="no_such"):
        odd.start()
