"""A report that breaks on the way, as a client sees it over real HTTP."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.fixtures.merchant import Merchant
from tests.orders.archive import build_order, open_shops, write

END_COPIES = "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ilike 'copy (select%'"


async def test_the_connection_breaks_instead_of_ending(merchant: Merchant, owner: asyncpg.Connection) -> None:
    me = await merchant.get("/v1/me")
    merchant_id = UUID(hex=me["merchant"]["id"].removeprefix("mer_"))
    [shop] = await open_shops(owner, merchant_id, [("testmart", "Toko", "Asia/Jakarta")])
    now = await owner.fetchval("select app_now()")
    # 48 MB: more than the sockets between us hold.
    orders = [
        build_order(shop, merchant_id, now - timedelta(minutes=n), payment_method="x" * 40_000) for n in range(1_200)
    ]
    await write(owner, orders)
    size = 0

    with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012 (reading on is what raises)
        async with merchant.http.stream("GET", "/v1/orders/export.csv") as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                if size == 0:
                    assert await owner.fetchval(END_COPIES) == 1
                size += len(piece)

    assert 0 < size < 48_000_000
