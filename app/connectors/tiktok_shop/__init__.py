"""TikTok Shop Partner API: one API and one consent, two channels (TikTok Shop and Tokopedia)."""

import httpx

from app.channels.limiter import Limiter
from app.connectors.tiktok_shop.client import Client
from app.connectors.tiktok_shop.connector import TikTokShopConnector
from app.connectors.tiktok_shop.facts import TIKTOK_SHOP, TOKOPEDIA, build_facts
from app.connectors.tiktok_shop.settings import TikTokShopSettings


def build(http: httpx.AsyncClient, limiter: Limiter) -> tuple[TikTokShopConnector, ...]:
    """A connector for each of the two channels, or nothing while no app is configured."""
    settings = TikTokShopSettings()
    if settings.app_key is None or settings.app_secret is None:
        return ()
    client = Client(
        http,
        limiter,
        base_url=settings.base_url,
        token_url=settings.effective_token_url,
        app_key=settings.app_key,
        app_secret=settings.app_secret.get_secret_value(),
    )
    return tuple(
        TikTokShopConnector(client, settings, build_facts(settings, channel)) for channel in (TIKTOK_SHOP, TOKOPEDIA)
    )
