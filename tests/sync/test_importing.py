"""Imports from the request to the last count, on a channel that misbehaves."""

import uuid
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.channels.errors import ChannelError, Malformed, Rejected, Throttled, Unauthorized, Unavailable
from app.core.errors import DomainError
from app.operations import service as operations
from app.operations import views
from app.operations.idempotency import Idempotency
from app.operations.service import Opened
from app.sync import ranges, service
from app.sync.schemas import ImportOrders
from tests.sync.market import BATCH, CHANNEL, Market, NumberingMarket, line, now, order
from tests.sync.scene import Scene, open_account


def key(name: str = "") -> Idempotency:
    return Idempotency("user:1", "POST /v1/imports", name or str(uuid.uuid4()), b"body")


async def open_import(scene: Scene, *, named: str = "", **body: Any) -> Opened:
    if "shop_ids" not in body:
        body.setdefault("channel", CHANNEL)
    return await scene.context.database.transact(
        service.open_import,
        scene.merchant_id,
        ImportOrders.model_validate(body),
        key(named),
        connectors=scene.context.connectors,
    )


async def operation(scene: Scene, opened: Opened) -> dict[str, Any]:
    seen = await scene.context.database.transact(views.view_operation, scene.merchant_id, opened.operation_id)
    return seen.model_dump(by_alias=True)


async def items(scene: Scene, opened: Opened) -> dict[str, tuple[str, str | None]]:
    rows = await scene.sql(
        "select order_number, state, code from operation_items where merchant_id = $1 and operation_id = $2",
        opened.operation_id,
    )
    assert len({row["order_number"] for row in rows}) == len(rows), "an order is one item"
    return {row["order_number"]: (row["state"], row["code"]) for row in rows}


