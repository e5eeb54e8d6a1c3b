"""What a broken call proves, tried on real sockets."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.channels.errors import ChannelError, Malformed, Unavailable, Unknown
from app.channels.http import HttpAnswer, open_http, send


async def outcome(url: str, *, is_write: bool, timeout: float = 0.3, max_bytes: int = 1000) -> ChannelError:
    async with open_http(timeout) as http:
        with pytest.raises(ChannelError) as raised:
            await send(http, http.build_request("POST", url, json={}), is_write=is_write, max_bytes=max_bytes)
    return raised.value


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"error"')
    await writer.drain()


async def claim_gzip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
    await writer.drain()


async def say_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"." * 5000)
    await writer.drain()


async def point_elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def test_a_write_that_never_left_had_no_effect() -> None:
    assert isinstance(await outcome("http://127.0.0.1:1/", is_write=True), Unavailable)


@pytest.mark.parametrize("misbehave", [hang_up, stay_silent, dribble, break_off, claim_gzip, say_too_much])
async def test_a_write_without_a_whole_answer_is_unknown(serving: Any, misbehave: Any) -> None:
    async with serving(misbehave) as url:
        # Time enough to connect: only what was sent can be in doubt.
        assert isinstance(await outcome(url, is_write=True, timeout=1), Unknown)


@pytest.mark.parametrize("misbehave", [hang_up, stay_silent, dribble, break_off, claim_gzip])
async def test_a_read_without_a_whole_answer_can_be_tried_again(serving: Any, misbehave: Any) -> None:
    async with serving(misbehave) as url:
        assert isinstance(await outcome(url, is_write=False), Unavailable)


async def test_an_oversize_answer_to_a_read_is_malformed(serving: Any) -> None:
    async with serving(say_too_much) as url:
        assert isinstance(await outcome(url, is_write=False), Malformed)


async def test_the_deadline_holds_for_the_whole_call(serving: Any) -> None:
    started = time.monotonic()

    async with serving(dribble) as url:
        await outcome(url, is_write=False)

    assert time.monotonic() - started < 1


async def test_waiting_for_a_connection_sends_nothing(serving: Any) -> None:
    limits = httpx.Limits(max_connections=1)
    async with (
        serving(stay_silent) as url,
        httpx.AsyncClient(timeout=httpx.Timeout(1, pool=0.1), limits=limits) as http,
    ):
        first = asyncio.create_task(send(http, http.build_request("POST", url), is_write=True))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await send(http, http.build_request("POST", url), is_write=True)
        with pytest.raises(Unknown):
            await first


async def test_a_deadline_while_connecting_sends_nothing() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.extensions["trace"]("connection.connect_tcp.started", {})
            await asyncio.sleep(60)
            raise AssertionError

    async with httpx.AsyncClient(transport=Stuck(), timeout=0.05) as http:
        with pytest.raises(Unavailable):
            await send(http, http.build_request("POST", "http://shop.test"), is_write=True)


async def test_a_deadline_without_evidence_is_unknown() -> None:
    class Opaque(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            raise AssertionError

    async with httpx.AsyncClient(transport=Opaque(), timeout=0.05) as http:
        with pytest.raises(Unknown):
            await send(http, http.build_request("POST", "http://shop.test"), is_write=True)


async def test_redirects_are_not_followed(serving: Any) -> None:
    async with serving(point_elsewhere) as url, open_http(1) as http:
        answer = await send(http, http.build_request("GET", url), is_write=False)

    assert answer.status == 302


def answered(**headers: str) -> HttpAnswer:
    return HttpAnswer(200, httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()}), b"")


def test_the_channels_clock_is_its_date_header() -> None:
    assert answered(date="Sun, 22 Nov 2026 03:04:05 GMT").at == datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "yesterday", "-1"])
def test_our_clock_stands_in_for_a_missing_one(value: str) -> None:
    assert abs((answered(date=value).at - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("Sun, 22 Nov 2026 03:04:35 GMT", 30.0), ("soon", None), ("", None), ("999999999", 3600.0)],
)
def test_retry_after_is_understood_in_both_forms(value: str, seconds: float | None) -> None:
    assert answered(date="Sun, 22 Nov 2026 03:04:05 GMT", retry_after=value).retry_after == seconds
