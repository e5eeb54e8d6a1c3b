"""Lazada's part of the environment (prefix PLUGOSYNC_LAZADA_)."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Url = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]
_OFFICIAL_TOKENS = "https://auth.lazada.com/rest"
OFFICIAL_HOSTS = (
    "lazada.com",
    "lazada.co.id",
    "lazada.co.th",
    "lazada.com.my",
    "lazada.com.ph",
    "lazada.sg",
    "lazada.vn",
)


def is_official(host: str) -> bool:
    """Whether a host is one of Lazada's."""
    return any(host == one or host.endswith(f".{one}") for one in OFFICIAL_HOSTS)


class LazadaSettings(BaseSettings):
    """The app at Lazada's Open Platform. Without key and secret the channel is not offered."""

    model_config = SettingsConfigDict(
        env_prefix="PLUGOSYNC_LAZADA_",
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    base_url: Url = "https://api.lazada.co.id/rest"
    """Gateway of the market."""
    country: str = Field(default="id", pattern="^[a-z]{2}$")
    """The gateway's market: of a consent for several markets only its seller is connected."""
    auth_url: Url = "https://auth.lazada.com/oauth/authorize"
    """Consent page."""
    token_url: Url | None = None
    """Gateway of the token calls. Unset: the official one, or `base_url` where that is no host of Lazada's."""
    app_key: str | None = Field(default=None, min_length=1)
    """Key of the app."""
    app_secret: SecretStr | None = None
    """Secret of the app; signs calls and pushes."""
    settle_seconds: int = Field(default=1200, ge=1)
    """How long Lazada may lag behind a package before `not packed` or `not ready to ship` is believed."""

    @property
    def effective_token_url(self) -> str:
        """Where codes and refresh tokens are traded."""
        official = is_official(urlsplit(self.base_url).hostname or "")
        return self.token_url or (_OFFICIAL_TOKENS if official else self.base_url)
