"""Which time an import covers, and how it is cut into windows the channel accepts. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.sync.errors import ImportRangeInvalid

LONGEST = timedelta(days=90)
DEFAULT = timedelta(days=15)


def resolve_range(
    begin: date | datetime | None, end: date | datetime | None, *, timezone: str, now: datetime
) -> tuple[datetime, datetime]:
    """The instants a wish means in a shop's time zone; local days count whole. Neither: the last 15 days.

    What lies ahead is left out. Raises ImportRangeInvalid.
    """
    if begin is None:
        return now - DEFAULT, now
    zone = ZoneInfo(timezone)
    since = _instant(begin, zone, time.min)
    until = now if end is None else _instant(end, zone, time.max)
    if since > until:
        raise ImportRangeInvalid(pointer="/from", detail="`from` is after `to`.", detail_id="`from` melewati `to`.")
    if since > now:
        raise ImportRangeInvalid(
            pointer="/from", detail="`from` lies in the future.", detail_id="`from` berada di masa depan."
        )
    if until - since > LONGEST:
        raise ImportRangeInvalid(
            pointer="/from", detail="At most 90 days at once.", detail_id="Paling banyak 90 hari sekaligus."
        )
    return since, min(until, now)


def _instant(moment: date | datetime, zone: ZoneInfo, at: time) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, at, zone)


def cut(since: datetime, until: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Windows no longer than `longest` that touch each other and cover everything."""
    windows = []
    while since < until:
        windows.append((since, min(since + longest, until)))
        since += longest
    return windows
