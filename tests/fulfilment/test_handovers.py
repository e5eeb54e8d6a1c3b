"""Choosing address, slot and branch."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.channels.contract import Branch, PickupAddress, ShippingMethod, ShippingOptions, Slot
from app.fulfilment.handovers import NotPossible, Wish, choose

JAKARTA = ZoneInfo("Asia/Jakarta")


def slot(id: str, day: int, hour_utc: int) -> Slot:
    return Slot(id=id, starts_at=datetime(2026, 11, day, hour_utc, tzinfo=UTC))


# 18:00 UTC on the 24th is 01:00 on the 25th in Jakarta.
HOME = PickupAddress(
    id="1", text="Dago", is_default=False, slots=(slot("a", 24, 18), slot("b", 25, 3), slot("c", 26, 3))
)
STORE = PickupAddress(id="2", text="Cihampelas", is_default=True, slots=(slot("d", 25, 2),))
PICKUP = ShippingMethod("pickup", ("address_id", "slot_id"), (HOME, STORE))
OPTIONS = ShippingOptions((PICKUP, ShippingMethod("dropoff", ("branch_id",), branches=(Branch("7", "Counter"),))))


def pick(wish: Wish, options: ShippingOptions = OPTIONS) -> tuple[str | None, str | None, str | None]:
    handover = choose(options, wish, timezone=JAKARTA, sender_name="Toko Maju")
    return handover.address_id, handover.slot_id, handover.branch_id


def test_nothing_chosen_takes_the_default_address_and_its_first_slot() -> None:
    assert pick(Wish("pickup")) == ("2", "d", None)


def test_a_day_is_a_local_day_of_the_shop() -> None:
    assert pick(Wish("pickup", address_id="1", on=date(2026, 11, 25))) == ("1", "a", None)


def test_time_from_skips_earlier_slots() -> None:
    assert pick(Wish("pickup", address_id="1", on=date(2026, 11, 25), time_from="09:00")) == ("1", "b", None)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish("pickup", address_id="1", slot_id="gone"), "slot_unavailable"),
        (Wish("pickup", on=date(2026, 12, 24)), "slot_unavailable"),
        (Wish("pickup", address_id="99"), "address_invalid"),
        (Wish("manual", tracking_number="AK1"), "handover_not_offered"),
        (Wish("dropoff", branch_id="8"), "branch_unavailable"),
    ],
)
def test_what_the_channel_does_not_offer_is_refused_with_its_reason(wish: Wish, code: str) -> None:
    with pytest.raises(NotPossible) as refusal:
        pick(wish)

    assert refusal.value.code == code


def test_dropoff_takes_the_first_branch_where_one_is_needed() -> None:
    assert pick(Wish("dropoff")) == (None, None, "7")


def test_an_address_without_slots_leaves_the_time_to_the_courier() -> None:
    open_address = PickupAddress(id="3", text="Gudang", is_default=True, slots=())
    options = ShippingOptions((ShippingMethod("pickup", ("address_id",), (open_address,)),))

    assert pick(Wish("pickup"), options) == ("3", None, None)
    with pytest.raises(NotPossible):
        pick(Wish("pickup", on=date(2026, 11, 25)), options)


def test_a_wish_survives_storage() -> None:
    wish = Wish("pickup", on=date(2026, 11, 25), time_from="09:00", slot_id="b")

    assert Wish.from_details(wish.to_details()) == wish
