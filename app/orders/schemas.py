"""What callers of the order desk send and get."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue

from app.core.ids import EntryId, LineId, ListingId, OrderId, PackageId, ProductId, ShopId, ViewId
from app.core.money import Amount, Money
from app.core.pagination import PageInfo
from app.core.schemas import Body
from app.orders.filters import OrderFilter, Sort

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Note = Annotated[str, StringConstraints(max_length=2_000)]
MOST_TAGS = 20
"""Of one order."""
PickPackAction = Literal["pick_started", "picked", "packed", "handed_over"]


class SearchOrders(OrderFilter):
    """Which orders, in which order, which page."""

    sort: Sort = Field(
        default="-placed_at",
        description="`respond_by`: open cancellation requests first, by deadline. `pickup_cutoff_at`,"
        " `collect_by`: what no courier has yet. Orders without the date come last.",
    )
    limit: int = Field(default=50, ge=1, le=200, description="Most entries on one page.")
    cursor: str | None = Field(
        default=None,
        max_length=2000,
        description="`page.next_cursor` of the page before; absent for the first page.",
    )


def _allow_single_values(schema: JsonSchemaValue) -> None:
    for entry in schema["properties"].values():
        if entry.get("type") == "array":
            several = {name: entry.pop(name) for name in ("type", "items", "maxItems") if name in entry}
            entry["anyOf"] = [several["items"], several]


class SelectionFilter(OrderFilter):
    """The query parameters of `GET /v1/orders` as a JSON object; several values as an array."""

    model_config = ConfigDict(json_schema_extra=_allow_single_values)

    @model_validator(mode="before")
    @classmethod
    def _wrap_single_values(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        lists = {name for name, field in cls.model_fields.items() if isinstance(field.default, list)}
        return {
            name: [value] if name in lists and not isinstance(value, list) else value for name, value in values.items()
        }


class Selection(Body):
    """The orders to act on: their ids, or everything a filter finds. Exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["order_ids"]}, {"required": ["filter"]}],
            "examples": [{"order_ids": [f"ord_{'0' * 31}1"]}],
        }
    )

    order_ids: Annotated[list[OrderId], Field(max_length=10_000)] | None = Field(
        default=None, description="Ids given twice count once."
    )
    filter: SelectionFilter | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Selection":
        if (self.order_ids is None) == (self.filter is None):
            raise ValueError("Give either `order_ids` or `filter`.")
        return self


class HoldOrder(Body):
    """Why the order is kept back."""

    reason: Reason


class ChangeOrder(Body):
    """What is left out stays. `null` clears the note."""

    note: Note | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = Field(
        default=None, description="All tags of the order; those given twice count once."
    )


class TakeStep(Body):
    """A step of picking and packing."""

    action: PickPackAction


class OrderShop(BaseModel):
    """The storefront the buyer bought in."""

    id: ShopId
    name: str


class OrderCancellation(BaseModel):
    """The buyer's wish to cancel, or its result."""

    state: str = Field(description="`requested`, `approved` or `rejected`.")
    respond_by: datetime | None
    reason: str | None


class Hold(BaseModel):
    """Kept back by us."""

    reason: str


class ChannelHold(BaseModel):
    """Kept back by the channel."""

    reason: str
    until: datetime | None


class OrderCounts(BaseModel):
    """Size of the order."""

    lines: int
    quantity: int


class Total(Money):
    """What the buyer pays, for reference: each channel shares different details."""

    basis: str = Field(description="`reported` by the channel, or `derived` from what it reports.")


class Buyer(BaseModel):
    """Masked without `buyer:read`."""

    username: str | None
    name: str | None


class Line(BaseModel):
    """One SKU and quantity."""

    id: LineId
    sku: str
    name: str
    variation: str
    quantity: int
    unit_price: Money | None
    listing_id: ListingId | None
    product_id: ProductId | None
    is_linked: bool


class Package(BaseModel):
    """What the channel ships together."""

    id: PackageId
    package_number: str
    status: str = Field(description="`to_process`, `processing`, `processed`, `in_transit`, `delivered`, `cancelled`.")
    courier: str | None
    service: str | None
    tracking_number: str | None
    handover: str | None


