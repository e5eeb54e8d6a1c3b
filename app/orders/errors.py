"""What the order desk refuses."""

from app.core.errors import Conflict, DomainError, Invalid, NotFound


class OrderNotFound(NotFound):
    """No such order, or another merchant's."""


class ParcelNotFound(NotFound):
    """No such parcel to stop, or another merchant's."""


class SelectionEmpty(Invalid):
    """Nothing is selected."""

    code = "selection_empty"
    title = "Nothing selected"
    en = "The selection names no order."
    id = "Pilihan tidak berisi pesanan."


class SelectionTooLarge(Invalid):
    """More orders than one request may act on."""

    code = "selection_too_large"
    title = "Too many orders selected"
    en = "One request acts on at most {limit} orders."
    id = "Satu permintaan hanya untuk paling banyak {limit} pesanan."


class OrderAlreadyShipped(Conflict):
    """Too late to keep it back."""

    code = "order_already_shipped"
    title = "Order already shipped"
    en = "The shipment is arranged already: a hold would keep nothing back."
    id = "Pengiriman sudah diatur: penahanan tidak lagi berpengaruh."


class OrderClosed(Conflict):
    """Cancelled or completed."""

    en = "The order is {status}: there is nothing left to do."
    id = "Pesanan berstatus {status}: tidak ada lagi yang perlu dikerjakan."


class EventTypeUnknown(Invalid):
    """A filter that no entry could pass."""

    en = "No entry of kind `{kind}` has the type `{type}`; `GET /v1/event-types` lists those there are."
    id = "Tidak ada entri jenis `{kind}` dengan tipe `{type}`; lihat `GET /v1/event-types`."


class StepOutOfTurn(Conflict):
    """Pick-and-pack steps follow each other."""

    en = "The last step is `{last}`; `{action}` does not follow it."
    id = "Langkah terakhir adalah `{last}`; `{action}` bukan langkah berikutnya."


class NotInWarehouse(Conflict):
    """Picking and packing is for orders that wait for the merchant."""

    en = "The order cannot be picked and packed. {reason}"
    id = "Pesanan tidak dapat diambil dan dikemas. {reason}"


class NotArranged(Conflict):
    """A courier takes a package only once its shipment is arranged."""

    en = "Arrange the shipment before handing the packages over."
    id = "Atur pengiriman sebelum menyerahkan paket."


class OrderChanged(DomainError):
    """`If-Match` names an older version."""

    status = 412
    code = "order_changed"
    title = "Order changed meanwhile"
    en = "The order has changed since you read it. Read it again, then decide."
    id = "Pesanan telah berubah sejak Anda membacanya. Baca lagi, lalu putuskan."


class CodeUnknown(NotFound):
    """Nothing of this merchant has the scanned code."""

    code = "unknown_code"
    title = "Unknown code"
    en = "No order, package or tracking number is `{scanned}`."
    id = "Tidak ada pesanan, paket, atau resi `{scanned}`."


class CodeAmbiguous(Conflict):
    """Several orders have it."""

    code = "ambiguous_code"
    title = "Ambiguous code"
    en = "Several orders have the code `{scanned}`: {numbers}. Scan the package's label."
    id = "Beberapa pesanan memiliki kode `{scanned}`: {numbers}. Pindai label paketnya."


class ParcelMustStop(Conflict):
    """It was cancelled: it may not leave."""

    code = "order_cancelled"
    title = "Order cancelled"
    en = "Order {number} is cancelled. Pull the parcel out."
    id = "Pesanan {number} dibatalkan. Keluarkan paketnya."


class ViewNotFound(NotFound):
    """No such view, or somebody else's that is not shared."""


class ViewNameTaken(Conflict):
    """Names are unique per person."""

    code = "view_name_taken"
    title = "Name taken"
    en = "You have a view called `{name}` already."
    id = "Anda sudah punya tampilan bernama `{name}`."


class ViewNotYours(Conflict):
    """Shared to be used, not to be changed."""

    code = "view_not_yours"
    title = "Not your view"
    en = "Only {owner} can change this view. Save one of your own instead."
    id = "Hanya {owner} yang dapat mengubah tampilan ini. Simpan tampilan Anda sendiri."


class TooManyViews(Conflict):
    """Somebody's list is full."""

    code = "too_many_views"
    title = "Too many views"
    en = "You have {most} views. Delete one first."
    id = "Anda sudah punya {most} tampilan. Hapus satu dahulu."
