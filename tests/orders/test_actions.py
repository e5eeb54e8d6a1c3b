"""What can be done with an order, and why not."""

from dataclasses import dataclass

import pytest

from app.operations import texts
from app.orders.actions import TEXTS, next_actions, refusal


@dataclass(frozen=True)
class State:
    """An order that waits to be arranged, unless told otherwise."""

    status: str = "ready_to_ship"
    stage: str | None = "to_process"
    cancellation: str | None = None
    is_held: bool = False
    channel_hold_reason: str | None = None
    not_shippable: str | None = None
    pick_pack: str | None = None
    first_step: str = "none"
    is_own_courier: bool = False


UNPAID = State("unpaid", None)
ORDERED = State("ordered", None, first_step="call")
AT_GATE = State("ordered", None, first_step="gate")
WAITING = State()
PROCESSING = State(stage="processing")
PROCESSED = State(stage="processed")
SENT = State("on_delivery", None)
COMPLETED = State("completed", None)
CANCELLED = State("cancelled", None)
HELD = State(is_held=True)
HELD_BY_CHANNEL = State("ordered", None, channel_hold_reason="remorse")
ASKED_TO_CANCEL = State(cancellation="requested")
NOT_OURS = State(not_shippable="fulfilled_by_channel")

TABLE: list[tuple[str, State, str | None]] = [
    ("arrange_shipment", WAITING, None),
    ("arrange_shipment", State(cancellation="rejected"), None),
    ("arrange_shipment", UNPAID, "unpaid"),
    ("arrange_shipment", ORDERED, "receive_first"),
    ("arrange_shipment", AT_GATE, None),
    ("arrange_shipment", PROCESSING, "already_in_progress"),
    ("arrange_shipment", PROCESSED, "already_done"),
    ("arrange_shipment", SENT, "already_done"),
    ("arrange_shipment", COMPLETED, "already_done"),
    ("arrange_shipment", CANCELLED, "order_cancelled"),
    ("arrange_shipment", HELD, "on_hold"),
    ("arrange_shipment", HELD_BY_CHANNEL, "channel_hold"),
    ("arrange_shipment", ASKED_TO_CANCEL, "cancellation_requested"),
    ("arrange_shipment", State(cancellation="requested", is_held=True), "cancellation_requested"),
    ("arrange_shipment", NOT_OURS, "fulfilled_by_channel"),
    ("mark_dispatched", PROCESSED, "not_needed"),
    ("mark_dispatched", State(stage="processed", is_own_courier=True), None),
    ("mark_dispatched", State(is_own_courier=True), "not_arranged"),
    (
        "mark_dispatched",
        State(stage="processed", is_own_courier=True, cancellation="requested"),
        "cancellation_requested",
    ),
    ("mark_dispatched", State("on_delivery", None, is_own_courier=True), "already_done"),
    ("mark_delivered", State("on_delivery", None, is_own_courier=True), None),
    ("mark_delivered", State(stage="processed", is_own_courier=True), "not_dispatched"),
    ("mark_delivered", State("completed", None, is_own_courier=True), "already_done"),
    ("mark_delivered", SENT, "not_needed"),
    ("print_labels", WAITING, "not_arranged"),
    ("print_labels", ORDERED, "not_arranged"),
    ("print_labels", PROCESSING, None),
    ("print_labels", PROCESSED, None),
    ("print_labels", SENT, None),
    ("print_labels", State(stage="processed", cancellation="requested"), "cancellation_requested"),
    ("print_labels", State(stage="processed", cancellation="approved"), "cancellation_confirming"),
    ("print_labels", State(stage="processed", cancellation="rejected"), None),
    ("print_labels", UNPAID, "unpaid"),
    ("print_labels", CANCELLED, "order_cancelled"),
    ("print_labels", COMPLETED, "order_closed"),
    ("print_labels", State(stage="processed", not_shippable="handled_by_booking"), "handled_by_booking"),
    ("print_invoices", UNPAID, "unpaid"),
    ("print_invoices", CANCELLED, "order_cancelled"),
    ("print_invoices", WAITING, None),
    ("print_invoices", COMPLETED, None),
    ("print_packing_slips", UNPAID, "unpaid"),
    ("print_packing_slips", CANCELLED, "order_cancelled"),
    ("print_packing_slips", SENT, None),
    ("print_pick_list", WAITING, None),
    ("print_pick_list", ORDERED, None),
    ("print_pick_list", SENT, "already_shipped"),
    ("print_pick_list", ASKED_TO_CANCEL, "cancellation_requested"),
    ("print_pick_list", CANCELLED, "order_cancelled"),
    ("approve_cancellation", ASKED_TO_CANCEL, None),
    ("reject_cancellation", ASKED_TO_CANCEL, None),
    ("reject_cancellation", WAITING, "no_open_cancellation"),
    ("approve_cancellation", State(cancellation="rejected"), "already_answered"),
    ("approve_cancellation", CANCELLED, "order_cancelled"),
    ("cancel", WAITING, None),
    ("cancel", UNPAID, None),
    ("cancel", PROCESSED, None),
    ("cancel", PROCESSING, "already_in_progress"),
    ("cancel", ASKED_TO_CANCEL, "cancellation_requested"),
    ("cancel", SENT, "already_shipped"),
    ("cancel", CANCELLED, "already_done"),
    ("arrange_shipment", State(cancellation="approved"), "cancellation_confirming"),
    ("hold", WAITING, None),
    ("hold", ORDERED, None),
    ("hold", PROCESSING, None),
    ("hold", HELD, "already_done"),
    ("hold", PROCESSED, "wrong_state"),
    ("hold", SENT, "wrong_state"),
    ("hold", CANCELLED, "order_cancelled"),
    ("hold", COMPLETED, "order_closed"),
    ("release", HELD, None),
    ("release", State("completed", None, is_held=True), None),
    ("release", WAITING, "already_done"),
    ("receive", ORDERED, None),
    ("receive", AT_GATE, None),
    ("receive", State("ordered", None, channel_hold_reason="remorse", first_step="gate"), "channel_hold"),
    ("receive", State(first_step="gate"), "already_done"),
    ("receive", State("unpaid", None, first_step="gate"), "unpaid"),
    ("receive", State("cancelled", None, first_step="call"), "order_cancelled"),
    ("receive", WAITING, "not_needed"),
    ("add_tags", CANCELLED, None),
    ("set_note", COMPLETED, None),
    ("sync", COMPLETED, None),
    ("pick_started", WAITING, None),
    ("picked", WAITING, None),
    ("packed", WAITING, "wrong_state"),
    ("packed", State(pick_pack="picked"), None),
    ("packed", State(pick_pack="packed"), "already_done"),
    ("pick_started", State(pick_pack="packed"), "wrong_state"),
    ("packed", State(pick_pack="picked", cancellation="requested"), "cancellation_requested"),
    ("handed_over", State(pick_pack="packed"), "not_arranged"),
    ("handed_over", State(stage="processed", pick_pack="packed"), None),
    ("handed_over", State("on_delivery", None, pick_pack="packed"), None),
    ("packed", State("on_delivery", None, pick_pack="picked"), "wrong_state"),
    ("picked", UNPAID, "unpaid"),
    ("picked", COMPLETED, "order_closed"),
    ("picked", CANCELLED, "order_cancelled"),
]


