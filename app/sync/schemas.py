"""What callers send to imports, and what a lookup answers."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from app.core.ids import ShopId
from app.core.money import Amount
from app.core.schemas import Body
from app.orders.schemas import Order

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _read_moment(value: Any) -> Any:
    """A local day, or an instant with its offset; nothing else is taken for a time."""
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str):
        moment = date.fromisoformat(value) if _DAY.fullmatch(value) else datetime.fromisoformat(value)
        # Without an offset a time could be anybody's.
        if not isinstance(moment, datetime) or moment.tzinfo is not None:
            return moment
    raise ValueError("expected a date (2026-11-22) or a time with offset (2026-11-22T03:00:00Z)")


Moment = Annotated[
    AwareDatetime | date,
    Field(union_mode="left_to_right", examples=["2026-11-22", "2026-11-22T03:00:00Z"]),
    BeforeValidator(_read_moment),
]
"""A day in the shop's time zone (`2026-11-22`) or an instant (`2026-11-22T03:00:00Z`)."""

OrderNumber = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=100)]


class ImportOrders(Body):
    """Where to import from, and what: a time range in which orders were placed, or order numbers."""

    shop_ids: list[ShopId] | None = Field(default=None, min_length=1, max_length=100)
    channel: str | None = Field(
        default=None,
        max_length=40,
        description="Instead of `shop_ids`: every connected shop of `shopee`, `lazada`, `tiktok_shop`, `tokopedia`,"
        " `plugo_store` or a channel added later.",
    )
    from_: Moment | None = Field(
        default=None, alias="from", description="First local day, or instant; default 15 days ago."
    )
    to: Moment | None = Field(
        default=None, description="Last local day (inclusive), or instant; default now. At most 90 days after `from`."
    )
    order_numbers: list[OrderNumber] | None = Field(
        default=None, min_length=1, max_length=200, description="Instead of a range."
    )

    @model_validator(mode="after")
    def _is_one_wish(self) -> Self:
        if (self.shop_ids is None) == (self.channel is None):
            raise ValueError("Give exactly one of `shop_ids` and `channel`.")
        if self.order_numbers is not None and (self.from_ is not None or self.to is not None):
            raise ValueError("Give a range or `order_numbers`, not both.")
        if self.to is not None and self.from_ is None:
            raise ValueError("`to` needs `from`.")
        return self


class LookupShop(BaseModel):
    """What one shop answers."""

    id: ShopId
    name: str
    answer: str


class LookupAction(BaseModel):
    """What mends it: the request to make."""

    code: str = Field(description="`open`, `import`, `reauthorize`, `resume` or `wait`.")
    method: str
    path: str
    body: dict[str, Any] = {}


class OrderLookup(BaseModel):
    """Where an order is, or why it is not here."""

    number: str
    answer: str = Field(
        description="`found`, `hidden_unpaid`, `imported_failed`, `queued`, `at_channel_not_imported`, `outside_window`"
        " (at the channel, but placed before the day back to which the shop is complete), `needs_reauth`,"
        " `shop_paused`, `unknown_at_channel` or `channel_unavailable`."
    )
    order: Order | None = None
    number_kind: str | None = Field(
        default=None,
        description="What `number` is of `order`: `order_number`, `external_id` (the channel's own id),"
        " `package_number` or `tracking_number` (open on output).",
    )
    shops: list[LookupShop] = []
    since: datetime | None = Field(default=None, description="`needs_reauth`: since when.")
    reason: str | None = None
    action: LookupAction | None = None


class SyncAll(Body):
    """What to bring up to date."""

    scope: Literal["orders", "stock", "all"] = "all"
    shop_ids: Annotated[list[ShopId], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Left out, every connected shop that is not paused."
    )


class CompletenessDay(BaseModel):
    """One local day, compared with the channel's own list."""

    day: date
    at_channel: int
    here: int
    healed: int = Field(
        description="Orders that were missing here and were read by a comparison, this or an earlier one."
    )
    refreshed: int = Field(description="Orders that were here but out of date and were read by a comparison.")
    last_healed_at: datetime | None = Field(description="When a comparison last read one of either kind.")
    failed: int = Field(description="Orders that are kept with the reason why they cannot be read.")
    missing: list[str] = Field(description="Ids at the channel that are still not here; at most a hundred.")
    checked_at: datetime


class Completeness(BaseModel):
    """Day by day, the newest first."""

    is_complete: bool = Field(description="Nothing is missing on any day compared.")
    data: list[CompletenessDay]


class AmountDifference(BaseModel):
    """An amount that differs; null where one side does not have it."""

    kind: str
    here: Amount | None
    at_channel: Amount | None


class AmountsComparison(BaseModel):
    """An order's amounts against a fresh read of its channel."""

    state: str = Field(
        description="`in_sync`; `explained`: the channel changed the order after our last read, `sync` brings it in;"
        " `unexplained`: the same version of the order has other amounts."
    )
    explanation: str | None
    currency: str
    differences: list[AmountDifference]
    checked_at: datetime
