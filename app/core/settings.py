"""The service's settings, read once from the environment (prefix PLUGOSYNC_)."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class WrongSetting(ValueError):
    """A setting that is missing or does not fit; the message is one sentence that names it."""


class Settings(BaseSettings):
    """Everything an operator may set. A connector brings its own small class for its channel."""

    model_config = SettingsConfigDict(
        env_prefix="PLUGOSYNC_", frozen=True, extra="ignore", use_attribute_docstrings=True, hide_input_in_errors=True
    )

    env: Literal["sandbox", "production"] = "sandbox"
    """`sandbox` talks to simulated marketplaces and follows their clock; `production` talks to the real ones."""
    home: Path = Path(".local")
    """Folder for data: embedded servers, documents, secrets, demo files."""
    host: str = "127.0.0.1"
    """Address the API listens on."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Port of the API."""
    sandbox_port: int = Field(default=9000, ge=1, le=65500)
    """Port of the sandbox's control API; the simulated marketplaces listen on the ports after it."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port for `/metrics` alone; unset, `/metrics` answers loopback callers on the API's port."""
    public_url: AnyHttpUrl | None = None
    """URL under which browsers and marketplaces reach the API; default `http://127.0.0.1:PORT`."""
    database_url: SecretStr | None = None
    """PostgreSQL for the service, as the role `plugosync_app` (`postgresql://…`)."""
    migration_database_url: SecretStr | None = None
    """PostgreSQL as the owner; only `plugosync migrate` uses it."""
    redis_url: SecretStr | None = None
    """Valkey or Redis for wake-ups and rate limits. Its loss costs seconds, never data."""
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Keys for stored secrets, cursors and sessions, newest first, comma-separated, ≥ 32 characters each."""
    documents_url: str | None = None
    """Where PDFs are kept: `file:///folder` (default `HOME/documents`) or `s3://bucket/prefix`."""
    return_urls: CommaSeparated = ()
    """Prefixes a connection may return to after consent, comma-separated; the API's own URL is always allowed."""
    cors_origins: CommaSeparated = ()
    """Origins of browser applications that may call the API, comma-separated."""
    bulk_max_orders: int = Field(default=100, ge=1, le=1000)
    """Most orders in one bulk request."""
    open_operations_max: int = Field(default=200, ge=1)
    """Unfinished operations of one merchant beyond which new ones are refused."""
    sla_at_risk_hours: int = Field(default=4, ge=0)
    """An open order whose deadline is nearer than this is `at_risk`."""
    database_pool_size: int = Field(default=10, ge=2)
    """Connections per process for transactions."""
    read_pool_size: int = Field(default=8, ge=1)
    """Connections per process for order pages, counts and exports."""
    worker_concurrency: int = Field(default=16, ge=1)
    """Pieces of work one worker process does at the same time."""
    lease_seconds: int = Field(default=60, ge=5)
    """How long a piece of work belongs to its worker without a heartbeat."""
    poll_seconds: int = Field(default=60, ge=1)
    """Pause between two polls of an account for changed orders."""
    http_timeout_seconds: float = Field(default=10.0, gt=0)
    """Whole time of one marketplace call."""
    json_body_max_bytes: int = Field(default=1_000_000, ge=1024)
    """Largest JSON body accepted."""
    channel_requests_per_second: float | None = Field(default=None, gt=0)
    """Overrides each channel's own rate per account and endpoint family (load tests)."""
    failpoints: str = ""
    """Places at which a test stops the process (`name:nth:kill`); refused in production."""
    label_wait_seconds: int = Field(default=300, ge=1)
    """How long `print_labels` waits for tracking number and label."""
    attention_after_hours: int = Field(default=24, ge=1)
    """An effect still unknown after this asks for a person."""

    @field_validator("return_urls", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(SecretStr(part.strip()) for part in value.split(",") if part.strip())

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in value):
            raise ValueError("each key needs at least 32 characters")
        return value

    @model_validator(mode="after")
    def _production_is_explicit(self) -> Self:
        if self.env == "production" and self.public_url is None:
            raise ValueError("PLUGOSYNC_PUBLIC_URL must be set when PLUGOSYNC_ENV=production")
        return self

    @property
    def base_url(self) -> str:
        """The API's public URL without a trailing slash."""
        return str(self.public_url).rstrip("/") if self.public_url else f"http://127.0.0.1:{self.port}"

    @property
    def documents_location(self) -> str:
        """URL of the document store."""
        return self.documents_url or f"file://{(self.home / 'documents').absolute()}"

    def require(self, name: str) -> str:
        """The secret setting `name` as text. Raises WrongSetting when it is not set."""
        value = getattr(self, name)
        if value is None:
            raise WrongSetting(f"PLUGOSYNC_{name.upper()} is not set; `make run` sets it for the embedded servers.")
        assert isinstance(value, SecretStr)
        return value.get_secret_value()
