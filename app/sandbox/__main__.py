"""`python -m app.sandbox`: the simulated marketplaces as one process."""

import argparse
import asyncio
import importlib
import os
import pkgutil
import signal
import socket
import sys
from pathlib import Path

import uvloop
from starlette.types import ASGIApp

import app.sandbox
from app.sandbox.engine.control import build_control
from app.sandbox.engine.core import Engine, Simulator
from app.sandbox.engine.serving import PortInUse, bind, serve


def discover(engine: Engine) -> list[Simulator]:
    """Every API folder beside the engine. Raises ValueError when two want the same port."""
    found: list[Simulator] = []
    for module in pkgutil.iter_modules(app.sandbox.__path__):
        if module.ispkg and module.name != "engine":
            found.append(importlib.import_module(f"app.sandbox.{module.name}").build(engine))
    offsets = [one.port_offset for one in found]
    if len(offsets) != len(set(offsets)):
        raise ValueError("Two simulated marketplaces want the same port offset.")
    for one in found:
        for channel in one.channels:
            engine.simulators[channel] = one
    return found


async def run(home: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    engine = Engine.open(home)
    engine.port = port
    engine.latency_seconds = float(os.environ.get("PLUGOSYNC_SANDBOX_LATENCY_MS", "0")) / 1000
    engine.has_rate_limit = os.environ.get("PLUGOSYNC_SANDBOX_RATE_LIMIT", "faithful") != "off"
    engine.seed = int(os.environ.get("PLUGOSYNC_SANDBOX_SEED", "0"))
    simulators = discover(engine)
    listeners: list[tuple[ASGIApp, socket.socket]] = [(build_control(engine), bind(port))]
    listeners += [(one.app, bind(port + one.port_offset)) for one in simulators]
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    ticker = asyncio.create_task(engine.tick_forever())
    sys.stdout.write(
        f"Sandbox ready: control on http://127.0.0.1:{port}, channels {', '.join(sorted(engine.simulators))}\n"
    )
    sys.stdout.flush()
    try:
        await serve(listeners, stop)
    finally:
        ticker.cancel()
        engine.store.close()


def main() -> None:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description=__doc__)
    home = Path(os.environ.get("PLUGOSYNC_HOME", ".local")) / "sandbox"
    parser.add_argument("--home", type=Path, default=home, help="folder of the durable world")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PLUGOSYNC_SANDBOX_PORT", "9000")))
    options = parser.parse_args()
    try:
        uvloop.run(run(options.home, options.port))
    except PortInUse as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
