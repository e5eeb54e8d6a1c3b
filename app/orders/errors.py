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


class StepOutOfTurn(Conflict):
    """Pick-and-pack steps follow each other."""

    en = "The last step is `{last}`; `{action}` does not follow it."
    id = "Langkah terakhir adalah `{last}`; `{action}` bukan langkah berikutnya."


class NotInWarehouse(Conflict):
    """Picking and packing is for orders that wait for the merchant."""

    en = "Only an order that is paid and not yet on its way can be picked and packed."
    id = "Hanya pesanan yang sudah dibayar dan belum dikirim yang dapat diambil dan dikemas."


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
