"""What can be wrong with a document, its file, or the request for one."""

from app.core.errors import Conflict, Invalid, Unavailable


class DocumentNotReady(Conflict):
    """The document has no file."""

    code = "not_ready"
    title = "Document not ready"
    en = "This document has no readable file. Print again."
    id = "Dokumen ini tidak memiliki berkas yang dapat dibaca. Cetak ulang."


class InvalidPages(Invalid):
    """A page range this document does not have."""

    code = "invalid_pages"
    title = "Invalid pages"
    en = "`pages` is one page (`3`) or a range (`3-7`) between 1 and {pages}."
    id = "`pages` berupa satu halaman (`3`) atau rentang (`3-7`) antara 1 dan {pages}."


class InvalidLayout(InvalidPages):
    """A layout this document cannot be had in."""

    en = "That works only with the layout {layouts}."
    id = "Itu hanya tersedia untuk tata letak {layouts}."


class StoreAway(Unavailable):
    """The store cannot be reached now."""

    en = "The document store cannot be reached right now; try again."
    id = "Penyimpanan dokumen sedang tidak dapat dijangkau; coba lagi."


class StorageFull(Exception):
    """The store takes no more: no space, or read-only. Nothing was recorded. An item then fails `storage_full`."""


class PaperLost(Exception):
    """What was stored is gone, or is not what was stored."""


class BadPdf(Exception):
    """Bytes that are not a whole, readable PDF; the message says why."""
