"""What a reading makes of an order: new values, lines, packages and journal entries. Pure.

An older reading changes nothing, what we know to have done is not undone by a reading that lags, and what the channel
has masked meanwhile stays clear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.channels.contract import ChannelLine, ChannelOrder, ChannelPackage
from app.core.ids import new_id
from app.journal.catalogue import Entry
from app.orders import events, packing, receiving, wording
from app.orders.parts import Line, Package
from app.orders.rollup import Head, Rollup, roll_up, to_columns
from app.orders.storing import Stored
from app.products.service import Key, Link

TERMINAL = ("completed", "cancelled")
_OPEN = ("unpaid", "ordered", "ready_to_ship")
_DONE = ("processed", "in_transit", "delivered")


@dataclass(frozen=True, slots=True)
class Merged:
    """An order as it has to be stored. `values` are the columns that the channel decides, derived ones included."""

    id: UUID
    values: dict[str, Any]
    lines: tuple[Line, ...]
    packages: tuple[Package, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An order as it was read, and what is known around it."""

    order: ChannelOrder
    shop_id: UUID
    started_at: datetime
    cancellation_response: timedelta | None = None
    is_own_courier: bool = False
    links: Mapping[Key, Link] = field(default_factory=dict)
    """Listing and product by the ids a line names."""


def build(reading: Reading) -> Merged:
    """An order we did not have."""
    values = wording.describe(reading.order)
    values["shop_id"] = reading.shop_id
    values["status"] = reading.order.status or packing.derive_status([one.status for one in reading.order.packages])
    values["processed_outside"] = False
    values["is_own_courier"] = reading.is_own_courier
    values |= _cancellation(None, reading, values["status"])
    values["read_started_at"] = reading.started_at
    lines = tuple(_line(line, position, None, reading.links) for position, line in enumerate(reading.order.lines))
    packages = tuple(
        packing.merge(None, package, position=position, reading=_freshness(reading, None)).package
        for position, package in enumerate(reading.order.packages)
    )
    values |= _receipt(None, values, packages)
    values |= to_columns(_roll_up(values, lines, packages))
    order_id = new_id()
    state = events.ImportedState(
        status=values["status"], stage=values["stage"], channel_status=values["channel_status"]
    )
    return Merged(order_id, values, lines, packages, (events.IMPORTED(order_id, after=state),))


def merge(stored: Stored, reading: Reading) -> Merged | None:
    """An order we have. None: the reading is older, or it says nothing new."""
    row = stored.row
    if not _is_newer(row, reading):
        return None
    values = wording.describe(reading.order, row)
    values["status"] = reading.order.status or row["status"]
    values["shop_id"] = reading.shop_id if row["status"] in _OPEN else row["shop_id"]
    values["is_own_courier"] = reading.is_own_courier
    values |= _cancellation(row, reading, values["status"])
    lines = _merge_lines(stored.lines, reading)
    packages, taken_back = _merge_packages(stored, reading)
    values |= _receipt(row, values, packages)
    values["status"] = packing.overlay_status(values["status"], packages)
    values["processed_outside"] = not taken_back and _is_processed_outside(row, values, stored.packages, packages)
    is_same = all(row[name] == value for name, value in values.items())
    if is_same and _by_id(stored.lines) == _by_id(lines) and _by_id(stored.packages) == _by_id(packages):
        return None
    values["read_started_at"] = reading.started_at
    values |= to_columns(_roll_up(values, lines, packages))
    entries = (*taken_back, *_entries(stored, values, lines, packages))
    return Merged(stored.id, values, lines, packages, entries)


def _is_newer(row: Mapping[str, Any], reading: Reading) -> bool:
    order = reading.order
    if (order.updated_at, reading.started_at) <= (row["channel_updated_at"], row["read_started_at"]):
        return False
    leaves_the_end = row["status"] in TERMINAL and order.status not in (None, row["status"])
    return not leaves_the_end or order.updated_at > row["channel_updated_at"]


def _freshness(reading: Reading, row: Mapping[str, Any] | None) -> packing.Freshness:
    return packing.Freshness(
        channel_time=reading.order.updated_at,
        started_at=reading.started_at,
        is_newer=row is None or reading.order.updated_at > row["channel_updated_at"],
    )


