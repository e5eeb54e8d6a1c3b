"""Simulated Shopee Open Platform API v2, on the port after the control API."""

from app.sandbox.engine.core import Engine
from app.sandbox.shopee.simulator import Shopee


def build(engine: Engine) -> Shopee:
    """The simulator; a first start opens two shops with orders in every state."""
    return Shopee(engine)
