"""Labels where the channel makes none: the merchant's own courier, printed by us, and always for what is true now."""

from typing import Any

import httpx
import pytest

from tests.documents.papers import read_pages, scan
from tests.fixtures.merchant import Merchant
from tests.fixtures.own_store import CHANNEL, OwnStore, open_own_store
from tests.fixtures.world import World


class Packer:
    """Sells, arranges and prints at a store of the merchant's own."""

    def __init__(self, store: OwnStore, world: World, merchant: Merchant) -> None:
        self.store = store
        self._world = world
        self._merchant = merchant

    async def sell(self) -> str:
        """A paid order, imported."""
        number = await self.store.shop.place_order()
        await self.read_again()
        return number

    async def move(self, number: str, **address: str) -> None:
        """The merchant corrects the address in wp-admin; we read it."""
        await self._world.pass_time(2)  # WooCommerce's clock counts seconds
        await self.store.change(f"orders/{number}", {"shipping": address})
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


@pytest.fixture
async def packer(world: World, merchant: Merchant, control: httpx.AsyncClient) -> Packer:
    store = await open_own_store(control)
    await merchant.post("/v1/connections", {"channel": CHANNEL, "store_url": store.url, **store.keys}, expect=201)
    await world.work()
    return Packer(store, world, merchant)


def text_of(content: bytes, page: int = 0) -> str:
    """Words of a page."""
    return " ".join(read_pages(content)[page].replace("\u200b", "").split())


async def test_the_label_carries_the_number_and_the_address(packer: Packer, merchant: Merchant) -> None:
    number = await packer.sell()
    await packer.arrange(number, "JNE", "JNE0012345678")

    content = await packer.print(number)

    recipient = (await merchant.detail(number))["recipient"]
    assert scan(content) == {"Code 128": ["JNE0012345678"], "QR Code": ["JNE0012345678"]}
    text = text_of(content)
    for words in (recipient["name"], recipient["phone"], recipient["city"], number, "Toko Sendiri", "NO. RESI", "JNE"):
        assert words in text, words


async def test_a_parcel_nobody_gave_a_number_gets_one_of_ours(packer: Packer, merchant: Merchant) -> None:
    first, second = await packer.sell(), await packer.sell()
    numbers = [await packer.arrange(first), await packer.arrange(second)]

    content = await packer.print(first, second)

    assert len(set(numbers)) == 2 and all(one.startswith("PLG") for one in numbers)
    for page, (number, order_number) in enumerate(zip(numbers, (first, second), strict=True)):
        text = text_of(content, page)
        assert f"NO. PAKET {number}" in text and order_number in text


async def test_a_reprint_says_what_is_true_now(packer: Packer, merchant: Merchant) -> None:
    number = await packer.sell()
    await packer.arrange(number, "JNE", "JNE0012345678")
    before = await packer.print(number)
    again = await packer.print(number)
    await packer.move(number, address_1="Jl. Pindahan No. 77", city="Surakarta")

    after = await packer.print(number)

    assert again == before, "nothing changed, not a byte"
    assert "Pindahan" not in text_of(before)
    assert "Jl. Pindahan No. 77" in text_of(after) and "Surakarta" in text_of(after)


async def test_the_store_learns_courier_and_number(packer: Packer) -> None:
    number = await packer.sell()
    await packer.arrange(number, "SiCepat", "004567890123")
    await packer.print(number)

    meta = {one["key"]: one["value"] for one in (await packer.store.read(f"orders/{number}"))["meta_data"]}
    assert "004567890123" in str(meta), meta
