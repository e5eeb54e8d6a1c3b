"""Tables of orders, lines and packages, and the maintained counts."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base

AWAITED = "status in ('ordered', 'ready_to_ship') and stage is distinct from 'processed'"


class OrderRow(Base):
    """One buyer's order in one shop, as last told by its channel. Summaries of lines and packages are kept on the row:

    a page of the order desk is then one index walk.
    """

    __tablename__ = "orders"
    __table_args__ = (
        # Theirs is unique per API-side shop, not globally; the order number people see need not be unique.
        UniqueConstraint("merchant_id", "account_id", "external_id"),
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        ForeignKeyConstraint(["merchant_id", "shop_id"], ["shops.merchant_id", "shops.id"]),
        Index("ix_orders_number", "merchant_id", "order_number"),
        Index("ix_orders_status", "merchant_id", "status", text("placed_at desc"), text("id desc")),
        Index(
            "ix_orders_stage",
            "merchant_id",
            "status",
            "stage",
            text("placed_at desc"),
            text("id desc"),
            postgresql_where=text("stage is not null"),
        ),
        # Its predicate is stated by the unfiltered list only: else the planner walks it for every status.
        Index(
            "ix_orders_all", "merchant_id", text("placed_at desc"), text("id desc"), postgresql_where=text("is_visible")
        ),
        Index("ix_orders_ship_by", "merchant_id", "status", "ship_by", "id"),
        Index(
            "ix_orders_gated",
            "merchant_id",
            "shop_id",
            "placed_at",
            postgresql_where=text("status = 'ordered' and first_step = 'gate'"),
        ),
        # Its predicate says all that "overdue" means but the time: such orders are counted without looking at them.
        Index("ix_orders_deadline", "merchant_id", "ship_by", postgresql_where=text(AWAITED)),
        # Of orders no courier has yet, at channels that say so: few.
        Index(
            "ix_orders_pickup_cutoff_at",
            "merchant_id",
            "pickup_cutoff_at",
            "id",
            postgresql_where=text("pickup_cutoff_at is not null"),
        ),
        Index(
            "ix_orders_collect_by",
            "merchant_id",
            "collect_by",
            "id",
            postgresql_where=text("collect_by is not null"),
            postgresql_include=["status", "stage"],  # counted without looking at the orders
        ),
        Index("ix_orders_updated", "merchant_id", "updated_at", "id"),
        Index(
            "ix_orders_respond_by",
            "merchant_id",
            "respond_by",
            "id",
            postgresql_where=text("cancellation = 'requested'"),
        ),
        Index(
            "ix_orders_filter",
            "merchant_id",
            "status",
            "stage",
            "channel",
            "shop_id",
            "courier",
            "print_status",
            "handover",
            "is_linked",
            "is_cod",
            "cancellation",
            "is_held",
            postgresql_using="gin",
        ),
        # The few orders with tags. Its predicate is stated by searches for tags only.
        Index(
            "ix_orders_tagged",
            "merchant_id",
            text("placed_at desc"),
            text("id desc"),
            postgresql_include=["tags", "status", "is_visible"],
            postgresql_where=text("tags <> '{}'"),
        ),
        # The few orders in several packages with several couriers.
        Index("ix_orders_couriers", "merchant_id", "courier", postgresql_where=text("strpos(courier, '; ') > 0")),
        Index(
            "ix_orders_search",
            "merchant_id",
            "search",
            postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"},
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    shop_id: Mapped[UUID]
    channel: Mapped[str]
    external_id: Mapped[str]
    order_number: Mapped[str]
    status: Mapped[str]
    stage: Mapped[str | None]
    channel_status: Mapped[str]
    is_visible: Mapped[bool]
    """Shown in the unfiltered list: everything but unpaid."""
    cancellation: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    respond_by: Mapped[datetime | None]
    answer_settles_at: Mapped[datetime | None]
    """Until when a read that still shows a request we answered counts as lagging."""
    hold: Mapped[str | None]
    """Our hold's reason; null when not held."""
    is_held: Mapped[bool] = mapped_column(server_default=text("false"))
    channel_hold_reason: Mapped[str | None]
    channel_hold_until: Mapped[datetime | None]
    not_shippable: Mapped[str | None]
    """Our code why the merchant must not arrange it (fulfilled by the channel, …)."""
    first_step: Mapped[str] = mapped_column(server_default="none")
    """How it is received: `call` (at the channel), `gate` (here only) or `none`."""
    received_at: Mapped[datetime | None]
    received_by: Mapped[str | None]
    """`user`, `auto`, or `implied` (arranged or shipped without)."""
    is_urgent: Mapped[bool] = mapped_column(server_default=text("false"))
    """Minutes count: a gate lets it through at once."""
    is_own_courier: Mapped[bool] = mapped_column(server_default=text("false"))
    """Nobody but the merchant knows when its parcels leave and arrive: the merchant marks it."""
    cancels_at: Mapped[datetime | None]
    pickup_cutoff_at: Mapped[datetime | None]
    collect_by: Mapped[datetime | None]
    """The channel cancels by itself what is not arranged by then."""
    print_status: Mapped[str] = mapped_column(server_default="not_printed")
    is_linked: Mapped[bool] = mapped_column(server_default=text("false"))
    is_cod: Mapped[bool]
    is_returned: Mapped[bool]
    processed_outside: Mapped[bool] = mapped_column(server_default=text("false"))
    pick_pack: Mapped[str | None]
    """Last pick-and-pack step: pick_started, picked, packed, handed_over."""
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    ship_by: Mapped[datetime | None]
    channel_updated_at: Mapped[datetime]
    read_started_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    """Rises with every change; plans and ETags compare it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime]
    payment_method: Mapped[str | None]
    total_amount: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    total_basis: Mapped[str]
    currency: Mapped[str]
    amounts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    line_count: Mapped[int]
    quantity: Mapped[int]
    buyer_username: Mapped[str | None]
    buyer_name: Mapped[str | None]
    buyer_username_masked: Mapped[str | None]
    buyer_name_masked: Mapped[str | None]
    buyer_message: Mapped[str | None]
    recipient: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    sender_name: Mapped[str | None]
    note: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    courier: Mapped[str | None]
    """Couriers of the packages, in package order, joined by `; `."""
    tracking_number: Mapped[str | None]
    handover: Mapped[str | None]
    lines_summary: Mapped[Any] = mapped_column(JSON)
    packages_summary: Mapped[Any] = mapped_column(JSON)
    search: Mapped[str]
    """Lower-case number, tracking numbers, buyer, SKUs and names, one per line."""
    lines: Mapped[list["OrderLineRow"]] = relationship(lazy="raise", order_by="OrderLineRow.position", viewonly=True)
    packages: Mapped[list["PackageRow"]] = relationship(lazy="raise", order_by="PackageRow.position", viewonly=True)


class OrderLineRow(Base):
    """One SKU and quantity in an order."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("merchant_id", "order_id", "external_id"),
        ForeignKeyConstraint(["merchant_id", "order_id"], ["orders.merchant_id", "orders.id"], ondelete="CASCADE"),
        Index(
            "ix_order_lines_unlinked",
            "merchant_id",
            "listing_id",
            "order_id",
            postgresql_where=text("product_id is null and listing_id is not null"),
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    external_id: Mapped[str]
    position: Mapped[int]
    item_external_id: Mapped[str]
    model_external_id: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    variation: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(18, 2))
    listing_id: Mapped[UUID | None]
    product_id: Mapped[UUID | None]


