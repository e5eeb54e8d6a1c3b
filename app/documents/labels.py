"""Our own shipping labels, for channels that make none: A6, one page per package. Pure CPU: render in a thread.

The same facts give the same bytes. The courier's and the warehouse's scanners read the number as Code 128 or QR.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from app.documents import codes, typesetting
from app.documents.invoices import Seller
from app.documents.parcels import Parcel
from app.documents.typesetting import LOCALES, clean, money
from app.orders.models import OrderRow

MOST_LINES = 7
_NAME_LETTERS, _ADDRESS_LETTERS, _LINE_LETTERS, _NOTE_LETTERS = 60, 350, 70, 140
_METHODS = {"pickup": "Dijemput kurir", "dropoff": "Antar ke kurir", "manual": "Kurir sendiri"}


def describe(order: OrderRow, parcel: Parcel, seller: Seller) -> dict[str, Any]:
    """Everything the template prints, in Indonesian as on every label here. A label needs the whole address."""
    package = parcel.package
    assert package.tracking_number is not None, "a parcel gets a number when it is arranged"
    lines = _lines(parcel)
    return {
        # A dropshipper's buyer is not to learn who really sends.
        "seller": clean(order.sender_name or seller.shop_name, _NAME_LETTERS),
        "channel": clean(seller.channel_title, _NAME_LETTERS),
        "courier": clean(package.courier or "Kurir toko", _NAME_LETTERS),
        "method": _METHODS.get(package.handover or "", ""),
        "number": clean(package.tracking_number, _NAME_LETTERS),
        "number_name": "No. paket" if parcel.is_own_number else "No. resi",
        "barcode": codes.draw_code128(package.tracking_number),
        "qr": codes.draw_qr(package.tracking_number),
        "order_number": clean(order.order_number, _NAME_LETTERS),
        "date": format_date(order.placed_at.astimezone(ZoneInfo(seller.timezone)), "d MMM yyyy", locale=LOCALES["id"]),
        "part": parcel.part,
        "recipient": _recipient(order),
        "cod": _cash(order, parcel),
        "lines": lines[:MOST_LINES],
        "more": max(0, len(lines) - MOST_LINES),
        "note": clean(order.buyer_message or "", _NOTE_LETTERS),
    }


def render(facts: Mapping[str, Any]) -> bytes:
    """The PDF. Raises typst.TypstError when the template itself is wrong."""
    return typesetting.render("label", facts)


def _recipient(order: OrderRow) -> dict[str, Any]:
    place = order.recipient or {}
    rows = (
        place.get("address", ""),
        ", ".join(filter(None, (place.get("district"), place.get("city")))),
        " ".join(filter(None, (place.get("state"), place.get("postal_code")))),
    )
    return {
        "name": clean(place.get("name") or order.buyer_name or "–", _NAME_LETTERS),
        "phone": clean(place.get("phone") or "", _NAME_LETTERS),
        "rows": [clean(row, _ADDRESS_LETTERS) for row in rows if row],
    }


def _cash(order: OrderRow, parcel: Parcel) -> str | None:
    """What the courier takes in: the whole amount with the first parcel. None when the order is paid."""
    if not order.is_cod:
        return None
    if parcel.position > 1:
        return money(Decimal(0), order.currency, "id")
    return "–" if order.total_amount is None else money(order.total_amount, order.currency, "id")


def _lines(parcel: Parcel) -> list[dict[str, str]]:
    return [
        {
            "quantity": f"{quantity}×",
            "name": clean(line.name, _LINE_LETTERS) or "–",
            "detail": clean(" · ".join(filter(None, (line.variation, line.sku))), _LINE_LETTERS),
        }
        for line, quantity in parcel.list_contents()
    ]
