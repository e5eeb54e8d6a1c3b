"""What the supervisor keeps alive: each part can be started, asked and stopped."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from app.dev.processes import spawn, stop, stop_all


class Part(Protocol):
    """A server or process under the supervisor."""

    name: str
    process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start it (again, too) and return when it can be used or, for our own processes, at once."""
        ...

    def stop(self) -> None:
        """End it and everything it started."""
        ...


class ServiceProcess:
    """One of our own commands."""

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self.name = name
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._environment = environment
        self._folder = folder

    def start(self) -> None:
        """Start it; whether it is ready, its port says."""
        self.process = spawn(self._command, log=self.log, env=self._environment, cwd=self._folder)

    def stop(self) -> None:
        """Ask it to finish what is in hand; it is killed when it takes too long."""
        if self.process is not None:
            stop(self.process, grace_seconds=2)
            self.process = None


def revive(parts: Sequence[Part]) -> Iterator[str]:
    """Start again what has ended. Yields one line for each."""
    for part in parts:
        if part.process is not None and (code := part.process.poll()) is not None:
            began = time.monotonic()
            part.stop()  # whatever it started and left behind
            part.start()
            yield f"{part.name} ended ({_reason(code)}) and was started again within {time.monotonic() - began:.1f} s."


def stop_in_reverse(parts: Sequence[Part], *, together: Sequence[ServiceProcess], grace_seconds: float = 4) -> None:
    """Ask the processes of `together` at once and wait for all, then end every part, the last started first."""
    stop_all([part.process for part in together if part.process], grace_seconds=grace_seconds)
    for part in reversed(parts):
        part.stop()


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
