"""PlugoStore's part of the environment (prefix PLUGOSYNC_PLUGO_STORE_)."""

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PlugoStoreSettings(BaseSettings):
    """Own stores need no app, only a secret from which each store's webhook secret is made."""

    model_config = SettingsConfigDict(
        env_prefix="PLUGOSYNC_PLUGO_STORE_",
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    env: str = Field(default="sandbox", validation_alias=AliasChoices("PLUGOSYNC_ENV"))
    """In `production` stores must stand on public addresses and speak https."""
    push_secret: SecretStr | None = None
    """Each store signs its webhooks with a secret made of this one. Without it the channel is not offered."""
    app_name: str = "PlugoSync"
    """Shown on the store's consent page."""
    settle_seconds: int = Field(default=60, ge=1)
    """How long a slow shop may go on working on a call that was given up."""
    ship_by_working_days: int = Field(default=2, ge=0, le=60)
    """Working days (WIB) from payment to the ship-by deadline; the stores have none of their own."""
    status_map: dict[str, str] = {}
    """A shop's own order statuses, each as `shipped`, `delivered` or `cancel_requested` (JSON)."""
    reads_per_second: float = Field(default=4, gt=0)
    """Reads per second and store."""
    writes_per_second: float = Field(default=2, gt=0)
    """Writes per second and store."""

    @property
    def is_production(self) -> bool:
        """Whether private addresses are refused."""
        return self.env == "production"
