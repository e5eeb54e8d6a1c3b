"""The channel's words as our columns: cleaned, capped, rounded, and never masked over what we know. Pure."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, overload

from app.channels.contract import ChannelOrder, Recipient
from app.orders import masking

_CENT = Decimal("0.01")
_MOST_MONEY = Decimal(10) ** 15
_MOST_QUANTITY = 1_000_000_000
_MOST_PARTS = 1_000
_KEY_LENGTH = 200
_RECIPIENT = tuple(field.name for field in fields(Recipient))


@overload
def clean(text: str, most: int) -> str: ...
@overload
def clean(text: None, most: int) -> None: ...
@overload
def clean(text: str | None, most: int) -> str | None: ...
def clean(text: str | None, most: int) -> str | None:
    """Text the database can hold: no NUL, no lone surrogate, not endless."""
    if text is None:
        return None
    if len(text) <= most and text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]


def is_key(text: str) -> bool:
    """Whether the database can hold this as somebody's id. A key is never mended: it would name something else."""
    return bool(text) and clean(text, _KEY_LENGTH) == text


def round_amount(amount: Decimal) -> Decimal:
    """Two places, as the column keeps it."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def find_fault(order: ChannelOrder) -> str | None:
    """Why this order cannot be stored, if so."""
    return next((fault for fault in (_key_fault(order), _size_fault(order)) if fault is not None), None)


def _key_fault(order: ChannelOrder) -> str | None:
    keys = [order.external_id, order.order_number]
    keys += [line.external_id for line in order.lines]
    keys += [package.package_number for package in order.packages]
    keys += [package.tracking_number for package in order.packages if package.tracking_number is not None]
    if not all(is_key(key) for key in keys):
        return "an id that is empty, too long or not text"
    if len({line.external_id for line in order.lines}) != len(order.lines):
        return "two lines with one id"
    if len({package.package_number for package in order.packages}) != len(order.packages):
        return "two packages with one number"
    return None


def _size_fault(order: ChannelOrder) -> str | None:
    if max(len(order.lines), len(order.packages)) > _MOST_PARTS:
        return "too many lines or packages"
    quantities = [line.quantity for line in order.lines]
    if any(not 0 <= quantity <= _MOST_QUANTITY for quantity in quantities) or sum(quantities) > _MOST_QUANTITY:
        return "a quantity out of range"
    amounts = [line.unit_price for line in order.lines] + [order.total.amount if order.total else None]
    amounts += [amount.amount for amount in order.amounts]
    if any(amount is not None and not (amount.is_finite() and abs(amount) < _MOST_MONEY) for amount in amounts):
        return "an amount out of range"
    return None


def describe(order: ChannelOrder, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns that follow from the order alone; `known` is the row we have."""
    recipient = _merge_recipient(known["recipient"] if known else None, order)
    username = masking.clearer(known["buyer_username"] if known else None, clean(order.buyer_username, 200))
    name = masking.clearer(known["buyer_name"] if known else None, recipient["name"] if recipient else None)
    total = round_amount(order.total.amount) if order.total else (known["total_amount"] if known else None)
    return {
        "channel": order.channel,
        "order_number": order.order_number,
        "channel_status": clean(order.channel_status, 100),
        "channel_hold_reason": clean(order.channel_hold_reason, 500),
        "channel_hold_until": order.channel_hold_until,
        "not_shippable": order.not_shippable,
        "first_step": order.first_step,
        "is_urgent": order.is_urgent,
        "cancels_at": order.cancels_at,
        "pickup_cutoff_at": order.pickup_cutoff_at,
        "collect_by": order.collect_by,
        "is_cod": order.is_cod,
        "is_returned": order.is_returned,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at or (known["paid_at"] if known else None),
        "ship_by": order.ship_by,
        "channel_updated_at": order.updated_at,
        "payment_method": clean(order.payment_method, 200),
        "total_amount": total,
        "total_basis": order.total.basis if order.total else (known["total_basis"] if known else "reported"),
        "currency": clean(order.currency, 10),
        "amounts": [
            {
                "kind": clean(one.kind, 100),
                "amount": f"{round_amount(one.amount):.2f}",
                "currency": clean(order.currency, 10),
                "basis": one.basis,
            }
            for one in order.amounts
        ],
        "buyer_username": username,
        "buyer_name": name,
        "buyer_username_masked": masking.mask_username(username),
        "buyer_name_masked": masking.mask_name(name),
        "buyer_message": clean(order.buyer_message, 4_000),
        "recipient": recipient,
        "sender_name": clean(order.sender_name, 200),
    }


def _merge_recipient(known: Mapping[str, Any] | None, order: ChannelOrder) -> dict[str, Any] | None:
    if order.recipient is None:
        return dict(known) if known else None
    old = known or {}
    read = {name: clean(str(getattr(order.recipient, name)), 500) for name in _RECIPIENT}
    return {name: masking.clearer(old.get(name), text) or "" for name, text in read.items()}
