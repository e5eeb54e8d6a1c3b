"""Our own invoices: one order's facts as texts, set by typst. Pure CPU: call `render` in a thread.

The same facts give the same bytes. Whatever buyers and channels wrote is data of the template, never part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_decimal

from app.core.context import Language
from app.documents import typesetting
from app.documents.typesetting import LOCALES, clean, money
from app.orders import masking
from app.orders.models import OrderRow

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
            "buyer_service_fee": "Biaya layanan pembeli",
            "discount": "Diskon",
            "goods": "Subtotal produk",
            "handling_fee": "Biaya penanganan",
            "item_insurance_fee": "Asuransi produk",
            "items_subtotal": "Subtotal produk",
            "original_shipping_fee": "Ongkos kirim sebelum diskon",
            "original_total_product_price": "Harga produk sebelum diskon",
            "platform_discount": "Diskon platform",
            "return_shipping_fee": "Ongkos kirim pengembalian",
            "seller_discount": "Diskon penjual",
            "shipping_fee": "Ongkos kirim",
            "shipping_fee_actual": "Ongkos kirim",
            "shipping_fee_estimated": "Perkiraan ongkos kirim",
            "shipping_insurance_fee": "Asuransi pengiriman",
            "sub_total": "Subtotal",
            "tax": "Pajak",
            "voucher": "Voucher",
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
    return typesetting.render("invoice", facts)


def _buyer(order: OrderRow, *, can_read_buyer: bool) -> dict[str, Any]:
    recipient = order.recipient if can_read_buyer else masking.mask_recipient(order.recipient)
    name = order.buyer_name if can_read_buyer else order.buyer_name_masked
    username = order.buyer_username if can_read_buyer else order.buyer_username_masked
    place = recipient or {}
    rows = [
        # Own stores know their buyers by mail address.
        f"{'' if '@' in username else '@'}{username}" if username and name else "",
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
        zone_name = get_timezone_name(at, width="short", locale=LOCALES["id"])
        return f"{format_datetime(at, pattern, locale=LOCALES[language])} {zone_name}"

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
        "quantity": format_decimal(line["quantity"], locale=LOCALES[language]),
        "price": "–" if price is None else money(price, currency, language),
        "amount": "–" if price is None else money(price * line["quantity"], currency, language),
    }
