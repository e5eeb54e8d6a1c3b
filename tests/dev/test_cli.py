"""The console script: a wrong setting is one sentence that names it."""

import os
import sys

import pytest

from app import cli

URLS = {
    "PLUGOSYNC_DATABASE_URL": "postgresql://plugosync_app:x@127.0.0.1:1/x",
    "PLUGOSYNC_REDIS_URL": "redis://127.0.0.1:1/0",
    "PLUGOSYNC_SECRET_KEYS": "k" * 40,
}


@pytest.mark.parametrize(
    ("command", "settings", "named"),
    [
        ("api", {"PLUGOSYNC_PORT": "70000"}, "PLUGOSYNC_PORT"),
        ("api", {"PLUGOSYNC_DATABASE_URL": ""}, "PLUGOSYNC_DATABASE_URL"),
        ("api", {"PLUGOSYNC_SECRET_KEYS": ""}, "PLUGOSYNC_SECRET_KEYS"),
        ("worker", {"PLUGOSYNC_SECRET_KEYS": "short-and-secret"}, "PLUGOSYNC_SECRET_KEYS"),
        ("worker", {"PLUGOSYNC_ENV": "production"}, "PLUGOSYNC_PUBLIC_URL"),
        ("api", {"PLUGOSYNC_SHOPEE_PARTNER_ID": "my-secret-id"}, "PLUGOSYNC_SHOPEE_PARTNER_ID"),
        ("migrate", {}, "PLUGOSYNC_MIGRATION_DATABASE_URL"),
    ],
)
def test_a_wrong_or_missing_setting_stops_the_start_and_is_named(
    command: str,
    settings: dict[str, str],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith("PLUGOSYNC_")]:
        monkeypatch.delenv(name)
    for name, value in {**URLS, **settings}.items():
        if value:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["plugosync", command])

    with pytest.raises(SystemExit) as end:
        cli.main()

    assert end.value.code == 2
    [sentence] = capsys.readouterr().err.strip().splitlines()
    assert named in sentence
    assert "secret-" not in sentence
    assert "-secret" not in sentence
