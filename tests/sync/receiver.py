"""A socket that takes pushes as a marketplace sends them and keeps them byte for byte."""

import asyncio
from types import TracebackType
from typing import Self

from app.channels.contract import PushRequest


class Receiver:
    """Answers 200 with an empty body to everything."""

    def __init__(self) -> None:
        self.url = ""
        self._pushes: list[PushRequest] = []
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/push/shopee"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def wait_for(self, count: int) -> list[PushRequest]:
        """The pushes, once there are at least that many."""
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: len(self._pushes) >= count)
        return list(self._pushes)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        async with self._arrived:
            self._pushes.append(PushRequest(self.url, headers, body))
            self._arrived.notify_all()
