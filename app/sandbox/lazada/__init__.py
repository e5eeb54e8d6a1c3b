"""Simulated Lazada Open Platform (gateway, token gateway and consent page), two ports after the control API."""

from app.sandbox.engine.core import Engine
from app.sandbox.lazada.simulator import Lazada


def build(engine: Engine) -> Lazada:
    """The simulator of this engine's world."""
    return Lazada(engine)
