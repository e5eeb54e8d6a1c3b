"""Recorded order and package details in our words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.channels import decoding
from app.channels.contract import ChannelOrder, OrdersReading
from app.connectors.shopee.mapping.orders import to_orders_reading

Recorded = Callable[[str], dict[str, Any]]
NUMBER, PACKAGE = "2511223K7QH5XA", "OFG219329748205969"


def reading(order: dict[str, Any], package: dict[str, Any] | None = None) -> OrdersReading:
    """Map one order as it arrives: through bytes."""
    element = decoding.parse(json.dumps(order).encode())
    details = {package["package_number"]: decoding.parse(json.dumps(package).encode())} if package else {}
    return to_orders_reading("14701711", [order["order_sn"]], [element], details)


def mapped(order: dict[str, Any], package: dict[str, Any] | None = None) -> ChannelOrder:
    result = reading(order, package)
    assert not result.unreadable, result.unreadable
    return result.orders[0]


@pytest.fixture
def order(recorded: Recorded) -> dict[str, Any]:
    element: dict[str, Any] = recorded("order_detail")["response"]["order_list"][0]
    return element


@pytest.fixture
def package(recorded: Recorded) -> dict[str, Any]:
    element: dict[str, Any] = recorded("package_detail")["response"]["package_list"][0]
    return element


def test_a_documented_order_is_understood_whole(order: dict[str, Any], package: dict[str, Any]) -> None:
    result = mapped(order, package)

    assert (result.channel, result.shop_external_id, result.external_id) == ("shopee", "14701711", NUMBER)
    assert (result.order_number, result.status, result.channel_status) == (NUMBER, "ready_to_ship", "READY_TO_SHIP")
    assert result.placed_at == datetime(2025, 11, 22, 2, 53, 20, tzinfo=UTC)
    assert result.paid_at == datetime(2025, 11, 22, 2, 58, 20, tzinfo=UTC)
    assert result.ship_by == datetime(2025, 11, 24, 2, 59, 59, tzinfo=UTC)
    assert result.updated_at == datetime(2025, 11, 22, 2, 58, 25, tzinfo=UTC)
    assert result.currency == "IDR" and result.total is not None
    assert (result.total.amount, result.total.basis) == (Decimal(215000), "reported")
    assert {amount.kind: (amount.amount, amount.basis) for amount in result.amounts} == {
        "items_subtotal": (Decimal(200000), "derived"),
        "shipping_fee_estimated": (Decimal(15000), "reported"),
    }
    assert result.recipient is not None and result.recipient.city == "KOTA BANDUNG"
    assert (result.recipient.name, result.recipient.postal_code) == ("B****o", "40132")
    assert (result.payment_method, result.is_cod, result.buyer_username) == (
        "Bank BCA (Virtual Account)",
        False,
        "budi_s",
    )
    assert (result.cancellation, result.channel_hold_reason, result.not_shippable) == (None, None, None)
    assert (result.sender_name, result.buyer_message, result.is_returned) == (None, None, False)
    (line,) = result.lines
    assert (line.external_id, line.item_id, line.model_id) == ("26001440431", "2600144043", "10004405040")
    assert (line.sku, line.name, line.variation) == ("KAOS-MERAH-M", "Kaos polos", "Merah,M")
    assert (line.quantity, line.unit_price) == (2, Decimal(100000))
    (parcel,) = result.packages
    assert (parcel.package_number, parcel.status, parcel.channel_status) == (PACKAGE, "to_process", "LOGISTICS_READY")
    assert (parcel.courier, parcel.service, parcel.tracking_number) == ("SPX Standard", "Reguler (Cashless)", None)
    assert parcel.lines == {"26001440431": 2}


@pytest.mark.parametrize(
    ("order_status", "logistics_status", "is_arranged", "status", "package_status"),
    [
        ("UNPAID", "LOGISTICS_NOT_START", False, "unpaid", "to_process"),
        ("PENDING", "LOGISTICS_NOT_START", False, "ordered", "to_process"),
        ("READY_TO_SHIP", "LOGISTICS_READY", False, "ready_to_ship", "to_process"),
        ("READY_TO_SHIP", "LOGISTICS_PENDING_ARRANGE", False, "ready_to_ship", "to_process"),
        ("READY_TO_SHIP", "LOGISTICS_READY", True, "ready_to_ship", "processed"),
        ("RETRY_SHIP", "LOGISTICS_PICKUP_RETRY", False, "ready_to_ship", "to_process"),
        ("PROCESSED", "LOGISTICS_REQUEST_CREATED", False, "ready_to_ship", "processed"),
        ("SHIPPED", "LOGISTICS_PICKUP_DONE", False, "on_delivery", "in_transit"),
        ("TO_CONFIRM_RECEIVE", "LOGISTICS_DELIVERY_DONE", False, "on_delivery", "delivered"),
        ("COMPLETED", "LOGISTICS_DELIVERY_DONE", False, "completed", "delivered"),
        ("IN_CANCEL", "LOGISTICS_READY", False, "ready_to_ship", "to_process"),
        ("IN_CANCEL", "LOGISTICS_REQUEST_CREATED", False, "ready_to_ship", "processed"),
        ("CANCELLED", "LOGISTICS_INVALID", False, "cancelled", "cancelled"),
        ("CANCELLED", "LOGISTICS_REQUEST_CANCELED", False, "cancelled", "cancelled"),
        ("CANCELLED", "LOGISTICS_PICKUP_FAILED", False, "cancelled", "cancelled"),
        ("CANCELLED", "LOGISTICS_DELIVERY_FAILED", False, "cancelled", "cancelled"),
        ("CANCELLED", "LOGISTICS_LOST", False, "cancelled", "cancelled"),
        ("CANCELLED", "LOGISTICS_COD_REJECTED", False, "cancelled", "cancelled"),
        ("TO_RETURN", "LOGISTICS_PICKUP_DONE", False, "on_delivery", "in_transit"),
        ("TO_RETURN", "LOGISTICS_DELIVERY_DONE", False, "completed", "delivered"),
        # The package decides when the two disagree.
        ("READY_TO_SHIP", "LOGISTICS_REQUEST_CREATED", False, "ready_to_ship", "processed"),
        ("PROCESSED", "LOGISTICS_PICKUP_DONE", False, "on_delivery", "in_transit"),
        ("PROCESSED", "LOGISTICS_PICKUP_RETRY", False, "ready_to_ship", "to_process"),
        ("SHIPPED", "LOGISTICS_DELIVERY_DONE", False, "on_delivery", "delivered"),
        # But READY says little about the only package of an order that is further.
        ("PROCESSED", "LOGISTICS_READY", False, "ready_to_ship", "processed"),
        ("SHIPPED", "LOGISTICS_READY", False, "on_delivery", "in_transit"),
    ],
)
def test_statuses(
    order: dict[str, Any],
    package: dict[str, Any],
    order_status: str,
    logistics_status: str,
    is_arranged: bool,
    status: str,
    package_status: str,
) -> None:
    order["order_status"] = order_status
    package |= {"fulfillment_status": logistics_status, "is_shipment_arranged": is_arranged}

    result = mapped(order, package)

    assert (result.status, result.packages[0].status) == (status, package_status)
    assert result.channel_status == order_status
    assert result.is_returned is (order_status == "TO_RETURN")


@pytest.mark.parametrize("status", ["INVOICE_PENDING", "SOMETHING_NEW", ""])
def test_an_unknown_order_status_is_kept_for_a_person(order: dict[str, Any], status: str) -> None:
    order["order_status"] = status

    (broken,) = reading(order).unreadable

    assert "unknown order status" in broken.reason
    assert json.loads(broken.raw)["order_sn"] == NUMBER


def test_an_unknown_package_status_is_kept_for_a_person(order: dict[str, Any], package: dict[str, Any]) -> None:
    package["fulfillment_status"] = "LOGISTICS_ON_THE_MOON"

    assert "unknown package status" in reading(order, package).unreadable[0].reason


def test_a_cancellation_request_is_seen_and_says_nothing_about_an_order_without_packages(order: dict[str, Any]) -> None:
    order |= {"order_status": "IN_CANCEL", "buyer_cancel_reason": "Ganti alamat", "package_list": None}

    result = mapped(order)

    assert result.status is None and result.cancellation is not None
    assert (result.cancellation.state, result.cancellation.reason) == ("requested", "Ganti alamat")
    assert result.cancellation.requested_at == result.updated_at


@pytest.mark.parametrize(
    ("status", "cancel_by", "reason", "state"),
    [
        ("CANCELLED", "Buyer", "Ganti alamat", "approved"),
        ("CANCELLED", "system", "", None),
        ("CANCELLED", "seller", "Ganti alamat", None),
        ("READY_TO_SHIP", "", "Ganti alamat", "rejected"),
        ("READY_TO_SHIP", "", "", None),
    ],
)
def test_what_became_of_a_request(
    order: dict[str, Any], status: str, cancel_by: str, reason: str, state: str | None
) -> None:
    order |= {"order_status": status, "cancel_by": cancel_by, "buyer_cancel_reason": reason}

    cancellation = mapped(order).cancellation

    assert (cancellation.state if cancellation else None) == state


def test_a_paid_order_on_hold_says_why(order: dict[str, Any]) -> None:
    order |= {"order_status": "PENDING", "pending_terms": ["SYSTEM_PENDING"], "pending_description": ["Being checked"]}

    assert mapped(order).channel_hold_reason == "Being checked"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("fulfillment_flag", "fulfilled_by_shopee", "fulfilled_by_channel"),
        ("fulfillment_flag", "", None),
        ("advance_package", True, "handled_by_booking"),
    ],
)
def test_what_is_not_ours_to_ship(order: dict[str, Any], field: str, value: Any, code: str | None) -> None:
    order[field] = value

    assert mapped(order).not_shippable == code


def test_a_dropshipper_is_the_sender(order: dict[str, Any]) -> None:
    order["dropshipper"] = "Toko Teman"

    assert mapped(order).sender_name == "Toko Teman"


def test_cash_on_delivery_is_workable_unpaid(order: dict[str, Any]) -> None:
    order |= {"cod": True, "pay_time": 0, "payment_method": "Cash on Delivery"}

    result = mapped(order)

    assert (result.is_cod, result.paid_at, result.status) == (True, None, "ready_to_ship")


def test_zeros_and_nulls_are_no_values(order: dict[str, Any]) -> None:
    order |= {"total_amount": 0, "ship_by_date": 0, "pay_time": None, "recipient_address": None, "payment_method": None}

    result = mapped(order)

    assert (result.total, result.ship_by, result.paid_at) == (None, None, None)
    assert (result.recipient, result.payment_method) == (None, None)


def test_numbers_are_never_floats() -> None:
    assert decoding.parse(b'{"total_amount":1234567890123456.78}') == {"total_amount": Decimal("1234567890123456.78")}


def test_amounts_stay_exact(order: dict[str, Any]) -> None:
    order["total_amount"] = 31.99

    result = mapped(order)

    assert result.total is not None and str(result.total.amount) == "31.99"


def test_a_split_order_says_what_is_in_which_package(recorded: Recorded) -> None:
    result = mapped(recorded("order_detail_split")["response"]["order_list"][0])

    assert [line.external_id for line in result.lines] == ["31:0:0", "31:0:9", "32:7:0"]
    first, second = result.packages
    assert first.lines == {"31:0:0": 3, "32:7:0": 1}
    assert second.lines == {"31:0:9": 1, "32:7:0": 1}


def test_a_split_order_is_at_the_merchant_until_every_package_left(recorded: Recorded) -> None:
    order = recorded("order_detail_split")["response"]["order_list"][0]
    order["order_status"] = "SHIPPED"
    order["package_list"][0]["logistics_status"] = "LOGISTICS_PICKUP_DONE"

    assert mapped(order).status == "ready_to_ship"
    order["package_list"][1]["logistics_status"] = "LOGISTICS_PICKUP_DONE"
    assert mapped(order).status == "on_delivery"
    order["package_list"][1]["logistics_status"] = "LOGISTICS_INVALID"
    assert mapped(order).status == "on_delivery"


def test_line_ids_are_stable_and_tell_equal_lines_apart(recorded: Recorded) -> None:
    order = recorded("order_detail_split")["response"]["order_list"][0]
    order["item_list"].append(dict(order["item_list"][0]))

    first, second = mapped(order), mapped(order)

    assert [line.external_id for line in first.lines] == ["31:0:0", "31:0:9", "32:7:0", "31:0:0:2"]
    assert first.lines == second.lines


def test_a_bundle_has_no_unit_price_and_no_derived_sum(recorded: Recorded) -> None:
    result = mapped(recorded("order_detail_split")["response"]["order_list"][0])

    assert [line.unit_price for line in result.lines] == [Decimal(40000), None, Decimal(40000)]
    assert "items_subtotal" not in [amount.kind for amount in result.amounts]


def test_missing_skus_and_currencies_are_tolerated(order: dict[str, Any]) -> None:
    order["currency"] = "XXX"
    order["item_list"][0] |= {"model_sku": "", "item_sku": None}

    result = mapped(order)

    assert (result.currency, result.lines[0].sku) == ("XXX", "")


def test_the_items_sku_stands_in_for_the_models(order: dict[str, Any]) -> None:
    order["item_list"][0]["model_sku"] = ""

    assert mapped(order).lines[0].sku == "KAOS"


def test_text_that_a_database_refuses_is_cleaned(order: dict[str, Any], package: dict[str, Any]) -> None:
    order["buyer_username"] = "bu\x00di\ud800"
    order["item_list"][0]["item_name"] = "Kaos \U0001f600"

    result = mapped(order, package)

    assert result.buyer_username == "bu\ufffddi\ufffd"
    assert result.lines[0].name == "Kaos \U0001f600"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("update_time", 0),
        ("update_time", 10**15),
        ("create_time", None),
        ("create_time", -5),
        ("total_amount", "a lot"),
        ("total_amount", 1e30),
        ("total_amount", float("nan")),
        ("item_list", []),
        ("item_list", "none"),
        ("item_list", [{"item_id": 2**63, "model_quantity_purchased": 1}]),
        ("item_list", [{"item_id": 2**200, "model_quantity_purchased": 1}]),
        ("item_list", [{"item_id": 1, "model_quantity_purchased": 0}]),
        ("item_list", [{"item_id": 1, "model_quantity_purchased": 2**31}]),
        ("package_list", {"package_number": "x"}),
        ("recipient_address", "Jl. Dago"),
        ("order_status", None),
    ],
)
def test_a_broken_order_stops_no_other(order: dict[str, Any], field: str, value: Any) -> None:
    good, broken = dict(order), {**order, "order_sn": "BROKEN", field: value}

    result = to_orders_reading("14701711", ["BROKEN", NUMBER, "GONE"], [broken, good], {})

    assert [entry.external_id for entry in result.unreadable] == ["BROKEN"]
    assert [entry.external_id for entry in result.orders] == [NUMBER]
    assert result.missing == ("GONE",)
    assert field in result.unreadable[0].reason or "status" in result.unreadable[0].reason
    assert b"BROKEN" in result.unreadable[0].raw


def test_a_reason_never_quotes_buyer_data(order: dict[str, Any]) -> None:
    order["recipient_address"] = "Jl. Rahasia 7"

    assert "Rahasia" not in reading(order).unreadable[0].reason


def test_an_entry_without_a_number_proves_no_order_missing(order: dict[str, Any]) -> None:
    result = to_orders_reading("14701711", [NUMBER, "OTHER"], [order, {"order_sn": None, "x": 1}], {})

    assert [entry.external_id for entry in result.orders] == [NUMBER]
    assert [entry.external_id for entry in result.unreadable] == ["OTHER"]
    assert result.missing == ()


def test_an_order_nobody_asked_for_is_ignored(order: dict[str, Any]) -> None:
    assert to_orders_reading("14701711", ["OTHER"], [order], {}).missing == ("OTHER",)


def test_a_number_of_five_thousand_digits_breaks_only_its_order() -> None:
    body = b'{"order_sn":"A","order_status":"UNPAID","create_time":' + b"9" * 5000 + b',"update_time":1}'

    result = to_orders_reading("14701711", ["A"], [decoding.parse(body)], {})

    assert [entry.external_id for entry in result.unreadable] == ["A"]


def test_one_broken_byte_spoils_one_name_not_the_answer() -> None:
    assert decoding.parse(b'{"name":"Bu\xff"}') == {"name": "Bu\ufffd"}
