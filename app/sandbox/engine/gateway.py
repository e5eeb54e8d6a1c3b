"""One call at a simulated marketplace: latency, planned faults around the effect, the answer or its loss."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.sandbox.engine.core import Engine

_HOLD_SECONDS = 60.0


@dataclass
class Call:
    """What a handler needs to know. `strange` holds the fault modes that change what it does."""

    operation: str
    channels: frozenset[str]
    order_numbers: frozenset[str]
    strange: dict[str, int] = field(default_factory=dict)


Handler = Callable[[Call], Response]


async def perform(
    engine: Engine,
    request: Request,
    call: Call,
    handler: Handler,
    *,
    throttled: Callable[[], Response],
    revoke: Callable[[], Response],
    late: dict[str, Any],
) -> Response:
    """Run the handler with whatever is planned for this call. `late` is what a late effect re-plays."""
    for number in call.order_numbers or {""}:
        for channel in call.channels:
            engine.store.count_call(channel, call.operation, number)
            if number:
                engine.store.count_call(channel, call.operation, "")
    if engine.latency_seconds:
        await asyncio.sleep(engine.latency_seconds)
    struck = engine.faults.take(call.channels, call.operation, call.order_numbers)
    if "late_effect" in struck:
        answer = await _hold(request)
        delay = struck.pop("late_effect")
        engine.later(delay / 1000, next(iter(call.channels)), "late_call", strange=struck, **copy.deepcopy(late))
        return answer
    without_effect = {
        "throttle": throttled,
        "error_before": _server_error,
        "revoke_token": revoke,
    }
    for mode, refuse in without_effect.items():
        if mode in struck:
            return refuse()
    if "timeout_before" in struck:
        return await _hold(request)
    call.strange = struck
    return await _lose_answer(request, struck, handler(call))


async def _lose_answer(request: Request, struck: dict[str, int], answer: Response) -> Response:
    if "timeout_after" in struck:
        return await _hold(request)
    if "slow" in struck:
        await asyncio.sleep(struck["slow"] / 1000)
    if "error_after" in struck:
        return _server_error()
    if "disconnect" in struck or "rotate_then_drop" in struck:
        return Cut(b"", 0)
    if "malformed" in struck:
        return Response(b'{"error": "", "response": {{{ <html>', media_type="application/json")
    return _cut_short(answer) if "truncated" in struck else answer


def _cut_short(answer: Response) -> Response:
    body = bytes(answer.body)
    if answer.media_type == "application/pdf":  # the transfer ends cleanly, the file does not
        return Response(body[: len(body) // 2], media_type="application/pdf")
    return Cut(body[: len(body) // 2], len(body))


async def _hold(request: Request) -> Response:
    """No answer: until the client goes away, at most a minute."""
    for _ in range(int(_HOLD_SECONDS / 0.02)):
        if await request.is_disconnected():
            break
        await asyncio.sleep(0.02)
    return Cut(b"", 0)


def _server_error() -> Response:
    return PlainTextResponse("Internal Server Error", status_code=500)


class Cut(Response):
    """Announces `whole` bytes, sends fewer and closes the socket."""

    def __init__(self, part: bytes, whole: int) -> None:
        super().__init__(part, media_type="application/json")
        self._whole = whole

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.body:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(self._whole).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
            await asyncio.sleep(0.01)
        scope["extensions"]["plugosync.transport"]["close"]()
