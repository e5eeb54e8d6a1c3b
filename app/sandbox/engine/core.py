"""The engine: one world for all simulators, and the protocol a simulator implements."""

import asyncio
import hashlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp

from app.sandbox.engine.clock import Clock
from app.sandbox.engine.faults import Faults
from app.sandbox.engine.ledger import Ledger
from app.sandbox.engine.store import Store

TICK_SECONDS = 0.1


class Impossible(Exception):
    """The order cannot get there from where it is (409)."""


class UnknownThing(Exception):
    """No such shop, order or channel (404)."""


class Simulator(Protocol):
    """One marketplace API on a port of its own. Each API folder exports `build(engine)`, which answers one.

    `channels`: which of ours it serves; every method below is told for which of them it is asked. Whatever is delayed
    goes through `Engine.later` and comes back to `apply_due`. Nothing here may wait, except for `send_push`.
    """

    channels: tuple[str, ...]
    port_offset: int
    app: ASGIApp

    def open_demo(self) -> None:
        """A first start is no empty desk; later ones find what is there."""

    def credentials(self, channel: str) -> dict[str, Any]:
        """What a third-party SDK needs; the tokens work."""

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        """Open an empty shop with tokens, in the shape of `credentials()["shops"]`."""

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        """As if the seller had just agreed: `{code}`."""

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        """`wish`: the body of the control call. Answers the order numbers."""

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        """The order in the control API's words, without any planned lag."""

    def advance(self, channel: str, number: str, to: str) -> None:
        """Walk the order there as buyer, courier or seller centre. Raises Impossible."""

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        """Push now. Raises Impossible without a URL."""

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        """Whether changes send pushes; without `url` the last one stays."""

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        """What `Engine.later` was asked for is due; the clock shows that moment. Things may be gone by now."""

    def reset(self) -> None:
        """Forget the orders; shops and credentials stay."""

    async def close(self) -> None:
        """Give connections back."""


@dataclass
class Engine:
    """Clock, store, ledger and faults of one sandbox process."""

    store: Store
    clock: Clock
    ledger: Ledger
    faults: Faults
    latency_seconds: float = 0.0
    has_rate_limit: bool = True
    seed: int = 0
    port: int = 9000
    simulators: dict[str, Simulator] = field(default_factory=dict)
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def open(cls, home: Path) -> "Engine":
        """The sandbox of this folder; a second start finds its world again. Raises FolderInUse."""
        store = Store(home)
        return cls(store=store, clock=Clock(store), ledger=Ledger(store), faults=Faults())

    def each_simulator(self) -> list[Simulator]:
        """Every one once, whatever the number of channels it serves."""
        return list({id(one): one for one in self.simulators.values()}.values())

    def random_for(self, *parts: object) -> random.Random:
        """Chance that is the same for the same words and seed."""
        seed = hashlib.sha256(repr((self.seed, *parts)).encode()).digest()
        return random.Random(seed)  # noqa: S311 (a repeatable world, no secret)

    def later(self, seconds: float, channel: str, kind: str, **args: Any) -> None:
        """Have the channel's simulator apply `kind` in so many seconds of sandbox time."""
        self.store.add_due(self.clock.now() + seconds, channel, kind, args)

    def apply_due(self) -> None:
        """Everything that became due, in order, each at its own moment. Cheap when nothing is."""
        until = self.clock.now()
        with self.store.transaction():
            while (due := self.store.take_due(until)) is not None:
                at, channel, kind, args = due
                with self.clock.at(at):
                    self.simulators[channel].apply_due(kind, args)

    async def tick_forever(self) -> None:
        """Apply what real time makes due."""
        while True:
            self.apply_due()
            await asyncio.sleep(TICK_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def end_tasks(self) -> None:
        """Stop what was spawned, while the store still takes what is left to do."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
