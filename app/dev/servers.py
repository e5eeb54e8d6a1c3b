"""Embedded PostgreSQL and Valkey together, as `make run`, tests and benches use them."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from app.dev.postgres import EmbeddedPostgres
from app.dev.valkey import EmbeddedValkey


class EmbeddedServers:
    """Both servers below one folder; a context manager. The service's role itself is created by `plugosync migrate`."""

    def __init__(
        self,
        home: Path,
        *,
        owner_password: str,
        app_password: str,
        valkey_password: str,
        postgres_settings: Mapping[str, str] | None = None,
    ) -> None:
        logs = home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.postgres = EmbeddedPostgres(
            home / "postgres", owner_password=owner_password, log=logs / "postgres.log", settings=postgres_settings
        )
        self.valkey = EmbeddedValkey(home / "valkey", password=valkey_password, log=logs / "valkey.log")
        self.database_url = self.postgres.url("plugosync_app", app_password)
        self.migration_database_url = self.postgres.url("postgres", owner_password)
        self.redis_url = self.valkey.url

    def start(self) -> None:
        """Start both. Raises StartFailed; what was started is stopped again."""
        try:
            self.postgres.start()
            self.valkey.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both; data stays."""
        self.valkey.stop()
        self.postgres.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
