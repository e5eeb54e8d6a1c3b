"""Buyers order, the seller looks: what happens at the marketplace is soon here, by push, by poll, or by asking."""

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop


async def test_an_import_of_fifteen_days_says_what_it_found(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await shop.place_orders(12, lines=2)

    operation = await merchant.import_orders()
    await world.work()

    ended = await merchant.operation(operation)
    assert ended["state"] == "succeeded"
    counts = ended["result"]["import"]
    assert counts["found"] == 12 == counts["new"] + counts["updated"] + counts["unchanged"]
    order = await merchant.order(numbers[0])
    assert (order["status"], order["stage"], order["counts"]["lines"]) == ("ready_to_ship", "to_process", 2)
    assert [entry["type"] for entry in await merchant.history(numbers[0])] == ["order.imported"]


async def test_a_push_makes_an_order_current_without_a_poll(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    await shop.pushes(enabled=True, url=str(merchant.http.base_url.join("/v1/push/shopee")))

    await shop.advance(number, "cancel_requested")
    for _ in range(20):  # seconds: the next poll is a minute away
        await world.pass_time(1)
        if (await merchant.order(number))["cancellation"]:
            break

    assert (await merchant.order(number))["cancellation"]["state"] == "requested"


@pytest.mark.parametrize("channel", ["lazada", "plugo_store", "shopee", "tiktok_shop", "tokopedia"])
async def test_a_pushed_order_that_reads_do_not_show_yet_comes_all_the_same(
    world: World, merchant: Merchant, control: httpx.AsyncClient, api_url: str, channel: str
) -> None:
    shop = await connect_shop(merchant, control, api_url, channel=channel)
    await world.work()
    await shop.pushes(enabled=True, url=str(merchant.http.base_url.join(f"/v1/push/{channel}")))
    await shop.plan_fault("get_order", "omit_item", probability=1)

    number = await shop.place_order()
    for _ in range(10):  # seconds until the push is sent
        await world.pass_time(1)
        if await shop.injected("omit_item"):
            break
    assert await merchant.orders(order_number=number) == []
    await shop.heal()
    for _ in range(6):  # the next poll is a minute away
        await world.pass_time(2)
        if await merchant.orders(order_number=number):
            break

    assert (await merchant.order(number))["channel"] == channel


async def test_a_forged_push_changes_nothing_and_reads_nothing(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await shop.pushes(enabled=False)
    number = await shop.place_order()
    await merchant.import_orders()
    await world.pass_time(1)
    await shop.pushes(enabled=True, url=str(merchant.http.base_url.join("/v1/push/shopee")))
    reads = await shop.count_reads("get_order", number)

    await shop.push(number, "forged")
    for _ in range(3):
        await world.pass_time(1)

    assert await shop.count_reads("get_order", number) == reads


async def test_a_poll_finds_what_no_push_told(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    await shop.pushes(enabled=False)
    number = await shop.place_order()

    await world.pass_time(61)

    assert (await merchant.order(number))["status"] == "ready_to_ship"
    await shop.advance(number, "collected")
    await world.pass_time(61)
    assert (await merchant.order(number))["status"] == "on_delivery"


async def test_what_the_seller_centre_arranged_is_marked_as_done_elsewhere(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()

    await shop.advance(number, "arranged")
    await world.pass_time(61)

    order = await merchant.order(number)
    assert (order["stage"], order["processed_outside"]) == ("processed", True)


async def test_asking_for_one_order_reads_it_at_once(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    await shop.pushes(enabled=False)
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    await shop.advance(number, "cancelled")

    order = await merchant.order(number)
    operation = (await merchant.post(f"/v1/orders/{order['id']}/sync"))["id"]
    await world.work()

    assert (await merchant.operation(operation))["state"] == "succeeded"
    assert (await merchant.order(number))["status"] == "cancelled"


async def test_an_import_waits_out_a_revoked_token_and_goes_on_after_consent(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await shop.place_orders(2)
    await shop.plan_fault("list_orders", "revoke_token")
    operation = await merchant.import_orders()
    await world.work()

    [seen] = (await merchant.get("/v1/shops"))["data"]
    assert seen["state"] == "needs_reauth"
    assert (await merchant.operation(operation))["state"] in ("queued", "running")
    await world.consent_again(merchant, shop)
    await world.pass_time(61)

    ended = await merchant.operation(operation)
    assert ended["state"] == "succeeded"
    assert ended["result"]["import"]["found"] == 2
