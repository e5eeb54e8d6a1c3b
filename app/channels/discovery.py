"""Finds connector folders; there is no list to edit."""

import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, cast

import httpx

from app.channels.contract import Connector, Connectors
from app.channels.limiter import Limiter


class ConnectorFolder(Protocol):
    """What `app/connectors/<api>/__init__.py` exports."""

    def build(self, http: httpx.AsyncClient, limiter: Limiter) -> tuple[Connector, ...]:
        """One connector per channel the API serves; reads its own settings from the environment."""
        ...


def load_connectors(package: ModuleType, http: httpx.AsyncClient, limiter: Limiter) -> Connectors:
    """Build every connector below `package`, by channel. Raises ValueError when two serve one channel."""
    connectors: dict[str, Connector] = {}
    for module in pkgutil.iter_modules(package.__path__):
        folder = cast(ConnectorFolder, importlib.import_module(f"{package.__name__}.{module.name}"))
        for connector in folder.build(http, limiter):
            if connector.facts.channel in connectors:
                raise ValueError(f"Two connectors serve the channel {connector.facts.channel}.")
            connectors[connector.facts.channel] = connector
    return connectors
