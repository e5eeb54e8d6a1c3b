"""Buyer data with the middle taken out."""

import pytest

from app.orders.masking import clearer, mask_name, mask_phone, mask_recipient, mask_username


@pytest.mark.parametrize(
    ("clear", "masked"), [("budisanti", "b***i"), ("bo", "b***"), ("", ""), (None, None), ("b*****o", "b*****o")]
)
def test_usernames_keep_their_ends(clear: str | None, masked: str | None) -> None:
    assert mask_username(clear) == masked


def test_names_keep_their_first_letter_and_phones_their_last_digits() -> None:
    assert mask_name("Budi Santoso") == "B***"
    assert (mask_phone("6281234567890"), mask_phone("12345")) == ("***90", "***")


def test_a_masked_recipient_says_where_but_not_to_whom() -> None:
    recipient = {"name": "Budi", "phone": "6281234567890", "address": "Jl. Mawar 1", "city": "Bandung"}

    assert mask_recipient(recipient) == {"name": "B***", "phone": "***90", "address": "***", "city": "Bandung"}


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [("Budi", "B*", "Budi"), ("Budi", "", "Budi"), ("Budi", "Ani", "Ani"), ("B*", "Budi", "Budi"), (None, "B*", "B*")],
)
def test_what_is_clear_stays_clear(old: str | None, new: str, kept: str) -> None:
    assert clearer(old, new) == kept
