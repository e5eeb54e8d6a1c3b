"""What callers may filter orders by, and what it means: days become instants, shops their channels. No SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.core.errors import Invalid, RangeInvalid
from app.core.ids import ShopId
from app.orders.codes import guesses

Status = Literal["unpaid", "ordered", "ready_to_ship", "on_delivery", "completed", "cancelled"]
Stage = Literal["to_process", "processing", "processed"]
Sla = Literal["overdue", "at_risk", "ok"]
Cancellation = Literal["requested", "approved", "rejected"]
PrintStatus = Literal["not_printed", "printed"]
Handover = Literal["pickup", "dropoff", "manual"]
Sort = Literal["-placed_at", "placed_at", "ship_by", "pickup_cutoff_at", "collect_by", "respond_by", "-updated_at"]

STATUSES: tuple[Status, ...] = ("unpaid", "ordered", "ready_to_ship", "on_delivery", "completed", "cancelled")
OPEN_STATUSES = ("ordered", "ready_to_ship")
STAGES: tuple[Stage, ...] = ("to_process", "processing", "processed")
MOST_NUMBERS = 200
_MOST_CHOICES = 100
_YEARS = range(2000, 2101)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SEARCHABLE = re.compile(r"[^\W_]{3}")


class TimezoneInvalid(Invalid):
    """Not in the IANA database."""

    en = "`{timezone}` is not a time zone of the IANA database, such as `Asia/Jakarta`."
    id = "`{timezone}` bukan zona waktu dalam basis data IANA, misalnya `Asia/Jakarta`."


def _moment(text: str) -> str:
    """Text that is a day or an instant; the meaning is found in `resolve`. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if _DAY.fullmatch(text) is None and moment.tzinfo is None:
        raise ValueError("An instant needs `Z` or an offset; only a day goes without.")
    return text


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("An instant needs `Z` or an offset.")
    return text