class PackageRow(Base):
    """What the channel ships together. Shipping acts on packages.

    `effect_state`, `effect_until` and `open_intent` are written by fulfilment and read by the upsert's overlay.
    """

    __tablename__ = "packages"
    __table_args__ = (
        UniqueConstraint("merchant_id", "order_id", "package_number"),
        ForeignKeyConstraint(["merchant_id", "order_id"], ["orders.merchant_id", "orders.id"], ondelete="CASCADE"),
        Index("ix_packages_number", "merchant_id", "package_number"),
        Index(
            "ix_packages_tracking_number",
            "merchant_id",
            "tracking_number",
            postgresql_where=text("tracking_number is not null"),
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    package_number: Mapped[str]
    position: Mapped[int]
    status: Mapped[str]
    channel_status: Mapped[str]
    courier: Mapped[str | None]
    service: Mapped[str | None]
    tracking_number: Mapped[str | None]
    handover: Mapped[str | None]
    lines: Mapped[dict[str, int]] = mapped_column(JSONB)
    """External line id → quantity."""
    awaits_receipt: Mapped[bool] = mapped_column(server_default=text("false"))
    """Becomes a package when the channel is asked to receive it."""
    is_gone: Mapped[bool] = mapped_column(server_default=text("false"))
    """The channel no longer lists it (re-split)."""
    effect_state: Mapped[str | None]
    """`received`, `arranged`, `dispatched` or `delivered` once our call is confirmed, until the channel agrees or takes
    it back."""
    effect_until: Mapped[datetime | None]
    """Until when a read that still shows `to_process` counts as lagging."""
    effect_base_at: Mapped[datetime | None]
    """The order's channel time when our effect was confirmed; only a newer one can take it back."""
    open_intent: Mapped[UUID | None]
    """The effect that is planned, sent or unknown for this package."""
    tracking_read_at: Mapped[datetime | None]
    """When the courier's scans were last asked for."""


class StopParcelRow(Base):
    """A printed parcel of an order that was cancelled: somebody has to pull it out before the courier takes it."""

    __tablename__ = "stop_parcels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "package_id"], ["packages.merchant_id", "packages.id"], ondelete="CASCADE"
        ),
        Index("ix_stop_parcels_open", "merchant_id", "package_id", postgresql_where=text("acknowledged_at is null")),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    package_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID]
    created_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    """Name of whoever pulled it."""