def _cancellation(row: Mapping[str, Any] | None, reading: Reading, status: str) -> dict[str, Any]:
    told = reading.order.cancellation
    before, respond_by = (row["cancellation"], row["respond_by"]) if row else (None, None)
    settles_at = row["answer_settles_at"] if row else None
    is_settling = settles_at is not None and reading.started_at < settles_at
    if row and is_settling and status != "cancelled" and (told is None or told.state == "requested"):
        return {"cancellation": before, "respond_by": None, "cancellation_reason": row["cancellation_reason"]}
    state = told.state if told is not None else _lasting(before, status)
    if status == "cancelled" and "requested" in (state, before):
        state = "approved"
    if state != "requested":
        respond_by = None
    elif told is not None and told.respond_by is not None:
        respond_by = told.respond_by
    elif before != "requested" and told is not None and reading.cancellation_response is not None:
        respond_by = (told.requested_at or reading.order.updated_at) + reading.cancellation_response
    reason = wording.clean(told.reason, 500) if told is not None else None
    return {"cancellation": state, "respond_by": respond_by, "cancellation_reason": reason if state else None}


def _lasting(answered: str | None, status: str) -> str | None:
    """What is left of a cancellation that the channel no longer speaks of: one that came to nothing is forgotten."""
    is_final = answered == "rejected" or (answered == "approved" and status == "cancelled")
    return answered if is_final else None


def _receipt(row: Mapping[str, Any] | None, values: Mapping[str, Any], packages: Sequence[Package]) -> dict[str, Any]:
    receipt = receiving.assess(row, values, packages)
    return {"status": receipt.status, "received_at": receipt.received_at, "received_by": receipt.received_by}


def _line(line: ChannelLine, position: int, old: Line | None, links: Mapping[Key, Link]) -> Line:
    item_id, model_id = wording.clean(line.item_id, 200), wording.clean(line.model_id, 200)
    link = links.get((item_id, model_id))
    # A line that has moved stock stays with its product, whatever its listing is linked to later.
    listing_id = (old.listing_id if old else None) or (link.listing_id if link else None)
    product_id = (old.product_id if old else None) or (link.product_id if link else None)
    return Line(
        id=old.id if old else new_id(),
        external_id=line.external_id,
        position=position,
        item_external_id=item_id,
        model_external_id=model_id,
        sku=wording.clean(line.sku, 200),
        name=wording.clean(line.name, 500),
        variation=wording.clean(line.variation, 200),
        quantity=line.quantity,
        unit_price=None if line.unit_price is None else wording.round_amount(line.unit_price),
        listing_id=listing_id,
        product_id=product_id,
    )


def _merge_lines(stored: Sequence[Line], reading: Reading) -> tuple[Line, ...]:
    read = reading.order.lines
    if not read:
        return tuple(stored)
    old = {line.external_id: line for line in stored}
    return tuple(_line(line, position, old.get(line.external_id), reading.links) for position, line in enumerate(read))


def _merge_packages(stored: Stored, reading: Reading) -> tuple[tuple[Package, ...], list[Entry]]:
    read: Sequence[ChannelPackage] = reading.order.packages
    if not read:
        # A re-split names other packages; an empty list only means that the channel says nothing about them.
        return stored.packages, []
    old = {package.package_number: package for package in stored.packages}
    packages, entries = [], []
    for position, package in enumerate(read):
        before = old.pop(package.package_number, None)
        merged = packing.merge(before, package, position=position, reading=_freshness(reading, stored.row))
        packages.append(merged.package)
        if merged.is_taken_back and before is not None:
            states = (
                events.PackageState(status=one.status, package_number=package.package_number)
                for one in (before, merged.package)
            )
            entries.append(events.TAKEN_BACK(stored.id, *states))
    gone = [replace(package, is_gone=True) for package in old.values()]
    return (*packages, *gone), entries


def _is_processed_outside(
    row: Mapping[str, Any],
    values: Mapping[str, Any],
    before: Sequence[Package],
    after: Sequence[Package],
) -> bool:
    """The seller centre arranged what waited here, and nothing of ours explains it."""
    waited = {
        one.id for one in before if one.status == "to_process" and one.effect_state is None and one.open_intent is None
    }
    moved = any(package.id in waited and package.status in _DONE for package in after)
    return bool(row["processed_outside"]) or (moved and values["not_shippable"] is None)


