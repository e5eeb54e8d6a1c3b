"""`make run`: every server and process of the product under one foreground process that keeps them alive."""

import asyncio
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import httpx

from app.core.migrations import upgrade_database
from app.core.settings import Settings
from app.dev.announcing import announce, say, warn
from app.dev.clock_following import copy_offset, follow_in_background
from app.dev.environment import channel_environment, load_secrets, write_private
from app.dev.http import CallFailed
from app.dev.parts import Part, ServiceProcess, revive, stop_in_reverse
from app.dev.ports import assert_ports_free
from app.dev.processes import StartFailed, answers, wait_until
from app.dev.seed import Demo, seed
from app.dev.servers import EmbeddedServers

ROOT = Path(__file__).parents[2]
_SETTLE_SECONDS = "60"
"""How long an arranged shipment may stay invisible here: short enough to watch."""
_WATCH_SECONDS = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SANDBOX = "sandbox"


class Stopped(BaseException):
    """Ctrl-C or SIGTERM, wherever the program is."""


class Supervisor:
    """The parts in the order in which they were started."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home.absolute()
        self.api_url = f"http://127.0.0.1:{settings.port}"
        self.sandbox_url = f"http://127.0.0.1:{settings.sandbox_port}"
        self.parts: list[Part] = []
        self.stopping = threading.Event()
        self._secrets = load_secrets(self.home)
        self._servers = EmbeddedServers(
            self.home,
            owner_password=self._secrets.owner_password,
            app_password=self._secrets.app_password,
            valkey_password=self._secrets.valkey_password,
        )
        self._environment = {
            **os.environ,
            "PLUGOSYNC_HOME": str(self.home),
            "PLUGOSYNC_PORT": str(settings.port),
            "PLUGOSYNC_SANDBOX_PORT": str(settings.sandbox_port),
        }

    def start(self) -> None:
        """Servers, schema, marketplaces, clock, API and worker. Raises StartFailed."""
        owner_url = self._start_servers()
        asyncio.run(upgrade_database(owner_url, self._environment["PLUGOSYNC_DATABASE_URL"]))
        sandbox = self._begin(SANDBOX, "app.sandbox")
        self._await(sandbox, f"{self.sandbox_url}/_control/clock")
        asyncio.run(copy_offset(self.sandbox_url, owner_url.replace("+asyncpg", "")))
        follow_in_background(self.sandbox_url, owner_url.replace("+asyncpg", ""), self.stopping)
        credentials = httpx.get(f"{self.sandbox_url}/_control/credentials", trust_env=False).json()
        known = channel_environment(credentials, SETTLE_SECONDS=_SETTLE_SECONDS)
        self._environment = {"PLUGOSYNC_SECRET_KEYS": self._secrets.secret_key, **known, **self._environment}
        api = self._begin("API", "app.cli", "api")
        self._begin("worker", "app.cli", "worker")
        self._await(api, f"{self.api_url}/readyz", status="ready")

    def _start_servers(self) -> str:
        """Embedded ones where no URL is set. Answers the owner's URL."""
        settings = self.settings
        if settings.redis_url is None:
            self._servers.valkey.start()
            self.parts.append(self._servers.valkey)
            self._environment["PLUGOSYNC_REDIS_URL"] = self._servers.redis_url
        if settings.database_url is not None:
            return settings.require("migration_database_url")
        self._servers.postgres.start()
        self.parts.append(self._servers.postgres)
        self._environment["PLUGOSYNC_DATABASE_URL"] = self._servers.database_url
        return self._servers.migration_database_url

    def _begin(self, name: str, *module: str) -> ServiceProcess:
        process = ServiceProcess(
            name,
            [sys.executable, "-m", *module],
            environment=self._environment,
            folder=ROOT,
            log=self.home / "logs" / f"{name.lower()}.log",
        )
        self.parts.append(process)
        process.start()
        return process

    def _await(self, part: ServiceProcess, url: str, **expected: str) -> None:
        assert part.process is not None
        wait_until(lambda: answers(url, **expected), part.process, what=f"The {part.name}", log=part.log, seconds=60)

    def seed(self) -> Demo:
        """The demo merchant. Raises CallFailed."""
        return seed(
            home=self.home,
            database_url=self._environment["PLUGOSYNC_DATABASE_URL"],
            api_url=self.api_url,
            sandbox_url=self.sandbox_url,
            say=say,
        )

    def watch(self, is_done: Callable[[], bool]) -> None:
        """Keep every part alive until done."""
        while not is_done():
            try:
                for line in revive(self.parts):
                    warn(line)
            except StartFailed as error:
                warn(str(error))
                time.sleep(0.5)
            time.sleep(_WATCH_SECONDS)

    def stop(self) -> None:
        """End every part, the last started first; data stays."""
        self.stopping.set()
        own = [part for part in self.parts if isinstance(part, ServiceProcess) and part.name != SANDBOX]
        stop_in_reverse(self.parts, together=own)


def run(settings: Settings) -> int:
    """The whole life of `make run`. Answers the exit code."""
    home = settings.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with _only_one(home), _demo_file(home) as demo_file, _signals():
            if settings.env != "sandbox":
                raise StartFailed("This runs simulated marketplaces: leave PLUGOSYNC_ENV at `sandbox`.")
            assert_ports_free(settings)
            supervisor = Supervisor(settings)
            try:
                say("Starting PostgreSQL, Valkey, sandbox, API and worker ...")
                supervisor.start()
                demo = _seed_while_watching(supervisor)
                write_private(demo_file, asdict(demo))
                announce(demo, home)
                supervisor.watch(lambda: False)
            finally:
                _ignore_signals()
                say("Stopping ...")
                supervisor.stop()
    except Stopped:
        return 0
    except (StartFailed, CallFailed) as error:
        warn(str(error))
        return 1
    return 0


def _seed_while_watching(supervisor: Supervisor) -> Demo:
    outcome: list[Demo | CallFailed] = []

    def work() -> None:
        try:
            outcome.append(supervisor.seed())
        except CallFailed as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="seed", daemon=True)
    thread.start()
    supervisor.watch(lambda: not thread.is_alive())
    if not outcome:
        raise StartFailed("The demo merchant could not be made.")
    if isinstance(outcome[0], CallFailed):
        raise outcome[0]
    return outcome[0]


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One supervisor per data folder."""
    with (home / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(f"Another one runs on {home}: set PLUGOSYNC_HOME to a folder of its own.") from None
        yield


@contextmanager
def _demo_file(home: Path) -> Iterator[Path]:
    """`demo.json` exists only while the service is ready."""
    file = home / "demo.json"
    file.unlink(missing_ok=True)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _signals() -> Iterator[None]:
    """While the block runs, a wish to end arrives as Stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in _ENDING}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _ignore_signals() -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
