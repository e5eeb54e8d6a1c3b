"""Serves every app on a port of its own in one process, and can drop a connection like a broken network."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PortInUse(Exception):
    """Somebody else listens there."""


class DroppingProtocol(HttpToolsProtocol):
    """Hands the app a way to close the socket without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"plugosync.close": {"close": self.transport.close}}


def bind(port: int) -> socket.socket:
    """Listen on loopback only. Raises PortInUse."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)  # from here on callers queue, so that the line "ready" is true
    except OSError:
        listener.close()
        raise PortInUse(f"Port {port} is in use; set PLUGOSYNC_SANDBOX_PORT to another one.") from None
    return listener


class Quiet(uvicorn.Server):
    """Signals are the process's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def build_server(app: ASGIApp) -> Quiet:
    """A server for one app."""
    config = uvicorn.Config(
        app,
        http=DroppingProtocol,
        loop="uvloop",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=120,  # the client closes first: a socket we close under its hands looks like a lost answer
        timeout_graceful_shutdown=1,
    )
    return Quiet(config)


async def serve(apps: Sequence[tuple[ASGIApp, socket.socket]], stop: asyncio.Event) -> None:
    """Serve until `stop`."""
    servers = [build_server(app) for app, _ in apps]
    running = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, (_, listener) in zip(servers, apps, strict=True)
    ]
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.wait(running, timeout=5)
