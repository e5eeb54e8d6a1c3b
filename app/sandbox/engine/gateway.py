"""One call at a simulated marketplace: latency, planned faults around the effect, the answer or its loss."""

import asyncio
import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from app.sandbox.engine.core import Engine

HOLD_SECONDS = 60.0


@dataclass
class Call:
    """What a handler needs to know. `strange` holds the fault modes that change what it does."""

    operation: str
    channels: frozenset[str]
    order_numbers: frozenset[str]
    strange: dict[str, int] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


Handler = Callable[[Call], Response]


async def perform(
    engine: Engine,
    request: Request,
    call: Call,
    handler: Handler,
    *,
    throttled: Callable[[], Response],
    revoked: Callable[[], Response],
    late: dict[str, Any],
) -> Response:
    """Run the handler with whatever is planned for this call.

    `throttled` and `revoked` answer as the marketplace does. `late` is what its simulator is handed as `late_call` when
    the effect comes after the caller gave up; `late_call` must be safe when the order is gone.
    """
    if engine.latency_seconds:
        await asyncio.sleep(engine.latency_seconds)
    engine.ledger.count_call(call.channels, call.operation, call.order_numbers)
    struck = engine.faults.take(call.channels, call.operation, call.order_numbers)
    if "late_effect" in struck:
        answer = await _hold(engine, request)
        engine.later(
            struck["late_effect"] / 1000, min(call.channels), "late_call", strange=struck, **copy.deepcopy(late)
        )
        return answer
    refusals = {"throttle": throttled, "error_before": _server_error, "revoke_token": revoked}
    for mode, refuse in refusals.items():
        if mode in struck:
            return refuse()
    if "timeout_before" in struck:
        return await _hold(engine, request)
    call.strange = struck
    engine.apply_due()  # what fell due before this call happened before it
    with engine.store.transaction():
        answer = handler(call)
    return await _lose(engine, request, struck, answer)


async def _lose(engine: Engine, request: Request, struck: dict[str, int], answer: Response) -> Response:
    if "timeout_after" in struck:
        return await _hold(engine, request)
    if "slow" in struck:
        await asyncio.sleep(struck["slow"] / 1000)
    if "error_after" in struck:
        return _server_error()
    if "disconnect" in struck or "rotate_then_drop" in struck:
        return Dropped()
    if "malformed" in struck:
        return Response(b'{"error": "", "response": {{{ <html>', media_type="application/json")
    return _cut_short(answer) if "truncated" in struck else answer


def _cut_short(answer: Response) -> Response:
    body = bytes(answer.body)
    if answer.media_type == "application/pdf":  # the transfer ends cleanly, the file does not
        return Response(body[: len(body) // 2], media_type=answer.media_type)
    return Truncated(body, status_code=answer.status_code, media_type="application/json")


async def _hold(engine: Engine, request: Request) -> Response:
    """No answer: until the client goes away, at most a minute."""
    gone = asyncio.ensure_future(_wait_for_disconnect(request.receive))
    stopping = asyncio.ensure_future(engine.stopping.wait())
    waiting = {gone, stopping}
    try:
        await asyncio.wait(waiting, timeout=HOLD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return Dropped()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _server_error() -> Response:
    return PlainTextResponse("Internal Server Error", status_code=500)


class Dropped(Response):
    """No answer at all: the socket closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"]["plugosync.close"]["close"]()
        await _wait_for_disconnect(receive)


class Truncated(Response):
    """Announces the whole body, sends half of it and closes the socket."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["extensions"]["plugosync.close"]["close"]()
        await _wait_for_disconnect(receive)
