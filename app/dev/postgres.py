"""The embedded PostgreSQL: real binaries from PyPI, one folder, one TCP port on loopback, passwords on.

The server is our own child in the foreground instead of `pg_ctl`'s daemon, so that it stops with us. PostgreSQL
refuses to run as root; then it runs as a system user `embedded_postgres`, which is created if need be, and folders on
the way to the data become traversable (not readable) for that user.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from app.dev.processes import StartFailed, find_free_port, package_folder, spawn, stop, wait_until

_BINARIES = package_folder("embedded_postgres") / "pginstall" / "bin"
_SYSTEM_USER = "embedded_postgres"
DATABASE = "plugosync"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
FAST_AND_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
"""For data nobody needs after a power cut (tests). A killed process loses nothing even so."""


class EmbeddedPostgres:
    """A PostgreSQL of our own. A second start keeps data, survives a stale lock file and ends an orphaned server."""

    name = "PostgreSQL"

    def __init__(
        self, folder: Path, *, owner_password: str, log: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = find_free_port()
        self._folder = folder.absolute()
        self._password = owner_password
        self._log = log
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user, self._group = _unprivileged()
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, user: str, password: str) -> str:
        """Where `user` reaches the database."""
        return f"postgresql+asyncpg://{user}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Create the data folder if it is new, start the server and wait until it answers. Raises StartFailed."""
        if not (self._folder / "PG_VERSION").exists():
            self._initialise()
        _let_in(self._folder, self._user)
        self._clear_lock()
        flags = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self.process = spawn(
            [_BINARIES / "postgres", "-D", self._folder, "-p", str(self.port), *flags],
            log=self._log,
            cwd=self._folder,
            user=self._user,
            group=self._group,
            dies_with_parent_by=signal.SIGINT,
        )
        wait_until(self._answers, self.process, what="PostgreSQL", log=self._log, seconds=60)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, what is committed is on disk."""
        if self.process is not None:
            stop(self.process, by=signal.SIGINT, grace_seconds=8)
            self.process = None

    def _answers(self) -> bool:
        asked = [str(_BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _initialise(self) -> None:
        """Build the cluster beside its place and move it there, so that a half-made one is never started."""
        fresh = self._folder.with_name(f"{self._folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        fresh.mkdir(parents=True)
        password_file = fresh.with_name(f"{fresh.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._user is not None:
            os.chown(fresh, self._user, self._group or -1)
            os.chown(password_file, self._user, self._group or -1)
        _let_in(fresh, self._user)
        try:
            self._run("initdb", "-D", str(fresh), "-U", "postgres", "--pwfile", str(password_file), *_INITDB)
            self._run("postgres", "--single", "-D", str(fresh), "postgres", feed=f"create database {DATABASE}\n")
        finally:
            password_file.unlink()
        fresh.rename(self._folder)

    def _run(self, program: str, *arguments: str, feed: str = "") -> None:
        done = subprocess.run(
            [str(_BINARIES / program), *arguments],
            input=feed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=self._user,
            group=self._group,
            extra_groups=[] if self._user is not None else None,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"PostgreSQL's {program} failed:\n{done.stdout.decode(errors='replace')}")

    def _clear_lock(self) -> None:
        """End a server that still runs on our folder; remove the lock of one that does not."""
        lock = self._folder / "postmaster.pid"
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            pid = _server_of(lock, self._folder)
            if pid is None:
                break
            os.kill(pid, number)
            deadline = time.monotonic() + 5
            while _server_of(lock, self._folder) == pid and time.monotonic() < deadline:
                time.sleep(0.05)
        lock.unlink(missing_ok=True)


_INITDB = (
    "--auth-local=reject",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
)


def _server_of(lock: Path, folder: Path) -> int | None:
    """The process that runs on this folder. A number alone proves nothing: it may belong to somebody else by now."""
    try:
        pid = int(lock.read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
        return None
    return pid if os.fsencode(folder) in command else None


def _unprivileged() -> tuple[int | None, int | None]:
    if os.geteuid() != 0:
        return None, None
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", _SYSTEM_USER], check=True)
        entry = pwd.getpwnam(_SYSTEM_USER)
    _let_in(_BINARIES, entry.pw_uid)
    return entry.pw_uid, entry.pw_gid


def _let_in(folder: Path, user: int | None) -> None:
    """Let another user reach `folder` (not list what lies beside the way)."""
    if user is None:
        return
    for step in folder.absolute().parents:
        mode = step.stat().st_mode
        if not mode & 0o001:
            step.chmod(mode | 0o001)
