"""Failpoints: named places where a test may stop the process. Nothing happens unless armed, never in production."""

import os
import signal
import threading
from collections import Counter

from app.core.settings import WrongSetting

_armed: dict[str, tuple[int, str]] = {}
_hits: Counter[str] = Counter()
_lock = threading.Lock()


class FailpointsRefused(WrongSetting):
    """Failpoints and production do not go together."""


def arm(specification: str, *, env: str) -> None:
    """Arm `name:nth:kill|stop|raise`, comma-separated: on its nth hit the point acts. Raises FailpointsRefused."""
    if specification and env == "production":
        raise FailpointsRefused("PLUGOSYNC_FAILPOINTS must not be set when PLUGOSYNC_ENV=production")
    for part in filter(None, specification.split(",")):
        name, nth, action = part.split(":")
        _armed[name] = (int(nth), action)


def point(name: str) -> None:
    """Mark a place worth crashing at."""
    if not _armed or name not in _armed:
        return
    with _lock:
        _hits[name] += 1
        nth, action = _armed[name]
        if _hits[name] != nth:
            return
    if action == "raise":
        raise SystemExit(f"failpoint {name}")
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