@pytest.mark.parametrize(("action", "state", "code"), TABLE)
def test_the_rules_of_each_action(action: str, state: State, code: str | None) -> None:
    assert refusal(action, state) == code


def test_an_operation_does_not_stumble_over_its_own_work() -> None:
    assert refusal("arrange_shipment", PROCESSING, is_ours=True) is None
    assert refusal("arrange_shipment", ASKED_TO_CANCEL, is_ours=True) == "cancellation_requested"


def test_the_desk_shows_every_action_and_one_step_of_packing() -> None:
    shown = next_actions(State(pick_pack="picked"), "en")

    assert [entry["action"] for entry in shown] == [
        "receive",
        "arrange_shipment",
        "mark_dispatched",
        "mark_delivered",
        "print_labels",
        "print_invoices",
        "print_packing_slips",
        "print_pick_list",
        "approve_cancellation",
        "reject_cancellation",
        "cancel",
        "hold",
        "release",
        "sync",
        "packed",
    ]
    assert shown[0] == {
        "action": "receive",
        "is_allowed": False,
        "code": "not_needed",
        "text": "Not needed for this order.",
    }
    assert shown[1] == {"action": "arrange_shipment", "is_allowed": True, "code": None, "text": None}


def test_only_channels_that_begin_with_receiving_offer_it() -> None:
    [with_step] = [one for one in next_actions(ORDERED, "id") if one["action"] == "receive"]
    [without] = [one for one in next_actions(WAITING, "id") if one["action"] == "receive"]

    assert with_step["is_allowed"] and not without["is_allowed"]
    assert without["text"] == "Tidak diperlukan untuk pesanan ini."


def test_every_refusal_can_be_told_everywhere() -> None:
    codes = {code for _, _, code in TABLE if code is not None} | {"not_needed"}

    assert codes <= TEXTS.keys()
    assert codes <= texts.TEXTS.keys()
