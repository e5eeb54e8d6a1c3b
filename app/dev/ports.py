"""Ports that must be free before anything starts."""

from app.core.settings import Settings
from app.dev.processes import StartFailed, is_port_free

SANDBOX_PORTS = 5
"""The control API and the marketplaces after it."""


def assert_ports_free(settings: Settings) -> None:
    """Raises StartFailed with one sentence: which port, and which setting changes it."""
    if not is_port_free(settings.port):
        raise StartFailed(f"Port {settings.port} is in use: set PLUGOSYNC_PORT to a free one.")
    for port in range(settings.sandbox_port, settings.sandbox_port + SANDBOX_PORTS):
        if not is_port_free(port):
            raise StartFailed(
                f"Port {port} is in use: set PLUGOSYNC_SANDBOX_PORT (now {settings.sandbox_port}) to one with "
                f"{SANDBOX_PORTS - 1} free ports after it."
            )
    if settings.metrics_port is not None and not is_port_free(settings.metrics_port):
        raise StartFailed(f"Port {settings.metrics_port} is in use: set PLUGOSYNC_METRICS_PORT to a free one.")