def place(scene: Scene, count: int, **changes: Any) -> list[str]:
    """Orders at the scene's shop, a minute apart."""
    names = [f"A{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        at = now() - timedelta(hours=3) + timedelta(minutes=number)
        scene.market.place(order(name, shop=scene.account.external_id, at=at, placed_at=at, **changes))
    return names


async def test_a_first_import_counts_what_it_finds(scene: Scene) -> None:
    place(scene, 10)
    opened = await open_import(scene)

    await scene.work()

    seen = await operation(scene, opened)
    assert seen["state"] == "succeeded"
    assert seen["result"]["import"] == {"found": 10, "new": 10, "updated": 0, "unchanged": 0, "failed": 0}
    assert len(await scene.sql("select 1 from orders where merchant_id = $1")) == 10
    actor = await scene.sql("select distinct actor_type, actor_name from journal where merchant_id = $1")
    assert [tuple(row) for row in actor] == [("channel", "Test Mart")]


async def test_a_second_import_tells_new_updated_and_unchanged_apart(scene: Scene) -> None:
    names = place(scene, 6)
    await open_import(scene)
    await scene.work()
    changed = scene.market.orders[names[0]]
    scene.market.place(replace(changed, updated_at=now(), channel_status="MOVED"))
    scene.market.place(order("B1", shop=scene.account.external_id, at=now() - timedelta(hours=1)))

    opened = await open_import(scene)
    await scene.work()

    counts = (await operation(scene, opened))["result"]["import"]
    assert counts == {"found": 7, "new": 1, "updated": 1, "unchanged": 5, "failed": 0}


async def test_a_long_range_is_cut_into_windows_the_channel_accepts(scene: Scene) -> None:
    begin = now() - timedelta(days=40)
    await open_import(scene, **{"from": begin.isoformat()})

    await scene.work()

    windows = sorted(set(scene.market.windows), key=lambda one: one[1])
    assert [by for by, _, _ in windows] == ["created"] * 3
    assert windows[0][1] == begin
    assert [first[2] for first in windows[:-1]] == [second[1] for second in windows[1:]], "the windows touch"


async def test_an_order_on_the_border_of_two_windows_counts_once(scene: Scene) -> None:
    begin = now() - timedelta(days=20)
    border = begin + timedelta(days=15)
    scene.market.place(order("A1", shop=scene.account.external_id, at=border, placed_at=border))

    opened = await open_import(scene, **{"from": begin.isoformat()})
    await scene.work()

    counts = (await operation(scene, opened))["result"]["import"]
    assert counts == {"found": 1, "new": 1, "updated": 0, "unchanged": 0, "failed": 0}


async def test_an_order_that_cannot_be_read_stops_no_other_and_can_be_retried(scene: Scene) -> None:
    names = place(scene, 5)
    scene.market.unreadable[names[2]] = "unknown order status 'NOVEL'"
    opened = await open_import(scene)
    await scene.work()

    seen = await operation(scene, opened)
    assert seen["state"] == "partially_succeeded"
    assert seen["result"]["import"] == {"found": 5, "new": 4, "updated": 0, "unchanged": 0, "failed": 1}
    assert await items(scene, opened) == {names[2]: ("failed", "imported_failed")}
    [kept] = await scene.sql("select external_id, reason, raw, attempts from failed_orders where merchant_id = $1")
    assert tuple(kept) == (names[2], "unknown order status 'NOVEL'", b'{"order_status": "NOVEL"}', 1)

    scene.market.unreadable.clear()
    await scene.context.database.transact(operations.retry, scene.merchant_id, opened.operation_id, key())
    await scene.work()

    seen = await operation(scene, opened)
    assert seen["state"] == "succeeded"
    assert seen["result"]["import"] == {"found": 5, "new": 5, "updated": 0, "unchanged": 0, "failed": 0}
    assert await scene.sql("select 1 from failed_orders where merchant_id = $1") == []


@pytest.mark.parametrize(
    "poison",
    [
        {"lines": (line("1"), line("1"))},
        {"order_number": "A\x00000"},
        {"lines": (line(quantity=10**12),)},
    ],
    ids=["double line", "NUL in a key", "endless quantity"],
)
async def test_what_the_database_would_refuse_is_kept_out_of_its_way(scene: Scene, poison: dict[str, Any]) -> None:
    names = place(scene, 3)
    scene.market.place(replace(scene.market.orders[names[0]], **poison))

    opened = await open_import(scene)
    await scene.work()

    counts = (await operation(scene, opened))["result"]["import"]
    assert counts == {"found": 3, "new": 2, "updated": 0, "unchanged": 0, "failed": 1}
    assert list(await items(scene, opened)) == [names[0]]


async def test_pages_that_shift_lose_no_order(scene: Scene) -> None:
    names = place(scene, 9)

    def shift(page: int) -> None:
        # The first order leaves the window after the first page: the fifth moves to the page already read.
        first = scene.market.orders[names[0]]
        scene.market.place(replace(first, placed_at=now() - timedelta(days=60)))

    scene.market.after_page = shift
    opened = await open_import(scene)
    await scene.work()

    rows = await scene.sql("select order_number from orders where merchant_id = $1")
    assert {row["order_number"] for row in rows} == set(names)
    assert (await operation(scene, opened))["result"]["import"]["found"] == 9


async def test_an_order_left_out_of_a_list_is_found_at_the_second_look(scene: Scene) -> None:
    names = place(scene, 3)
    scene.market.left_out = {names[1]}

    opened = await open_import(scene)
    await scene.work()

    assert (await operation(scene, opened))["result"]["import"]["new"] == 3


async def test_an_order_left_out_of_an_answer_is_asked_for_again(scene: Scene) -> None:
    names = place(scene, 4)
    scene.market.omitted[names[1]] = 1

    opened = await open_import(scene)
    await scene.work()

    counts = (await operation(scene, opened))["result"]["import"]
    assert counts == {"found": 4, "new": 4, "updated": 0, "unchanged": 0, "failed": 0}
    assert scene.market.reads[names[1]] == 2
    assert scene.market.reads[names[0]] == 1


@pytest.mark.parametrize("kind", [Market, NumberingMarket])
async def test_what_could_not_be_read_is_read_again_by_its_id(scene: Scene, kind: type[Market]) -> None:
    scene.market = kind()
    scene.context = replace(scene.context, connectors={CHANNEL: scene.market})
    [name] = place(scene, 1)
    scene.market.unreadable[name] = "status: enum"
    await open_import(scene)
    await scene.work()

    async def again() -> tuple[str, str | None, bool, str | None, dict[str, int]]:
        opened = await open_import(scene, order_numbers=[name, "NOWHERE"])
        await scene.work()
        assert (await items(scene, opened))["NOWHERE"] == ("failed", "not_found")
        [row] = await scene.sql(
            "select state, code, retryable, text_params ->> 'reason' reason from operation_items"
            " where merchant_id = $1 and operation_id = $2 and order_number = $3",
            opened.operation_id,
            name,
        )
        return (*row, (await operation(scene, opened))["result"]["import"])

    nothing = {"found": 0, "new": 0, "updated": 0, "unchanged": 0, "failed": 0}
    still = ("failed", "imported_failed", True, "status: enum", nothing | {"found": 1, "failed": 1})
    assert await again() == still
    del scene.market.unreadable[name]
    scene.market.omitted[name] = 2
    assert await again() == still, "it was there before, and nobody says that it is gone"
    scene.market.omitted.clear()
    assert await again() == ("succeeded", None, False, None, nothing | {"found": 1, "new": 1})
    assert await scene.sql("select 1 from failed_orders where merchant_id = $1") == []


async def test_an_order_the_channel_never_answers_for_is_kept_as_failed(scene: Scene) -> None:
    names = place(scene, 4)
    scene.market.omitted[names[1]] = 99

    opened = await open_import(scene)
    await scene.work()

    counts = (await operation(scene, opened))["result"]["import"]
    assert counts == {"found": 4, "new": 3, "updated": 0, "unchanged": 0, "failed": 1}
    assert await items(scene, opened) == {names[1]: ("failed", "imported_failed")}


@pytest.mark.parametrize("error", [Throttled("busy", retry_after=3), Unavailable("away"), Malformed("html")])
async def test_a_window_that_broke_off_waits_and_counts_nothing_twice(scene: Scene, error: ChannelError) -> None:
    place(scene, 3 * BATCH)
    scene.market.read_errors = [None, None, error]
    opened = await open_import(scene)

    await scene.work()
    waiting = await operation(scene, opened)
    await scene.later()

    assert waiting["state"] == "running"
    assert waiting["result"]["import"]["new"] == 2 * BATCH, "it counts as it goes"
    seen = await operation(scene, opened)
    assert seen["state"] == "succeeded"
    assert seen["result"]["import"] == {"found": 9, "new": 9, "updated": 0, "unchanged": 0, "failed": 0}
    assert set(scene.market.reads.values()) == {1}, "what was stored is not read again"


async def test_an_import_waits_for_the_seller_s_new_consent(scene: Scene) -> None:
    place(scene, 2)
    scene.market.list_errors = [Unauthorized("revoked", is_final=True)]
    opened = await open_import(scene)

    await scene.work()
    await scene.later()
    waiting = await operation(scene, opened)
    [credential] = await scene.sql("select needs_reauth_reason from credentials where merchant_id = $1")
    await scene.sql("update credentials set needs_reauth_since = null where merchant_id = $1")
    await scene.later()

    assert (waiting["state"], credential["needs_reauth_reason"]) == ("running", "revoked")
    assert (await operation(scene, opened))["result"]["import"]["new"] == 2


async def test_a_window_the_channel_refuses_for_good_fails(scene: Scene) -> None:
    scene.market.list_errors = [Rejected("error_param", "no such window", meaning="rejected_by_channel")]
    opened = await open_import(scene)

    await scene.work()

    assert (await operation(scene, opened))["state"] == "failed"
    [window] = await scene.sql("select state, code from import_windows where merchant_id = $1")
    assert tuple(window) == ("failed", "rejected_by_channel")


async def test_a_list_that_stays_unreadable_fails_after_a_while(scene: Scene) -> None:
    scene.market.list_errors = [Malformed("html")] * 20
    opened = await open_import(scene)

    await scene.work()
    assert (await operation(scene, opened))["state"] == "running"
    for _ in range(6):
        await scene.later()

    assert (await operation(scene, opened))["state"] == "failed"


async def test_a_cancelled_import_reads_no_further_window(scene: Scene) -> None:
    place(scene, 4)
    opened = await open_import(scene, **{"from": (now() - timedelta(days=40)).isoformat()})
    await scene.context.database.transact(operations.cancel, scene.merchant_id, opened.operation_id, key())

    await scene.work()

    assert (await operation(scene, opened))["state"] == "cancelled"
    assert scene.market.windows == []


async def test_numbers_are_found_in_whichever_shop_has_them(scene: Scene) -> None:
    place(scene, 4)
    other, shop = await open_account(scene.context, scene.merchant_id, f"other-{uuid.uuid4().hex[:8]}")
    scene.market.place(order("B1", shop=other.external_id))

    opened = await open_import(scene, order_numbers=["A000", "B1", "GONE", "A003", "A000"])
    await scene.work()

    assert await items(scene, opened) == {
        "A000": ("succeeded", None),
        "B1": ("succeeded", None),
        "GONE": ("failed", "not_found"),
        "A003": ("succeeded", None),
    }
    seen = await operation(scene, opened)
    assert seen["state"] == "partially_succeeded"
    assert seen["result"]["import"] == {"found": 3, "new": 3, "updated": 0, "unchanged": 0, "failed": 0}
    [row] = await scene.sql(
        "select i.shop_id, i.order_id = o.id matches from operation_items i"
        " join orders o on o.merchant_id = i.merchant_id and o.order_number = i.order_number"
        " where i.merchant_id = $1 and i.order_number = 'B1'"
    )
    assert (row["shop_id"], row["matches"]) == (shop.id, True)


async def test_numbers_wait_for_a_channel_that_is_busy(scene: Scene) -> None:
    place(scene, 2)
    scene.market.read_errors = [Throttled("busy", retry_after=3)]
    opened = await open_import(scene, order_numbers=["A000", "A001", "GONE"])

    await scene.work()
    assert {state for state, _ in (await items(scene, opened)).values()} == {"running"}
    await scene.later()

    assert Counter(state for state, _ in (await items(scene, opened)).values()) == {"succeeded": 2, "failed": 1}


async def test_the_same_key_opens_one_import(scene: Scene) -> None:
    first = await open_import(scene, named="same")
    second = await open_import(scene, named="same")

    assert (first.operation_id, first.replayed) == (second.operation_id, False)
    assert second.replayed
    assert len(await scene.sql("select 1 from import_windows where merchant_id = $1")) == 1


async def refusal(scene: Scene, **body: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await open_import(scene, **body)
    assert await scene.sql("select 1 from operations where merchant_id = $1") == []
    return caught.value


async def test_a_foreign_or_unknown_shop_is_refused_alike(scene: Scene) -> None:
    error = await refusal(scene, shop_ids=[f"shp_{scene.shop.id.hex}", f"shp_{UUID(int=7).hex}"])

    assert (error.status, error.code, error.pointer) == (422, "validation_failed", "/shop_ids/1")


async def test_a_disconnected_shop_is_refused(scene: Scene) -> None:
    await scene.sql("update accounts set is_active = false where merchant_id = $1")

    assert (await refusal(scene, shop_ids=[f"shp_{scene.shop.id.hex}"])).pointer == "/shop_ids/0"
    assert (await refusal(scene, channel=CHANNEL)).pointer == "/channel"
    assert (await refusal(scene, channel="nowhere")).pointer == "/channel"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-11-02", "2026-11-01"),
        ("2026-08-01", "2026-10-30"),
        ("2999-01-01", None),
        ("0001-01-01", "9999-12-31"),
    ],
    ids=["reversed", "91 days", "ahead", "endless"],
)
async def test_a_range_that_makes_no_sense_is_refused(scene: Scene, begin: str, end: str | None) -> None:
    error = await refusal(scene, **{"from": begin}, **({"to": end} if end else {}))

    assert (error.status, error.code, error.pointer) == (422, "invalid_range", "/from")


