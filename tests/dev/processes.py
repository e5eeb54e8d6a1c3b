"""What runs on this machine, as /proc tells it; and a service of `make run` under test."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.dev.image import ROOT

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float, *, what: str) -> T:
    """The first true answer; the test fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return found


def children(pid: int) -> dict[int, str]:
    """Living children and their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found[int(folder.name)] = command
    return found


def family(pid: int) -> set[int]:
    """Everybody who descends from a process."""
    below = set(children(pid))
    return below.union(*(family(child) for child in below))


def is_alive(pid: int) -> bool:
    """Whether it runs; a dead one whose parent has not looked does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class LocalService:
    """`plugosync dev` on ports and a folder of its own."""

    def __init__(self, home: Path, port: int, sandbox_port: int) -> None:
        self.home = home
        self.output = home.with_suffix(".out")
        self.environment = {
            **os.environ,
            "PLUGOSYNC_HOME": str(home),
            "PLUGOSYNC_PORT": str(port),
            "PLUGOSYNC_SANDBOX_PORT": str(sandbox_port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The supervisor."""
        assert self.process is not None
        return self.process.pid

    def start(self, seconds: float = 60) -> dict[str, str]:
        """Start it and wait until it says that it is ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "dev"], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )
        eventually(lambda: self.demo_file.exists() or not is_alive(self.pid), seconds, what="ready")
        assert self.demo_file.exists(), self.said()
        demo: dict[str, str] = json.loads(self.demo_file.read_text())
        return demo

    def end(self, number: int = signal.SIGINT, seconds: float = 15) -> int:
        """Signal the supervisor and wait for its end. Answers its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    @property
    def demo_file(self) -> Path:
        """Where it says that it is ready."""
        return self.home / "demo.json"

    def said(self) -> str:
        """What stood on the terminal."""
        return self.output.read_text()

    def child(self, words: str) -> int | None:
        """The child whose command line contains the words."""
        return next((pid for pid, command in children(self.pid).items() if words in command), None)

    def owner_dsn(self) -> str:
        """The embedded database, as its owner."""
        secrets: dict[str, Any] = json.loads((self.home / "secrets.json").read_text())
        port = (self.home / "postgres" / "postmaster.pid").read_text().splitlines()[3]
        return f"postgresql://postgres:{secrets['owner_password']}@127.0.0.1:{port}/plugosync"
