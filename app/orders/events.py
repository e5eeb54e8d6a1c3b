"""What happens to orders: told by their channel, or done by people at the order desk."""

from typing import Final

from pydantic import Field

from app.journal.catalogue import Event, Facts, Nothing


class OrderState(Facts):
    """Where an order stands."""

    status: str
    stage: str | None


class ImportedState(OrderState):
    """Where an order stands that was not here before."""

    channel_status: str


class ChangedState(OrderState):
    """Where an order has come to."""

    processed_outside: bool | None = Field(default=None, description="True when the seller centre arranged it.")


class Receipt(Facts):
    """How an order was received."""

    by: str = Field(description="`user`, `auto`, `implied` (arranged without) or `channel`.")
    status: str | None = None


class StatusBefore(Facts):
    """The status an order had, where it is known."""

    status: str | None = None


class CancellationState(Facts):
    """How a cancellation stands."""

    cancellation: str | None = Field(description="`requested`, `approved`, `rejected`, or none.")


class CancellationRequest(CancellationState):
    """What the buyer asks for."""

    reason: str | None
    respond_by: str | None = Field(description="An instant.")


class OrderContents(Facts):
    """What the channel changed: only the fields that differ."""

    lines: list[list[str | int]] | None = Field(default=None, description="SKU and quantity of each line.")
    packages: list[str] | None = Field(default=None, description="Package numbers.")
    ship_by: str | None = Field(default=None, description="An instant.")
    total: str | None = Field(default=None, description="A decimal.")


class EditedContents(OrderContents):
    """The same afterwards. Buyer data is named, never shown."""

    recipient: str | None = Field(default=None, description="`changed`.")


class TrackingNumberBefore(Facts):
    """The number a package had."""

    tracking_number: str | None


class TrackingNumber(Facts):
    """A package and its number."""

    package_number: str
    tracking_number: str


class PrintedParcel(Facts):
    """A package whose label was printed."""

    package_number: str
    tracking_number: str | None


class PackageState(Facts):
    """Where a package stands."""

    status: str
    package_number: str


class Hold(Facts):
    """Why an order is held."""

    hold: str | None


class DeskFields(Facts):
    """What people note on an order: only the fields that differ."""

    note: str | None = None
    tags: list[str] | None = None


class PickPack(Facts):
    """The step of picking and packing."""

    pick_pack: str | None


class ViewName(Facts):
    """A saved view."""

    name: str


IMPORTED: Final = Event("order.imported", Nothing, ImportedState, "Order imported", "Pesanan diimpor")
RECEIVED: Final = Event("order.received", StatusBefore, Receipt, "Order received", "Pesanan diterima", "{by}")
STATUS_CHANGED: Final = Event(
    "order.status_changed", OrderState, ChangedState, "Status changed", "Status berubah", "{from_state} → {to_state}"
)
CANCELLATION_REQUESTED: Final = Event(
    "order.cancellation_requested",
    CancellationState,
    CancellationRequest,
    "The buyer asked to cancel",
    "Pembeli meminta pembatalan",
    "{reason}",
)
CANCELLATION_CLOSED: Final = Event(
    "order.cancellation_closed",
    CancellationState,
    CancellationState,
    "The cancellation request ended",
    "Permintaan pembatalan berakhir",
)
CANCELLED: Final = Event("order.cancelled", OrderState, ChangedState, "Order cancelled", "Pesanan dibatalkan")
EDITED: Final = Event(
    "order.edited",
    OrderContents,
    EditedContents,
    "The channel changed the order",
    "Kanal mengubah pesanan",
    "{changed}",
)
TRACKING_NUMBER_ASSIGNED: Final = Event(
    "package.tracking_number_assigned",
    TrackingNumberBefore,
    TrackingNumber,
    "A package got its tracking number",
    "Paket mendapat nomor resi",
    "{package_number} → {tracking_number}",
)
TAKEN_BACK: Final = Event(
    "shipment.taken_back",
    PackageState,
    PackageState,
    "The channel took an arranged shipment back",
    "Kanal membatalkan pengaturan pengiriman",
    "{package_number}",
)

PARCEL_TO_STOP: Final = Event(
    "parcel.to_stop",
    Nothing,
    PrintedParcel,
    "The label was printed before the cancellation: pull the parcel out",
    "Label dicetak sebelum pembatalan: keluarkan paketnya",
    "{package_number}",
)
PARCEL_STOPPED: Final = Event(
    "parcel.stopped",
    Nothing,
    PrintedParcel,
    "The parcel was pulled out",
    "Paket sudah dikeluarkan",
    "{package_number}",
)

# --- what people do at the order desk ---------------------------------------------------------------------------------

HELD: Final = Event("order.held", Nothing, Hold, "Put on hold", "Ditahan", "{hold}")
RELEASED: Final = Event("order.released", Hold, Nothing, "Released", "Dilepaskan")
CHANGED: Final = Event("order.changed", DeskFields, DeskFields, "Changed", "Diubah", "{changed}")

STEPS: Final = {
    "pick_started": Event(
        "pick_pack.pick_started", PickPack, PickPack, "Picking started", "Pengambilan barang dimulai", kind="pick_pack"
    ),
    "picked": Event("pick_pack.picked", PickPack, PickPack, "Picked", "Barang diambil", kind="pick_pack"),
    "packed": Event("pick_pack.packed", PickPack, PickPack, "Packed", "Barang dikemas", kind="pick_pack"),
    "handed_over": Event(
        "pick_pack.handed_over",
        PickPack,
        PickPack,
        "Handed over to the courier",
        "Diserahkan ke kurir",
        kind="pick_pack",
    ),
}
"""By the step taken."""

VIEW_CREATED: Final = Event("view.created", Nothing, ViewName, "View saved", "Tampilan disimpan", kind="audit")
VIEW_DELETED: Final = Event("view.deleted", ViewName, Nothing, "View deleted", "Tampilan dihapus", kind="audit")
