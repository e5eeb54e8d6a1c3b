"""How buyers pay at Shopee and who carries their parcels."""

from dataclasses import dataclass

PAYMENTS = ("Bank BCA (Virtual Account)", "Shopee Wallet", "SPayLater", "Bank Mandiri (Virtual Account)")
CASH_ON_DELIVERY = "Cash on Delivery"


@dataclass(frozen=True)
class Courier:
    """A logistics channel. `methods`: how a parcel is handed over; without slots the courier decides the time."""

    channel_id: int
    name: str
    service: str
    prefix: str
    methods: tuple[str, ...] = ("pickup", "dropoff", "non_integrated")
    has_slots: bool = True
    service_type: str | None = None


COURIERS = (
    Courier(8003, "SPX Standard", "Reguler (Cashless)", "SPXID"),
    Courier(8006, "J&T Express", "Reguler (Cashless)", "JX"),
    Courier(8007, "JNE Reguler", "Reguler (Cashless)", "CM"),
    Courier(8008, "SiCepat REG", "Reguler (Cashless)", "00"),
    Courier(8009, "Anteraja Reguler", "Hemat", "1000"),
)
"""Buyers choose among these by themselves."""
SPECIAL_COURIERS = (
    Courier(8010, "GoSend Instant", "Instant", "GK", ("pickup",), has_slots=False, service_type="instant"),
    Courier(80099, "Kurir Toko", "Kurir Toko", "", ("non_integrated",)),
)
"""Only where an order asks for them."""
COURIER_OF = {one.channel_id: one for one in (*COURIERS, *SPECIAL_COURIERS)}
