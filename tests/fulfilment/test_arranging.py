"""Arrange shipment on one channel: what the merchant asked for happens once, and every refusal says why."""

import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World


async def imported(
    world: World, merchant: Merchant, shop: SimulatedShop, count: int = 1, **wishes: object
) -> list[str]:
    numbers = await shop.place_orders(count, **wishes)
    await merchant.import_orders()
    await world.work()
    return numbers


async def test_a_pickup_is_arranged_once_and_gets_its_number(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop)

    operation = await merchant.arrange([number], "pickup")
    await world.work()
    await world.pass_time(60)

    assert (await merchant.operation(operation))["state"] == "succeeded"
    item = (await merchant.items(operation))[number]
    assert (item["state"], item["handover_effective"]) == ("succeeded", "pickup")
    assert list((await shop.effects("ship", [number])).values()) == [1]
    order = await merchant.order(number)
    assert (order["status"], order["stage"]) == ("ready_to_ship", "processed")
    truth = await shop.truth(number)
    assert order["packages"][0]["tracking_number"] == truth["packages"][0]["tracking_number"] is not None
    assert "shipment.arranged" in {entry["type"] for entry in await merchant.history(number)}


async def test_dropoff_and_own_courier_reach_the_marketplace_as_such(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await imported(world, merchant, shop, 2)

    dropoff = await merchant.arrange(numbers[:1], "dropoff")
    await world.work()

    assert (await merchant.items(dropoff))[numbers[0]]["handover_effective"] == "dropoff"
    assert (await shop.truth(numbers[0]))["state"] == "arranged"


async def test_each_package_of_a_split_order_is_shipped_once(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop, lines=3, packages=2)

    operation = await merchant.arrange([number], "dropoff")
    await world.work()

    item = (await merchant.items(operation))[number]
    assert item["state"] == "succeeded"
    assert [package["state"] for package in item["packages"]] == ["succeeded", "succeeded"]
    assert sorted((await shop.effects("ship", [number])).values()) == [1, 1]


async def test_a_cancelled_order_and_an_open_request_are_not_shipped(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    requested, cancelled, fine = await imported(world, merchant, shop, 3)
    await shop.advance(requested, "cancel_requested")
    await shop.advance(cancelled, "cancelled")

    operation = await merchant.arrange([requested, cancelled, fine], "dropoff")
    await world.work()

    items = await merchant.items(operation)
    assert (items[requested]["state"], items[requested]["code"]) == ("skipped", "cancellation_requested")
    assert (items[cancelled]["state"], items[cancelled]["code"]) == ("skipped", "order_cancelled")
    assert items[fine]["state"] == "succeeded"
    assert (await merchant.operation(operation))["state"] == "partially_succeeded"
    assert len(await shop.effects("ship", [requested, cancelled, fine])) == 1


async def test_a_held_order_is_skipped_with_its_reason(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    [number] = await imported(world, merchant, shop)
    await merchant.bulk("hold", [number], options={"reason": "alamat tidak jelas"})
    await world.work()

    operation = await merchant.arrange([number], "dropoff")
    await world.work()

    item = (await merchant.items(operation))[number]
    assert (item["state"], item["code"], item["next_action"]) == ("skipped", "on_hold", "release")
    assert "alamat tidak jelas" in item["text"]
    await merchant.bulk("release", [number])
    await world.work()
    again = await merchant.arrange([number], "dropoff")
    await world.work()
    assert (await merchant.items(again))[number]["state"] == "succeeded"


async def test_a_pickup_slot_that_has_gone_fails_and_can_be_retried_with_another(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop)
    [shop_id] = {order["shop"]["id"] for order in await merchant.orders(order_number=number)}

    operation = await merchant.arrange([number], "pickup", per_shop=[{"shop_id": shop_id, "slot_id": "1"}])
    await world.work()

    item = (await merchant.items(operation))[number]
    assert (item["state"], item["code"], item["retryable"]) == ("failed", "slot_unavailable", True)
    [tried] = await merchant.history(number, type=["shipment.arrange_failed", "shipment.arranged"])
    assert (tried["succeeded"], tried["to"]) == (False, {"code": "slot_unavailable", "channel_code": None})
    assert tried["text"] == "The shipment could not be arranged: slot unavailable."
    assert tried["channel_reference"], "of the answer that offered no such slot"
    order = await merchant.order(number)
    assert (order["stage"], await shop.effects("ship", [number])) == ("to_process", {})


async def test_arranging_again_says_already_done_and_sends_nothing(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop)
    await merchant.arrange([number], "dropoff")
    await world.work()

    again = await merchant.arrange([number], "dropoff")
    await world.work()

    item = (await merchant.items(again))[number]
    assert (item["state"], item["code"]) == ("skipped", "already_done")
    assert (await merchant.operation(again))["state"] == "succeeded"
    assert await shop.calls("ship", number) == 1


async def test_two_requests_at_once_ship_once(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    await shop.plan_fault("ship", "accept_duplicates", probability=1)
    numbers = await imported(world, merchant, shop, 5)

    first = await merchant.arrange(numbers, "dropoff")
    second = await merchant.arrange(numbers, "dropoff")
    await world.work()

    assert set((await shop.effects("ship", numbers)).values()) == {1}
    outcomes = [await merchant.items(first), await merchant.items(second)]
    for number in numbers:
        codes = {items[number]["code"] for items in outcomes}
        assert None in codes
        assert codes <= {None, "already_in_progress", "already_done"}


async def test_a_dry_run_sends_nothing_and_its_plan_is_applied_as_it_was(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    stale, fine = await imported(world, merchant, shop, 2)
    plan = await merchant.arrange([stale, fine], "dropoff", dry_run=True)
    await world.work()
    assert (await merchant.operation(plan))["state"] == "planned"
    assert await shop.effects("ship", [stale, fine]) == {}
    await merchant.bulk("hold", [stale], options={"reason": "stok"})
    await world.work()

    await merchant.post(f"/v1/operations/{plan}/apply")
    await world.work()

    items = await merchant.items(plan)
    assert (items[stale]["state"], items[stale]["code"]) == ("skipped", "plan_stale")
    assert items[fine]["state"] == "succeeded"
    assert len(await shop.effects("ship", [stale, fine])) == 1


async def test_unknown_and_foreign_ids_fail_alike_beside_good_ones(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await imported(world, merchant, shop)
    [mine] = await merchant.ids([number])
    nobodys = "ord_" + "0" * 31 + "7"

    operation = (
        await merchant.post(
            "/v1/shipments", {"selection": {"order_ids": [nobodys, mine, mine]}, "handover": {"method": "dropoff"}}
        )
    )["id"]
    stolen = (
        await other_merchant.post(
            "/v1/shipments", {"selection": {"order_ids": [mine]}, "handover": {"method": "dropoff"}}
        )
    )["id"]
    await world.work()

    items = await merchant.items(operation)
    assert (items[nobodys]["state"], items[nobodys]["code"]) == ("failed", "not_found")
    assert items[number]["state"] == "succeeded"
    assert (await merchant.operation(operation))["counts"]["total"] == 2
    foreign = (await other_merchant.items(stolen))[mine]
    assert (foreign["state"], foreign["code"], foreign["order_number"]) == ("failed", "not_found", None)
    answer = await other_merchant.http.get(f"/v1/orders/{mine}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("count", [101])
async def test_more_than_a_hundred_is_refused_and_stores_nothing(merchant: Merchant, count: int) -> None:
    ids = [f"ord_{number:032x}" for number in range(count)]

    problem = await merchant.post(
        "/v1/shipments", {"selection": {"order_ids": ids}, "handover": {"method": "pickup"}}, expect=422
    )

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("selection_too_large", "/selection/order_ids")
    assert (await merchant.get("/v1/operations"))["data"] == []


async def test_the_same_key_is_one_operation(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    [number] = await imported(world, merchant, shop)
    body = {"selection": {"order_ids": await merchant.ids([number])}, "handover": {"method": "dropoff"}}

    first = await merchant.post("/v1/shipments", body, key="monday")
    await world.work()
    again = await merchant.http.post("/v1/shipments", json=body, headers={"Idempotency-Key": "monday"})
    other = await merchant.post("/v1/shipments", {**body, "handover": {"method": "pickup"}}, key="monday", expect=422)
    missing = await merchant.http.post("/v1/shipments", json=body)

    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["state"] == "succeeded"
    assert other["code"] == "idempotency_key_reused"
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")


async def test_options_are_grouped_and_exceptions_named(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    first, second, cancelled = await imported(world, merchant, shop, 3)
    await shop.advance(cancelled, "cancelled")
    await merchant.import_orders()
    await world.work()

    answer = await merchant.post(
        "/v1/shipments/options", {"order_ids": await merchant.ids([first, second, cancelled])}, expect=200
    )

    grouped = [order_id for group in answer["groups"] for order_id in group["order_ids"]]
    assert sorted(grouped) == sorted(await merchant.ids([first, second]))
    assert "pickup" in answer["common_methods"]
    pickup = next(method for method in answer["groups"][0]["methods"] if method["method"] == "pickup")
    slot = pickup["addresses"][0]["slots"][0]
    assert {"id", "date", "from", "to"} <= slot.keys()
    assert [(one["order_id"], one["code"]) for one in answer["exceptions"]] == [
        ((await merchant.ids([cancelled]))[0], "order_cancelled")
    ]


async def test_an_unknown_effect_shows_in_the_metrics(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    [number] = await imported(world, merchant, shop)
    await shop.plan_fault("ship", "error_after")

    await merchant.arrange([number], "dropoff")
    await world.work()

    figures = (await merchant.http.get("/metrics")).text
    [line] = [line for line in figures.splitlines() if line.startswith('plugosync_open_effects{state="unknown"}')]
    assert float(line.split()[-1]) >= 1
