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


class NoSku(Conflict):
    """Of a listing: nothing says which product it is."""

    code = "no_sku"
    title = "No SKU"
    en = "The listing has no SKU. Give it one at the channel and import it again, or link it by hand."
    id = "Listing ini tidak punya SKU. Isi SKU di kanalnya lalu impor lagi, atau hubungkan sendiri."


class SkuUnusable(Conflict):
    """Channels take what no product can have."""

    code = "sku_invalid"
    title = "SKU not usable"
    en = "The listing's SKU is longer than {most} characters or has control characters. Link it by hand."
    id = "SKU listing ini lebih dari {most} karakter atau berisi karakter kendali. Hubungkan sendiri."


class SkuAmbiguous(Conflict):
    """Which of them is meant is for people to say."""

    code = "sku_ambiguous"
    title = "SKU ambiguous"
    en = "Several products have this SKU, letter case and outer blanks aside: {skus}. Link the listing by hand."
    id = "Beberapa produk memakai SKU ini, hanya beda huruf besar atau spasi: {skus}. Hubungkan listing ini sendiri."


class LinkedAlready(Conflict):
    """Nothing is left to do."""

    code = "linked_already"
    title = "Linked already"
    en = "The listing is linked to a product already."
    id = "Listing ini sudah terhubung ke produk."
