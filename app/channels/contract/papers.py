"""Labels and courier scans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from app.channels.contract.authorisation import ShopAccess
from app.channels.contract.shipping import PackageRef


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """Where one label task stands. `code` is ours when it failed (`label_not_ready`, `label_refused`)."""

    package_number: str
    state: Literal["processing", "ready", "failed"]
    code: str | None = None
    channel_code: str | None = None


@runtime_checkable
class PrintsLabels(Protocol):
    """Labels made by the channel, asynchronously."""

    async def request_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """Start label tasks for up to facts.label_batch packages, each with its tracking number. Repeatable."""
        ...

    async def poll_labels(self, access: ShopAccess, packages: Sequence[PackageRef]) -> Mapping[str, LabelStatus]:
        """Where the tasks stand."""
        ...

    async def fetch_label(self, access: ShopAccess, package: PackageRef) -> bytes:
        """The PDF of one package as the channel sent it; the caller checks that it is whole."""
        ...


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """A scan on the way. `code` is the channel's."""

    at: datetime
    code: str
    text: str
    location: str | None = None


@runtime_checkable
class Tracks(Protocol):
    """Courier scans."""

    async def fetch_tracking(self, access: ShopAccess, package: PackageRef) -> tuple[TrackingEvent, ...]:
        """Oldest first; empty while the courier has none."""
        ...
