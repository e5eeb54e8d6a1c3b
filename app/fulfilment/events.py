"""What is done with orders, and what came of it. An attempt has one event for each way it can end."""

from typing import Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing
from app.orders.events import CancellationState


class Failure(Facts):
    """Why an attempt had no effect."""

    code: str = Field(description="Ours, stable, as in an operation's items.")
    channel_code: str | None = Field(default=None, description="The channel's own.")
    package_number: str | None = Field(default=None, description="Where an attempt is made for each package.")


class Doubt(Facts):
    """What the channel said, if anything."""

    channel_code: str | None


class StageBefore(Facts):
    """The stage an order had."""

    stage: str


class Arranged(Facts):
    """How a package is handed over."""

    stage: str
    handover: str = Field(description="`pickup`, `dropoff` or `manual`.")
    evidence: str = Field(description="How we know: `answer` or `read`.")


class OrderEffect(Facts):
    """How we know, and the reason that was given."""

    evidence: str = Field(description="`answer` or `read`.")
    reason: str | None


class Answer(OrderEffect):
    """What the buyer was told."""

    cancellation: str = Field(description="`approved` or `rejected`.")


class PackageNumber(Facts):
    """Which package."""

    package_number: str


class PrintedBefore(Facts):
    """Whether the order's label was printed before; absent for papers that do not count as that."""

    print_status: str | None = None


class Printed(PrintedBefore):
    """The document it is in."""

    document_id: str


ARRANGED: Final = Event(
    "shipment.arranged", StageBefore, Arranged, "Shipment arranged", "Pengiriman diatur", "{handover}"
)
CANCEL_ACCEPTED: Final = Event(
    "order.cancel_accepted",
    Nothing,
    OrderEffect,
    "The channel took the cancellation",
    "Kanal menerima pembatalan",
    "{reason}",
)
ANSWERED: Final = {
    "approved": Event(
        "cancellation.approved",
        CancellationState,
        Answer,
        "The cancellation request was approved",
        "Permintaan pembatalan disetujui",
    ),
    "rejected": Event(
        "cancellation.rejected",
        CancellationState,
        Answer,
        "The cancellation request was rejected",
        "Permintaan pembatalan ditolak",
    ),
}
"""By the answer."""
DISPATCHED: Final = Event("shipment.dispatched", Nothing, PackageNumber, "The parcel left", "Paket dikirim")
DELIVERED: Final = Event("shipment.delivered", Nothing, PackageNumber, "The parcel arrived", "Paket sampai")
LABEL_PRINTED: Final = Event("label.printed", PrintedBefore, Printed, "Label printed", "Label dicetak")
INVOICE_PRINTED: Final = Event("invoice.printed", PrintedBefore, Printed, "Invoice printed", "Faktur dicetak")
PACKING_SLIP_PRINTED: Final = Event(
    "packing_slip.printed", PrintedBefore, Printed, "Packing slip printed", "Slip pengemasan dicetak"
)
PICK_LIST_PRINTED: Final = Event("pick_list.printed", PrintedBefore, Printed, "On a pick list", "Masuk daftar ambil")

# --- attempts that failed, or whose end is not known yet --------------------------------------------------------------


def _failed(name: str, en: str, id: str) -> Event[Nothing, Failure]:
    return Event(name, Nothing, Failure, en, id, "{code}", succeeded=False)


def _unknown(name: str, en: str, id: str) -> Event[Nothing, Doubt]:
    return Event(name, Nothing, Doubt, en, id, succeeded=False)


_ANSWER_FAILED: Final = _failed(
    "cancellation.answer_failed",
    "The answer to the cancellation request failed",
    "Jawaban atas permintaan pembatalan gagal",
)
FAILED: Final = {
    "arrange_shipment": _failed(
        "shipment.arrange_failed", "The shipment could not be arranged", "Pengiriman gagal diatur"
    ),
    "receive": _failed("order.receive_failed", "The order could not be received", "Pesanan gagal diterima"),
    "cancel": _failed("order.cancel_failed", "The order could not be cancelled", "Pesanan gagal dibatalkan"),
    "approve_cancellation": _ANSWER_FAILED,
    "reject_cancellation": _ANSWER_FAILED,
    "mark_dispatched": _failed(
        "shipment.dispatch_failed", "The parcel could not be marked as sent", "Paket gagal ditandai dikirim"
    ),
    "mark_delivered": _failed(
        "shipment.delivery_failed", "The parcel could not be marked as arrived", "Paket gagal ditandai sampai"
    ),
    "print_labels": _failed("label.print_failed", "The label could not be printed", "Label gagal dicetak"),
    "print_invoices": _failed("invoice.print_failed", "The invoice could not be printed", "Faktur gagal dicetak"),
    "print_packing_slips": _failed(
        "packing_slip.print_failed", "The packing slip could not be printed", "Slip pengemasan gagal dicetak"
    ),
    "print_pick_list": _failed(
        "pick_list.print_failed", "The pick list could not be printed", "Daftar ambil gagal dicetak"
    ),
}
"""By the action that was tried."""

ARRANGE_UNKNOWN: Final = _unknown(
    "shipment.arrange_unknown",
    "The channel did not say whether the shipment is arranged; it is being read back",
    "Kanal tidak memastikan pengiriman sudah diatur; sedang dibaca ulang",
)
RECEIVE_UNKNOWN: Final = _unknown(
    "order.receive_unknown",
    "The channel did not say whether the order is received; it is being read back",
    "Kanal tidak memastikan pesanan sudah diterima; sedang dibaca ulang",
)
CANCEL_UNKNOWN: Final = _unknown(
    "order.cancel_unknown",
    "The channel did not say whether the order is cancelled; it is being read back",
    "Kanal tidak memastikan pesanan dibatalkan; sedang dibaca ulang",
)
ANSWER_UNKNOWN: Final = _unknown(
    "cancellation.answer_unknown",
    "The channel did not say whether it took the answer; it is being read back",
    "Kanal tidak memastikan jawabannya diterima; sedang dibaca ulang",
)
