"""List every order of a time window, whatever the channel's pages do meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.channels.contract import OrderListPage
from app.channels.errors import Malformed
from app.orders import reading, wording
from app.orders.reading import TimedReading
from app.shops import access
from app.shops.access import Priority
from app.work.context import Context

_MOST_SWEEPS = 4
_MOST_PAGES = 2_000
_MOST_PAGES_KEPT = 20
"""Whole orders are kept from so many pages; those of later pages are read when their turn comes."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids, each once, in the channel's order; the channel's clock when the listing began."""

    external_ids: list[str]
    channel_now: datetime
    told: tuple[TimedReading, ...] = ()
    """Orders that came whole with the list."""


async def list_window(
    context: Context,
    merchant_id: UUID,
    account_id: UUID,
    *,
    by: Literal["created", "updated"],
    since: datetime,
    until: datetime,
    priority: Priority,
    is_only_look: bool,
) -> Listed:
    """Raises ChannelError: then nothing is known of the window.

    An order that changes between two pages may push another one from the page to come to the page already read. So a
    window of several pages is listed again until nothing new turns up. `is_only_look`: no later window overlaps this
    one, so even a single page is looked at twice, in case it left one out.
    """
    found: dict[str, None] = {}
    told: list[TimedReading] = []
    channel_now: datetime | None = None
    for _ in range(_MOST_SWEEPS):
        before = len(found)
        pages = 0
        cursor: str | None = None
        told.clear()  # the last look is the freshest
        while True:
            started_at = await context.database.transact(reading.read_clock, merchant_id)
            page = await _fetch_page(context, merchant_id, account_id, by, since, until, cursor, priority)
            channel_now = channel_now or page.channel_now
            found |= dict.fromkeys(external_id for external_id in page.external_ids if wording.is_key(external_id))
            if page.reading is not None and pages < _MOST_PAGES_KEPT:
                told.append(TimedReading(page.reading, started_at))
            pages += 1
            cursor = page.next_cursor
            if cursor is None:
                break
            if pages >= _MOST_PAGES:
                raise Malformed("endless_list", "The list of a window does not end.")
        if len(found) == before or (pages == 1 and not is_only_look):
            break
    assert channel_now is not None, "at least one page was read"
    return Listed(list(found), channel_now, tuple(told))


async def _fetch_page(
    context: Context,
    merchant_id: UUID,
    account_id: UUID,
    by: Literal["created", "updated"],
    since: datetime,
    until: datetime,
    cursor: str | None,
    priority: Priority,
) -> OrderListPage:
    return await access.call(
        context,
        merchant_id,
        account_id,
        lambda connector, door: connector.list_orders(door, by=by, since=since, until=until, cursor=cursor),
        priority=priority,
    )
