"""Labels where the channel makes none: the merchant's own courier, printed by us, and always for what is true now."""

import asyncio
from typing import Any

import httpx
import pytest
import woocommerce

from tests.documents.papers import read_pages, scan
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World

CHANNEL = "plugo_store"


class OwnStore:
    """A merchant's store of its own, and its wp-admin."""

    def __init__(self, shop: SimulatedShop, api: woocommerce.API, world: World, merchant: Merchant) -> None:
        self.shop = shop
        self._api = api
        self._world = world
        self._merchant = merchant

    async def sell(self) -> str:
        """A paid order, imported."""
        number = await self.shop.place_order()
        await self.read_again()
        return number

    async def move(self, number: str, **address: str) -> None:
        """The merchant corrects the address in wp-admin; we read it."""
        await self._world.pass_time(2)  # WooCommerce's clock counts seconds
        answer = await asyncio.to_thread(self._api.put, f"orders/{number}", {"shipping": address})
        assert answer.status_code == 200, answer.text
        await self.read_again()

    async def read_again(self) -> None:
        await self._merchant.import_orders(channel=CHANNEL)
        await self._world.work()

    async def arrange(self, number: str, courier: str | None = None, tracking_number: str | None = None) -> str:
        """With the courier's number, or with none."""
        [order_id] = await self._merchant.ids([number])
        choice = {"order_id": order_id, "courier": courier, "tracking_number": tracking_number}
        more: dict[str, Any] = {"per_order": [choice]} if courier else {}
        operation = await self._merchant.arrange([number], "manual" if courier else "dropoff", **more)
        await self._world.work()
        item = (await self._merchant.items(operation))[number]
        assert item["state"] == "succeeded", item
        [package] = (await self._merchant.detail(number))["packages"]
        return str(package["tracking_number"])

    async def print(self, *numbers: str) -> bytes:
        """The document of one label operation."""
        operation = await self._merchant.bulk("print_labels", list(numbers))
        await self._world.work()
        done = await self._merchant.operation(operation)
        assert done["counts"]["succeeded"] == len(numbers), await self._merchant.items(operation)
        [document] = done["result"]["documents"]
        answer = await self._merchant.http.get(f"/v1/documents/{document['id']}/content")
        assert answer.headers["content-type"] == "application/pdf"
        return answer.content

    async def look(self, number: str) -> dict[str, Any]:
        """The order as the store shows it."""
        seen: dict[str, Any] = (await asyncio.to_thread(self._api.get, f"orders/{number}")).json()
        return seen


@pytest.fixture
async def store(world: World, merchant: Merchant, control: httpx.AsyncClient) -> OwnStore:
    made = (await control.post(f"/_control/{CHANNEL}/shops", json={"name": "Toko Sendiri"})).json()
    keys = {name: made[name] for name in ("consumer_key", "consumer_secret")}
    await merchant.post("/v1/connections", {"channel": CHANNEL, "store_url": made["base_url"], **keys}, expect=201)
    await world.work()
    api = woocommerce.API(made["base_url"], *keys.values(), version="wc/v3")
    return OwnStore(SimulatedShop(control, CHANNEL, str(made["shop_id"])), api, world, merchant)


def text_of(content: bytes, page: int = 0) -> str:
    """Words of a page."""
    return " ".join(read_pages(content)[page].replace("\u200b", "").split())


async def test_the_label_carries_the_number_and_the_address(store: OwnStore, merchant: Merchant) -> None:
    number = await store.sell()
    await store.arrange(number, "JNE", "JNE0012345678")

    content = await store.print(number)

    recipient = (await merchant.detail(number))["recipient"]
    assert scan(content) == {"Code 128": ["JNE0012345678"], "QR Code": ["JNE0012345678"]}
    text = text_of(content)
    for words in (recipient["name"], recipient["phone"], recipient["city"], number, "Toko Sendiri", "NO. RESI", "JNE"):
        assert words in text, words


async def test_a_parcel_nobody_gave_a_number_gets_one_of_ours(store: OwnStore, merchant: Merchant) -> None:
    first, second = await store.sell(), await store.sell()
    numbers = [await store.arrange(first), await store.arrange(second)]

    content = await store.print(first, second)

    assert len(set(numbers)) == 2 and all(one.startswith("PLG") for one in numbers)
    for page, (number, order_number) in enumerate(zip(numbers, (first, second), strict=True)):
        text = text_of(content, page)
        assert f"NO. PAKET {number}" in text and order_number in text


async def test_a_reprint_says_what_is_true_now(store: OwnStore, merchant: Merchant) -> None:
    number = await store.sell()
    await store.arrange(number, "JNE", "JNE0012345678")
    before = await store.print(number)
    again = await store.print(number)
    await store.move(number, address_1="Jl. Kenanga No. 77", city="Surakarta")

    after = await store.print(number)

    assert again == before, "nothing changed, not a byte"
    assert "Kenanga" not in text_of(before)
    assert "Jl. Kenanga No. 77" in text_of(after) and "Surakarta" in text_of(after)


async def test_the_store_learns_courier_and_number(store: OwnStore) -> None:
    number = await store.sell()
    await store.arrange(number, "SiCepat", "004567890123")
    await store.print(number)

    meta = {one["key"]: one["value"] for one in (await store.look(number))["meta_data"]}
    assert "004567890123" in str(meta), meta
