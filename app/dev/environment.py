"""What the service's processes get to know: embedded servers, keys, and the apps registered at the sandbox."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from app.dev.processes import StartFailed

_WORDS = {
    "app_key": ("APP_KEY", "PARTNER_ID"),
    "app_secret": ("APP_SECRET", "PARTNER_KEY"),
    "push_secret": ("PUSH_SECRET", "PUSH_KEY"),
    "base_url": ("BASE_URL",),
    "auth_url": ("AUTH_URL",),
    "service_id": ("SERVICE_ID",),
}
"""What the marketplaces call the parts of an app's registration."""


def _password() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True)
class LocalSecrets:
    """Made at the first start and kept, so that a second start is the same merchant with the same key."""

    owner_password: str = field(default_factory=_password)
    app_password: str = field(default_factory=_password)
    valkey_password: str = field(default_factory=_password)
    secret_key: str = field(default_factory=lambda: secrets.token_hex(32))
    demo_password: str = field(default_factory=lambda: f"demo-{secrets.token_hex(6)}")
    api_key: str = ""


def load_secrets(home: Path) -> LocalSecrets:
    """Read `secrets.json`, or make it, for this user's eyes only. Raises StartFailed when only it was lost."""
    file = home / "secrets.json"
    if file.exists():
        return LocalSecrets(**json.loads(file.read_text()))
    if (home / "postgres").exists():
        raise StartFailed(
            f"{file} is missing, but its database {home / 'postgres'} is there: put it back or remove {home}."
        )
    made = LocalSecrets()
    write_private(file, asdict(made))
    return made


def save_secrets(home: Path, kept: LocalSecrets, *, api_key: str) -> None:
    """Keep the demo merchant's key, which the service shows only once."""
    write_private(home / "secrets.json", asdict(replace(kept, api_key=api_key)))


def write_private(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file at once, readable by this user only."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
    fresh.replace(file)


def channel_environment(credentials: Mapping[str, Mapping[str, Any]], **more: str) -> dict[str, str]:
    """Settings of every connector, from the sandbox's `GET /_control/credentials`; `more` goes to each channel."""
    environment: dict[str, str] = {}
    for channel, given in credentials.items():
        prefix = f"PLUGOSYNC_{channel.upper()}_"
        for word, names in _WORDS.items():
            if given.get(word):
                environment.update({f"{prefix}{name}": str(given[word]) for name in names})
        environment.update({f"{prefix}{name}": value for name, value in more.items()})
    return environment
