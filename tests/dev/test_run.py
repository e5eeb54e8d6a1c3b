"""`make run` as a person meets it. One service for the whole file; the tests go through its life in order."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.core.settings import Settings
from app.dev import supervisor
from app.dev.processes import find_free_row
from tests.dev.image import ROOT
from tests.dev.processes import LocalService, eventually, family, is_alive


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """Started for the first time."""
    first = find_free_row(6)
    service = LocalService(tmp_path_factory.mktemp("run") / "home", first, first + 1)
    began = time.monotonic()
    service.start()
    assert time.monotonic() - began < 40, "far beyond the promised 20 seconds, even on a busy machine"
    yield service
    if service.process is not None and service.process.poll() is None:
        service.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def demo(service: LocalService) -> dict[str, str]:
    """What the first start wrote."""
    content: dict[str, str] = json.loads(service.demo_file.read_text())
    return content


def count_orders(demo: dict[str, str]) -> int:
    headers = {"Authorization": f"Bearer {demo['api_key']}"}
    counts = httpx.get(f"{demo['api_url']}/v1/orders/counts", headers=headers, trust_env=False).json()
    return sum(counts["status"].values())


def test_it_says_and_writes_what_one_needs_to_begin(service: LocalService, demo: dict[str, str]) -> None:
    said = service.said()
    assert set(demo) == {"api_url", "docs_url", "sandbox_url", "email", "password", "api_key"}
    assert [name for name, value in demo.items() if value not in said] == []
    assert len(re.findall(r"^curl ", said, re.MULTILINE)) == 3
    assert service.demo_file.stat().st_mode & 0o077 == 0

    login = {"username": demo["email"], "password": demo["password"]}
    answer = httpx.post(f"{demo['api_url']}/v1/auth/token", data=login, trust_env=False)

    assert answer.json()["token_type"].lower() == "bearer"
    assert count_orders(demo) > 20


def test_the_commands_it_prints_work(service: LocalService, demo: dict[str, str]) -> None:
    for line in re.findall(r"^curl .*$", service.said(), re.MULTILINE):
        answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=20)
        content = json.loads(answer.stdout)
        assert "code" not in content, content


def test_a_killed_worker_is_started_again_within_a_second(service: LocalService) -> None:
    killed = service.child("app.cli worker")
    assert killed is not None

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: (service.child("app.cli worker") or killed) != killed, 1.0, what="a new worker")
    eventually(lambda: "worker ended (SIGKILL)" in service.said(), 1.0, what="a line about it")


def test_application_time_follows_the_sandbox(service: LocalService, demo: dict[str, str]) -> None:
    async def read_offset() -> float:
        connection = await asyncpg.connect(service.owner_dsn())
        try:
            return float(await connection.fetchval("select extract(epoch from app_now() - now())"))
        finally:
            await connection.close()

    answer = httpx.post(f"{demo['sandbox_url']}/_control/clock", json={"advance_seconds": 1200}, trust_env=False)
    offset = answer.json()["offset_seconds"]

    assert offset >= 1200
    eventually(lambda: abs(asyncio.run(read_offset()) - offset) < 1, 3, what="the offset in the database")


@pytest.mark.parametrize("setting", ["home", "port", "sandbox_port"])
def test_what_is_in_use_is_one_clear_sentence(
    service: LocalService, tmp_path: Path, setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    free = find_free_row(6)
    in_use = service.environment[f"PLUGOSYNC_{setting.upper()}"]
    values = {"home": str(tmp_path), "port": free, "sandbox_port": free + 1, setting: in_use}

    code = supervisor.run(Settings.model_validate(values))

    assert code == 1
    [sentence] = capsys.readouterr().out.strip().splitlines()
    assert f"PLUGOSYNC_{setting.upper()}" in sentence
    assert in_use in sentence
    assert not (tmp_path / "postgres").exists()


def test_ctrl_c_leaves_neither_process_nor_demo_file_and_a_second_start_is_the_same_merchant(
    service: LocalService, demo: dict[str, str]
) -> None:
    everybody = family(service.pid)
    orders = count_orders(demo)
    hanging = service.child("app.cli worker")
    assert hanging is not None
    os.kill(hanging, signal.SIGSTOP)  # it cannot hear that it should stop

    began = time.monotonic()
    code = service.end(signal.SIGINT)

    assert code == 0
    assert time.monotonic() - began < 10
    assert len(everybody) >= 5
    assert [pid for pid in everybody if is_alive(pid)] == []
    assert not service.demo_file.exists()

    again = service.start()

    assert again == demo
    assert count_orders(again) == orders


def test_a_killed_supervisor_takes_everybody_along(service: LocalService) -> None:
    everybody = family(service.pid)

    service.end(signal.SIGKILL)

    eventually(lambda: not any(is_alive(pid) for pid in everybody), 5, what="everybody gone")


def test_a_port_taken_by_a_stranger_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        environment = {**os.environ, "PLUGOSYNC_HOME": str(tmp_path), "PLUGOSYNC_PORT": str(port)}

        answer = subprocess.run(
            [sys.executable, "-m", "app.cli", "dev"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert (answer.returncode, answer.stdout.strip()) == (
        1,
        f"Port {port} is in use: set PLUGOSYNC_PORT to a free one.",
    )
