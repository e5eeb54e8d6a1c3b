"""The least every channel has."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from app.channels.contract.facts import ChannelFacts
from app.channels.contract.orders import ReadsOrders


@runtime_checkable
class Connector(ReadsOrders, Protocol):
    """The least every channel has; everything else is asked with isinstance."""

    facts: ChannelFacts


Connectors = Mapping[str, Connector]
"""By channel."""
