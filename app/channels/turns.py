"""Many single calls, where a channel has no call for several."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from app.channels.errors import ChannelError, Throttled, Unavailable

T = TypeVar("T")
_AT_ONCE = 2
"""More would wait for the same tokens of the limiter, and those who wait too long are sent away."""


async def read_each(
    read: Callable[[str], Awaitable[T]], ids: Sequence[str]
) -> tuple[dict[str, T], ChannelError | None]:
    """Call for each id, few at a time. What stops it before the end comes with everything read until then.

    Raises what waiting would not mend.
    """
    found: dict[str, T] = {}
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        stopped_by: ChannelError | None = None
        for one, answer in zip(part, await asyncio.gather(*map(read, part), return_exceptions=True), strict=True):
            if isinstance(answer, Throttled | Unavailable):
                stopped_by = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[one] = answer
        if stopped_by is not None:
            return found, stopped_by
    return found, None
