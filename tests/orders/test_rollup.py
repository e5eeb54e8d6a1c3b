"""What an order's row keeps of its parts."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.orders.parts import Line, Package
from app.orders.rollup import Head, derive_stage, roll_up, summarise_line, summarise_package

HEAD = Head("ready_to_ship", "A1", "IDR", "budi", "Budi Santoso")
LINE_KEYS = ["id", "sku", "name", "variation", "quantity", "unit_price", "listing_id", "product_id", "is_linked"]
PACKAGE_KEYS = ["id", "package_number", "status", "courier", "service", "tracking_number", "handover"]


def line(number: int, **changes: Any) -> Line:
    values: dict[str, Any] = {
        "external_id": str(number),
        "position": number,
        "item_external_id": "1",
        "model_external_id": "2",
        "sku": f"SKU-{number}",
        "name": "Kaos",
        "variation": "L",
        "quantity": 2,
        "unit_price": Decimal("50000"),
    }
    return Line(id=UUID(int=number), **(values | changes))


def package(number: int, status: str = "to_process", **changes: Any) -> Package:
    values: dict[str, Any] = {
        "package_number": f"P{number}",
        "position": number,
        "channel_status": "",
        "courier": "J&T Express",
        "service": None,
        "tracking_number": None,
        "handover": None,
        "lines": {},
    }
    return Package(id=UUID(int=number), status=status, **(values | changes))


@pytest.mark.parametrize(
    ("statuses", "stage"),
    [
        ([], "to_process"),
        (["to_process"], "to_process"),
        (["processed", "to_process", "processing"], "to_process"),
        (["processed", "processing"], "processing"),
        (["processed", "in_transit"], "processed"),
        (["cancelled", "processed"], "processed"),
        (["cancelled"], "to_process"),
    ],
)
def test_the_stage_is_that_of_the_slowest_package(statuses: list[str], stage: str) -> None:
    packages = [package(number, status) for number, status in enumerate(statuses)]

    assert derive_stage("ready_to_ship", packages) == stage


@pytest.mark.parametrize("status", ["unpaid", "ordered", "on_delivery", "completed", "cancelled"])
def test_only_orders_that_are_ready_have_a_stage(status: str) -> None:
    assert derive_stage(status, [package(1)]) is None


def test_summaries_have_exactly_the_fields_of_the_contract_in_their_order() -> None:
    assert list(summarise_line(line(1), "IDR")) == LINE_KEYS
    assert list(summarise_package(package(1))) == PACKAGE_KEYS
    summary = summarise_line(line(1), "IDR")
    assert summary["id"] == "oln_00000000000000000000000000000001"
    assert summary["unit_price"] == {"amount": "50000.00", "currency": "IDR"}
    assert summarise_line(line(1, unit_price=None), "IDR")["unit_price"] is None


def test_lines_that_belong_to_a_product_are_linked() -> None:
    linked = line(1, listing_id=UUID(int=8), product_id=UUID(int=9))

    assert roll_up(HEAD, [linked], []).is_linked
    assert not roll_up(HEAD, [linked, line(2)], []).is_linked
    assert not roll_up(HEAD, [], []).is_linked
    assert summarise_line(linked, "IDR")["product_id"] == "prd_00000000000000000000000000000009"


def test_couriers_and_numbers_are_joined_in_package_order_without_doubles() -> None:
    packages = [
        package(3, courier="SiCepat", tracking_number="C"),
        package(1, tracking_number="A", handover="dropoff"),
        package(2, tracking_number="B"),
        package(4, tracking_number="GONE", is_gone=True),
    ]

    rollup = roll_up(HEAD, [line(1), line(2)], packages)

    assert (rollup.courier, rollup.tracking_number) == ("J&T Express; SiCepat", "A; B; C")
    assert (rollup.handover, rollup.line_count, rollup.quantity) == ("dropoff", 2, 4)
    assert [one["package_number"] for one in rollup.packages_summary] == ["P1", "P2", "P3"]


def test_the_search_text_has_a_line_per_word_in_lower_case() -> None:
    rollup = roll_up(HEAD, [line(1), line(2)], [package(1, tracking_number="JX1")])

    assert rollup.search == "a1\njx1\nbudi\nbudi santoso\nsku-1\nkaos\nl\nsku-2"


def test_unpaid_orders_are_not_in_the_unfiltered_list() -> None:
    assert not roll_up(Head("unpaid", "A1", "IDR", None, None), [], []).is_visible
    assert roll_up(HEAD, [], []).is_visible
