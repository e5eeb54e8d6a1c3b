"""The marketplaces' clock: wall time plus an offset that only grows."""

import time
from email.utils import formatdate

from app.sandbox.engine.store import Store


class Clock:
    """Sandbox time in Unix seconds. While something due is applied, it shows the moment it was due."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset = float(store.load("clock").get("offset", 0.0))
        self._applying: float | None = None

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._applying if self._applying is not None else time.time() + self.offset

    def seconds(self) -> int:
        """Whole seconds, as the marketplaces' APIs use them."""
        return int(self.now())

    def advance(self, seconds: float) -> None:
        """Let time pass. Never backwards."""
        self.offset += seconds
        self._store.put("clock", "offset", self.offset)

    def at(self, moment: float | None) -> None:
        """Show `moment` until called with None."""
        self._applying = moment

    def http_date(self) -> str:
        """For the Date header."""
        return formatdate(self.now(), usegmt=True)
