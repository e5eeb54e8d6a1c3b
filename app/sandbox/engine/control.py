"""The control API: buyer, courier, seller centre and saboteur."""

import functools
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.sandbox.engine.core import Engine, Impossible, Simulator, UnknownThing
from app.sandbox.engine.faults import NewFault
from app.sandbox.engine.requests import Advance, Consent, NewOrders, NewShop, Passing, Push, Pushes


def rfc3339(seconds: float) -> str:
    """UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Desk:
    """Answers control calls with the engine and its simulators."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def simulator(self, channel: str) -> Simulator:
        """Raises UnknownThing."""
        simulators = self.engine.simulators
        if channel not in simulators:
            raise UnknownThing(f"No channel {channel} is simulated here; there are {sorted(simulators)}.")
        return simulators[channel]

    def credentials(self) -> dict[str, Any]:
        return {channel: one.credentials(channel) for channel, one in self.engine.simulators.items()}

    def add_shop(self, channel: str, body: NewShop) -> dict[str, Any]:
        return self.simulator(channel).add_shop(channel, body.name)

    def consent(self, channel: str, body: Consent) -> dict[str, Any]:
        return self.simulator(channel).consent(channel, str(body.shop_id))

    def place_orders(self, channel: str, body: NewOrders) -> dict[str, Any]:
        return {"order_numbers": self.simulator(channel).place_orders(channel, body.model_dump())}

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        return self.simulator(channel).truth(channel, number)

    def advance(self, channel: str, number: str, body: Advance) -> dict[str, Any]:
        self.simulator(channel).advance(channel, number, body.to)
        return self.simulator(channel).truth(channel, number)

    async def push(self, channel: str, body: Push) -> dict[str, Any]:
        await self.simulator(channel).send_push(channel, body.order_number, body.mode)
        return {"sent": True}

    def pushes(self, channel: str, body: Pushes) -> dict[str, Any]:
        self.simulator(channel).set_pushes(channel, body.enabled, body.url)
        return {"enabled": body.enabled, "url": body.url}

    def plan_fault(self, body: NewFault) -> dict[str, str]:
        self.simulator(body.channel)
        return {"id": self.engine.faults.add(body)}

    def list_faults(self) -> dict[str, Any]:
        return {"data": self.engine.faults.list()}

    def clear_faults(self) -> dict[str, Any]:
        self.engine.faults.clear()
        return {"data": []}

    def read_clock(self) -> dict[str, Any]:
        return {"now": rfc3339(self.engine.clock.now()), "offset_seconds": self.engine.clock.offset}

    def advance_clock(self, body: Passing) -> dict[str, Any]:
        self.engine.clock.advance(body.advance_seconds)
        self.engine.apply_due()
        return self.read_clock()

    def ledger(
        self, channel: str | None = None, order_number: str | None = None, operation: str | None = None
    ) -> dict[str, Any]:
        rows = self.engine.ledger.list_rows(channel, order_number, operation)
        return {"data": [{**row, "at": rfc3339(row["at"])} for row in rows]}

    def calls(
        self, channel: str | None = None, operation: str | None = None, order_number: str | None = None
    ) -> dict[str, Any]:
        return {"data": self.engine.ledger.list_calls(channel, operation, order_number)}

    def reset(self) -> dict[str, Any]:
        self.engine.faults.clear()
        self.engine.ledger.clear()
        self.engine.store.clear_due()
        for one in self.engine.each_simulator():
            one.reset()
        return {"reset": True}


def build_control(engine: Engine) -> FastAPI:
    """The ASGI app on the sandbox's own port. Everything runs on the one event loop that owns the world."""
    app = FastAPI(
        title="PlugoSync sandbox control", openapi_url="/_control/openapi.json", docs_url=None, redoc_url=None
    )
    app.add_exception_handler(UnknownThing, _answer_unknown)
    app.add_exception_handler(Impossible, _answer_impossible)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    desk = Desk(engine)
    routes: list[tuple[str, str, Callable[..., Any], int]] = [
        ("GET", "credentials", desk.credentials, 200),
        ("POST", "faults", desk.plan_fault, 201),
        ("GET", "faults", desk.list_faults, 200),
        ("DELETE", "faults", desk.clear_faults, 200),
        ("GET", "clock", desk.read_clock, 200),
        ("POST", "clock", desk.advance_clock, 200),
        ("GET", "ledger", desk.ledger, 200),
        ("GET", "calls", desk.calls, 200),
        ("POST", "reset", desk.reset, 200),
        ("POST", "{channel}/shops", desk.add_shop, 201),
        ("POST", "{channel}/consent", desk.consent, 200),
        ("POST", "{channel}/orders", desk.place_orders, 201),
        ("GET", "{channel}/orders/{number}", desk.truth, 200),
        ("POST", "{channel}/orders/{number}/advance", desk.advance, 200),
        ("POST", "{channel}/push", desk.push, 200),
        ("POST", "{channel}/pushes", desk.pushes, 200),
    ]
    for method, path, endpoint, status in routes:
        app.add_api_route(f"/_control/{path}", _on_the_loop(engine, endpoint), methods=[method], status_code=status)
    return app


def _on_the_loop(engine: Engine, endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """FastAPI runs plain functions in threads; the world belongs to the event loop's thread alone."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @functools.wraps(endpoint)
    async def run(*args: Any, **kwargs: Any) -> Any:
        engine.apply_due()
        with engine.store.transaction():
            return endpoint(*args, **kwargs)

    return run


async def _answer_unknown(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)


async def _answer_impossible(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=409)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [{"field": ".".join(map(str, one["loc"])), "detail": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": "The request is wrong.", "errors": problems}, status_code=422)