class NextAction(BaseModel):
    """Something to do with the order: possible now, or why not."""

    action: str
    is_allowed: bool
    code: str | None
    text: str | None


class Order(BaseModel):
    """An order as lists show it."""

    id: OrderId
    order_number: str
    external_id: str = Field(description="The channel's id of the order.")
    channel: str
    shop: OrderShop
    status: str = Field(
        description="`unpaid`, `ordered`, `ready_to_ship`, `on_delivery`, `completed`, `cancelled`: the tabs."
    )
    stage: str | None = Field(description="Inside `ready_to_ship`: `to_process`, `processing`, `processed`.")
    channel_status: str = Field(description="In the channel's own words.")
    cancellation: OrderCancellation | None
    hold: Hold | None
    channel_hold: ChannelHold | None
    not_shippable: str | None = Field(description="Why the merchant must not arrange it, e.g. `fulfilled_by_channel`.")
    is_linked: bool
    is_cod: bool
    returned: bool
    processed_outside: bool = Field(description="Arranged in the channel's seller centre.")
    print_status: str = Field(description="`not_printed` or `printed`.")
    pick_pack: str | None = Field(description="The last step of picking and packing.")
    placed_at: datetime
    paid_at: datetime | None
    ship_by: datetime | None
    pickup_cutoff_at: datetime | None = Field(
        description="What the courier collects later counts as dispatched late. Null once collected, and at channels"
        " that do not say."
    )
    collect_by: datetime | None = Field(
        description="The courier must have it by then. Null once collected, and at channels that do not say."
    )
    cancels_at: datetime | None = Field(
        description="The channel cancels by itself what is not arranged by then; once arranged, what is not collected;"
        " once collected, what is not delivered."
    )
    received_at: datetime | None = Field(description="When it was received, at channels where that is a step.")
    sla: str | None = Field(description="`overdue`, `at_risk`, `ok`; null once arranged or without `ship_by`.")
    updated_at: datetime
    payment_method: str | None
    counts: OrderCounts
    total: Total | None
    buyer: Buyer
    note: str | None
    tags: list[str]
    lines: list[Line]
    packages: list[Package]
    next_actions: list[NextAction]


class OrderPage(BaseModel):
    """One page of orders."""

    data: list[Order]
    page: PageInfo


class OrderAmount(BaseModel):
    """A part of the money, as far as the channel tells."""

    kind: str
    amount: Amount
    currency: str
    basis: str


class OrderRecipient(BaseModel):
    """Where the parcels go. Name, phone and address are masked without `buyer:read`."""

    name: str
    phone: str
    address: str
    district: str
    city: str
    state: str
    postal_code: str
    country: str


class DetailedLine(Line):
    """A line with the channel's own ids."""

    external_id: str
    item_external_id: str
    model_external_id: str


class PackedLine(BaseModel):
    """How much of a line is in a package."""

    line_id: LineId
    quantity: int


class DetailedPackage(Package):
    """A package with its content."""

    channel_status: str
    lines: list[PackedLine]


class OrderLinks(BaseModel):
    """Where to go on."""

    self: str
    history: str
    tracking: str


class OrderDetail(Order):
    """Everything about one order. Its `ETag` goes into `If-Match` of a change."""

    lines: list[DetailedLine]  # type: ignore[assignment]  # more of the same
    packages: list[DetailedPackage]  # type: ignore[assignment]
    amounts: list[OrderAmount]
    recipient: OrderRecipient | None
    buyer_message: str | None
    sender_name: str | None = Field(description="Printed as the sender instead of the shop.")
    version: int
    links: OrderLinks


class StatusCounts(BaseModel):
    """Per tab."""

    unpaid: int
    ordered: int
    ready_to_ship: int
    on_delivery: int
    completed: int
    cancelled: int


class StageCounts(BaseModel):
    """Inside `ready_to_ship`."""

    to_process: int
    processing: int
    processed: int


class UncollectedCounts(BaseModel):
    """Arranged orders that no courier has yet, at channels that say until when one must have them.

    Each as the list with `stage=processed` and its own `collect_by_before`.
    """

    overdue: int = Field(description="`collect_by_before` now.")
    today: int = Field(description="`collect_by_before` the next midnight of `tz`: the overdue ones are among them.")


