"""The platform's clocks: they are told with the order, and what misses one is cancelled."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.sandbox.tiktok_shop.signing import sign_call
from tests.sandbox.shopee.receiver import open_receiver

HOUR = 3600
CLOCKS = ("rts_sla_time", "pick_up_cut_off_time", "tts_sla_time", "shipping_due_time", "collection_due_time")


class Seller:
    """A shop of its own: buyers and time by the control API, reads by the platform's."""

    def __init__(self, http: httpx.AsyncClient, shop_id: str) -> None:
        self.http, self.shop_id = http, shop_id

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def place(self, channel: str, to: str | None = None, **wish: Any) -> str:
        wish |= {"count": 1, "shop_id": self.shop_id}
        [number] = (await self.control(f"{channel}/orders", **wish))["order_numbers"]
        if to is not None:
            await self.control(f"{channel}/orders/{number}/advance", to=to)
        return str(number)

    async def read(self, *numbers: str) -> list[dict[str, Any]]:
        app = (await self.http.get("/_control/credentials")).json()["tiktok_shop"]  # anew: tokens live for a week
        [shop] = [one for one in app["shops"] if one["shop_id"] == self.shop_id]
        path = "/order/202507/orders"
        query = {
            "app_key": app["app_key"],
            "timestamp": str(int(time.time())),
            "shop_cipher": shop["shop_cipher"],
            "ids": ",".join(numbers),
        }
        query["sign"] = sign_call(app["app_secret"], path, query, b"")
        headers = {"x-tts-access-token": shop["access_token"]}
        answer = await self.http.get(app["base_url"] + path, params=query, headers=headers)
        found = {order["id"]: order for order in answer.json()["data"]["orders"]}
        return [found[number] for number in numbers]


@pytest.fixture
async def seller(sandbox_url: str) -> AsyncIterator[Seller]:
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False, timeout=30) as http:
        shop = (await http.post("/_control/tiktok_shop/shops", json={"name": "Toko Uji"})).json()
        yield Seller(http, shop["shop_id"])


@pytest.mark.parametrize(("courier", "hours"), [(None, (48, 60, 72, 96, 168)), ("INSTANT", (1, 2, 3, 2, 4))])
async def test_a_paid_order_tells_its_clocks(seller: Seller, courier: str | None, hours: tuple[int, ...]) -> None:
    unpaid = await seller.place("tokopedia", courier=courier, state="unpaid")
    paid = await seller.place("tokopedia", courier=courier)

    before, after = await seller.read(unpaid, paid)

    assert not set(CLOCKS) & set(before)
    assert [after[clock] - after["paid_time"] for clock in CLOCKS] == [hour * HOUR for hour in hours]


@pytest.mark.parametrize("channel", ["tiktok_shop", "tokopedia"])
async def test_what_is_not_arranged_or_not_collected_in_time_the_platform_cancels(seller: Seller, channel: str) -> None:
    waiting, arranged, collected = [await seller.place(channel, to) for to in (None, "arranged", "collected")]

    async def states(hours: int) -> list[tuple[str, str | None]]:
        await seller.control("clock", advance_seconds=hours * HOUR)
        orders = await seller.read(waiting, arranged, collected)
        return [(order["status"], order.get("cancellation_initiator")) for order in orders]

    ended = ("CANCELLED", "SYSTEM")
    on_the_way = ("IN_TRANSIT", None)
    assert (await states(95))[0] == ("AWAITING_SHIPMENT", None)
    assert await states(1) == [ended, ("AWAITING_COLLECTION", None), on_the_way]
    async with open_receiver() as receiver:
        await seller.control(f"{channel}/pushes", enabled=True, url=receiver.url)
        assert await states(72) == [ended, ended, on_the_way]
        told: list[tuple[int, str]] = []
        async with asyncio.timeout(20):  # the demo shops have such orders, too
            while not {(11, arranged), (1, arranged)} <= set(told):
                pushes = [json.loads(push.body) for push in await receiver.wait_for(len(told) + 1)]
                told = [(push["type"], push["data"].get("order_id", "")) for push in pushes]
        await seller.control(f"{channel}/pushes", enabled=False)
