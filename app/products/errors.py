"""What products and listings refuse."""

from app.core.errors import Conflict, Invalid, NotFound
from app.core.http import UnsupportedMediaType


class ProductNotFound(NotFound):
    """No such product, or another merchant's."""


class ListingNotFound(NotFound):
    """No such listing, or another merchant's."""


class ProductUnknown(Invalid):
    """Named in a body: absent or another merchant's, never told apart."""

    en = "There is no product with this id."
    id = "Tidak ada produk dengan id ini."


class ListingUnknown(Invalid):
    """The same of a listing."""

    en = "There is no listing with this id."
    id = "Tidak ada listing dengan id ini."


class SkuTaken(Conflict):
    """SKUs are unique per merchant."""

    code = "sku_taken"
    title = "SKU taken"
    en = "Another product, perhaps an archived one, has the SKU `{sku}`."
    id = "Produk lain, mungkin yang diarsipkan, sudah memakai SKU `{sku}`."


class ProductArchived(Conflict):
    """Nothing is sold as it."""

    code = "product_archived"
    title = "Product archived"
    en = "The product `{sku}` is archived. Bring it back first."
    id = "Produk `{sku}` diarsipkan. Kembalikan dahulu."


class ProductInUse(Conflict):
    """It still has linked listings or reserved stock."""

    code = "product_in_use"
    title = "Product in use"
    en = "{listings} listings are linked and {reserved} pieces reserved. Unlink them and close the orders first."
    id = "{listings} listing terhubung dan {reserved} stok dipesan. Lepaskan dan selesaikan pesanannya dahulu."


class ProductChanged(Conflict):
    """Somebody was quicker."""

    status = 412
    code = "product_changed"
    title = "Product changed"
    en = "The product has changed since. Read it again and decide anew."
    id = "Produk telah berubah. Baca ulang lalu putuskan lagi."


class NotCsv(UnsupportedMediaType):
    """A file of products is a CSV."""

    en = "Send the file as `Content-Type: text/csv`."
    id = "Kirim berkas sebagai `Content-Type: text/csv`."


class CsvRefused(Invalid):
    """Nothing of the file was taken; `errors[]` names lines and columns."""

    code = "csv_invalid"
    title = "CSV refused"
    en = "Errors in the file: {count}. Nothing was imported. The first, {first}"
    id = "Kesalahan dalam berkas: {count}. Tidak ada yang diimpor. Yang pertama, {first}"
