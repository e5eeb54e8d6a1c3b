"""A load generator on plain sockets: the client must not be what is measured."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers within a time, and how long each took."""

    seconds: float
    latencies: list[float] = field(repr=False)
    size: int
    """Bytes of the last body."""

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000

    @property
    def median(self) -> float:
        return statistics.median(self.latencies) * 1000


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = urlsplit(url)
        self._head = f"Host: {self._url.netloc}\r\nAccept: */*\r\n"
        if token is not None:
            self._head += f"Authorization: Bearer {token}\r\n"

    async def open(self) -> "Connection":
        assert self._url.hostname is not None
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port, limit=2**20)
        return self

    def close(self) -> None:
        self._writer.close()

    async def get(self, path: str) -> bytes:
        """The body of a 200."""
        self._writer.write(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n", 1)[0])
        return await self._reader.readexactly(length)


async def drive(url: str, paths: Sequence[str], *, token: str | None, clients: int, seconds: float) -> Measured:
    """Ask for the paths in turn on several connections for a time."""
    connections = [await Connection(url, token).open() for _ in range(clients)]
    latencies: list[float] = []
    size = 0
    began = time.perf_counter()
    deadline = began + seconds

    async def ask(number: int, connection: Connection) -> None:
        nonlocal size
        step = number
        while (start := time.perf_counter()) < deadline:
            size = len(await connection.get(paths[step % len(paths)]))
            latencies.append(time.perf_counter() - start)
            step += clients

    await asyncio.gather(*(ask(number, connection) for number, connection in enumerate(connections)))
    took = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Measured(took, latencies, size)


async def repeat(url: str, path: str, *, token: str, times: int) -> Measured:
    """One client asks for the same path several times; the first, cold answer does not count."""
    connection = await Connection(url, token).open()
    size = len(await connection.get(path))
    latencies = []
    began = time.perf_counter()
    for _ in range(times):
        start = time.perf_counter()
        await connection.get(path)
        latencies.append(time.perf_counter() - start)
    connection.close()
    return Measured(time.perf_counter() - began, latencies, size)