def _roll_up(values: Mapping[str, Any], lines: Sequence[Line], packages: Sequence[Package]) -> Rollup:
    head = Head(
        values["status"], values["order_number"], values["currency"], values["buyer_username"], values["buyer_name"]
    )
    return roll_up(head, lines, packages)


def _by_id(parts: Sequence[Line] | Sequence[Package]) -> dict[UUID, Line | Package]:
    return {part.id: part for part in parts}


# --- journal ----------------------------------------------------------------------------------------------------------


def _entries(
    stored: Stored, values: Mapping[str, Any], lines: Sequence[Line], packages: Sequence[Package]
) -> list[Entry]:
    found = [
        _receipt_entry(stored, values),
        _status_entry(stored, values),
        _cancellation_entry(stored, values),
        _edit_entry(stored, values, lines, packages),
    ]
    numbers = {package.id: package.tracking_number for package in stored.packages}
    for package in packages:
        before = numbers.get(package.id)
        if package.tracking_number and package.tracking_number != before:
            old = events.TrackingNumberBefore(tracking_number=before)
            new = events.TrackingNumber(package_number=package.package_number, tracking_number=package.tracking_number)
            found.append(events.TRACKING_NUMBER_ASSIGNED(stored.id, old, new))
    return [entry for entry in found if entry is not None]


def _receipt_entry(stored: Stored, values: Mapping[str, Any]) -> Entry | None:
    if stored.row["received_at"] is not None or values["received_at"] is None:
        return None
    return events.RECEIVED(stored.id, after=events.Receipt(by=values["received_by"]))


def _status_entry(stored: Stored, values: Mapping[str, Any]) -> Entry | None:
    row = stored.row
    if (row["status"], row["stage"]) == (values["status"], values["stage"]):
        return None
    state = {"status": values["status"], "stage": values["stage"]}
    if values["processed_outside"] and not row["processed_outside"]:
        state["processed_outside"] = True
    is_cancelled = values["status"] == "cancelled" and row["status"] != "cancelled"
    return (events.CANCELLED if is_cancelled else events.STATUS_CHANGED)(
        stored.id,
        events.OrderState(status=row["status"], stage=row["stage"]),
        events.ChangedState(**state),
    )


def _cancellation_entry(stored: Stored, values: Mapping[str, Any]) -> Entry | None:
    before, after = stored.row["cancellation"], values["cancellation"]
    if before == after:
        return None
    old = events.CancellationState(cancellation=before)
    if after != "requested":
        return events.CANCELLATION_CLOSED(stored.id, old, events.CancellationState(cancellation=after))
    reason, respond_by = values["cancellation_reason"], values["respond_by"]
    told = events.CancellationRequest(
        cancellation=after, reason=reason, respond_by=respond_by and respond_by.isoformat()
    )
    return events.CANCELLATION_REQUESTED(stored.id, old, told)


def _edit_entry(
    stored: Stored, values: Mapping[str, Any], lines: Sequence[Line], packages: Sequence[Package]
) -> Entry | None:
    """What is in the parcel, when it must leave, or where it goes has changed. Buyer data is named, never shown."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}

    def note(name: str, old: Any, new: Any) -> None:
        if old != new:
            before[name], after[name] = old, new

    row = stored.row
    by_position = sorted(stored.lines, key=lambda one: one.position)
    note("lines", [[one.sku, one.quantity] for one in by_position], [[one.sku, one.quantity] for one in lines])
    if row["status"] != "unpaid":
        note("packages", _numbers(stored.packages), _numbers(packages))
        note("ship_by", *(one["ship_by"] and one["ship_by"].isoformat() for one in (row, values)))
        note("total", *(_amount(one["total_amount"]) for one in (row, values)))
        if row["recipient"] and row["recipient"] != values["recipient"]:
            after["recipient"] = "changed"
    if not after:
        return None
    return events.EDITED(stored.id, events.OrderContents(**before), events.EditedContents(**after))


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _numbers(packages: Sequence[Package]) -> list[str]:
    return [one.package_number for one in sorted(packages, key=lambda one: one.position) if not one.is_gone]
