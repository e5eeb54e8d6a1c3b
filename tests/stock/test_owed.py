"""What a line owes: whatever happens to the order, in whatever order it is heard, one change puts it right."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from app.stock import owed

STATES = [
    ("unpaid", None),
    ("ordered", None),
    ("ready_to_ship", "to_process"),
    ("ready_to_ship", "processing"),
    ("ready_to_ship", "processed"),
    ("on_delivery", None),
    ("completed", None),
    ("cancelled", None),
]
GONE = (("ready_to_ship", "processed"), ("on_delivery", None), ("completed", None))


@dataclass
class Moved:
    kind: str
    quantity: int
    on_hand_change: int
    reserved_change: int


@given(
    st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 5)), min_size=1, max_size=12),
    st.integers(0, 12),
)
def test_any_history_sums_to_what_the_order_owes_now(
    history: list[tuple[tuple[str, str | None], int]], on_hand: int
) -> None:
    before: list[Moved] = []
    initial = on_hand
    for (status, stage), quantity in history:
        change = owed.due(status, stage, quantity, before, is_counted_after=True)
        if change is not None:
            taken = min(change.take, on_hand)
            on_hand -= taken
            before.append(Moved(change.kind, change.quantity, -taken, change.reserved_change))
        assert owed.due(status, stage, quantity, before, is_counted_after=True) is None, "one change is enough"
        assert on_hand >= 0
        if not before:
            continue
        reserved = sum(one.reserved_change for one in before)
        deducted = sum({"deduct": 1, "restock": -1}.get(one.kind, 0) * one.quantity for one in before)
        is_gone = (status, stage) in GONE
        is_over = status == "cancelled"
        assert reserved == (0 if is_gone or is_over else quantity)
        assert deducted == (quantity if is_gone else 0)
        assert initial - on_hand == -sum(one.on_hand_change for one in before) >= 0
        if not is_gone:
            assert on_hand == initial, "what never left is all there"


def test_an_order_that_was_completed_before_anybody_looked_is_history() -> None:
    assert owed.due("completed", None, 3, [], is_counted_after=True) is None
    assert owed.due("completed", None, 3, [], is_counted_after=False) == owed.Change("deduct", 3, take=3)
    assert owed.due("on_delivery", None, 3, [], is_counted_after=True) == owed.Change("deduct", 3, take=3)
