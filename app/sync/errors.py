"""What can be wrong with an import or a push."""

from app.core.errors import Conflict, Invalid, RangeInvalid, Unauthenticated


class ImportRangeInvalid(RangeInvalid):
    """Reversed, ahead of now, or over 90 days."""

    id = "{detail_id}"


class ShopUnknown(Invalid):
    """Absent or another merchant's: the two are never told apart."""

    en = "There is no shop with this id."
    id = "Tidak ada toko dengan id ini."


class ShopNotConnected(Invalid):
    """Its orders cannot be read any more."""

    en = "This shop is disconnected. Connect it again first."
    id = "Toko ini tidak terhubung. Hubungkan lagi terlebih dahulu."


class ShopPaused(Conflict):
    """Its owner wants it left alone."""

    code = "shop_paused"
    title = "Shop paused"
    en = "This shop is paused, so it is not read. Resume it first (`paused: false`)."
    id = "Toko ini dijeda sehingga tidak dibaca. Lanjutkan terlebih dahulu (`paused: false`)."


class ChannelWithoutShop(Invalid):
    """Nothing to import from."""

    en = "No connected shop sells on `{channel}`. Connect one first."
    id = "Tidak ada toko terhubung di `{channel}`. Hubungkan terlebih dahulu."


class PushForged(Unauthenticated):
    """Its signature does not fit; nothing was read or stored."""

    en = "The signature does not fit this push."
    id = "Tanda tangan tidak sesuai dengan push ini."


class OrderNotAtChannel(Conflict):
    """There is nothing to compare with."""

    code = "order_not_at_channel"
    title = "Order not at the channel"
    en = "The channel does not give this order: {reason}."
    id = "Kanal tidak memberikan pesanan ini: {reason}."
