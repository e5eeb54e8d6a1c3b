"""Every filter and sort against plain Python; counts and facets against the list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from tests.fixtures.application import Desk
from tests.orders import oracle
from tests.orders.archive import COURIERS, Stored
from tests.orders.conftest import Archive, desk_of


@pytest.fixture
async def seller(desk: Desk, archive: Archive) -> httpx.AsyncClient:
    """The owner of the archive's merchant."""
    return await desk_of(archive, desk).client()


@pytest.fixture
async def now(owner: asyncpg.Connection) -> datetime:
    moment: datetime = await owner.fetchval("select app_now()")
    return moment


async def walk(client: httpx.AsyncClient, limit: int = 200, **params: Any) -> list[dict[str, Any]]:
    """Every order of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/v1/orders", params={**params, **cursor, "limit": limit})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        assert len(page["data"]) <= limit
        if page["page"]["next_cursor"] is None:
            return found
        assert len(page["data"]) == limit
        cursor = {"cursor": page["page"]["next_cursor"]}


def ids(orders: Sequence[Stored]) -> list[str]:
    return [order.public_id for order in orders]


def filters(archive: Archive) -> list[dict[str, Any]]:
    """Every filter alone, several values, and pairs."""
    first, second, third = (f"shp_{shop.id.hex}" for shop in archive.shops)
    numbers = [order.row["order_number"] for order in archive.orders[:7]]
    middle = archive.orders[5].row["placed_at"].isoformat()
    day = (archive.orders[5].row["placed_at"] - timedelta(days=3)).date().isoformat()
    middle_of = {
        column: sorted(filter(None, (order.row[column] for order in archive.orders)))[20].isoformat()
        for column in ("pickup_cutoff_at", "collect_by")
    }
    single: list[dict[str, Any]] = [
        {},
        *(
            {"status": [status]}
            for status in ("unpaid", "ordered", "ready_to_ship", "on_delivery", "completed", "cancelled")
        ),
        {"status": ["ordered", "completed"]},
        {"status": ["unpaid", "cancelled", "on_delivery"]},
        *({"stage": [stage]} for stage in ("to_process", "processing", "processed")),
        {"stage": ["to_process", "processed"]},
        {"status": ["completed"], "stage": ["processed"]},
        {"channel": ["testmart"]},
        {"channel": ["othermart", "testmart"]},
        {"channel": ["nowhere"]},
        {"shop_id": [first]},
        {"shop_id": [second, third]},
        {"shop_id": [first], "channel": ["othermart"]},
        {"shop_id": [first, third], "channel": ["othermart"]},
        {"shop_id": [f"shp_{'0' * 32}"]},
        {"print_status": ["printed"]},
        {"print_status": ["printed", "not_printed"]},
        {"courier": [COURIERS[0]]},
        {"courier": [COURIERS[1], COURIERS[2]]},
        {"handover": ["pickup"]},
        {"cancellation": ["requested"]},
        {"cancellation": ["approved", "rejected"]},
        {"is_linked": "true"},
        {"is_linked": "false"},
        {"is_cod": "true"},
        {"hold": "true"},
        {"hold": "false"},
        {"tag": ["vip"]},
        {"tag": ["gift", "late"]},
        {"sla": ["overdue"]},
        {"sla": ["at_risk"]},
        {"sla": ["ok", "overdue"]},
        {"sla": ["overdue"], "status": ["completed"]},
        {"sla": ["ok"], "stage": ["processed"]},
        {"order_number": numbers},
        {"order_number": numbers, "status": ["completed", "unpaid"]},
        {"placed_from": day},
        {"placed_to": day},
        {"placed_from": day, "placed_to": day},
        {"placed_from": day, "placed_to": day, "tz": "America/New_York"},
        {"placed_from": middle, "placed_to": middle},
        {"ship_by_before": archive.orders[0].row["placed_at"].isoformat()},
        {"ship_by_before": (archive.orders[0].row["placed_at"] + timedelta(days=60)).isoformat()},
        {"pickup_cutoff_before": middle_of["pickup_cutoff_at"]},
        {"collect_by_before": middle_of["collect_by"]},
        {"updated_since": middle},
        {"courier": [COURIERS[0]], "print_status": ["not_printed"]},
        {"channel": ["testmart"], "is_cod": "false"},
        {"status": ["ready_to_ship"], "courier": [COURIERS[1]]},
        {"cancellation": ["requested"], "is_linked": "false"},
        {"hold": "true", "tag": ["vip"], "placed_from": day},
    ]
    return single


QUERIES = ("kaos", "opi 50%_o", "sepatu\\", "_aminah", "budi", "s12", "jx00", '"besar"', "nothing like it")


async def test_every_filter_finds_what_it_says(seller: httpx.AsyncClient, archive: Archive, now: datetime) -> None:
    sizes = []
    for params in filters(archive):
        expected = ids(oracle.search(archive.orders, params, now))

        found = [order["id"] for order in await walk(seller, **params)]

        assert found == expected, params
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) > 40


async def test_every_filter_holds_inside_a_text_search(
    seller: httpx.AsyncClient, archive: Archive, now: datetime
) -> None:
    sizes = []
    for number, wish in enumerate(filters(archive)):
        params = {**wish, "q": QUERIES[number % 3]}
        expected = ids(oracle.search(archive.orders, params, now))

        found = [order["id"] for order in await walk(seller, **params)]

        assert found == expected, params
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) > 30


@pytest.mark.parametrize("sort", oracle.SORTS)
async def test_pages_follow_each_other_without_gap_or_double(
    sort: str, seller: httpx.AsyncClient, archive: Archive, now: datetime
) -> None:
    several = {"status": ["ordered", "ready_to_ship", "unpaid"]}
    numbers = {"order_number": [order.row["order_number"] for order in archive.orders[:25]]}
    for params in (
        {},
        {"status": ["completed"]},
        several,
        {"q": "kaos"},
        {"q": "s12"},
        {**several, "q": "top"},
        numbers,
    ):
        expected = ids(oracle.search(archive.orders, params, now, sort))

        found = [order["id"] for order in await walk(seller, limit=7, sort=sort, **params)]

        assert found == expected, params
        assert len(found) > 7, params


async def test_text_is_found_anywhere_and_taken_literally(
    seller: httpx.AsyncClient, archive: Archive, now: datetime
) -> None:
    tracked = next(order for order in archive.orders if order.row["tracking_number"] and order.row["is_visible"])
    number = tracked.packages[0].tracking_number or tracked.row["tracking_number"]
    for q in (*QUERIES, tracked.row["order_number"], tracked.row["order_number"][3:9].lower(), number[:9], number[2:8]):
        expected = ids(oracle.search(archive.orders, {"q": q}, now))

        found = [order["id"] for order in await walk(seller, q=q)]

        assert found == expected, q
    assert ids(oracle.search(archive.orders, {"q": QUERIES[1]}, now)) != []


async def test_a_short_text_is_a_whole_order_number(
    seller: httpx.AsyncClient, archive: Archive, owner: asyncpg.Connection, now: datetime
) -> None:
    visible = [order for order in archive.orders if order.row["is_visible"]]
    await owner.execute("update orders set order_number = 'X-1' where id = $1", visible[0].row["id"])
    try:
        for q in ("X-1", "x-1", " X-1 "):
            assert [order["id"] for order in await walk(seller, q=q)] == [visible[0].public_id]
        for q in ("X", "%", "__", "%%%", "ka", "a-"):
            assert await walk(seller, q=q) == []
    finally:
        number = visible[0].row["order_number"]
        await owner.execute("update orders set order_number = $2 where id = $1", visible[0].row["id"], number)


async def test_counts_and_facets_equal_what_the_list_returns(
    seller: httpx.AsyncClient, archive: Archive, now: datetime
) -> None:
    for number, wish in enumerate(filters(archive)):
        params = {**wish, "q": QUERIES[number % 3]} if number % 4 == 3 else wish

        counts = (await seller.get("/v1/orders/counts", params=params)).json()
        facets = (await seller.get("/v1/orders/facets", params=params)).json()

        def size(params: dict[str, Any] = params, **changes: Any) -> int:
            return len(oracle.search(archive.orders, {**params, **changes}, now))

        day = now.astimezone(ZoneInfo(params.get("tz", "Asia/Jakarta"))).date()
        assert counts == {
            "status": {status: size(status=[status]) for status in counts["status"]},
            "stage": {stage: size(stage=[stage]) for stage in ("to_process", "processing", "processed")},
            "cancellation_requested": size(cancellation=["requested"]),
            "unlinked": size(is_linked="false"),
            "overdue": size(sla=["overdue"]),
            "uncollected": {
                "overdue": size(stage=["processed"], collect_by_before=now.isoformat()),
                "today": size(stage=["processed"], collect_by_before=str(day + timedelta(days=1))),
            },
        }, params
        assert {entry["value"]: entry["count"] for entry in facets["couriers"]} == {
            courier: n for courier in COURIERS if (n := size(courier=[courier])) > 0
        }, params
        assert {entry["id"]: entry["count"] for entry in facets["shops"]} == {
            shop: n for one in archive.shops if (n := size(shop_id=[shop := f"shp_{one.id.hex}"])) > 0
        }, params
        assert {entry["value"]: entry["count"] for entry in facets["tags"]} == {
            tag: n for tag in ("vip", "gift", "late") if (n := size(tag=[tag])) > 0
        }, params
        for ranked in ([entry["count"] for entry in facets[name]] for name in ("couriers", "tags")):
            assert ranked == sorted(ranked, reverse=True)


async def test_maintained_counts_follow_every_change(
    seller: httpx.AsyncClient, archive: Archive, owner: asyncpg.Connection
) -> None:
    before = (await seller.get("/v1/orders/counts")).json()
    chosen = [order for order in archive.orders if order.row["stage"] == "to_process"][:3]
    order_ids = [order.row["id"] for order in chosen]
    await owner.execute("update orders set stage = 'processed' where id = any($1)", order_ids)
    try:
        moved = (await seller.get("/v1/orders/counts")).json()
        await owner.execute("select fold_order_counts()")
        folded = (await seller.get("/v1/orders/counts")).json()
    finally:
        await owner.execute("update orders set stage = 'to_process' where id = any($1)", order_ids)

    assert moved["stage"]["processed"] == before["stage"]["processed"] + 3
    assert moved["stage"]["to_process"] == before["stage"]["to_process"] - 3
    assert folded == moved
    assert (await seller.get("/v1/orders/counts")).json() == before


async def test_a_cursor_belongs_to_its_list(seller: httpx.AsyncClient, desk: Desk, other_archive: Archive) -> None:
    stranger = await desk_of(other_archive, desk).client()
    first = (await seller.get("/v1/orders", params={"limit": 5, "status": "completed"})).json()
    cursor = first["page"]["next_cursor"]

    async def code(client: httpx.AsyncClient, **params: Any) -> str:
        answer = await client.get("/v1/orders", params=params)
        assert answer.status_code == 400, answer.text
        problem: dict[str, str] = answer.json()
        return problem["code"]

    assert await code(seller, cursor=cursor) == "cursor_mismatch"
    assert await code(seller, cursor=cursor, status="completed", sort="placed_at") == "cursor_mismatch"
    assert await code(stranger, cursor=cursor, status="completed") == "cursor_mismatch"
    assert await code(seller, cursor=f"{cursor[:-2]}AA", status="completed") == "cursor_mismatch"
    assert await code(seller, cursor="forged", status="completed") == "cursor_mismatch"


async def test_nobody_sees_another_merchants_orders(
    desk: Desk, seller: httpx.AsyncClient, archive: Archive, other_archive: Archive
) -> None:
    stranger = await desk_of(other_archive, desk).client()
    mine, theirs = archive.orders[0], {order.public_id for order in other_archive.orders}

    listed = {order["id"] for order in await walk(stranger)}
    searched = {order["id"] for order in await walk(stranger, q="kaos")}

    assert listed <= theirs and searched <= theirs and searched
    assert await walk(stranger, order_number=mine.row["order_number"]) == []
    assert await walk(stranger, q=mine.row["order_number"]) == []
    assert await walk(stranger, shop_id=f"shp_{archive.shops[0].id.hex}") == []
    counts = (await stranger.get("/v1/orders/counts")).json()
    assert sum(counts["status"].values()) == len(other_archive.orders)
    absent = await stranger.get(f"/v1/orders/ord_{'0' * 32}")
    foreign = await stranger.get(f"/v1/orders/{mine.public_id}")
    assert (absent.status_code, foreign.status_code) == (404, 404)
    assert absent.json().keys() == foreign.json().keys()
    assert absent.json()["detail"] == foreign.json()["detail"]


NONSENSE: list[tuple[dict[str, Any], str, str]] = [
    ({"placed_from": "2026-02-02", "placed_to": "2026-02-01"}, "invalid_range", "placed_from"),
    ({"placed_from": "0001-01-01"}, "invalid_range", "placed_from"),
    ({"placed_to": "9999-12-31"}, "invalid_range", "placed_to"),
    ({"updated_since": "9999-12-31T00:00:00Z"}, "invalid_range", "updated_since"),
    ({"placed_from": "2026-02-30"}, "validation_failed", "placed_from"),
    ({"placed_from": "2026-02-01T10:00:00"}, "validation_failed", "placed_from"),
    ({"placed_from": "yesterday"}, "validation_failed", "placed_from"),
    ({"tz": "Asia/Atlantis"}, "validation_failed", "tz"),
    ({"tz": "../etc/passwd"}, "validation_failed", "tz"),
    ({"q": ""}, "validation_failed", "q"),
    ({"q": "x" * 101}, "validation_failed", "q"),
    ({"status": "shipped"}, "validation_failed", "status"),
    ({"sort": "buyer"}, "validation_failed", "sort"),
    ({"limit": "0"}, "validation_failed", "limit"),
    ({"limit": "201"}, "validation_failed", "limit"),
    ({"limit": "1e9"}, "validation_failed", "limit"),
    ({"shop_id": "shp_1"}, "validation_failed", "shop_id"),
    ({"colour": "red"}, "validation_failed", "colour"),
    ({"order_number": ["x"] * 201}, "validation_failed", "order_number"),
]


async def test_a_filter_that_makes_no_sense_is_refused(seller: httpx.AsyncClient) -> None:
    for params, code, parameter in NONSENSE:
        answer = await seller.get("/v1/orders", params=params)

        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, code), params
        assert [entry["parameter"] for entry in problem["errors"]] == [parameter], params


async def test_a_page_needs_few_queries_whatever_its_size(
    seller: httpx.AsyncClient, desk: Desk, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def count(name: str) -> None:
        method = getattr(asyncpg.Connection, name)

        async def counted(self: asyncpg.Connection, query: str, *args: Any, **more: Any) -> Any:
            asked.append(query)
            return await method(self, query, *args, **more)

        monkeypatch.setattr(asyncpg.Connection, name, counted)

    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        count(name)
    numbers: dict[int, int] = {}
    for limit in (1, 200):
        asked.clear()
        page = (await seller.get("/v1/orders", params={"limit": limit})).json()
        numbers[limit] = len(asked)
        assert len(page["data"]) == limit

    # Who asks, begin, the page, end.
    assert numbers == {1: 4, 200: 4}
