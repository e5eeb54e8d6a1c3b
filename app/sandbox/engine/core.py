"""The engine: one world for all simulators, and the protocol a simulator implements."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp

from app.sandbox.engine.clock import Clock
from app.sandbox.engine.faults import Faults
from app.sandbox.engine.store import Store


class Impossible(Exception):
    """The order cannot get there from where it is (409)."""


class UnknownThing(Exception):
    """No such shop or order (404)."""


class Simulator(Protocol):
    """One marketplace API. `channels`: which of ours it serves."""

    channels: tuple[str, ...]
    port_offset: int
    app: ASGIApp

    def credentials(self, channel: str) -> dict[str, Any]: ...

    def add_shop(self, channel: str, name: str) -> dict[str, Any]: ...

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]: ...

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]: ...

    def truth(self, channel: str, number: str) -> dict[str, Any]: ...

    def advance(self, channel: str, number: str, to: str) -> None: ...

    async def send_push(self, channel: str, number: str, mode: str) -> None: ...

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None: ...

    def apply_due(self, kind: str, args: dict[str, Any]) -> None: ...

    def reset(self) -> None: ...


@dataclass
class Engine:
    """Clock, store and faults of one sandbox process."""

    store: Store
    clock: Clock
    faults: Faults
    latency_seconds: float = 0.0
    has_rate_limit: bool = True
    seed: int = 0
    port: int = 9000
    simulators: dict[str, Simulator] = field(default_factory=dict)
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    @classmethod
    def open(cls, home: Path) -> "Engine":
        """The sandbox of this folder; a second start finds its world again."""
        store = Store(home)
        return cls(store=store, clock=Clock(store), faults=Faults())

    def later(self, seconds: float, channel: str, kind: str, **args: Any) -> None:
        """Have the channel's simulator apply `kind` in so many seconds of sandbox time."""
        self.store.add_due(self.clock.now() + seconds, channel, kind, args)

    def apply_due(self) -> None:
        """Everything that became due, in order, each at its own moment."""
        while (due := self.store.take_due(self.clock.now())) is not None:
            at, channel, kind, args = due
            self.clock.at(at)
            try:
                self.simulators[channel].apply_due(kind, args)
            finally:
                self.clock.at(None)

    async def tick_forever(self) -> None:
        """Apply what real time makes due."""
        while True:
            self.apply_due()
            await asyncio.sleep(0.1)

    def spawn(self, work: Any) -> None:
        """Run a coroutine beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
