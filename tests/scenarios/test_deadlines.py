"""The channel's clocks: what must be arranged, and what the courier must have, before it is late or cancelled."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World, connect_shop
from tests.scenarios.test_cancellations import printed_order, read_again

HOUR = 3600


@pytest.fixture
async def tiktok(merchant: Merchant, control: httpx.AsyncClient, api_url: str) -> SimulatedShop:
    """Its channel says when the courier must come."""
    return await connect_shop(merchant, control, api_url, channel="tiktok_shop")


def at(order: dict[str, Any], deadline: str) -> datetime:
    return datetime.fromisoformat(order[deadline])


async def test_pickup_cut_offs_are_shown_sorted_and_filtered(
    world: World, merchant: Merchant, shop: SimulatedShop, tiktok: SimulatedShop, control: httpx.AsyncClient
) -> None:
    now = datetime.fromisoformat((await control.get("/_control/clock")).json()["now"])
    to_night = (timedelta(hours=15) - timedelta(hours=now.hour, minutes=now.minute)) % timedelta(days=1)
    await world.pass_time(to_night.total_seconds())  # 22:00 in Jakarta: the cut-off, 60 hours on, falls into a slot
    early = await tiktok.place_order()
    await world.pass_time(6 * HOUR)
    late = await tiktok.place_order()
    silent = await shop.place_order()
    await merchant.import_orders()
    await merchant.import_orders(channel="tiktok_shop")
    await world.work()

    by_cutoff = await merchant.orders(sort="pickup_cutoff_at")
    assert [one["order_number"] for one in by_cutoff] == [early, late, silent], "the most urgent first"
    assert by_cutoff[2]["pickup_cutoff_at"] is None, "a channel that says nothing has none"
    cutoff, ship_by, collect_by = (at(by_cutoff[0], name) for name in ("pickup_cutoff_at", "ship_by", "collect_by"))
    assert ship_by < cutoff < collect_by < at(by_cutoff[0], "cancels_at")

    between = (cutoff + timedelta(hours=1)).isoformat()
    for sort in ("pickup_cutoff_at", "-placed_at"):
        urgent = await merchant.orders(pickup_cutoff_before=between, sort=sort)
        assert [one["order_number"] for one in urgent] == [early]
    [found] = await merchant.orders(
        q=late, sort="collect_by", collect_by_before=at(by_cutoff[1], "cancels_at").isoformat()
    )
    assert found["order_number"] == late
    report = (await merchant.http.get("/v1/orders/export.csv", params={"columns": "warehouse", "q": early})).text
    [row] = csv.DictReader(io.StringIO(report.removeprefix("\ufeff")))
    assert [datetime.fromisoformat(row[name]) for name in ("pickup_cutoff_at", "collect_by")] == [cutoff, collect_by]
    options = await merchant.post("/v1/shipments/options", {"order_ids": [one["id"] for one in by_cutoff]}, expect=200)
    slots = [
        (datetime.fromisoformat(f"{slot['date']}T{slot['to']}+07:00"), slot["is_late"])
        for group in options["groups"]
        if by_cutoff[0]["id"] in group["order_ids"]
        for method in group["methods"]
        for address in method["addresses"]
        for slot in address["slots"]
    ]
    assert all(is_late == (ends > cutoff) for ends, is_late in slots)
    assert {is_late for _, is_late in slots} == {False, True}


async def test_a_parcel_no_courier_gets_is_cancelled_by_the_channel_and_pulled_out(
    world: World, merchant: Merchant, tiktok: SimulatedShop
) -> None:
    number = await printed_order(world, merchant, tiktok)
    arranged = await merchant.order(number)
    assert (arranged["sla"], at(arranged, "collect_by") < at(arranged, "cancels_at")) == (None, True)
    assert await uncollected(merchant) == {"overdue": 0, "today": 0}

    await world.pass_time((at(arranged, "collect_by") - at(arranged, "placed_at")).total_seconds())
    assert await uncollected(merchant) == {"overdue": 1, "today": 1}
    await world.pass_time((at(arranged, "cancels_at") - at(arranged, "collect_by")).total_seconds())
    await read_again(merchant, world, [number])

    ended = await merchant.order(number)
    assert (ended["status"], ended["collect_by"], ended["cancels_at"]) == ("cancelled", None, None)
    [parcel] = (await merchant.get("/v1/stop-parcels"))["data"]
    assert parcel["order_number"] == number


async def uncollected(merchant: Merchant) -> dict[str, int]:
    counts: dict[str, int] = (await merchant.get("/v1/orders/counts"))["uncollected"]
    return counts


async def test_a_deadline_that_the_channel_moves_is_the_new_one_and_in_the_history(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await shop.pushes(enabled=True, url=str(merchant.http.base_url.join("/v1/push/shopee")))
    number = await shop.place_order()
    await merchant.import_orders()
    await world.work()
    before = await merchant.order(number)

    await shop.advance(number, "edited")
    for _ in range(20):  # seconds: the next poll is a minute away
        await world.pass_time(1)
        if (await merchant.order(number))["ship_by"] != before["ship_by"]:
            break

    after = await merchant.order(number)
    assert at(after, "ship_by") - at(before, "ship_by") == timedelta(days=1)
    entry = (await merchant.history(number))[0]
    told = (entry["type"], *(datetime.fromisoformat(entry[side]["ship_by"]) for side in ("from", "to")))
    assert told == ("order.edited", at(before, "ship_by"), at(after, "ship_by"))


async def test_what_a_courier_has_knows_no_deadline(world: World, merchant: Merchant, tiktok: SimulatedShop) -> None:
    number = await tiktok.place_order()
    await merchant.import_orders(channel="tiktok_shop")
    await world.work()
    await tiktok.advance(number, "arranged")
    await tiktok.advance(number, "collected")
    await read_again(merchant, world, [number])

    gone = await merchant.order(number)

    assert (gone["status"], gone["pickup_cutoff_at"], gone["collect_by"]) == ("on_delivery", None, None)
