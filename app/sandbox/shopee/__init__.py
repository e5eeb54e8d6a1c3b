"""Simulated Shopee Open Platform API v2, on the port after the control API."""

from app.sandbox.engine.core import Engine
from app.sandbox.shopee.simulator import Shopee


def build(engine: Engine) -> Shopee:
    """The simulator of this engine's world."""
    return Shopee(engine)
