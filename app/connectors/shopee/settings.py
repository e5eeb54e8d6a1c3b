"""Shopee's part of the environment (prefix PLUGOSYNC_SHOPEE_)."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Url = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]


class ShopeeSettings(BaseSettings):
    """The app at Shopee's Open Platform. Without id and key the channel is not offered."""

    model_config = SettingsConfigDict(
        env_prefix="PLUGOSYNC_SHOPEE_",
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    base_url: Url = "https://partner.shopeemobile.com"
    """API host (`https://openplatform.sandbox.test-stable.shopee.sg` for Shopee's own sandbox)."""
    auth_url: Url = "https://open.shopee.com/auth"
    """Consent page. One that ends in `/auth_partner` is opened with a signed link, the older form."""
    partner_id: int | None = Field(default=None, ge=1)
    """Id of the app."""
    partner_key: SecretStr | None = None
    """Key of the app; signs calls."""
    push_key: SecretStr | None = None
    """Push partner key; signs pushes. The partner key is tried when it does not fit."""
    settle_seconds: int = Field(default=1200, ge=1)
    """How long Shopee may lag behind an arranged shipment before `not arranged` is believed."""
    auto_cancel_hours: int = Field(default=24, ge=1)
    """Shopee accepts a buyer's cancellation request by itself after this."""