async def test_a_sync_reads_one_order_again(scene: Scene) -> None:
    names = place(scene, 2)
    await open_import(scene)
    await scene.work()
    scene.market.place(replace(scene.market.orders[names[0]], updated_at=now(), channel_status="MOVED"))
    row = await scene.order(names[0])

    opened = await scene.context.database.transact(service.open_sync, scene.merchant_id, UUID(int=row["id"].int), key())
    await scene.work()

    seen = await operation(scene, opened)
    assert (seen["kind"], seen["state"], seen["result"]["import"]) == ("sync", "succeeded", None)
    assert await items(scene, opened) == {names[0]: ("succeeded", None)}
    assert (await scene.order(names[0]))["channel_status"] == "MOVED"
    del scene.market.orders[names[0]]
    vain = await scene.context.database.transact(service.open_sync, scene.merchant_id, UUID(int=row["id"].int), key())
    await scene.work()
    assert await items(scene, vain) == {names[0]: ("failed", "not_found")}
    assert await scene.failures(names[0]) == [("order.sync_failed", "not_found", None)]


async def test_the_sync_of_an_order_that_is_not_ours_is_not_found(scene: Scene) -> None:
    with pytest.raises(DomainError) as caught:
        await scene.context.database.transact(service.open_sync, scene.merchant_id, UUID(int=7), key())

    assert caught.value.code == "not_found"


