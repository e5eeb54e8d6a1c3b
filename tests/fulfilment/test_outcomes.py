"""An item's state follows from its packages."""

import pytest

from app.fulfilment.outcomes import derive_item, package_entry


def entries(*states: tuple[str, str | None]) -> list[dict[str, object]]:
    return [package_entry(str(n), f"OFG{n}", state, code) for n, (state, code) in enumerate(states)]


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ([("succeeded", None), ("running", None)], ("running", None)),
        ([("succeeded", None), ("unknown", "effect_unknown")], ("unknown", "effect_unknown")),
        ([("unknown", "effect_unknown"), ("failed", "slot_unavailable")], ("unknown", "effect_unknown")),
        ([("succeeded", None), ("failed", "slot_unavailable")], ("failed", "slot_unavailable")),
        ([("succeeded", None), ("skipped", "already_done")], ("succeeded", None)),
        ([("skipped", "already_done"), ("skipped", "already_done")], ("skipped", "already_done")),
        ([("skipped", "already_done"), ("skipped", "already_in_progress")], ("skipped", "already_in_progress")),
        ([("succeeded", None), ("skipped", "already_in_progress")], ("failed", "already_in_progress")),
    ],
)
def test_an_item_succeeds_only_if_each_of_its_packages_did(
    packages: list[tuple[str, str | None]], expected: tuple[str, str | None]
) -> None:
    assert derive_item(entries(*packages)) == expected
