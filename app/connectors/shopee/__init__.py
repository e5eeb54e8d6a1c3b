"""Shopee (Open Platform API v2), one channel."""

import httpx

from app.channels.limiter import Limiter
from app.connectors.shopee.client import Client
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.settings import ShopeeSettings


def build(http: httpx.AsyncClient, limiter: Limiter) -> tuple[ShopeeConnector, ...]:
    """The connector, or nothing while no app is configured."""
    settings = ShopeeSettings()
    if settings.partner_id is None or settings.partner_key is None:
        return ()
    client = Client(
        http,
        limiter,
        base_url=settings.base_url,
        partner_id=settings.partner_id,
        partner_key=settings.partner_key.get_secret_value(),
    )
    return (ShopeeConnector(client, settings),)
