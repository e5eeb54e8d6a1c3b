"""Lazada Open Platform, one channel."""

import httpx

from app.channels.limiter import Limiter
from app.connectors.lazada.client import Client
from app.connectors.lazada.connector import LazadaConnector
from app.connectors.lazada.settings import LazadaSettings


def build(http: httpx.AsyncClient, limiter: Limiter) -> tuple[LazadaConnector, ...]:
    """The connector, or nothing while no app is configured."""
    settings = LazadaSettings()
    if settings.app_key is None or settings.app_secret is None:
        return ()
    client = Client(
        http,
        limiter,
        base_url=settings.base_url,
        token_url=settings.effective_token_url,
        app_key=settings.app_key,
        app_secret=settings.app_secret.get_secret_value().strip(),
    )
    return (LazadaConnector(client, settings),)
