"""The whole way at the simulated marketplace, over HTTP: arrange, print, fetch the PDF."""

from collections import Counter

import httpx

from tests.documents.papers import read_pages
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World


async def arrange(merchant: Merchant, shop: SimulatedShop, world: World, count: int) -> list[str]:
    """New orders, imported and handed over."""
    numbers = await shop.place_orders(count)
    await merchant.import_orders()
    await world.work()
    await merchant.arrange(numbers)
    await world.work()
    return numbers


async def finish(merchant: Merchant, world: World, operation_id: str) -> None:
    """Let time go on until the operation has ended."""
    for _ in range(40):
        if (await merchant.operation(operation_id))["finished_at"]:
            return
        await world.pass_time(5)


async def test_labels_are_printed_in_the_order_asked_for(merchant: Merchant, shop: SimulatedShop, world: World) -> None:
    numbers = await arrange(merchant, shop, world, 5)
    asked = [numbers[3], numbers[0], numbers[4], numbers[2], numbers[1]]

    operation_id = await merchant.bulk("print_labels", asked)
    await world.work()
    await finish(merchant, world, operation_id)

    operation = await merchant.operation(operation_id)
    assert operation["state"] == "succeeded", await merchant.items(operation_id)
    [made] = operation["result"]["documents"]
    document = await merchant.get(f"/v1/documents/{made['id']}")
    assert (document["pages"], document["missing"]) == (5, [])
    assert [entry["order_number"] for entry in document["manifest"]] == asked
    content = await merchant.http.get(f"/v1/documents/{made['id']}/content")
    for number, page in zip(asked, read_pages(content.content), strict=True):
        [package] = (await shop.truth(number))["packages"]
        assert f"No. Pesanan: {number}" in page and f"No. Resi: {package['tracking_number']}" in page
    assert {(await merchant.order(number))["print_status"] for number in asked} == {"printed"}
    assert await shop.effects("create_label", asked) == Counter(
        {entry["package_number"]: 1 for entry in document["manifest"]}
    )

    last_two = await merchant.http.get(f"/v1/documents/{made['id']}/content", params={"pages": "4-5"})
    assert [number in page for number, page in zip(asked[3:], read_pages(last_two.content), strict=True)] == [True] * 2


async def test_a_truncated_download_is_fetched_again(merchant: Merchant, shop: SimulatedShop, world: World) -> None:
    [number] = await arrange(merchant, shop, world, 1)
    await shop.plan_fault("download_label", "truncated", times=2)

    operation_id = await merchant.bulk("print_labels", [number])
    await world.work()
    await finish(merchant, world, operation_id)

    assert await shop.injected("truncated") == 2
    assert (await merchant.items(operation_id))[number]["state"] == "succeeded"


async def test_workers_that_die_while_printing_leave_one_whole_pack(
    merchant: Merchant, shop: SimulatedShop, world: World, control: httpx.AsyncClient
) -> None:
    numbers = await arrange(merchant, shop, world, 3)
    operation_id = await merchant.bulk("print_labels", numbers)
    await world.work()  # the labels are asked for; when the first worker comes they are ready
    await control.post("/_control/clock", json={"advance_seconds": 15})
    await world.follow_clock()

    for place in ("label.bytes_written:2", "pack.before_row:1"):
        await world.run_worker_process(until_killed=True, failpoints=f"{place}:kill")
        assert (await merchant.operation(operation_id))["finished_at"] is None
        await control.post("/_control/clock", json={"advance_seconds": world.settings.lease_seconds + 1})
        await world.follow_clock()
    await finish(merchant, world, operation_id)

    operation = await merchant.operation(operation_id)
    assert operation["state"] == "succeeded", await merchant.items(operation_id)
    [made] = operation["result"]["documents"]
    content = await merchant.http.get(f"/v1/documents/{made['id']}/content")
    assert [number in page for number, page in zip(numbers, read_pages(content.content), strict=True)] == [True] * 3
    assert [entry["type"] for entry in await merchant.history(numbers[0])].count("label.printed") == 1


async def test_invoices_are_printed_without_asking_the_marketplace(
    merchant: Merchant, shop: SimulatedShop, world: World
) -> None:
    numbers = await shop.place_orders(3)
    await merchant.import_orders()
    await world.work()

    operation_id = await merchant.bulk("print_invoices", numbers[::-1], options={"language": "en"})
    await world.work()

    operation = await merchant.operation(operation_id)
    assert operation["state"] == "succeeded", await merchant.items(operation_id)
    [made] = operation["result"]["documents"]
    content = await merchant.http.get(f"/v1/documents/{made['id']}/content")
    pages = read_pages(content.content)
    assert all(f"INVOICE No. {number}" in page for number, page in zip(numbers[::-1], pages, strict=True))
    assert all("Toko Maju" in page and "Shopee" in page for page in pages)
    order = await merchant.detail(numbers[0])
    assert order["recipient"]["name"] in pages[2]
