"""Simulated TikTok Shop Partner API, which also serves Tokopedia, three ports after the control API."""

from app.sandbox.engine.core import Engine
from app.sandbox.tiktok_shop.simulator import TikTokShop


def build(engine: Engine) -> TikTokShop:
    """The simulator of this engine's world."""
    return TikTokShop(engine)
