"""TikTok Shop's part of the environment (prefix PLUGOSYNC_TIKTOK_SHOP_)."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Url = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]
_OFFICIAL_TOKENS = "https://auth.tiktok-shops.com"


class TikTokShopSettings(BaseSettings):
    """The app at TikTok Shop's Partner Center. Without key and secret neither of its channels is offered."""

    model_config = SettingsConfigDict(
        env_prefix="PLUGOSYNC_TIKTOK_SHOP_",
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    base_url: Url = "https://open-api.tiktokglobalshop.com"
    """API host."""
    auth_url: Url = "https://services.tiktokshop.com/open/authorize"
    """Consent page; Tokopedia & Shop's own seller centre has another one."""
    token_url: Url | None = None
    """Token host. Unset: the official one, or `base_url` where that is no host of TikTok's."""
    app_key: str | None = Field(default=None, min_length=1)
    """Key of the app."""
    app_secret: SecretStr | None = None
    """Secret of the app; signs calls and pushes."""
    service_id: str | None = None
    """Names the app on the consent page."""
    settle_seconds: int = Field(default=1200, ge=1)
    """How long TikTok Shop may lag behind an arranged shipment before `not arranged` is believed."""

    @property
    def is_official(self) -> bool:
        """Whether calls go to TikTok. Only there the callback is registered beforehand."""
        host = urlsplit(self.base_url).hostname or ""
        return host.endswith(("tiktokglobalshop.com", "tiktok-shops.com", "tiktokshop.com"))

    @property
    def effective_token_url(self) -> str:
        """Where codes and refresh tokens are traded."""
        return self.token_url or (_OFFICIAL_TOKENS if self.is_official else self.base_url)
