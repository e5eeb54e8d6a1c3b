"""The channel's clocks: what must be arranged, and what the courier must have, before it is late or cancelled."""

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
    world: World, merchant: Merchant, shop: SimulatedShop, tiktok: SimulatedShop
) -> None:
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
    options = await merchant.post("/v1/shipments/options", {"order_ids": [one["id"] for one in by_cutoff]}, expect=200)
    slots = [
        (slot["starts_at"], slot["is_late"])
        for group in options["groups"]
        if by_cutoff[0]["id"] in group["order_ids"]
        for method in group["methods"]
        for address in method["addresses"]
        for slot in address["slots"]
    ]
    assert slots and all(is_late == (datetime.fromisoformat(starts) > cutoff) for starts, is_late in slots)
    assert {is_late for _, is_late in slots} == {False, True}


async def test_a_parcel_no_courier_gets_is_cancelled_by_the_channel_and_pulled_out(
    world: World, merchant: Merchant, tiktok: SimulatedShop
) -> None:
    number = await printed_order(world, merchant, tiktok)
    arranged = await merchant.order(number)
    assert (arranged["sla"], at(arranged, "collect_by") < at(arranged, "cancels_at")) == (None, True)

    await world.pass_time((at(arranged, "cancels_at") - at(arranged, "placed_at")).total_seconds())
    await read_again(merchant, world, [number])

    ended = await merchant.order(number)
    assert (ended["status"], ended["collect_by"], ended["cancels_at"]) == ("cancelled", None, None)
    [parcel] = (await merchant.get("/v1/stop-parcels"))["data"]
    assert parcel["order_number"] == number


async def test_what_a_courier_has_knows_no_deadline(world: World, merchant: Merchant, tiktok: SimulatedShop) -> None:
    number = await tiktok.place_order()
    await merchant.import_orders(channel="tiktok_shop")
    await world.work()
    await tiktok.advance(number, "arranged")
    await tiktok.advance(number, "collected")
    await read_again(merchant, world, [number])

    gone = await merchant.order(number)

    assert (gone["status"], gone["pickup_cutoff_at"], gone["collect_by"]) == ("on_delivery", None, None)
