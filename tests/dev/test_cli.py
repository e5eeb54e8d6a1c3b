"""The console script: a wrong setting is one sentence that names it."""

import os
import subprocess
import sys

import pytest

from tests.dev.image import ROOT

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
        ("worker", {"PLUGOSYNC_SECRET_KEYS": "short"}, "PLUGOSYNC_SECRET_KEYS"),
        ("worker", {"PLUGOSYNC_ENV": "production"}, "PLUGOSYNC_PUBLIC_URL"),
        ("api", {"PLUGOSYNC_SHOPEE_PARTNER_ID": "abc"}, "PLUGOSYNC_SHOPEE_PARTNER_ID"),
        ("migrate", {}, "PLUGOSYNC_MIGRATION_DATABASE_URL"),
    ],
)
def test_a_wrong_or_missing_setting_stops_the_start_and_is_named(
    command: str, settings: dict[str, str], named: str
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLUGOSYNC_")}
    environment = {name: value for name, value in {**clean, **URLS, **settings}.items() if value}

    answer = subprocess.run(
        [sys.executable, "-m", "app.cli", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 2
    [sentence] = answer.stderr.strip().splitlines()
    assert named in sentence
    assert not {value for value in settings.values() if len(value) > 3} & set(sentence.split())
