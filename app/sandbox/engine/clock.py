"""The marketplaces' clock: wall time plus an offset that only grows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

from app.sandbox.engine.store import Store


class Clock:
    """Sandbox time in Unix seconds. While something due is applied, it shows the moment it was due."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset = float(store.load("clock").get("offset", 0.0))
        self._latest = 0.0
        self._applying: float | None = None

    def now(self) -> float:
        """Seconds since the epoch; a wall clock that is set back does not take sandbox time with it."""
        if self._applying is not None:
            return self._applying
        self._latest = max(self._latest, time.time() + self.offset)
        return self._latest

    def seconds(self) -> int:
        """Whole seconds, as the marketplaces' APIs use them."""
        return int(self.now())

    def advance(self, seconds: float) -> None:
        """Let time pass. Never backwards."""
        assert seconds >= 0, "the clock never goes back"
        self.offset += seconds
        self._store.put("clock", "offset", self.offset)

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Show `moment` meanwhile: for what was due then, and for a world that has a past."""
        before, self._applying = self._applying, moment
        try:
            yield
        finally:
            self._applying = before

    def http_date(self) -> str:
        """For the Date header."""
        return formatdate(self.now(), usegmt=True)
