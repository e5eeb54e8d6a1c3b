"""Warung, the smallest marketplace there can be: bearer tokens, JSON, one package per order."""

from app.sandbox.warung.simulator import Warung

from app.sandbox.engine.core import Engine


def build(engine: Engine) -> Warung:
    """The simulator of this engine's world."""
    return Warung(engine)