def test_moments_are_days_or_instants_with_an_offset() -> None:
    body = ImportOrders.model_validate({"channel": "shopee", "from": "2026-11-01", "to": "2026-11-02T00:00:00Z"})

    assert (str(body.from_), str(body.to)) == ("2026-11-01", "2026-11-02 00:00:00+00:00")
    for wrong in ("2026-11-02T00:00:00", 0, 1_700_000_000, "yesterday", "2026-02-30", True):
        with pytest.raises(ValueError, match="from"):
            ImportOrders.model_validate({"channel": "shopee", "from": wrong})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channel": "shopee", "shop_ids": [f"shp_{'0' * 32}"]},
        {"channel": "shopee", "from": "2026-11-01", "order_numbers": ["A"]},
        {"channel": "shopee", "to": "2026-11-01"},
        {"channel": "shopee", "order_numbers": [f"A{number}" for number in range(201)]},
        {"channel": "shopee", "order_numbers": ["A\n"]},
        {"channel": "shopee", "order_numbers": []},
        {"channel": "shopee", "until": "2026-11-01"},
    ],
)
def test_a_wish_must_be_one_wish(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ImportOrders.model_validate(body)


def test_local_days_count_whole_in_the_shop_s_time_zone() -> None:
    body = ImportOrders.model_validate({"channel": "shopee", "from": "2026-11-01", "to": "2026-11-01"})

    since, until = ranges.resolve_range(
        body.from_, body.to, timezone="Asia/Makassar", now=datetime.fromisoformat("2026-11-20T00:00:00+00:00")
    )

    assert since == datetime.fromisoformat("2026-11-01T00:00:00+08:00")
    assert until == datetime.fromisoformat("2026-11-01T23:59:59.999999+08:00")
