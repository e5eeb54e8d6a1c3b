"""The CSV report, parsed back cell by cell."""

import asyncio
import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from app.core.errors import Unavailable
from app.reports import exporting
from app.reports.schemas import ExportOrders
from tests.fixtures.application import Desk
from tests.orders import oracle
from tests.orders.archive import Stored, build_order, open_shops, write
from tests.orders.conftest import Archive, desk_of

BASIC = [
    *("order_number", "channel", "shop_name", "status", "stage", "placed_at", "ship_by", "courier", "tracking_number"),
    *("total_products", "total_quantity", "order_total", "currency", "amount_basis", "print_status", "payment_method"),
    "buyer_username",
]
PATH = "/v1/orders/export.csv"


@pytest.fixture
async def now(owner: asyncpg.Connection) -> datetime:
    moment: datetime = await owner.fetchval("select app_now()")
    return moment


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with await desk.client() as opened:
        yield opened


async def export(client: httpx.AsyncClient, **params: Any) -> list[dict[str, str]]:
    """The rows; form and header are as promised."""
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    text = answer.content.decode()
    assert text[0] == "\ufeff" and text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


def expected_row(order: Stored, archive: Archive) -> dict[str, str]:
    """What the cells must be, in plain Python."""
    row = order.row
    [shop] = [shop for shop in archive.shops if shop.id == row["shop_id"]]

    def local(moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(ZoneInfo(shop.timezone)).isoformat(timespec="seconds")

    def safe(text: str | None) -> str:
        return f"'{text}" if text and text[0] in "=+-@" else text or ""

    return {
        "order_number": row["order_number"],
        "channel": row["channel"],
        "shop_name": safe(shop.name),
        "status": row["status"],
        "stage": row["stage"] or "",
        "placed_at": local(row["placed_at"]),
        "ship_by": local(row["ship_by"]),
        "courier": row["courier"] or "",
        "tracking_number": row["tracking_number"] or "",
        "total_products": str(row["line_count"]),
        "total_quantity": str(row["quantity"]),
        "order_total": f"{row['total_amount']:.2f}",
        "currency": "IDR",
        "amount_basis": "reported",
        "print_status": row["print_status"],
        "payment_method": "COD",
        "buyer_username": safe(row["buyer_username"]),
    }


async def test_every_cell_is_as_stored(desk: Desk, archive: Archive, now: datetime) -> None:
    seller = await desk_of(archive, desk).client()
    filters: list[dict[str, Any]] = [
        {},
        {"status": ["completed", "ready_to_ship"]},
        {"q": "kaos"},
        {"status": ["unpaid"], "is_cod": "true"},
        {"shop_id": [f"shp_{archive.shops[2].id.hex}"], "courier": ["SiCepat"]},
        {"shop_id": [f"shp_{'0' * 32}"]},
    ]
    for params in filters:
        expected = [expected_row(order, archive) for order in oracle.search(archive.orders, params, now)]

        rows = await export(seller, **params)

        assert rows == expected, params
        assert all(list(row) == BASIC for row in rows)
        assert bool(rows) == ("shop_id" not in params or "courier" in params)


async def test_cells_are_no_formulas_and_stay_on_their_line(
    client: httpx.AsyncClient, desk: Desk, owner: asyncpg.Connection, now: datetime
) -> None:
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", 'Toko, "Satu"', "Asia/Jakarta")])
    texts = {
        "=1+1": "'=1+1",
        "+62812": "+62812",
        "-5.20": "-5.20",
        "-5+3": "'-5+3",
        "@sum": "'@sum",
        "\tx": "'\tx",
        "\rx": "' x",
        "\n=1": "' =1",
        "＝1+1": "'＝1+1",
        "a\r\nb": "a  b",
        'say "hi", ok': 'say "hi", ok',
        "": "",
        "plain": "plain",
    }
    orders = [
        build_order(
            shop, desk.merchant_id, now - timedelta(minutes=number), payment_method=text, order_number=f"N{number}"
        )
        for number, text in enumerate(texts)
    ]
    await write(owner, orders)

    rows = await export(client)

    assert {f"N{number}": text for number, text in enumerate(texts.values())} == {
        row["order_number"]: row["payment_method"] for row in rows
    }
    assert {row["shop_name"] for row in rows} == {'Toko, "Satu"'}


async def test_long_numbers_keep_their_digits_in_excel(
    client: httpx.AsyncClient, desk: Desk, owner: asyncpg.Connection, now: datetime
) -> None:
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", "Toko", "Asia/Jakarta")])
    packages = [{"tracking_number": "987654321098"}, {"tracking_number": "JX1", "courier": "SiCepat"}]
    await write(
        owner,
        [
            build_order(shop, desk.merchant_id, now, order_number="123456789012", packages=packages),
            build_order(shop, desk.merchant_id, now - timedelta(1), order_number="12345678901", packages=packages[:1]),
        ],
    )

    plain = [(row["order_number"], row["tracking_number"], row["courier"]) for row in await export(client)]
    excel = [(row["order_number"], row["tracking_number"]) for row in await export(client, excel="true")]

    assert plain[0] == ("123456789012", "987654321098; JX1", "J&T Express; SiCepat")
    assert excel == [("123456789012\t", "987654321098; JX1"), ("12345678901", "987654321098\t")]


async def test_a_row_per_line_names_the_line(
    client: httpx.AsyncClient, desk: Desk, owner: asyncpg.Connection, now: datetime
) -> None:
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", "Toko", "Asia/Jakarta")])
    lines = [{"sku": "-A", "name": "Kaos"}, {"sku": "B", "name": "Topi", "quantity": 7, "unit_price": Decimal("1.5")}]
    await write(owner, [build_order(shop, desk.merchant_id, now, lines=lines)])

    rows = await export(client, grain="line")

    assert list(rows[0]) == [*BASIC, "sku", "product_name", "variation", "quantity", "unit_price"]
    cells = [
        (row["sku"], row["product_name"], row["quantity"], row["unit_price"], row["total_quantity"]) for row in rows
    ]
    assert cells == [("'-A", "Kaos", "2", "50000.00", "9"), ("B", "Topi", "7", "1.50", "9")]


async def test_who_may_not_see_buyers_gets_them_masked(desk: Desk, archive: Archive) -> None:
    viewer = await desk_of(archive, desk).client("viewer")

    usernames = {row["buyer_username"] for row in await export(viewer)}

    assert "b***o" in usernames and not any(name and "***" not in name for name in usernames)


async def test_only_reporters_may_export(desk: Desk) -> None:
    packer = await desk.client("packer")

    answer = await packer.get(PATH)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_report_covers_at_most_ninety_days(
    client: httpx.AsyncClient, desk: Desk, owner: asyncpg.Connection, now: datetime
) -> None:
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", "Toko", "Asia/Jakarta")])
    ages = {"new": 0, "old": 89, "older": 91, "oldest": 170}
    await write(
        owner,
        [
            build_order(shop, desk.merchant_id, now - timedelta(days=age), order_number=name)
            for name, age in ages.items()
        ],
    )
    today = now.astimezone(ZoneInfo("Asia/Jakarta")).date()

    async def numbers(**days: int) -> list[str]:
        params = {name: (today - timedelta(days=ago)).isoformat() for name, ago in days.items()}
        return [row["order_number"] for row in await export(client, **params)]

    async def code(**days: int) -> tuple[int, str]:
        params = {name: (today - timedelta(days=ago)).isoformat() for name, ago in days.items()}
        answer = await client.get(PATH, params=params)
        return answer.status_code, answer.json()["code"]

    assert await numbers() == ["new", "old"]
    assert await numbers(placed_to=85) == ["old", "older", "oldest"]
    assert await numbers(placed_from=89, placed_to=0) == ["new", "old"]
    assert await numbers(placed_from=175, placed_to=86) == ["old", "older", "oldest"]
    assert await code(placed_from=90, placed_to=0) == (422, "invalid_range")
    assert await code(placed_from=91) == (422, "invalid_range")
    assert await code(placed_from=0, placed_to=1) == (422, "invalid_range")


async def test_an_export_is_on_record(client: httpx.AsyncClient, desk: Desk, owner: asyncpg.Connection) -> None:
    await export(client, q="wijaya", status="completed")

    row = await owner.fetchrow(
        "select actor_id, after from journal where merchant_id = $1 and type = 'report.exported'", desk.merchant_id
    )
    assert row is not None and row["actor_id"] == desk.owner_id
    assert (
        row["after"] == '{"grain": "order", "columns": "basic", "filters": ["q", "status"]}'
        or "wijaya" not in row["after"]
    )


@pytest.fixture
async def heavy(desk: Desk, owner: asyncpg.Connection, now: datetime) -> Desk:
    """8,000 orders that make a report of 16 MB."""
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", "Toko", "Asia/Jakarta")])
    order = build_order(shop, desk.merchant_id, now - timedelta(days=1), payment_method="x" * 2_000)
    await write(owner, [order])
    columns = ", ".join(order.row)
    values = columns.replace("id, account_id", "gen_random_uuid(), account_id", 1)
    values = values.replace("external_id", "external_id || n", 1)
    await owner.execute(
        f"insert into orders ({columns}) select {values} from orders, generate_series(1, 7999) n"
        " where merchant_id = $1",
        desk.merchant_id,
    )
    return desk


async def test_a_large_report_takes_little_memory(heavy: Desk) -> None:
    database = heavy.app.state.database
    wish = ExportOrders()
    wanted = await database.transact(exporting.begin_export, heavy.merchant_id, wish)
    size = 0
    tracemalloc.start()
    try:
        pieces = await exporting.open_export(
            database, heavy.merchant_id, wish, wanted, with_buyer=True, at_risk_hours=4
        )
        await asyncio.sleep(0.2)  # a reader who is slow at first: the queue fills
        async for piece in pieces:
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > 16_000_000
    assert peak < 5_000_000


async def test_a_failure_on_the_way_does_not_look_like_an_end(heavy: Desk, owner: asyncpg.Connection) -> None:
    database = heavy.app.state.database
    wish = ExportOrders()
    wanted = await database.transact(exporting.begin_export, heavy.merchant_id, wish)
    pieces = await exporting.open_export(database, heavy.merchant_id, wish, wanted, with_buyer=True, at_risk_hours=4)
    read = [await anext(pieces)]

    ended = await owner.fetchval(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ilike 'copy (select%'"
    )
    with pytest.raises(Unavailable):  # noqa: PT012 (reading on is what raises)
        async for piece in pieces:
            read.append(piece)

    assert ended >= 1
    assert sum(len(piece) for piece in read) < 16_000_000


async def test_a_reader_who_leaves_frees_the_connection(heavy: Desk) -> None:
    database = heavy.app.state.database
    wish = ExportOrders()
    wanted = await database.transact(exporting.begin_export, heavy.merchant_id, wish)

    for _ in range(12):  # more than connections and places for exports
        pieces = await exporting.open_export(
            database, heavy.merchant_id, wish, wanted, with_buyer=True, at_risk_hours=4
        )
        await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]  # an async generator

    assert await database.read_value(heavy.merchant_id, "select count(*) from orders") == 8_000
