"""Our own invoices: one order's facts as texts, set by typst. Pure CPU: call `render` in a thread.

The same facts give the same bytes. Whatever buyers and channels wrote is data of the template, never part of it.
"""

import functools
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst
from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_currency, format_decimal

from app.core.context import Language
from app.orders import masking
from app.orders.models import OrderRow

_TEMPLATE = Path(__file__).parent / "templates" / "invoice.typ"
_LOCALES: dict[Language, str] = {"en": "en_US", "id": "id_ID"}
_MOST_LETTERS = 300
_LONG_WORD = re.compile(r"\S{24}")
# Letters come from the fonts that typst carries; what these lack (emoji) would print as empty boxes.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_SYMBOLS = frozenset({"So", "Sk", "Mn", "Me"})
_FIRST_ARROW = 0x2190

_WORDS: dict[Language, dict[str, Any]] = {
    "en": {
        "title": "INVOICE",
        "number": "No.",
        "buyer": "Billed to",
        "columns": ["No.", "Product", "Qty", "Price", "Amount"],
        "total": "Total",
        "page": "Page",
        "footer": "Made by the seller with PlugoSync. Valid without a signature. Not a tax invoice.",
        "basis": "Amounts as reported by the channel; those marked * are added up from what it reports.",
        "ordered": "Order date",
        "paid": "Paid",
        "channel": "Channel",
        "payment": "Payment",
        "cod": "Cash on delivery",
        "courier": "Courier",
        "tracking_number": "Tracking no.",
        "kinds": {},
    },
    "id": {
        "title": "FAKTUR",
        "number": "No.",
        "buyer": "Ditagihkan kepada",
        "columns": ["No.", "Produk", "Jml", "Harga", "Jumlah"],
        "total": "Total",
        "page": "Halaman",
        "footer": "Dibuat oleh penjual dengan PlugoSync. Sah tanpa tanda tangan. Bukan faktur pajak.",
        "basis": "Nilai sesuai laporan kanal; yang bertanda * dijumlahkan dari laporan tersebut.",
        "ordered": "Tanggal pesanan",
        "paid": "Dibayar",
        "channel": "Kanal",
        "payment": "Pembayaran",
        "cod": "Bayar di tempat (COD)",
        "courier": "Kurir",
        "tracking_number": "No. resi",
        "kinds": {
            "items_subtotal": "Subtotal produk",
            "shipping_fee_estimated": "Perkiraan ongkos kirim",
            "shipping_fee_actual": "Ongkos kirim",
            "return_shipping_fee": "Ongkos kirim pengembalian",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, where, and on which clock."""

    shop_name: str
    channel_title: str
    timezone: str


def describe(order: OrderRow, seller: Seller, language: Language, *, can_read_buyer: bool) -> dict[str, Any]:
    """Everything the template prints, as text in that language. Buyer data are masked without `can_read_buyer`."""
    words = _WORDS[language]
    return {
        "language": language,
        "words": {
            key: words[key] for key in ("title", "number", "buyer", "columns", "total", "page", "footer", "basis")
        },
        "number": clean(order.order_number),
        # A dropshipper's buyer is not to learn who really sends.
        "seller": clean(order.sender_name or seller.shop_name),
        "channel": clean(seller.channel_title),
        "buyer": _buyer(order, can_read_buyer=can_read_buyer),
        "facts": [[name, clean(value)] for name, value in _facts(order, seller, language) if value],
        "lines": [_line(line, order.currency, language) for line in order.lines_summary],
        "amounts": [
            {
                "name": words["kinds"].get(one["kind"], str(one["kind"]).replace("_", " ").capitalize()),
                "text": money(Decimal(one["amount"]), one["currency"], language),
                "is_derived": one["basis"] == "derived",
            }
            for one in order.amounts
        ],
        "total": {
            "text": "–" if order.total_amount is None else money(order.total_amount, order.currency, language),
            "is_derived": order.total_amount is not None and order.total_basis == "derived",
        },
    }


def render(facts: Mapping[str, Any]) -> bytes:
    """The PDF. Raises typst.TypstError when the template itself is wrong."""
    return typst.compile(
        _template(),
        format="pdf",
        sys_inputs={"invoice": json.dumps(facts, ensure_ascii=False, sort_keys=True)},
        font_paths=_fonts(),
        timestamp=0,
        pdf_tags=False,
    )


def clean(text: str) -> str:
    """Text that our fonts can show, on one line, breakable anywhere in endless words."""
    kept = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text)[:_MOST_LETTERS])
    shown = "".join(letter for letter in kept if _is_printable(letter))
    return _LONG_WORD.sub(lambda match: f"{match[0]}\u200b", " ".join(shown.split()))


def _is_printable(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category not in _UNPRINTABLE and (category not in _SYMBOLS or ord(letter) < _FIRST_ARROW)


def money(amount: Decimal, currency: str, language: Language) -> str:
    """`Rp 125.000` (id), `Rp 125,000` (en): sen are shown only where there are some."""
    if currency != "IDR":
        try:
            return format_currency(amount, currency, locale=_LOCALES[language])
        except ValueError:
            return f"{currency} {amount:.2f}"
    digits = "#,##0" if amount == amount.to_integral_value() else "#,##0.00"
    return f"{'-' if amount < 0 else ''}Rp\u00a0{format_decimal(abs(amount), digits, locale=_LOCALES[language])}"


def _buyer(order: OrderRow, *, can_read_buyer: bool) -> dict[str, Any]:
    recipient = order.recipient if can_read_buyer else masking.mask_recipient(order.recipient)
    name = order.buyer_name if can_read_buyer else order.buyer_name_masked
    username = order.buyer_username if can_read_buyer else order.buyer_username_masked
    place = recipient or {}
    rows = [
        f"@{username}" if username and name else "",
        place.get("phone", ""),
        place.get("address", ""),
        ", ".join(filter(None, (place.get("district"), place.get("city")))),
        " ".join(filter(None, (place.get("state"), place.get("postal_code")))),
    ]
    return {"name": clean(name or username or "–"), "rows": [clean(row) for row in rows if row]}


def _facts(order: OrderRow, seller: Seller, language: Language) -> list[tuple[str, str]]:
    words = _WORDS[language]
    zone = ZoneInfo(seller.timezone)

    def local(moment: Any) -> str:
        if moment is None:
            return ""
        at = moment.astimezone(zone)
        pattern = "d MMMM yyyy HH:mm" if language == "en" else "d MMMM yyyy HH.mm"
        zone_name = get_timezone_name(at, width="short", locale=_LOCALES["id"])
        return f"{format_datetime(at, pattern, locale=_LOCALES[language])} {zone_name}"

    return [
        (words["ordered"], local(order.placed_at)),
        (words["paid"], local(order.paid_at)),
        (words["channel"], seller.channel_title),
        (words["payment"], words["cod"] if order.is_cod else order.payment_method or ""),
        (words["courier"], order.courier or ""),
        (words["tracking_number"], order.tracking_number or ""),
    ]


def _line(line: Mapping[str, Any], currency: str, language: Language) -> dict[str, Any]:
    price = Decimal(line["unit_price"]["amount"]) if line["unit_price"] else None
    detail = " · ".join(filter(None, (clean(line["variation"]), clean(line["sku"]))))
    return {
        "name": clean(line["name"]) or "–",
        "detail": detail or None,
        "quantity": format_decimal(line["quantity"], locale=_LOCALES[language]),
        "price": "–" if price is None else money(price, currency, language),
        "amount": "–" if price is None else money(price * line["quantity"], currency, language),
    }


@functools.cache
def _template() -> bytes:
    return _TEMPLATE.read_bytes()


@functools.cache
def _fonts() -> typst.Fonts:
    """Only the fonts that typst carries: no machine's own, so that the paper is the same everywhere."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
