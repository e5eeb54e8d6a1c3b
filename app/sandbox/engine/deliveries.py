"""Sends pushes: each is tried again on the sandbox clock until somebody takes it or the marketplace gives up."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from app.sandbox.engine.core import Engine, Impossible

AT_ONCE = 20


@dataclass(frozen=True)
class Letter:
    """What goes over the wire."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Message = dict[str, Any]
Render = Callable[[Message], Letter]


class Deliveries:
    """One marketplace's pushes. `render` signs a message at the moment it is sent."""

    def __init__(
        self,
        engine: Engine,
        channel: str,
        render: Render,
        *,
        timeout_seconds: float,
        retries: Sequence[int],
    ) -> None:
        self._engine = engine
        self._channel = channel
        self._render = render
        self._retries = retries
        self.config: dict[str, Any] = {
            "enabled": True,
            "url": None,
            **engine.store.load(f"{channel}.push").get("config", {}),
        }
        self._http = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)
        self._slots = asyncio.Semaphore(AT_ONCE)  # thousands may wait here; the client's own pool would crawl

    def configure(self, *, enabled: bool, url: str | None) -> None:
        """Whether changes send pushes, and where to; without `url` the last one stays."""
        self.config |= {"enabled": enabled, **({} if url is None else {"url": url})}
        self._engine.store.put(f"{self._channel}.push", "config", self.config)

    def queue(self, message: Message) -> None:
        """Send it soon. Switched off, or with nobody to send to, changes send none."""
        if self.config["enabled"] and (self.config["url"] or message.get("url")):
            self._engine.spawn(self._deliver(message, 0))

    def again(self, message: Message, attempt: int) -> None:
        """The next try, due now; none when pushes were switched off meanwhile."""
        if self.config["enabled"]:
            self._engine.spawn(self._deliver(message, attempt))

    async def send(self, message: Message, *, tamper: Callable[[Letter], Letter] = lambda letter: letter) -> bool:
        """One try, whatever the switch says; True when it was taken. Raises Impossible without a URL."""
        if not (message.get("url") or self.config["url"]):
            raise Impossible(f"Nobody said where pushes go: POST /_control/{self._channel}/pushes first.")
        letter = tamper(self._render({**message, "url": message.get("url") or self.config["url"]}))
        try:
            async with self._slots:
                answer = await self._http.post(letter.url, content=letter.body, headers=dict(letter.headers))
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success

    async def close(self) -> None:
        """Give connections back."""
        await self._http.aclose()

    async def _deliver(self, message: Message, attempt: int) -> None:
        is_taken = False
        try:
            is_taken = await self.send(message)
        finally:  # a sandbox that is told to stop meanwhile tries again after its next start
            if not is_taken and attempt < len(self._retries):
                self._engine.later(self._retries[attempt], self._channel, "push", message=message, attempt=attempt + 1)
