"""Nothing is lost without being noticed: the channel's list decides, and SYNC may be pressed ten times."""

import asyncio
from typing import Any

import pytest

from app.sync.jobs import JOBS
from app.worker.running import Worker
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, place, spread
from tests.scenarios.test_stock import make_product, sell_one_listing, stock


async def compare(world: World, merchant: Merchant, shop_id: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Ask for a comparison now; today as it then stands, and what the operation tells."""
    operation = await merchant.post(f"/v1/shops/{shop_id}/completeness")
    await world.work()
    done = await merchant.operation(operation["id"])
    assert done["state"] == "succeeded"
    days = (await merchant.get(f"/v1/shops/{shop_id}/completeness"))["data"]
    assert len(days) == done["result"]["completeness"].pop("days") == 15
    return days[0], done["result"]["completeness"]


async def hide_from_the_poll(world: World, merchant: Merchant, shop: SimulatedShop) -> str:
    """The poll has looked already, as far as it knows: only a comparison notices what is new. Answers our shop's id."""
    await world.sql(
        "update accounts set checkpoint_at = app_now() + interval '1 hour' where external_id like '%' || $1",
        shop.shop_id,
    )
    rows = (await merchant.get("/v1/shops"))["data"]
    return next(str(one["id"]) for one in rows if one["account"]["external_id"].endswith(shop.shop_id))


async def test_orders_hidden_from_push_and_poll_are_found_and_healed(
    world: World, merchant: Merchant, mall: Mall
) -> None:
    numbers = await place(mall, merchant, world, 1)
    for channel, shop in mall.items():
        hidden = await shop.place_orders(3)
        shop_id = await hide_from_the_poll(world, merchant, shop)
        assert await merchant.orders(order_number=hidden) == [], channel

        today, told = await compare(world, merchant, shop_id)

        assert (today["at_channel"], today["here"], today["healed"]) == (4, 4, 3), (channel, today)
        assert today["missing"] == [] and today["failed"] == 0
        assert told == {"missing": 0, "healed": 3, "refreshed": 0, "failed": 0}
        assert len(await merchant.orders(order_number=hidden)) == 3
        [entry] = await merchant.history(hidden[0], type="order.healed")
        assert entry["to"] == {"source": "completeness", "was": "missing"} and entry["actor"]["type"] == "user"
        again, told = await compare(world, merchant, shop_id)
        assert told["healed"] == 0, "nothing is healed twice"
        assert (again["healed"], again["last_healed_at"]) == (3, today["last_healed_at"]), "and nothing forgotten"
        health = (await merchant.get(f"/v1/shops/{shop_id}/health"))["comparison"]
        assert (health["missing"], health["healed"]) == (0, 3) and health["last_at"] > today["last_healed_at"]
    assert len(await merchant.orders(order_number=spread(numbers))) == len(mall)


async def test_changes_hidden_from_push_and_poll_are_found_too(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 3)
    for channel, shop in mall.items():
        over, changed, _ = numbers[channel]
        await shop.advance(over, "cancelled")
        await merchant.post(f"/v1/orders/{(await merchant.order(over))['id']}/sync")
        await world.work()
        await shop.advance(changed, "cancelled")
        shop_id = await hide_from_the_poll(world, merchant, shop)
        reads = await shop.count_reads("get_order", over)

        today, told = await compare(world, merchant, shop_id)

        assert (await merchant.order(changed))["status"] == "cancelled", channel
        assert (today["refreshed"], told) == (1, {"missing": 0, "healed": 0, "refreshed": 1, "failed": 0}), channel
        [entry] = await merchant.history(changed, type="order.healed")
        assert entry["to"]["was"] == "outdated"
        if channel == "shopee":  # the others' lists bring whole orders
            assert await shop.count_reads("get_order", over) == reads, "what is over is not read again"
        assert (await merchant.get(f"/v1/shops/{shop_id}/health"))["comparison"]["refreshed"] == 1


async def test_the_comparison_runs_by_itself_every_day(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    [row] = (await merchant.get("/v1/shops"))["data"]
    assert (await merchant.get(f"/v1/shops/{row['id']}/completeness"))["data"] == []

    await world.pass_time(25 * 3600)

    answer = await merchant.get(f"/v1/shops/{row['id']}/completeness")
    assert answer["is_complete"] and len(answer["data"]) == 15


async def test_sync_pressed_ten_times_is_one_operation(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 2)
    for channel, [first, _] in numbers.items():
        await mall[channel].advance(first, "cancelled")

    pressed = {(await merchant.post("/v1/sync", {"scope": "all"}))["id"] for _ in range(10)}
    await world.work()

    [operation] = pressed
    done = await merchant.operation(operation)
    assert (done["state"], done["counts"]["succeeded"]) == ("succeeded", 2 * len(mall)), await merchant.items(operation)
    for first, second in numbers.values():
        assert (await merchant.order(first))["status"] == "cancelled"
        assert (await merchant.order(second))["status"] != "cancelled"
    later = await merchant.post("/v1/sync", {})
    assert later["id"] != operation


async def test_ten_who_press_at_once_get_one_operation(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    await shop.place_order()
    await merchant.import_orders()
    await world.work()
    [row] = (await merchant.get("/v1/shops"))["data"]

    syncs = await asyncio.gather(*(merchant.post("/v1/sync", {}) for _ in range(10)))
    checks = await asyncio.gather(*(merchant.post(f"/v1/shops/{row['id']}/completeness") for _ in range(10)))

    assert [len({operation["id"] for operation in pressed}) for pressed in (syncs, checks)] == [1, 1]


async def test_sync_leaves_paused_shops_alone(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 1)
    shops = {one["channel"]: one for one in (await merchant.get("/v1/shops"))["data"]}
    paused, other = shops["shopee"], shops["lazada"]
    await merchant.http.patch(f"/v1/shops/{paused['id']}", json={"paused": True})

    everything = await merchant.post("/v1/sync", {"scope": "orders"})
    named = await merchant.http.post(
        "/v1/sync", json={"shop_ids": [other["id"], paused["id"]]}, headers={"Idempotency-Key": "named"}
    )
    compared = await merchant.http.post(
        f"/v1/shops/{paused['id']}/completeness", headers={"Idempotency-Key": "compared"}
    )

    assert {*await merchant.items(everything["id"])} == {*spread(numbers)} - {*numbers["shopee"]}
    assert (named.status_code, named.json()["code"]) == (409, "shop_paused")
    assert named.json()["errors"][0]["pointer"] == "/shop_ids/1"
    assert (compared.status_code, compared.json()["code"]) == (409, "shop_paused")


async def test_a_sync_that_waits_for_its_channel_can_be_cancelled(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await shop.place_orders(2)
    await merchant.import_orders()
    await world.work()
    await shop.plan_fault("get_order", "error_before", probability=1)
    operation = (await merchant.post("/v1/sync", {}))["id"]
    await world.work()
    assert (await merchant.operation(operation))["counts"]["running"] == 2

    await merchant.post(f"/v1/operations/{operation}/cancel")
    await world.work()

    ended = await merchant.operation(operation)
    assert (ended["state"], ended["counts"]["skipped"]) == ("cancelled", 2)
    assert (await merchant.post("/v1/sync", {}))["id"] != operation


@pytest.mark.parametrize("scope", ["stock", "all"])
async def test_sync_moves_what_is_owed_once(world: World, merchant: Merchant, shop: SimulatedShop, scope: str) -> None:
    product_id, listing_id, numbers = await sell_one_listing(world, merchant, shop, 40)
    before = await stock(merchant, product_id)
    # As if the lines had been stored before anybody linked them.
    await world.sql("update order_lines set product_id = null where listing_id = $1::uuid", listing_id[4:])
    await world.sql("delete from stock_movements where order_id is not null and product_id = $1::uuid", product_id[4:])
    await world.sql("update products set reserved = 0 where id = $1::uuid", product_id[4:])

    for _ in range(3):
        await merchant.post("/v1/sync", {"scope": scope})
        await world.work()

    assert await stock(merchant, product_id) == before
    assert all(order["is_linked"] for order in await merchant.orders(order_number=numbers))


@pytest.mark.parametrize("scope", ["stock", "all"])
async def test_when_a_sync_has_ended_the_stock_is_right(
    world: World, merchant: Merchant, shop: SimulatedShop, scope: str
) -> None:
    product_id, _, numbers = await sell_one_listing(world, merchant, shop, 40)
    owed = (await stock(merchant, product_id))[1]
    for order in await merchant.orders(order_number=numbers):
        await world.sql("delete from stock_movements where order_id = $1::uuid", order["id"][4:])
    await world.sql("update products set reserved = 0 where id = $1::uuid", product_id[4:])
    if scope == "all":
        owed -= (await merchant.detail(numbers[0]))["lines"][0]["quantity"]
        await shop.advance(numbers[0], "cancelled")

    operation = await merchant.post("/v1/sync", {"scope": scope})
    assert operation["state"] == "queued"
    await Worker(world.context, JOBS).run_until_idle()  # does nothing but what the operation itself does

    done = await merchant.operation(operation["id"])
    assert (done["state"], await stock(merchant, product_id)) == ("succeeded", (40, owed, 40 - owed))


async def test_what_cannot_be_synced_is_named(
    merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    theirs = (await merchant.get("/v1/shops"))["data"][0]["id"]

    answer = await other_merchant.http.post("/v1/sync", json={"shop_ids": [theirs]}, headers={"Idempotency-Key": "one"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/shop_ids/0")
    assert await make_product(other_merchant, "SAMA") != await make_product(merchant, "SAMA"), "SKUs are each one's own"
