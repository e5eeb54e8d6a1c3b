"""Where a caller may least expect it: garbage, both ends of a window, endless pages, late stock, deaf subscribers."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Caller, Control, Sandbox

LIST, DETAIL = "/api/v2/order/get_order_list", "/api/v2/order/get_order_detail"
MASS_SHIP, MODELS = "/api/v2/logistics/mass_ship_order", "/api/v2/product/get_model_list"
GARBAGE = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"[" * 100_000,
    b'{"package_list": [{"package_number": {}}], "dropoff": {}}',
    b'{"package_list": 7, "pickup": {"address_id": []}}',
    b'{"order_sn": "\\ud800", "package_list": [[]]}',
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_answered_with_an_envelope(caller: Caller, body: bytes) -> None:
    answer: httpx.Response = await caller.http.post(MASS_SHIP, params=caller.query(MASS_SHIP), content=body)

    envelope = answer.json()
    assert (answer.status_code, "Date" in answer.headers) == (200, True)
    assert envelope["error"] or envelope["response"]["fail_list"], envelope


async def test_windows_include_both_ends(control: Control, caller: Caller) -> None:
    [number] = await control.place(caller.shop["shop_id"])
    [order] = (await caller.get(DETAIL, order_sn_list=number)).json()["response"]["order_list"]
    moment = order["update_time"]

    async def is_found(since: int, until: int) -> bool:
        query: dict[str, Any] = {"time_range_field": "update_time", "time_from": since, "time_to": until}
        rows = (await caller.get(LIST, page_size=100, **query)).json()["response"]["order_list"]
        return number in [row["order_sn"] for row in rows]

    assert await is_found(moment, moment + 1) and await is_found(moment - 1, moment)
    assert not await is_found(moment + 1, moment + 2) and not await is_found(moment - 2, moment - 1)


@pytest.mark.parametrize("size", [1, 4, 100])
async def test_pages_that_repeat_rows_always_lead_to_the_end(control: Control, caller: Caller, size: int) -> None:
    numbers = await control.place(caller.shop["shop_id"], 9)
    await control.post("faults", channel="shopee", operation="list_orders", mode="duplicate_page", probability=1)
    now = int(time.time() + (await control.get("clock"))["offset_seconds"])
    window = {"time_range_field": "update_time", "time_from": now - 3600, "time_to": now + 3600, "page_size": size}

    seen: list[str] = []
    page: dict[str, Any] = {"more": True, "next_cursor": ""}
    async with asyncio.timeout(5):
        while page["more"]:
            query: dict[str, Any] = {**window, "cursor": page["next_cursor"]}
            page = (await caller.get(LIST, **query)).json()["response"]
            seen += [row["order_sn"] for row in page["order_list"]]

    assert set(seen) == set(numbers)
    assert size == 1 or len(seen) > len(numbers), "some came twice"


async def test_reads_of_stock_can_lag_behind_its_write(control: Control, caller: Caller) -> None:
    item_id = (await caller.get("/api/v2/product/get_item_list", page_size=1, item_status="NORMAL")).json()["response"][
        "item"
    ][0]["item_id"]

    async def first_model() -> dict[str, Any]:
        found: dict[str, Any] = (await caller.get(MODELS, item_id=item_id)).json()["response"]["model"][0]
        return found

    async def stock() -> int:
        return int((await first_model())["stock_info_v2"]["seller_stock"][0]["stock"])

    before, model_id = await stock(), (await first_model())["model_id"]
    await control.post("faults", channel="shopee", operation="update_stock", mode="stale_read", delay_ms=60_000)
    wanted = {"item_id": item_id, "stock_list": [{"model_id": model_id, "seller_stock": [{"stock": 7}]}]}
    assert (await caller.post("/api/v2/product/update_stock", wanted)).json()["error"] == ""

    assert await stock() == before != 7
    await control.post("clock", advance_seconds=61)
    assert await stock() == 7


class Subscriber:
    """A subscriber who hears and never answers, until it takes what comes and notes it."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, int]] = []

    async def ignore(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        message = json.loads(await reader.readexactly(length))
        self.codes.append((message["data"].get("ordersn"), message["code"]))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


async def test_a_push_on_its_way_at_a_stop_comes_after_the_next_start(
    sandbox: Sandbox, control: Control, caller: Caller
) -> None:
    subscriber = Subscriber()
    deaf = await asyncio.start_server(subscriber.ignore, "127.0.0.1", 0)
    hearing = await asyncio.start_server(subscriber.take, "127.0.0.1", 0)
    to_deaf, to_hearing = (f"http://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in (deaf, hearing))
    await control.post("shopee/pushes", enabled=True, url=to_deaf)
    [number] = await control.place(caller.shop["shop_id"])
    sandbox.process.terminate()
    assert sandbox.process.wait(timeout=10) == 0
    sandbox.start()

    await control.post("shopee/pushes", enabled=True, url=to_hearing)
    await control.post("clock", advance_seconds=301)

    async with asyncio.timeout(5):
        while not {(number, 3), (number, 30)} <= set(subscriber.codes):
            await asyncio.sleep(0.02)
    await control.post("shopee/pushes", enabled=False)
    deaf.close()
    hearing.close()


async def test_subscribers_who_never_answer_hold_nobody_up(control: Control, caller: Caller) -> None:
    server = await asyncio.start_server(Subscriber().ignore, "127.0.0.1", 0)
    await control.post("shopee/pushes", enabled=True, url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    numbers = await control.place(caller.shop["shop_id"], 2_000)

    started = time.monotonic()
    await control.post(f"shopee/orders/{numbers[0]}/advance", to="delivered")
    await control.post("clock", advance_seconds=600)
    took = time.monotonic() - started

    await control.post("shopee/pushes", enabled=False)
    server.close()
    assert took < 2.5, "one push alone waits three seconds, and thousands wait for their turn"