class OrderCountsAnswer(BaseModel):
    """How many orders each tab would list with the same filter. A key's own dimension is left out of the filter."""

    status: StatusCounts
    stage: StageCounts
    cancellation_requested: int
    unlinked: int
    overdue: int
    uncollected: UncollectedCounts


class CourierFacet(BaseModel):
    """A courier and how many orders it carries."""

    value: str
    count: int


class ShopFacet(BaseModel):
    """A shop and how many orders it has."""

    id: ShopId
    name: str
    channel: str
    count: int


class TagFacet(BaseModel):
    """A tag and how many orders have it."""

    value: str
    count: int


class OrderFacets(BaseModel):
    """Values to filter by, with the number of orders each would list."""

    couriers: list[CourierFacet]
    shops: list[ShopFacet]
    tags: list[TagFacet] = Field(description="The 100 that most orders have.")


class EntryActor(BaseModel):
    """Who did it."""

    type: str = Field(description="`user`, `api_key`, `channel` or `system`.")
    id: str | None
    name: str


class HistoryEntry(BaseModel):
    """Something that happened to an order."""

    id: EntryId
    at: datetime
    kind: str
    type: str = Field(
        description="One of the property names of the schema `EventCatalogue`, or one added later:"
        " `GET /v1/event-types` lists them."
    )
    actor: EntryActor
    before: dict[str, Any] = Field(
        serialization_alias="from", description="What it was: `EventCatalogue[type].from`. Changed fields only."
    )
    after: dict[str, Any] = Field(
        serialization_alias="to", description="What it became: `EventCatalogue[type].to`. Changed fields only."
    )
    text: str = Field(description="The entry as a sentence, in the caller's language.")
    request_id: str = Field(description="The request that caused it; empty when none did.")
    channel_reference: str | None = Field(
        description="The marketplace's own id of the answer this entry rests on: name it when you ask there. Null where"
        " no marketplace was asked, or none was given."
    )
    succeeded: bool = Field(description="False for an attempt that failed, or whose end was not known yet.")


class EventType(BaseModel):
    """A type of history entries."""

    type: str
    kind: str = Field(description="`general` and `pick_pack` happen to orders; `audit` to shops, users, stock, …")
    text: str = Field(description="What it means in a few words, in the caller's language: a label for a filter.")
    succeeded: bool = Field(description="False for attempts that failed, or whose end is not known yet.")
    before: list[str] = Field(serialization_alias="from", description="Fields that `from` may have.")
    after: list[str] = Field(serialization_alias="to", description="Fields that `to` may have.")


class EventTypes(BaseModel):
    """Every type there is; more may be added."""

    data: list[EventType]


class TrackingEvent(BaseModel):
    """A courier's scan."""

    at: datetime
    code: str = Field(description="The channel's own code.")
    text: str
    location: str | None


class TrackedPackage(BaseModel):
    """One package's way, oldest scan first."""

    id: PackageId
    courier: str | None
    tracking_number: str | None
    status: str
    events: list[TrackingEvent]


class Tracking(BaseModel):
    """Where the order's packages are."""

    packages: list[TrackedPackage]


class Scan(Body):
    """A scanned code and what is done with the parcel."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        description="Order number, package number or tracking number."
    )
    action: PickPackAction


ViewName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class CreateView(Body):
    """A filter to keep under a name."""

    name: ViewName
    filter: SelectionFilter
    sort: Sort = "-placed_at"
    is_shared: bool = Field(default=False, description="Colleagues see it too.")


class ChangeView(Body):
    """Fields to change; absent ones stay."""

    name: ViewName | None = None
    filter: SelectionFilter | None = None
    sort: Sort | None = None
    is_shared: bool | None = None


class SavedView(BaseModel):
    """A filter with a name."""

    id: ViewId
    name: str
    filter: dict[str, Any] = Field(description="Query parameters of `GET /v1/orders`, as they were saved.")
    sort: str
    is_shared: bool
    is_mine: bool
    owner: str
    updated_at: datetime


class SavedViews(BaseModel):
    """One's own views and the shared ones, by name."""

    data: list[SavedView]
