"""The process: what survives a kill, what stops a start, and that callers do not wait for each other."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.sandbox.shopee.conftest import ROOT, Caller, Control, Sandbox, open_http


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    started = Sandbox(tmp_path, PLUGOSYNC_SANDBOX_LATENCY_MS="200")
    yield started
    if started.process.poll() is None:
        started.kill()


@asynccontextmanager
async def connect(sandbox: Sandbox) -> AsyncIterator[tuple[Control, Caller]]:
    """Controls, and an app of the first shop."""
    async with open_http(sandbox.url) as http:
        control = Control(http)
        credentials = (await control.get("credentials"))["shopee"]
        async with open_http(credentials["base_url"]) as door:
            yield control, Caller(door, credentials, credentials["shops"][0])


async def test_what_was_answered_survives_a_kill_in_the_middle_of_others(own: Sandbox) -> None:
    async with connect(own) as (control, caller):
        numbers = await control.place(caller.shop, 40)
        shop, answered = caller.shop, []

        async def ship(number: str) -> None:
            if (await caller.ship(number)).json()["error"] == "":
                answered.append(number)
                if len(answered) == 10:
                    own.kill()

        await asyncio.gather(*map(ship, numbers), return_exceptions=True)
    assert len(answered) >= 10

    own.start()

    async with connect(own) as (control, caller):
        assert caller.shop == shop, "tokens too"
        for number in numbers:
            effects = await control.effects("ship", number)
            state = (await control.truth(number))["state"]
            assert effects in ([], [True]) and state == ("arranged" if effects else "paid"), "ledger and world agree"
            assert effects == [True] or number not in answered
        again = (await caller.ship(answered[0])).json()["error"]
        assert again == "logistics.package_already_shipped"
        await control.pass_time(30)
        assert (await control.truth(answered[0]))["packages"][0]["tracking_number"], "what was due is still due"


async def test_a_clean_stop_is_quick_and_keeps_the_clock(own: Sandbox) -> None:
    async with connect(own) as (control, caller):
        [number] = await control.place(caller.shop)
        await control.pass_time(3600)
        await control.fault("timeout_before")
        held = asyncio.ensure_future(caller.ship(number))
        while not (await control.get("faults"))["data"][0]["injected"]:
            await asyncio.sleep(0.01)
        started = time.monotonic()

        assert own.stop() == 0

        assert time.monotonic() - started < 5
        with pytest.raises(httpx.HTTPError):
            await held
    own.start()
    async with connect(own) as (control, _):
        assert await control.ahead() == 3600
        assert (await control.truth(number))["state"] == "paid"


async def test_a_hundred_slow_calls_take_as_long_as_one(own: Sandbox) -> None:
    async with connect(own) as (control, caller):
        numbers = await control.place(caller.shop, 100)

        started = time.monotonic()
        answers = await asyncio.gather(*map(caller.ship, numbers))
        seconds = time.monotonic() - started

    assert {answer.json()["error"] for answer in answers} == {""}
    assert 0.2 <= seconds < 100 * 0.2 / 4


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PLUGOSYNC_SANDBOX_PORT": "{port}"}, "Port {port} is in use; set PLUGOSYNC_SANDBOX_PORT to another one."),
        ({"PLUGOSYNC_SANDBOX_PORT": "{before}"}, "Port {port} is in use; set PLUGOSYNC_SANDBOX_PORT to another one."),
        ({"PLUGOSYNC_HOME": "{home}"}, "Another sandbox runs on {home}/sandbox; set PLUGOSYNC_HOME or --home."),
        ({"PLUGOSYNC_SANDBOX_PORT": "http"}, "Argument --port: 'http' is no port from 1 to 65000."),
        ({"PLUGOSYNC_SANDBOX_RATE_LIMIT": "on"}, "Argument --rate-limit: 'on' is neither off nor faithful."),
    ],
)
def test_what_stops_a_start_is_one_sentence(
    sandbox: Sandbox, tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    facts = {"port": str(sandbox.port), "before": str(sandbox.port - 1), "home": str(sandbox.home.parent)}
    given = {name: value.format(**facts) for name, value in variables.items()}
    environment = {**os.environ, "PLUGOSYNC_HOME": str(tmp_path), **given}

    command = [sys.executable, "-m", "app.sandbox"]
    second = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20)

    assert (second.returncode, second.stderr.strip()) == (1, sentence.format(**facts))