_EXAMPLES: dict[str, Any] = {"examples": ["2026-11-22", "2026-11-22T08:00:00+07:00"]}
DayOrInstant = Annotated[
    str, StringConstraints(min_length=8, max_length=40), AfterValidator(_moment), Field(json_schema_extra=_EXAMPLES)
]
Instant = Annotated[
    str,
    StringConstraints(min_length=10, max_length=40),
    AfterValidator(_instant),
    Field(json_schema_extra={"format": "date-time"}),
]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Channel = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class OrderFilter(BaseModel):
    """Which orders. A name given several times means any of its values; different names must all fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="Part of an order number, tracking number, SKU, product, variation or buyer. Without three letters"
        " or digits in a row it must be a whole order number.",
    )
    order_number: Annotated[list[Word], Field(max_length=MOST_NUMBERS)] = Field(
        default=[], description="Whole order numbers, of any status."
    )
    status: Annotated[list[Status], Field(max_length=_MOST_CHOICES)] = Field(
        default=[], description="Without it, unpaid orders are left out."
    )
    stage: Annotated[list[Stage], Field(max_length=_MOST_CHOICES)] = []
    channel: Annotated[list[Channel], Field(max_length=_MOST_CHOICES)] = Field(
        default=[], description="`shopee`, `lazada`, `tiktok_shop`, `tokopedia`, `plugo_store`, or one added later."
    )
    shop_id: Annotated[list[ShopId], Field(max_length=_MOST_CHOICES)] = []
    print_status: Annotated[list[PrintStatus], Field(max_length=_MOST_CHOICES)] = []
    courier: Annotated[list[Word], Field(max_length=_MOST_CHOICES)] = Field(
        default=[], description="A value of `facets.couriers`."
    )
    handover: Annotated[list[Handover], Field(max_length=_MOST_CHOICES)] = []
    placed_from: DayOrInstant | None = Field(default=None, description="First local day of `tz`, or first instant.")
    placed_to: DayOrInstant | None = Field(default=None, description="Last local day of `tz`, or last instant.")
    tz: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        default="Asia/Jakarta", description="Time zone of the days, from the IANA database."
    )
    ship_by_before: Instant | None = Field(default=None, description="To be shipped before this instant.")
    pickup_cutoff_before: Instant | None = Field(
        default=None, description="Not collected yet, and collected late after this instant."
    )
    collect_by_before: Instant | None = Field(
        default=None, description="Not collected yet, and the courier must have it before this instant."
    )
    sla: Annotated[list[Sla], Field(max_length=_MOST_CHOICES)] = []
    cancellation: Annotated[list[Cancellation], Field(max_length=_MOST_CHOICES)] = []
    is_linked: bool | None = None
    is_cod: bool | None = None
    hold: bool | None = Field(default=None, description="Whether the order is kept back by us.")
    tag: Annotated[list[Word], Field(max_length=_MOST_CHOICES)] = Field(
        default=[], description="Has one of these; see `facets.tags`."
    )
    updated_since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A filter made exact. Empty tuples and None do not filter."""

    q: str | None = None
    """Lower-case text to be found inside an order; at least three letters or digits in a row."""
    order_numbers: tuple[str, ...] = ()
    number_guesses: tuple[str, ...] = ()
    """A `q` too short to search for: whole order numbers it may mean."""
    statuses: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    shop_ids: tuple[UUID, ...] = ()
    print_statuses: tuple[str, ...] = ()
    couriers: tuple[str, ...] = ()
    handovers: tuple[str, ...] = ()
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    ship_by_before: datetime | None = None
    pickup_cutoff_before: datetime | None = None
    collect_by_before: datetime | None = None
    slas: tuple[str, ...] = ()
    cancellations: tuple[str, ...] = ()
    is_linked: bool | None = None
    is_cod: bool | None = None
    is_held: bool | None = None
    tags: tuple[str, ...] = ()
    updated_since: datetime | None = None
    has_no_shop: bool = False
    """None of the shops asked for is the merchant's and of the channels asked for: nothing can fit."""
    with_unpaid: bool = False
    """Count what a list would hide."""

    @property
    def scope(self) -> tuple[str, ...] | None:
        """The statuses that can fit; None when the filter speaks of none. Saying them lets a tab's index answer."""
        narrowest = [set(self.statuses)] if self.statuses else []
        # Stages exist inside `ready_to_ship` only, deadlines count for open orders only.
        narrowest += [{"ready_to_ship"}] if self.stages else []
        has_deadline = self.slas or self.pickup_cutoff_before is not None or self.collect_by_before is not None
        narrowest += [set(OPEN_STATUSES)] if has_deadline else []
        if not narrowest:
            return None
        fitting = set.intersection(*narrowest)
        return tuple(status for status in STATUSES if status in fitting)

    @property
    def hides_unpaid(self) -> bool:
        """Unpaid orders are kept, but shown to those only who ask for them."""
        return self.scope is None and not self.order_numbers and not self.with_unpaid

    @property
    def is_impossible(self) -> bool:
        """No order can fit."""
        return self.has_no_shop or self.scope == ()

    @property
    def is_plain(self) -> bool:
        """Nothing but tabs: the maintained counts know the answer, and one plan serves every list."""
        return not any(getattr(self, name) not in (None, ()) for name in _BEYOND_TABS)


