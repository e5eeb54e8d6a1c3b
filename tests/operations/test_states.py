"""The state of an operation follows from its items."""

from typing import Any

import pytest

from app.operations.states import Tally, derive


def state(by_state: dict[str, int], good: int, *, attended: int = 0, **more: Any) -> str:
    settings: dict[str, Any] = {
        "has_started": True,
        "is_cancelled": False,
        "open_parts": 0,
        "failed_parts": 0,
        "succeeded_parts": 0,
        **more,
    }
    return derive(Tally(by_state, good, attended), **settings)


@pytest.mark.parametrize(
    ("by_state", "good", "expected"),
    [
        ({"pending": 3}, 0, "running"),
        ({"succeeded": 2, "unknown": 1}, 2, "running"),
        ({"succeeded": 3}, 3, "succeeded"),
        ({"succeeded": 2, "skipped": 1}, 3, "succeeded"),
        ({"succeeded": 2, "skipped": 1}, 2, "partially_succeeded"),
        ({"failed": 3}, 0, "failed"),
        ({"skipped": 2, "failed": 1}, 0, "failed"),
    ],
)
def test_all_good_succeeds_none_good_fails(by_state: dict[str, int], good: int, expected: str) -> None:
    assert state(by_state, good) == expected


def test_nothing_begun_is_queued() -> None:
    assert state({"pending": 3}, 0, has_started=False) == "queued"


def test_an_unknown_that_asks_for_a_person_no_longer_holds_the_operation_open() -> None:
    assert state({"succeeded": 2, "unknown": 1}, 2, attended=1) == "partially_succeeded"


def test_open_parts_hold_it_open_and_failed_ones_count() -> None:
    assert state({"succeeded": 2}, 2, open_parts=1) == "running"
    assert state({}, 0, succeeded_parts=2, failed_parts=1) == "partially_succeeded"
    assert state({}, 0, failed_parts=1) == "failed"
    assert state({}, 0, succeeded_parts=1) == "succeeded"


def test_cancelled_once_what_ran_has_ended() -> None:
    assert state({"running": 1, "skipped": 4}, 0, is_cancelled=True) == "running"
    assert state({"succeeded": 1, "skipped": 4}, 1, is_cancelled=True) == "cancelled"
