"""Simulated PlugoStore: WooCommerce REST shops (wc/v3), each in a folder of the fourth port after the control API."""

from app.sandbox.engine.core import Engine
from app.sandbox.plugo_store.simulator import PlugoStore


def build(engine: Engine) -> PlugoStore:
    """The simulator of this engine's world."""
    return PlugoStore(engine)
