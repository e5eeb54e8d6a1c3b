"""Why an order could not be read, in words. Kept is what was found, with the names of types; shown is this. Pure."""

import re

from app.core.context import Language

_MOST_PLACES = 3
_PLACE = re.compile(r"([\w.\[\]-]{1,120}): ([a-z_]+)")
_PHRASES: dict[str, tuple[str, str]] = {
    r"no currency": ("no currency", "mata uang tidak ada"),
    r"no items": ("no lines", "tidak ada barang"),
    r"no such order": ("no such order", "pesanan tidak ada"),
    r"unknown (?:order |package )?status '?([\w .-]{1,64})'?": ("unknown status {0}", "status {0} tidak dikenal"),
    r"an entry without order_sn": ("an entry without an order number", "data tanpa nomor pesanan"),
    r"an id that is empty, too long or not text": (
        "an id that is empty, too long or not text",
        "id kosong, terlalu panjang, atau bukan teks",
    ),
    r"two lines with one id|item_list: two lines with one line_item_id": (
        "two lines with one id",
        "dua baris barang dengan id yang sama",
    ),
    r"two packages with one number": ("two packages with one number", "dua paket dengan nomor yang sama"),
    r"too many lines or packages": ("too many lines or packages", "terlalu banyak baris barang atau paket"),
    r"a quantity out of range": ("a quantity out of range", "jumlah barang di luar batas"),
    r"an amount out of range": ("an amount out of range", "nominal di luar batas"),
    r"nested too deeply": ("data nested too deeply", "data bertingkat terlalu dalam"),
    r"The channel lists this order but does not answer for it\.": (
        "the channel lists this order but does not answer for it",
        "kanal mencantumkan pesanan ini tetapi tidak memberikan datanya",
    ),
}
_MISSING = ("the field `{0}` is missing", "kolom `{0}` tidak ada")
_UNFIT = ("the field `{0}` holds something unexpected", "kolom `{0}` berisi nilai yang tidak sesuai")
_OTHER = ("a value that cannot be understood", "ada nilai yang tidak dapat dimengerti")


def explain(reason: str, language: Language) -> str:
    """A kept reason as part of a sentence. Whatever a library said is not passed on."""
    which = 1 if language == "id" else 0
    for pattern, words in _PHRASES.items():
        if found := re.fullmatch(pattern, reason):
            return words[which].format(*found.groups())
    places = [_PLACE.fullmatch(part) for part in reason.split("; ")]
    told = [(_MISSING if one[2] == "missing" else _UNFIT)[which].format(one[1]) for one in places if one is not None]
    return "; ".join(told[:_MOST_PLACES]) or _OTHER[which]
