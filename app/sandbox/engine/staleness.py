"""The `stale_read` fault: reads show an order as it was before a write, for a while."""

import copy
from typing import Any

from app.sandbox.engine.clock import Clock


def seen(clock: Clock, order: dict[str, Any]) -> dict[str, Any]:
    """The order as reads show it now."""
    stale = order.get("stale")
    if stale is not None and clock.now() < stale["until"]:
        return dict(stale["view"])
    return order


def remember(clock: Clock, order: dict[str, Any], milliseconds: int) -> None:
    """Reads lag behind the write that follows."""
    view = copy.deepcopy({key: value for key, value in seen(clock, order).items() if key != "stale"})
    order["stale"] = {"until": clock.now() + milliseconds / 1000, "view": view}
