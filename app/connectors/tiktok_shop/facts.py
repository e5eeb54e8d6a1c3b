"""What the two channels of the API are like."""

from datetime import timedelta

from app.channels.contract import ChannelFacts, Rate
from app.connectors.tiktok_shop.settings import TikTokShopSettings

TIKTOK_SHOP, TOKOPEDIA = "tiktok_shop", "tokopedia"
API = "tiktok_shop"
DETAIL_BATCH = 50
SHIP_BATCH = 20
RATES = {"read": Rate(8, 16), "write": Rate(3, 6)}
"""Limits are dynamic; these stay at the low end of what was reported."""
_TITLES = {TIKTOK_SHOP: "TikTok Shop", TOKOPEDIA: "Tokopedia"}


def build_facts(settings: TikTokShopSettings, channel: str) -> ChannelFacts:
    """One frozen description per channel."""
    return ChannelFacts(
        channel=channel,
        api=API,
        title=_TITLES[channel],
        first_step="receive" if channel == TOKOPEDIA else "none",
        handovers=("pickup", "dropoff", "manual"),
        document_types=("label",),
        window=timedelta(days=30),
        detail_batch=DETAIL_BATCH,
        label_batch=20,
        settle_seconds=settings.settle_seconds,
        cancellation_response=timedelta(hours=48),
        rates=RATES,
        arrange_batch=SHIP_BATCH,
        push_horizon=timedelta(hours=16),
        decides_handover=True,
    )
