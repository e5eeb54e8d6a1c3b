"""Buyer data with the middle taken out, for those who need not see it. Pure."""

from collections.abc import Mapping
from typing import Any

MARK = "*"
_HIDDEN = "***"


def is_masked(text: str | None) -> bool:
    """True when the channel (or we) already took something out."""
    return text is not None and MARK in text


def mask_username(username: str | None) -> str | None:
    """`budisantoso` → `b***o`."""
    if not username or is_masked(username):
        return username
    return f"{username[0]}{_HIDDEN}{username[-1]}" if len(username) > 2 else f"{username[0]}{_HIDDEN}"


def mask_name(name: str | None) -> str | None:
    """`Budi Santoso` → `B***`."""
    if not name or is_masked(name):
        return name
    return f"{name[0]}{_HIDDEN}"


def mask_phone(phone: str | None) -> str | None:
    """`6281234567890` → `***90`."""
    if not phone or is_masked(phone):
        return phone
    return f"{_HIDDEN}{phone[-2:]}" if len(phone) > 6 else _HIDDEN


def mask_recipient(recipient: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """District, city, state, postal code and country stay: they say where a parcel goes, not to whom."""
    if recipient is None:
        return None
    address = recipient.get("address")
    return {
        **recipient,
        "name": mask_name(recipient.get("name")),
        "phone": mask_phone(recipient.get("phone")),
        "address": address if not address or is_masked(address) else _HIDDEN,
    }


def clearer(old: str | None, new: str | None) -> str | None:
    """The new text, unless the channel has masked or emptied meanwhile what we know in clear."""
    if old and not is_masked(old) and (not new or is_masked(new)):
        return old
    return new or old
