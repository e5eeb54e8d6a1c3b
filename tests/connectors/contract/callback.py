"""A listener where channels send browsers, keys and pushes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.channels.contract import PushRequest


class Listener:
    """Answers 200 to everything and keeps it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.arrived: asyncio.Queue[PushRequest] = asyncio.Queue()
        self._kept: list[tuple[str, PushRequest]] = []

    async def next(self, seconds: float = 5) -> PushRequest:
        """The next request that has a body."""
        return await asyncio.wait_for(self.arrived.get(), seconds)

    def parameters(self) -> dict[str, str]:
        """What came by query, form or JSON, of every request together: a callback's parameters."""
        found: dict[str, str] = {}
        for target, request in self._kept:
            found |= dict(parse_qsl(urlsplit(target).query))
            if request.body.startswith(b"{"):
                found |= {name: str(value) for name, value in json.loads(request.body).items()}
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        request = PushRequest(self.url, headers, body)
        self._kept.append((head[0].split(" ")[1], request))
        if body:
            await self.arrived.put(request)


@asynccontextmanager
async def listen(path: str) -> AsyncIterator[Listener]:
    """On a port of its own."""
    listener = Listener("")
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"
    try:
        yield listener
    finally:
        server.close()


async def approve(authorization_url: str, shop_id: str) -> None:
    """The seller agrees; the browser follows wherever it is sent."""
    url = httpx.URL(authorization_url).copy_merge_params({"shop_id": shop_id, "approve": "1"})
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:500]}"
