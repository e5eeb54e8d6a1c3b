"""Which orders a bulk request acts on."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.errors import RangeInvalid
from app.core.ids import new_id
from app.orders import service
from app.orders.errors import SelectionEmpty, SelectionTooLarge
from app.orders.schemas import Selection
from tests.fixtures.application import Desk
from tests.orders.archive import Stored
from tests.orders.conftest import Archive

Select = Callable[..., Awaitable[list[tuple[Any, Any]]]]


@pytest.fixture
def select(desk: Desk, archive: Archive) -> Select:
    """Ask for orders of the archive's merchant."""

    async def ask(limit: int = 100, **wish: Any) -> list[tuple[Any, Any]]:
        database = desk.app.state.database
        selection = Selection.model_validate(wish)
        return list(await database.transact(service.select_orders, archive.merchant_id, selection, limit=limit))

    return ask


async def test_orders_come_in_the_order_asked_for(select: Select, archive: Archive) -> None:
    wanted = [archive.orders[number].public_id for number in (5, 2, 9)]

    selected = await select(order_ids=wanted)

    assert [f"ord_{order_id.hex}" for order_id, _ in selected] == wanted
    assert all(row.id == order_id for order_id, row in selected)


async def test_unknown_and_foreign_ids_are_told_alike(select: Select, archive: Archive, other_archive: Archive) -> None:
    mine, theirs = archive.orders[0], other_archive.orders[0]

    selected = await select(order_ids=[theirs.public_id, mine.public_id, f"ord_{new_id().hex}"])

    assert [row is None for _, row in selected] == [True, False, True]


async def test_doubles_count_once_before_the_limit(select: Select, archive: Archive) -> None:
    ids = [order.public_id for order in archive.orders[:3]]

    assert len(await select(limit=3, order_ids=ids * 50)) == 3
    with pytest.raises(SelectionTooLarge) as refused:
        await select(limit=2, order_ids=ids)
    assert (refused.value.pointer, refused.value.params["limit"]) == ("/selection/order_ids", 2)


async def test_a_filter_selects_what_the_list_shows(select: Select, archive: Archive) -> None:
    def newest(order: Stored) -> tuple[Any, Any]:
        return order.row["placed_at"], order.row["id"]

    fitting = [one for one in archive.orders if one.row["status"] == "completed" and "kaos" in one.row["search"]]
    expected = [order.row["id"] for order in sorted(fitting, key=newest, reverse=True)]

    selected = await select(filter={"status": "completed", "q": "KAOS"})

    assert [order_id for order_id, _ in selected] == expected != []
    assert [row.id for _, row in selected] == expected


async def test_a_filter_that_finds_too_much_or_nothing_is_refused(select: Select, archive: Archive) -> None:
    with pytest.raises(SelectionTooLarge) as large:
        await select(limit=5, filter={"status": ["completed"]})
    with pytest.raises(SelectionEmpty) as empty:
        await select(filter={"channel": ["nowhere"]})
    with pytest.raises(SelectionEmpty):
        await select(order_ids=[])
    with pytest.raises(RangeInvalid) as reversed_range:
        await select(filter={"placed_from": "2026-02-02", "placed_to": "2026-02-01"})

    assert (large.value.pointer, empty.value.pointer) == ("/selection/filter", "/selection/filter")
    assert reversed_range.value.pointer == "/selection/filter/placed_from"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"order_ids": [], "filter": {}},
        {"filter": {"colour": "red"}},
        {"filter": {"status": "sent"}},
        {"filter": {"sort": "-placed_at"}},
        {"order_ids": ["ord_1"]},
        {"all": True},
    ],
)
def test_a_selection_is_one_kind_and_well_formed(wish: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Selection.model_validate(wish)
