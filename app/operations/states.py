"""How the state of an operation follows from its items and parts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

FINAL_ITEM_STATES = frozenset({"succeeded", "skipped", "failed"})
FINISHED = frozenset({"succeeded", "failed", "partially_succeeded", "cancelled"})


@dataclass(frozen=True, slots=True)
class Tally:
    """Items by state.

    `good` counts successes and skips that were already done, `attended` unknowns that wait for a person.
    """

    by_state: Mapping[str, int]
    good: int
    attended: int

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    @property
    def open(self) -> int:
        """Items that still change by themselves."""
        unknown = self.by_state.get("unknown", 0) - self.attended
        return self.by_state.get("pending", 0) + self.by_state.get("running", 0) + unknown


def derive(
    tally: Tally, *, has_started: bool, is_cancelled: bool, open_parts: int, failed_parts: int, succeeded_parts: int
) -> str:
    """The state of an operation that is not a mere plan."""
    if tally.open or open_parts:
        untouched = tally.by_state.get("pending", 0) == tally.total and not (failed_parts or succeeded_parts)
        return "queued" if untouched and not has_started else "running"
    if is_cancelled:
        return "cancelled"
    good = tally.good + succeeded_parts
    bad = tally.total - tally.good + failed_parts
    if bad == 0:
        return "succeeded"
    return "partially_succeeded" if good else "failed"
