"""`python -m app.sandbox`: the simulated marketplaces as one process."""

import argparse
import asyncio
import gc
import importlib
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import uvloop
from starlette.types import ASGIApp

import app.sandbox
from app.sandbox.engine.control import build_control
from app.sandbox.engine.core import Engine, Simulator
from app.sandbox.engine.serving import PortInUse, bind, serve
from app.sandbox.engine.store import FolderInUse


class PortsClash(Exception):
    """Two API folders declare the same offset."""


def discover(engine: Engine) -> list[Simulator]:
    """Every API folder beside the engine. Raises PortsClash."""
    found: dict[int, Simulator] = {}
    for module in pkgutil.iter_modules(app.sandbox.__path__):
        if not module.ispkg or module.name == "engine":
            continue
        one: Simulator = importlib.import_module(f"app.sandbox.{module.name}").build(engine)
        if one.port_offset == 0 or one.port_offset in found:
            raise PortsClash(f"app/sandbox/{module.name} wants port offset {one.port_offset}, which is taken.")
        found[one.port_offset] = one
        for channel in one.channels:
            engine.simulators[channel] = one
        one.open_demo()
    return sorted(found.values(), key=lambda one: one.port_offset)


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    engine = Engine.open(options.home)
    engine.port = options.port
    engine.latency_seconds = options.latency_ms / 1000
    engine.has_rate_limit = options.rate_limit == "faithful"
    engine.seed = options.seed
    try:
        simulators = discover(engine)
        listeners: list[tuple[ASGIApp, socket.socket]] = [(build_control(engine), bind(options.port))]
        listeners += [(one.app, bind(options.port + one.port_offset)) for one in simulators]
        channels = ", ".join(sorted(engine.simulators))
        sys.stdout.write(f"Sandbox ready: control on http://127.0.0.1:{options.port}, channels {channels}\n")
        sys.stdout.flush()
        await _serve_until_told(engine, listeners)
    finally:
        engine.store.close()


async def _serve_until_told(engine: Engine, listeners: list[tuple[ASGIApp, socket.socket]]) -> None:
    stop = engine.stopping
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    ticker = asyncio.create_task(engine.tick_forever())
    ticker.add_done_callback(lambda _: stop.set())  # a world without time is no world: better end loudly
    gc.freeze()  # what the start has made stays
    await serve(listeners, stop)
    await engine.end_tasks()
    for one in engine.each_simulator():
        await one.close()
    if ticker.done():
        ticker.result()
    ticker.cancel()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(f"{message[:1].upper()}{message[1:]}.")


def read_options(arguments: list[str]) -> argparse.Namespace:
    """Command line over environment over defaults. A wrong value ends the process with one sentence."""
    parser = _Parser(prog="python -m app.sandbox", description=__doc__)

    def add(name: str, default: str, read: Callable[[str], object], help: str) -> None:
        variable = f"PLUGOSYNC_SANDBOX_{name.upper().replace('-', '_')}"
        value = os.environ.get(variable, default)
        parser.add_argument(f"--{name}", default=value, type=read, help=f"{help} ({variable}, now {value})")

    add("home", f"{os.environ.get('PLUGOSYNC_HOME', '.local')}/sandbox", Path, "folder of the durable world")
    add("port", "9000", _read_port, "port of the control API; every marketplace has one of those after it")
    add("rate-limit", "faithful", _read_rate_limit, "off, or faithful: as tight as the marketplaces are")
    add("latency-ms", "0", _read_milliseconds, "wait before each marketplace call")
    add("seed", "0", int, "another seed makes other buyers, shops and delays")
    return parser.parse_args(arguments)


def _read_port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to 65000")
    return int(text)


def _read_rate_limit(text: str) -> str:
    if text not in ("off", "faithful"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither off nor faithful")
    return text


def _read_milliseconds(text: str) -> int:
    if not text.isdecimal() or int(text) > 60_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds up to 60000")
    return int(text)


def main() -> None:
    """Run until stopped; what stands in the way is said in one sentence."""
    options = read_options(sys.argv[1:])
    try:
        uvloop.run(run(options))
    except (PortInUse, PortsClash, FolderInUse) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
