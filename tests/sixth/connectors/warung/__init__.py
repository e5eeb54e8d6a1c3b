"""Warung, one channel that can be connected, read and shipped at. Nothing else."""

import os

import httpx
from app.connectors.warung.connector import WarungConnector

from app.channels.limiter import Limiter


def build(http: httpx.AsyncClient, limiter: Limiter) -> tuple[WarungConnector, ...]:
    """The connector, or nothing while no app is configured."""
    base_url, secret = os.environ.get("PLUGOSYNC_WARUNG_BASE_URL"), os.environ.get("PLUGOSYNC_WARUNG_APP_SECRET")
    return (WarungConnector(http, limiter, base_url, secret),) if base_url and secret else ()
