"""How an item's state follows from its packages. Pure."""

from collections.abc import Sequence
from typing import Any

_FOR_GOOD = frozenset({"order_cancelled", "fulfilled_by_channel", "handled_by_booking"})
"""Failures that no second try can mend."""


def derive_item(packages: Sequence[dict[str, Any]]) -> tuple[str, str | None]:
    """State and code of an item with these package entries. An item succeeds only if each of its packages did."""
    states = [package["state"] for package in packages]
    if any(state in ("pending", "running") for state in states):
        return "running", None
    if "unknown" in states:
        return "unknown", "effect_unknown"
    bad = next((package for package in packages if package["state"] == "failed"), None)
    if bad is not None:
        return "failed", bad["code"]
    left = next((one for one in packages if one["state"] == "skipped" and one["code"] != "already_done"), None)
    if left is not None:
        return "failed" if "succeeded" in states else "skipped", left["code"]
    if all(state == "skipped" for state in states):
        return "skipped", packages[0]["code"]
    return "succeeded", None


def is_retryable(state: str, code: str | None) -> bool:
    """Whether a second try of a failed item may go better."""
    return state == "failed" and code not in _FOR_GOOD


def package_entry(
    package_id: str, package_number: str, state: str, code: str | None = None, tracking_number: str | None = None
) -> dict[str, Any]:
    """One package of an item as it is stored."""
    return {
        "id": package_id,
        "package_number": package_number,
        "state": state,
        "tracking_number": tracking_number,
        "code": code,
    }
