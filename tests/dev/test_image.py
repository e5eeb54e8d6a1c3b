"""The image: every step finds what it needs, nobody is root, nothing needs a shell."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.dev.image import ROOT, find_one, read_steps, variables

STEPS = read_steps()


def run_entry_point(*arguments: str) -> subprocess.CompletedProcess[str]:
    program, *rest = find_one(STEPS, "ENTRYPOINT").arguments
    assert program == "python"
    command = [sys.executable, *rest, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}
    )


def test_every_file_that_is_copied_exists_and_is_let_in() -> None:
    copied = [step.arguments[0] for step in STEPS if step.word == "COPY" and "--from" not in step.value]

    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    assert [name for name in copied if f"!{name}" not in let_in] == []


def test_every_requirement_is_pinned_by_hash() -> None:
    [install] = [step.arguments for step in STEPS if step.word == "RUN" and "pip" in step.value]
    assert "--require-hashes" in install

    requirements = (ROOT / "requirements.txt").read_text().replace("\\\n", "").splitlines()

    named = [line for line in requirements if line and not line.startswith((" ", "#"))]
    assert len(named) > 20
    assert [line for line in named if "==" not in line or "--hash=sha256:" not in line] == []


def test_nothing_needs_a_shell_and_nobody_is_root() -> None:
    last = {word: find_one(STEPS, word) for word in ("RUN", "ENTRYPOINT", "CMD", "HEALTHCHECK", "USER")}

    assert [
        step.value for step in STEPS if step.word in {"RUN", "ENTRYPOINT", "CMD"} and not step.value.startswith("[")
    ] == []
    user, group = last["USER"].value.split(":")
    assert int(user) >= 10_000 and int(group) >= 10_000


@pytest.mark.parametrize("command", ["api", "worker"])
def test_the_image_starts_each_process_of_the_service(command: str) -> None:
    answer = run_entry_point(command, "--help")

    assert answer.returncode == 0, answer.stderr
    assert command in answer.stdout


def test_the_default_command_is_the_api() -> None:
    assert find_one(STEPS, "CMD").arguments == ["api"]
    assert variables(STEPS)["PLUGOSYNC_HOST"] == "0.0.0.0"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_follows_healthz(status: int, code: int) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        check = [sys.executable, *find_one(STEPS, "HEALTHCHECK").arguments[1:]]
        environment = {**os.environ, "PLUGOSYNC_PORT": str(server.server_port)}
        answer = subprocess.run(check, env=environment, capture_output=True, check=False)
        server.shutdown()

    assert answer.returncode == code
