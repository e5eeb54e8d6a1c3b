"""What is planned to go wrong, and with which calls."""

import random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Operation = Literal[
    "receive", "ship", "cancel", "answer_cancellation", "update_stock", "create_label", "add_tracking", "dispatch",
    "deliver", "token_refresh",
    "list_orders", "get_order", "shipping_options", "get_label", "download_label", "get_tracking", "list_listings", "*",
]  # fmt: skip
Mode = Literal[
    "timeout_before", "timeout_after", "late_effect", "error_before", "error_after", "throttle", "slow", "malformed",
    "truncated", "disconnect", "omit_item", "stale_read", "accept_duplicates", "duplicate_page", "shifting_page",
    "revoke_token", "rotate_then_drop",
]  # fmt: skip
_LISTS = frozenset({"list_orders", "list_listings"})
_ORDER_WRITES = frozenset(
    {"receive", "ship", "cancel", "answer_cancellation", "add_tracking", "dispatch", "deliver", "update_stock"}
)
_ONLY: dict[str, frozenset[str]] = {
    "stale_read": _ORDER_WRITES,
    "accept_duplicates": frozenset({"receive", "ship"}),
    "duplicate_page": _LISTS,
    "shifting_page": _LISTS,
    "rotate_then_drop": frozenset({"token_refresh"}),
}
"""Modes that mean something for these operations only; with `*` they pass over all others."""


class NewFault(BaseModel):
    """A fault as the control API takes it. Neither `probability` nor `times` means once."""

    model_config = ConfigDict(extra="forbid")
    channel: str
    operation: Operation
    mode: Mode
    probability: float | None = Field(default=None, ge=0, le=1)
    times: int | None = Field(default=None, ge=1)
    seed: int = 0
    delay_ms: int = Field(default=0, ge=0, le=30 * 86_400_000)
    order_number: str | None = None

    @field_validator("mode")
    @classmethod
    def _fits_the_operation(cls, mode: str, info: ValidationInfo) -> str:
        operation = info.data.get("operation", "*")
        if operation != "*" and operation not in _ONLY.get(mode, {operation}):
            raise ValueError(f"{mode} goes with {', '.join(sorted(_ONLY[mode]))} or * only")
        return mode


class _Planned:
    def __init__(self, id: str, wish: NewFault) -> None:
        self.id = id
        self.wish = wish
        self.injected = 0
        self._random = random.Random(wish.seed)  # noqa: S311 (chance on request, repeatable by seed)

    def strikes(self, channels: frozenset[str], operation: str, order_numbers: frozenset[str]) -> bool:
        wish = self.wish
        if wish.channel not in channels or wish.operation not in (operation, "*"):
            return False
        if operation not in _ONLY.get(wish.mode, {operation}):
            return False
        if wish.order_number is not None and wish.order_number not in order_numbers:
            return False
        limit = wish.times if wish.times is not None or wish.probability is not None else 1
        if limit is not None and self.injected >= limit:
            return False
        if wish.probability is not None and self._random.random() >= wish.probability:
            return False
        self.injected += 1
        return True


class Faults:
    """All planned faults; they stack."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._next = 0

    def add(self, wish: NewFault) -> str:
        """Plan one. Answers its id."""
        self._next += 1
        self._planned.append(_Planned(f"flt_{self._next}", wish))
        return self._planned[-1].id

    def list(self) -> list[dict[str, Any]]:
        """All of them with how often they struck."""
        return [{"id": one.id, **one.wish.model_dump(), "injected": one.injected} for one in self._planned]

    def clear(self) -> None:
        """Everything works again; late effects already on their way still come."""
        self._planned.clear()

    def take(self, channels: frozenset[str], operation: str, order_numbers: frozenset[str]) -> dict[str, int]:
        """Modes that strike this call, with their delay in milliseconds."""
        return {
            one.wish.mode: one.wish.delay_ms for one in self._planned if one.strikes(channels, operation, order_numbers)
        }
