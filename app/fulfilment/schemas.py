"""What callers send to act on many orders at once, and what they may choose from."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.core.ids import OrderId, PackageId, ShopId
from app.core.schemas import Body
from app.orders.schemas import MOST_TAGS, Note, Selection, Tag

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
ReasonCode = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A channel's own, as it offers it; some are half a sentence."""
Method = Literal["pickup", "dropoff", "manual"]
LocalDay = date  # a field called `date` hides the type inside its class


class HandoverChoice(Body):
    """How to hand over. What is left out takes the shop's default address and the first slot on `date`."""

    method: Method
    date: LocalDay | None = Field(default=None, description="Local day of the pickup; default the first day offered.")
    time_from: str | None = Field(
        default=None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Earliest local start of the pickup slot, HH:MM.",
    )


class ShopChoice(Body):
    """Overrides for the orders of one shop, with ids from `POST /v1/shipments/options`."""

    shop_id: ShopId
    address_id: Word | None = None
    slot_id: Word | None = None
    branch_id: Word | None = None


class OrderChoice(Body):
    """Courier and tracking number the merchant brings, for one order or one of its packages."""

    order_id: OrderId
    package_id: PackageId | None = None
    courier: Word
    tracking_number: Word


class ArrangeShipment(Body):
    """Arrange one order or many, of any shops and channels."""

    selection: Selection
    handover: HandoverChoice
    per_shop: Annotated[tuple[ShopChoice, ...], Field(max_length=1000)] = ()
    per_order: Annotated[tuple[OrderChoice, ...], Field(max_length=1000)] = ()
    dry_run: bool = False


class BulkOptions(Body):
    """Options of the action; those of other actions are refused."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="`hold`: why; shown where the order is refused. `cancel`, `reject_cancellation`: a code the channel"
        " offers, see `GET /v1/reasons` and the order's `cancellation-reasons`; required for `hold` and `cancel`.",
    )
    reasons: Annotated[dict[str, ReasonCode], Field(max_length=20)] = Field(
        default={}, description="`cancel`, `reject_cancellation`: channel → code, where it differs from `reason`."
    )
    tags: Annotated[list[Tag], Field(min_length=1, max_length=MOST_TAGS)] | None = Field(
        default=None,
        description="`add_tags`, `remove_tags`: which; required there. An order that would have more than"
        f" {MOST_TAGS} gets none of them.",
    )
    note: Note | None = Field(
        default=None, description="`set_note`: takes the place of the order's note; required there, `null` clears it."
    )
    language: Literal["en", "id"] | None = Field(
        default=None,
        description="`print_invoices`, `print_packing_slips`, `print_pick_list`: language of the paper; default id.",
    )
    sort: Literal["selection", "sku", "courier", "ship_by"] | None = Field(
        default=None,
        description="`print_labels`, `print_invoices`, `print_packing_slips`: order of the pages; default selection."
        " Otherwise orders of one SKU come before mixed ones.",
    )


class BulkAction(Body):
    """Do one thing to many orders."""

    action: Literal[
        "receive",
        "print_labels",
        "print_invoices",
        "print_packing_slips",
        "print_pick_list",
        "approve_cancellation",
        "reject_cancellation",
        "cancel",
        "hold",
        "release",
        "add_tags",
        "remove_tags",
        "set_note",
        "mark_dispatched",
        "mark_delivered",
    ]
    selection: Selection
    options: BulkOptions = BulkOptions()
    dry_run: bool = False


class AnswerCancellation(Body):
    """The answer to a buyer who asks to cancel."""

    decision: Literal["approve", "reject"]
    reason: ReasonCode | None = Field(
        default=None,
        description="Why it is rejected: a code of `cancellation-reasons`. Left out, the first the channel offers.",
    )


class CancelOrder(Body):
    """The seller cancels."""

    reason: ReasonCode = Field(description="A code of `cancellation-reasons`.")


class ReasonOffered(BaseModel):
    """A reason the channel accepts."""

    code: str
    text: str


class OrderReasons(BaseModel):
    """What may be said when an order is cancelled or the buyer's request refused."""

    cancel: list[ReasonOffered]
    reject: list[ReasonOffered] = Field(description="For the open request; empty when none is open or none is taken.")
    respond_by: datetime | None
    if_unanswered: str | None = Field(
        description="`approved`: the channel cancels when nobody answers in time; `none`: the order stays as it is."
    )


class ChannelReasons(BaseModel):
    """Reasons for which the seller may cancel at a channel."""

    channel: str
    cancel: list[ReasonOffered]


class ReasonsAnswer(BaseModel):
    """Per channel."""

    data: list[ChannelReasons]


class StopParcel(BaseModel):
    """A printed parcel of a cancelled order, to be pulled out before the courier takes it."""

    package_id: PackageId
    order_id: OrderId
    order_number: str
    channel: str
    shop_id: ShopId
    package_number: str
    tracking_number: str | None
    courier: str | None
    reason: str | None = Field(description="Why the buyer cancelled, as far as the channel tells.")
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    barcode: str | None = Field(description="Code 128 of the number on the label, as SVG.")


class AskShippingOptions(Body):
    """Orders to be handed over together."""

    order_ids: Annotated[list[OrderId], Field(min_length=1, max_length=1000)]


class OfferedSlot(BaseModel):
    """A pickup window; `from` and `to` are local times of day where the channel gives them."""

    id: str
    date: date
    from_: str | None = Field(default=None, serialization_alias="from", validation_alias="from")
    to: str | None = None
    starts_at: datetime
    is_late: bool = Field(description="Not over by the pickup cut-off: what is collected after it counts as late.")


class OfferedAddress(BaseModel):
    """Where the courier may collect."""

    id: str
    text: str
    is_default: bool
    slots: list[OfferedSlot]


class OfferedBranch(BaseModel):
    """A counter for drop-off."""

    id: str
    text: str


class OfferedMethod(BaseModel):
    """One way to hand over and the fields the channel asks for."""

    method: str
    addresses: list[OfferedAddress]
    branches: list[OfferedBranch]
    required: list[str]


class OptionsGroup(BaseModel):
    """Orders of one shop for which the same choices exist."""

    shop_id: ShopId
    channel: str
    order_ids: list[OrderId]
    methods: list[OfferedMethod]


class OptionsException(BaseModel):
    """An order that cannot be arranged now, and why."""

    order_id: OrderId
    code: str
    text: str


class ShippingOptionsAnswer(BaseModel):
    """What can be chosen for these orders, grouped."""

    groups: list[OptionsGroup]
    common_methods: list[str]
    exceptions: list[OptionsException]