class SavedViewRow(Base):
    """A filter with a name, of one person or shared with colleagues."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("merchant_id", "owner_id", "name"),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID]
    """User or API key."""
    owner_name: Mapped[str]
    name: Mapped[str]
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sort: Mapped[str]
    is_shared: Mapped[bool]
    updated_at: Mapped[datetime]


class TrackingEventRow(Base):
    """A courier scan."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "package_id"], ["packages.merchant_id", "packages.id"], ondelete="CASCADE"
        ),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    package_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    location: Mapped[str | None]


class OrderCountRow(Base):
    """Orders per status and stage (`''` = none), folded. The exact count is this plus the deltas."""

    __tablename__ = "order_counts"
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    requested: Mapped[int]
    unlinked: Mapped[int]


class OrderCountDeltaRow(Base):
    """What one statement changed, written by triggers and folded by the sweeper."""

    __tablename__ = "order_count_deltas"
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    status: Mapped[str]
    stage: Mapped[str]
    n: Mapped[int]
    requested: Mapped[int]
    unlinked: Mapped[int]


class FailedOrderRow(Base):
    """An order the channel has and we could not map: kept with its reason until a later read succeeds."""

    __tablename__ = "failed_orders"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),)
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(Integer, server_default="1")
    first_failed_at: Mapped[datetime]
    last_failed_at: Mapped[datetime]


class ReadRequestRow(Base):
    """An order somebody wants re-read (push, sync, arrange).

    Doubles coalesce, a request during a read causes another.
    """

    __tablename__ = "read_requests"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "account_id"], ["accounts.merchant_id", "accounts.id"]),
        Index("ix_read_requests_due", "merchant_id", "account_id", "priority", "due_at"),
    )
    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[int] = mapped_column(Integer, server_default="1")
    """Rises with every request; a read removes the row only if none came meanwhile."""
    priority: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime]
    last_due_at: Mapped[datetime]
    """The latest time anybody asked for: only a read that began after it answers every request."""
    absences: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """How often in a row the channel knew nothing of the order since it was last asked for."""
