"""Application time in Python. SQL has the same clock as app_now()."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def now(session: AsyncSession) -> datetime:
    """Application time of this transaction: the database's clock plus the sandbox's offset (zero in production)."""
    moment = await session.scalar(text("select app_now()"))
    assert isinstance(moment, datetime)
    return moment


def from_epoch(seconds: float) -> datetime:
    """An aware UTC instant from Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T03:04:05Z`, with fractions only when there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def backoff_seconds(attempts: int, *, base: float = 2.0, cap: float = 900.0, jitter: float = 0.5) -> float:
    """Exponential wait before try number `attempts + 1`; `jitter` in [0, 1) is the caller's random share."""
    return float(min(cap, base * 2 ** min(attempts, 20)) * (0.5 + jitter))
