"""The versioned upsert against a real database."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.channels.contract import ChannelAmount, ChannelCancellation, ChannelOrder, Recipient
from app.core.db import Database
from tests.sync.market import line, now, order, package
from tests.sync.scene import Scene, open_scene

EARLIER = now() - timedelta(hours=1)
LATER = EARLIER + timedelta(seconds=1)


@pytest.fixture
async def scene(database: Database, owner_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(database, owner_url, tmp_path) as scene:
        yield scene


def numbers(count: int) -> list[ChannelOrder]:
    return [order(f"A{number:03}", at=EARLIER) for number in range(count)]


async def test_an_order_arrives_whole(scene: Scene) -> None:
    result = await scene.ingest(order(lines=(line("1"), line("2", sku="TOPI", quantity=1))))

    row = await scene.order()
    assert result.new == [row["id"]]
    assert result.ids == {"A1": row["id"]}
    assert (row["status"], row["stage"], row["line_count"], row["quantity"]) == ("ready_to_ship", "to_process", 2, 3)
    assert (row["courier"], row["shop_id"], row["version"]) == ("J&T Express", scene.shop.id, 1)
    assert row["search"].split("\n")[:3] == ["a1", "budisantoso", "budi santoso"]
    assert (row["buyer_username_masked"], row["buyer_name_masked"]) == ("b***o", "B***")
    assert await scene.history() == ["order.imported"]


async def test_reading_the_same_again_changes_nothing(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER), read_at=EARLIER)
    before = await scene.order()

    result = await scene.ingest(order(at=EARLIER), read_at=LATER)

    assert (result.new, result.updated, result.unchanged) == ([], [], 1)
    assert await scene.order() == before
    assert await scene.history() == ["order.imported"]


async def test_twenty_importers_of_the_same_orders_make_no_double_and_no_deadlock(scene: Scene) -> None:
    orders = numbers(40)
    shuffled = [orders[shift:] + orders[:shift] for shift in range(0, 40, 2)]

    results = await asyncio.gather(*(scene.ingest(*batch) for batch in shuffled))

    rows = await scene.sql("select order_number from orders where merchant_id = $1")
    parts = await scene.sql("select order_id from packages where merchant_id = $1")
    lines = await scene.sql("select order_id from order_lines where merchant_id = $1")
    assert (len(rows), len(parts), len(lines)) == (40, 40, 40)
    assert sum(len(result.new) for result in results) == 40
    assert sum(result.unchanged for result in results) == 19 * 40
    entries = await scene.sql("select type from journal where merchant_id = $1")
    assert Counter(row["type"] for row in entries) == {"order.imported": 40}


async def test_importers_of_overlapping_orders_end_at_the_newest_state(scene: Scene) -> None:
    def batch(first: int, seconds: int) -> list[ChannelOrder]:
        at = EARLIER + timedelta(seconds=seconds)
        return [order(f"A{number:03}", at=at, channel_status=f"S{seconds}") for number in range(first, first + 20)]

    await asyncio.gather(*(scene.ingest(*batch(first, first), read_at=now()) for first in range(0, 40, 2)))

    rows = await scene.sql("select order_number, channel_status from orders where merchant_id = $1 order by 1")
    expected = [f"S{min(38, number - number % 2)}" for number in range(58)]
    assert [row["channel_status"] for row in rows] == expected


async def test_an_older_update_never_overwrites(scene: Scene) -> None:
    await scene.ingest(order(at=LATER, channel_status="NEW"), read_at=EARLIER)

    result = await scene.ingest(order(at=EARLIER, channel_status="OLD"), read_at=now())

    assert (result.updated, result.unchanged) == ([], 1)
    assert (await scene.order())["channel_status"] == "NEW"


async def test_at_equal_channel_time_the_later_started_read_wins(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, channel_status="ONE"), read_at=EARLIER + timedelta(seconds=5))

    await scene.ingest(order(at=EARLIER, channel_status="ZERO"), read_at=EARLIER + timedelta(seconds=4))
    assert (await scene.order())["channel_status"] == "ONE"
    await scene.ingest(order(at=EARLIER, channel_status="TWO"), read_at=EARLIER + timedelta(seconds=6))

    row = await scene.order()
    assert (row["channel_status"], row["version"]) == ("TWO", 2)


async def test_the_newest_of_doubles_in_one_batch_counts_once(scene: Scene) -> None:
    result = await scene.ingest(
        order(at=LATER, channel_status="NEW"), order(at=EARLIER, channel_status="OLD"), read_at=now()
    )

    assert (len(result.new), result.unchanged) == (1, 0)
    assert (await scene.order())["channel_status"] == "NEW"


async def test_a_closed_order_opens_only_with_a_newer_channel_time(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, status="cancelled"), read_at=EARLIER)

    await scene.ingest(order(at=EARLIER, status="ready_to_ship"), read_at=LATER)
    assert (await scene.order())["status"] == "cancelled"
    await scene.ingest(order(at=LATER, status="ready_to_ship"), read_at=LATER)

    assert (await scene.order())["status"] == "ready_to_ship"


async def test_masked_buyer_data_never_overwrites_clear_data(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER))

    masked = Recipient(name="B***o", phone="***90", address="", city="Cimahi")
    await scene.ingest(order(at=LATER, recipient=masked, buyer_username="b***o"))

    row = await scene.order()
    recipient = row["recipient"]
    assert '"Budi Santoso"' in recipient
    assert '"6281234567890"' in recipient
    assert '"Jl. Mawar 1"' in recipient
    assert '"Cimahi"' in recipient
    assert (row["buyer_username"], row["buyer_name"]) == ("budisantoso", "Budi Santoso")


async def test_lines_keep_their_ids_and_vanished_ones_go(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, lines=(line("1"), line("2"), line("3"))))
    query = "select external_id, id, quantity from order_lines where merchant_id = $1"
    before = {row["external_id"]: row["id"] for row in await scene.sql(query)}

    await scene.ingest(order(at=LATER, lines=(line("3"), line("1", quantity=5), line("4"))))

    after = await scene.sql(query)
    assert {row["external_id"]: row["quantity"] for row in after} == {"1": 5, "3": 2, "4": 2}
    kept = {row["external_id"]: row["id"] for row in after if row["external_id"] != "4"}
    assert kept == {"1": before["1"], "3": before["3"]}
    assert (await scene.history())[1:] == ["order.edited"]
    assert (await scene.order())["quantity"] == 9


async def test_a_free_order_that_gets_a_price_has_both_totals_in_its_history(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, total=ChannelAmount("total", Decimal(0), "reported")))

    await scene.ingest(order(at=LATER))

    [edit] = await scene.sql("select before, after from journal where merchant_id = $1 and type = 'order.edited'")
    assert (json.loads(edit["before"]), json.loads(edit["after"])) == ({"total": "0.00"}, {"total": "125000.00"})


async def test_packages_of_a_re_split_are_kept_as_gone_and_come_back_as_themselves(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, packages=(package("P1"),)))
    [first] = await scene.packages()

    await scene.ingest(order(at=LATER, packages=(package("P2"), package("P3"))))
    split = await scene.packages()
    summary = (await scene.order())["packages_summary"]
    await scene.ingest(order(at=LATER + timedelta(seconds=1), packages=(package("P1"),)))

    assert {row["package_number"]: row["is_gone"] for row in split} == {"P1": True, "P2": False, "P3": False}
    assert '"P1"' not in summary
    back = {row["package_number"]: row for row in await scene.packages()}
    assert back["P1"]["id"] == first["id"]
    assert not back["P1"]["is_gone"]


async def test_what_was_arranged_in_the_seller_centre_is_marked(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER))

    await scene.ingest(order(at=LATER, packages=(package(status="processed", tracking_number="JX1"),)))

    row = await scene.order()
    assert (row["stage"], row["processed_outside"], row["tracking_number"]) == ("processed", True, "JX1")
    assert (await scene.history())[1:] == ["order.status_changed", "package.tracking_number_assigned"]


async def test_an_order_first_seen_as_arranged_is_not_marked(scene: Scene) -> None:
    await scene.ingest(order(packages=(package(status="processed"),)))

    assert (await scene.order())["processed_outside"] is False


async def test_a_cancellation_is_requested_answered_and_closed(scene: Scene) -> None:
    asked = ChannelCancellation("requested", "Changed my mind", requested_at=EARLIER)
    await scene.ingest(order(at=EARLIER))
    await scene.ingest(order(at=LATER, cancellation=asked))
    open_ = await scene.order()
    await scene.ingest(order(at=LATER + timedelta(seconds=1), cancellation=replace(asked, requested_at=now())))
    still = await scene.order()
    await scene.ingest(order(at=LATER + timedelta(seconds=2), status="cancelled"))

    assert (open_["cancellation"], open_["cancellation_reason"]) == ("requested", "Changed my mind")
    assert open_["respond_by"] == EARLIER + timedelta(hours=48)
    assert still["respond_by"] == open_["respond_by"], "touching the order must not prolong the answer"
    closed = await scene.order()
    assert (closed["status"], closed["cancellation"], closed["respond_by"]) == ("cancelled", "approved", None)
    assert (await scene.history())[1:] == [
        "order.cancellation_requested",
        "order.cancelled",
        "order.cancellation_closed",
    ]


async def test_a_withdrawn_request_is_no_request(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, cancellation=ChannelCancellation("requested")))

    await scene.ingest(order(at=LATER))

    row = await scene.order()
    assert (row["cancellation"], row["respond_by"]) == (None, None)


async def test_a_status_that_says_nothing_keeps_ours(scene: Scene) -> None:
    await scene.ingest(order(at=EARLIER, status="on_delivery", packages=(package(status="in_transit"),)))

    await scene.ingest(order(at=LATER, status=None, packages=()))

    row = await scene.order()
    assert (row["status"], row["channel_updated_at"]) == ("on_delivery", LATER)
    assert [one["is_gone"] for one in await scene.packages()] == [False]


async def test_text_the_database_cannot_hold_is_mended(scene: Scene) -> None:
    await scene.ingest(order(buyer_message="halo\x00 \ud83d dunia", lines=(line(name="Kaos\x00"),)))

    row = await scene.order()
    assert row["buyer_message"] == "halo ? dunia"
    assert '"Kaos"' in row["lines_summary"]


async def test_counts_follow_every_change(scene: Scene) -> None:
    await scene.ingest(*numbers(5), read_at=EARLIER)
    done = (package(status="in_transit"),)
    left = order("A001", at=LATER, status="on_delivery", packages=done)
    await scene.ingest(left, order("A002", at=LATER, status="unpaid"))

    rows = await scene.sql(
        "select status, stage, sum(n) n from (select status, stage, n from order_counts where merchant_id = $1"
        " union all select status, stage, n from order_count_deltas where merchant_id = $1) c group by 1, 2"
        " having sum(n) <> 0"
    )
    assert {(row["status"], row["stage"]): row["n"] for row in rows} == {
        ("ready_to_ship", "to_process"): 3,
        ("on_delivery", ""): 1,
        ("unpaid", ""): 1,
    }
