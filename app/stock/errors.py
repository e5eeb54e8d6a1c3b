"""What stock refuses."""

from app.core.errors import Conflict, Invalid


class StockBelowZero(Conflict):
    """Nobody has less than nothing."""

    code = "stock_below_zero"
    title = "Stock below zero"
    en = "There are {on_hand} on hand; a change of {change} would leave less than nothing."
    id = "Stok ada {on_hand}; perubahan {change} membuatnya kurang dari nol."


class StockTooLarge(Conflict):
    """More than can be kept."""

    code = "stock_too_large"
    title = "Stock too large"
    en = "At most {most} pieces can be on hand."
    id = "Stok paling banyak {most} buah."


class ReferenceReused(Conflict):
    """A reference names one adjustment."""

    code = "reference_reused"
    title = "Reference reused"
    en = "This reference is that of another adjustment, by {change}. Use a new one."
    id = "Referensi ini milik penyesuaian lain, sebesar {change}. Gunakan yang baru."


class LinkedOtherwise(Conflict):
    """A listing belongs to one product at a time."""

    code = "already_linked"
    title = "Already linked"
    en = "The listing is linked to another product. Unlink it first."
    id = "Listing ini terhubung ke produk lain. Lepaskan dahulu."


class NothingToImport(Invalid):
    """No shop that could be read."""

    en = "No connected shop is meant. Name `shop_ids` of connected shops."
    id = "Tidak ada toko terhubung yang dimaksud. Sebutkan `shop_ids` toko yang terhubung."
