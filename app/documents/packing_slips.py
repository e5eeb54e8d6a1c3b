"""Packing slips: what belongs into one parcel, ticked off by whoever packs it and laid in for the buyer. A6, so that
one fits beside the label. Pure CPU: render in a thread.

No prices and no amounts, for it may be a gift; not our own note either, for the buyer reads it.
The same facts give the same bytes.
"""

from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal

from app.core.context import Language
from app.documents import codes, typesetting
from app.documents.invoices import Seller
from app.documents.parcels import Parcel
from app.documents.typesetting import LOCALES, clean
from app.orders import masking
from app.orders.models import OrderLineRow, OrderRow

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Packing slip",
        "part": "Package",
        "order_number": "Order no.",
        "recipient": "Recipient",
        "courier": "Courier",
        "tracking_number": "Tracking no.",
        "package_number": "Package no.",
        "pieces": "Total pieces",
        "message": "Message from the buyer",
        "page": "Page",
        "unknown": "The channel does not say what is in which package: listed is the whole order.",
    },
    "id": {
        "title": "Slip pengemasan",
        "part": "Paket",
        "order_number": "No. pesanan",
        "recipient": "Penerima",
        "courier": "Kurir",
        "tracking_number": "No. resi",
        "package_number": "No. paket",
        "pieces": "Total barang",
        "message": "Pesan dari pembeli",
        "page": "Halaman",
        "unknown": "Kanal tidak menyebutkan isi tiap paket: ini isi seluruh pesanan.",
    },
}
_NAME_LETTERS, _NUMBER_LETTERS, _LINE_LETTERS, _MESSAGE_LETTERS = 80, 200, 140, 400


def describe(
    order: OrderRow, parcel: Parcel, seller: Seller, language: Language, *, can_read_buyer: bool
) -> dict[str, Any]:
    """Everything the template prints. Without `can_read_buyer` the name is masked and the buyer's message left out."""
    words = _WORDS[language]
    contents = parcel.list_contents()
    return {
        "language": language,
        "words": words,
        # A dropshipper's buyer is not to learn who really sends.
        "seller": clean(order.sender_name or seller.shop_name, _NAME_LETTERS),
        "channel": clean(seller.channel_title, _NAME_LETTERS),
        "order_number": clean(order.order_number, _NAME_LETTERS),
        "barcode": codes.draw_code128(order.order_number),
        "part": parcel.part,
        "facts": _facts(order, parcel, words, can_read_buyer=can_read_buyer),
        "is_cod": order.is_cod,
        "is_unknown": parcel.count > 1 and not parcel.package.lines,
        "lines": [_line(line, quantity, language) for line, quantity in contents],
        "pieces": format_decimal(sum(quantity for _, quantity in contents), locale=LOCALES[language]),
        # Free text of the buyer may hold anything, phone numbers above all.
        "message": clean(order.buyer_message or "", _MESSAGE_LETTERS) if can_read_buyer else "",
    }


def render(facts: Mapping[str, Any]) -> bytes:
    """The PDF. Raises typst.TypstError when the template itself is wrong."""
    return typesetting.render("packing_slip", facts)


def _facts(order: OrderRow, parcel: Parcel, words: Mapping[str, str], *, can_read_buyer: bool) -> list[list[str]]:
    """Name and value of what is known."""
    place = order.recipient if can_read_buyer else masking.mask_recipient(order.recipient)
    buyer_name = order.buyer_name if can_read_buyer else order.buyer_name_masked
    package = parcel.package
    # Some numbers of packages name nothing else: those that are yet to be received, and those of an order's only one.
    is_told = not (parcel.is_own_number or package.awaits_receipt or package.package_number == order.external_id)
    told = (
        ("recipient", (place or {}).get("name") or buyer_name, _NAME_LETTERS),
        ("courier", package.courier, _NAME_LETTERS),
        ("package_number" if parcel.is_own_number else "tracking_number", package.tracking_number, _NUMBER_LETTERS),
        ("package_number", package.package_number if is_told else None, _NUMBER_LETTERS),
    )
    return [[words[name], clean(value, most)] for name, value, most in told if value]


def _line(line: OrderLineRow, quantity: int, language: Language) -> dict[str, str]:
    return {
        "quantity": format_decimal(quantity, locale=LOCALES[language]),
        "sku": clean(line.sku, _NAME_LETTERS),
        "name": clean(line.name, _LINE_LETTERS) or "–",
        "variation": clean(line.variation, _LINE_LETTERS),
    }