_BEYOND_TABS = tuple({field.name for field in fields(Search)} - {"statuses", "stages", "has_no_shop", "with_unpaid"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the filter stood in the request, for errors."""

    pointer: str | None

    def of(self, name: str) -> dict[str, Any]:
        return {"parameter": name} if self.pointer is None else {"pointer": f"{self.pointer}/{name}"}


def resolve(wish: OrderFilter, *, pointer: str | None = None) -> Search:
    """The filter's meaning. Raises RangeInvalid and TimezoneInvalid, naming the parameter (or the field below
    `pointer`).
    """
    place = _Place(pointer)
    timezone = _timezone(wish.tz, place)
    q = (wish.q or "").strip().lower()
    is_substring = _SEARCHABLE.search(q) is not None
    placed_from = _start(wish.placed_from, timezone, place.of("placed_from"))
    placed_before = _end(wish.placed_to, timezone, place.of("placed_to"))
    if placed_from is not None and placed_before is not None and placed_from >= placed_before:
        raise RangeInvalid(
            **place.of("placed_from"),
            detail="`placed_from` must not be later than `placed_to`.",
        )
    return Search(
        q=q if is_substring else None,
        order_numbers=_distinct(wish.order_number),
        number_guesses=() if is_substring or wish.q is None else guesses(wish.q),
        statuses=_distinct(wish.status),
        stages=_distinct(wish.stage),
        channels=_distinct(wish.channel),
        shop_ids=_distinct(wish.shop_id),
        print_statuses=_distinct(wish.print_status),
        couriers=_distinct(wish.courier),
        handovers=_distinct(wish.handover),
        placed_from=placed_from,
        placed_before=placed_before,
        ship_by_before=_start(wish.ship_by_before, timezone, place.of("ship_by_before")),
        pickup_cutoff_before=_start(wish.pickup_cutoff_before, timezone, place.of("pickup_cutoff_before")),
        collect_by_before=_start(wish.collect_by_before, timezone, place.of("collect_by_before")),
        slas=_distinct(wish.sla),
        cancellations=_distinct(wish.cancellation),
        is_linked=wish.is_linked,
        is_cod=wish.is_cod,
        is_held=wish.hold,
        tags=_distinct(wish.tag),
        updated_since=_start(wish.updated_since, timezone, place.of("updated_since")),
    )


def _distinct(values: list[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def settle_shops(search: Search, channels: Mapping[UUID, str]) -> Search:
    """Drop shops that are not the merchant's and those of other channels; `channels` names the channel of each shop.

    The planner knows nothing of that dependency: a shop of another channel would be looked for in every order.
    """
    if not search.shop_ids:
        return search
    known = tuple(
        shop_id
        for shop_id in search.shop_ids
        if shop_id in channels and (not search.channels or channels[shop_id] in search.channels)
    )
    return replace(search, shop_ids=known, channels=(), has_no_shop=not known)


def widen_couriers(search: Search, combinations: list[str]) -> Search:
    """An order in several packages has several couriers (`A; B`): it fits each of them."""
    wanted = set(search.couriers)
    joined = [one for one in combinations if wanted & set(one.split("; "))]
    return replace(search, couriers=tuple(dict.fromkeys([*search.couriers, *joined])))


# --- time -------------------------------------------------------------------------------------------------------------


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _timezone(name: str, place: _Place) -> ZoneInfo:
    if name not in _timezones():
        raise TimezoneInvalid(**place.of("tz"), timezone=name)
    return _zone(name)


def _start(text: str | None, timezone: ZoneInfo, place: dict[str, Any]) -> datetime | None:
    if text is None:
        return None
    if _DAY.fullmatch(text):
        return datetime.combine(_day(text, place), time(), timezone)
    return _checked(datetime.fromisoformat(text), place)


def _end(text: str | None, timezone: ZoneInfo, place: dict[str, Any]) -> datetime | None:
    """The first instant that is too late: the next midnight, or just after the instant."""
    if text is None:
        return None
    if _DAY.fullmatch(text):
        return datetime.combine(_day(text, place) + timedelta(days=1), time(), timezone)
    return _checked(datetime.fromisoformat(text), place) + timedelta(microseconds=1)


def next_midnight(moment: datetime, timezone: ZoneInfo) -> datetime:
    """When the local day of the moment ends."""
    return datetime.combine(moment.astimezone(timezone).date() + timedelta(days=1), time(), timezone)


def _day(text: str, place: dict[str, Any]) -> date:
    day = date.fromisoformat(text)
    _check_year(day.year, place)
    return day


def _checked(moment: datetime, place: dict[str, Any]) -> datetime:
    _check_year(moment.year, place)
    return moment


def _check_year(year: int, place: dict[str, Any]) -> None:
    if year not in _YEARS:
        raise RangeInvalid(**place, detail="The year must be between 2000 and 2100.")
