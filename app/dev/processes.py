"""Child processes that do not outlive the process that started them."""

import contextlib
import ctypes
import importlib.util
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class StartFailed(RuntimeError):
    """A server or process did not come up; the message is one sentence for the person at the terminal."""


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    feed: bytes | None = None,
    dies_with_parent_by: int = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (the terminal's Ctrl-C does not reach it), its output appended to `log`.

    `feed` is written to its standard input. On Linux the kernel sends it `dies_with_parent_by` when the calling
    thread ends, however that happens; call from the main thread.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE if feed is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
            start_new_session=True,
            preexec_fn=_bind_life_to(os.getpid(), dies_with_parent_by),  # noqa: PLW1509 (one libc call, no locks)
        )
    if feed is not None:
        assert process.stdin is not None
        process.stdin.write(feed)
        process.stdin.close()
    return process


def _bind_life_to(parent: int, number: int) -> Callable[[], None]:
    def bind() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # it died before the kernel knew
                os._exit(1)

    return bind


def stop(process: subprocess.Popen[bytes], *, by: int = signal.SIGTERM, grace_seconds: float = 5.0) -> None:
    """End the process and whatever it started: ask, wait, then kill its whole session."""
    stop_all([process], by=by, grace_seconds=grace_seconds)


def stop_all(
    processes: Sequence[subprocess.Popen[bytes]], *, by: int = signal.SIGTERM, grace_seconds: float = 5.0
) -> None:
    """The same for several that share one time of grace."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(by)
    deadline = time.monotonic() + grace_seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen[bytes], *, what: str, log: Path, seconds: float
) -> None:
    """Poll until ready. Raises StartFailed with the end of the log when the process dies or time is up."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            raise StartFailed(f"{what} ended with code {process.returncode} while starting:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartFailed(f"{what} was not ready after {seconds:g} seconds:\n{tail(log)}")
        time.sleep(0.03)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def package_folder(name: str) -> Path:
    """Where an installed package keeps its files, without importing it."""
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None, f"{name} is not installed"
    return Path(found.origin).parent


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError:
            return False
        return True


def find_free_port() -> int:
    """A port nobody listens on at the moment."""
    return find_free_row(1)


def find_free_row(length: int) -> int:
    """The first of several free ports in a row, below those the kernel hands to outgoing connections."""
    while True:
        first = random.randrange(12_000, 32_000)  # noqa: S311 (a place to look)
        if all(is_port_free(first + step) for step in range(length)):
            return first


def answers(url: str, **expected: str) -> bool:
    """Whether a GET succeeds now and says what is expected."""
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.is_success and (not expected or expected.items() <= answer.json().items())
