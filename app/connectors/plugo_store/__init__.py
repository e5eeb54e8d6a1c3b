"""PlugoStore: the merchant's own store, over the contract of WooCommerce (REST wc/v3). Any WooCommerce shop will do."""

import httpx

from app.channels.limiter import Limiter
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.connector import PlugoStoreConnector
from app.connectors.plugo_store.settings import PlugoStoreSettings


def build(http: httpx.AsyncClient, limiter: Limiter) -> tuple[PlugoStoreConnector, ...]:
    """The connector, or nothing while there is no secret to sign webhooks with."""
    settings = PlugoStoreSettings()
    if settings.push_secret is None:
        return ()
    return (PlugoStoreConnector(Client(http, limiter, settings), settings),)
