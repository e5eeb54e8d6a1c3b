"""The queries take their indexes under row-level security, with enough orders to make the choice matter."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Engine, event

from app.core.db import Database
from app.dev.servers import EmbeddedServers
from app.orders import listing, service
from app.orders.filters import STATUSES, Search, Sort
from tests.orders.conftest import Archive, fill, owning

LATE = datetime(2100, 1, 1, tzinfo=UTC)
COPIES = 40
"""Times 300 orders."""


@pytest.fixture(scope="module")
def crowd(servers: EmbeddedServers) -> Archive:
    """A merchant with 12,000 orders."""
    return asyncio.run(_crowd(servers))


async def _crowd(servers: EmbeddedServers) -> Archive:
    archive = await fill(servers, 300, seed=9)
    async with owning(servers) as owner:
        columns = ", ".join(archive.orders[0].row)
        fresh = {
            "id": "gen_random_uuid()",
            "external_id": "external_id || '-' || n",
            "order_number": "order_number || n",
            "placed_at": "placed_at - n * interval '1 day'",
            # Few orders have tags, as at a real desk: else any index of a status is as good.
            "tags": "case when n = 1 then tags else '{}' end",
            # The numbers are what makes a text rare.
            "search": "replace(search, lower(order_number), lower(order_number) || n)",
        }
        values = ", ".join(fresh.get(name, name) for name in archive.orders[0].row)
        await owner.execute(
            f"insert into orders ({columns}) select {values} from orders, generate_series(1, {COPIES - 1}) n"
            " where merchant_id = $1",
            archive.merchant_id,
        )
        await owner.execute(
            "insert into packages (merchant_id, id, order_id, package_number, tracking_number, position, status,"
            " channel_status, lines) select merchant_id, gen_random_uuid(), id, 'P-' || order_number,"
            " 'T-' || order_number, 9, 'to_process', '', '{}' from orders where merchant_id = $1",
            archive.merchant_id,
        )
        await owner.execute("vacuum analyze orders, packages")
    return archive


@pytest.fixture
async def database(servers: EmbeddedServers) -> AsyncIterator[Database]:
    opened = Database(servers.database_url, application="test")
    yield opened
    await opened.close()


async def explain(database: Database, archive: Archive, query: str, args: list[Any]) -> tuple[set[str], set[str]]:
    """Indexes used and kinds of nodes."""
    async with database.read_transaction(archive.merchant_id, custom_plans=True) as connection:
        text = await connection.fetchval(f"explain (format json) {query}", *args)
    plan = json.dumps(json.loads(text))
    return set(re.findall(r'"Index Name": "(\w+)"', plan)), set(re.findall(r'"Node Type": "([\w ]+)"', plan))


async def test_lists_walk_an_index_and_sort_nothing(database: Database, crowd: Archive) -> None:
    expected: list[tuple[Search, Sort, set[str]]] = [
        (Search(), "-placed_at", {"ix_orders_all"}),
        (Search(), "placed_at", {"ix_orders_all"}),
        (Search(statuses=("completed",)), "-placed_at", {"ix_orders_status"}),
        (Search(statuses=("ready_to_ship",), stages=("to_process",)), "-placed_at", {"ix_orders_stage"}),
        (Search(statuses=("completed",)), "ship_by", {"ix_orders_ship_by"}),
        (Search(), "-updated_at", {"ix_orders_updated"}),
        (Search(collect_by_before=LATE), "collect_by", {"ix_orders_collect_by", "pk_orders"}),
        (Search(pickup_cutoff_before=LATE), "pickup_cutoff_at", {"ix_orders_pickup_cutoff_at", "pk_orders"}),
    ]
    for search, sort, indexes in expected:
        statement = listing.list_orders(search, crowd.merchant_id, sort=sort, after=None, most=51, at_risk_hours=4)

        used, nodes = await explain(database, crowd, statement.rows, statement.args)

        assert used == indexes, (search, sort)
        assert "Seq Scan" not in nodes, (search, sort)
        if sort != "ship_by":
            assert "Sort" not in nodes, (search, sort)


async def test_numbers_and_overdue_orders_are_looked_up(database: Database, crowd: Archive) -> None:
    numbers = Search(order_numbers=(crowd.orders[0].row["order_number"],))
    overdue = Search(slas=("overdue",))
    for search, index in ((numbers, "ix_orders_number"), (overdue, "ix_orders_ship_by")):
        statement = listing.list_orders(
            search, crowd.merchant_id, sort="-placed_at", after=None, most=51, at_risk_hours=4
        )
        assert (await explain(database, crowd, statement.rows, statement.args))[0] == {index, "pk_orders"}

    uncollected = Search(stages=("processed",), collect_by_before=LATE)
    for search, index in ((overdue, "ix_orders_deadline"), (uncollected, "ix_orders_collect_by")):
        query, args = listing.matching_rows(search, crowd.merchant_id, "count(*)", at_risk_hours=4)
        used, nodes = await explain(database, crowd, query, args)
        assert used == {index}
        assert "Index Only Scan" in nodes


async def test_a_code_is_looked_up_in_the_index_of_each_kind_of_number(database: Database, crowd: Archive) -> None:
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "union all" in statement.lower():
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        number = crowd.orders[0].row["order_number"]
        found = await database.transact(service.find_by_code, crowd.merchant_id, f"#{number.lower()}")
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert found is not None and (found[0].id, found[1]) == (crowd.orders[0].row["id"], "order_number")
    [(statement, parameters)] = seen
    async with database.read_transaction(crowd.merchant_id, custom_plans=True) as connection:
        plan = [row[0] for row in await connection.fetch(f"explain {statement}", *parameters)]
    looked_up = "\n".join(line for line in plan if "Index Cond:" in line)
    for column in ("order_number", "external_id", "package_number", "tracking_number"):
        assert re.search(rf"\(?{column}\)?(::text)? = ANY", looked_up), (column, plan)
    assert not [line for line in plan if re.search("Seq Scan on (orders|packages)", line)], plan


async def test_tags_are_looked_for_among_the_tagged(database: Database, crowd: Archive) -> None:
    for search in (
        Search(tags=("vip",)),
        Search(tags=("nobody has it",)),
        Search(tags=("vip",), statuses=STATUSES[3:5]),
    ):
        statement = listing.list_orders(
            search, crowd.merchant_id, sort="-placed_at", after=None, most=51, at_risk_hours=4
        )
        assert "ix_orders_tagged" in (await explain(database, crowd, statement.rows, statement.args))[0], search

    query, args = listing.tag_rows(Search(), crowd.merchant_id, at_risk_hours=4)
    used, nodes = await explain(database, crowd, query, args)
    assert used == {"ix_orders_tagged"} and "Index Only Scan" in nodes


async def test_a_rare_text_is_found_by_the_trigram_index(
    database: Database, crowd: Archive, owner: asyncpg.Connection
) -> None:
    """Also under the walls: plain LIKE would read every order. The function's own reads are seen in the statistics."""
    number = crowd.orders[0].row["order_number"].lower()

    async def scans() -> tuple[int, int]:
        await owner.execute("select pg_stat_force_next_flush()")
        row = await owner.fetchrow(
            "select coalesce(sum(idx_scan) filter (where indexrelname = 'ix_orders_search'), 0),"
            " (select seq_scan from pg_stat_user_tables where relname = 'orders')"
            " from pg_stat_user_indexes where relname = 'orders'"
        )
        return row[0], row[1]

    async with database.read_transaction(crowd.merchant_id) as connection:
        before = await scans()
        found = await connection.fetch(
            "select * from search_orders($1, '{}', '-placed_at', null, null, 51)", number[2:12]
        )
        # Otherwise its statistics might be published a second late.
        await connection.execute("select pg_stat_force_next_flush()")
    after = await scans()

    assert len(found) == COPIES
    assert after[0] > before[0]
    assert after[1] == before[1]
