"""What a TikTok Shop call is, and the envelope of its answers."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from app.sandbox.engine import staleness
from app.sandbox.engine.gateway import Call
from app.sandbox.tiktok_shop.world import TIKTOK_SHOP, Order, Refused, Shop, World, channel_of


@dataclass
class TikTokCall(Call):
    """A signed call: parts of its path, its query, its body."""

    shop: Shop = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def size(self, most: int, default: int | None = None) -> int:
        """`page_size`. Raises Refused."""
        text = self.query.get("page_size", "" if default is None else str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise Refused(36009004, f"invalid param: page_size must be 1-{most}", 400)
        return int(text)

    def start(self) -> int:
        """Where the page begins, as an earlier page said. Raises Refused."""
        text = self.query.get("page_token", "")
        if not text:
            return 0
        number = text.rstrip("=").removeprefix("aBc+/")
        if not number.isdecimal():
            raise Refused(36009004, "invalid param: page_token", 400)
        return int(number)


Endpoint = Callable[[TikTokCall], Response]


def request_id() -> str:
    """Another one for every answer."""
    return f"20261122093000{secrets.token_hex(10).upper()}"


def page_token(start: int) -> str:
    """Opaque, and with everything in it that has to be encoded on the way."""
    return f"aBc+/{start}=="


@dataclass(frozen=True)
class Spec:
    """How a path is called. `operation` is the control API's word for it."""

    method: str
    operation: str
    endpoint: Endpoint
    has_cipher: bool = True


def success(data: dict[str, Any] | None = None) -> Response:
    """Empty parts are left out by whoever builds `data`."""
    return JSONResponse({"code": 0, "message": "Success", "request_id": request_id(), "data": data or {}})


def refusal(refused: Refused, headers: dict[str, str] | None = None) -> Response:
    """The verdict is the code."""
    told = {"code": refused.code, "message": refused.message, "request_id": request_id(), "data": None}
    return JSONResponse(told, status_code=refused.status, headers=headers)


def page(rows: list[Any], call: TikTokCall, size: int, name: str) -> dict[str, Any]:
    """A page of rows; without any the key is missing, as in reality."""
    start = call.start()
    if "duplicate_page" in call.strange:
        start = max(0, start - size)
    if "shifting_page" in call.strange:
        start += 1
    part = rows[start : start + size]
    told: dict[str, Any] = {name: part} if part else {}
    if start + size < len(rows):
        told["next_page_token"] = page_token(start + size)
    return {**told, "total_count": len(rows)}


def record(
    world: World,
    call: Call,
    order: Order | None,
    *,
    package: str | None = None,
    is_effective: bool,
    params: dict[str, Any],
) -> None:
    """A ledger row of the call's own operation, under the platform of its order."""
    world.engine.ledger.record(
        at=world.engine.clock.now(),
        channel=TIKTOK_SHOP if order is None else channel_of(order),
        operation=call.operation,
        is_effective=is_effective,
        call_id=call.id,
        order_number=None if order is None else order["id"],
        package_number=package,
        params=params,
    )


def lag(world: World, call: TikTokCall, order: Order) -> None:
    """Called right before the effect."""
    if "stale_read" in call.strange:
        staleness.remember(world.engine.clock, order, call.strange["stale_read"])
