"""Draws A6 shipping labels."""

import io
from typing import NamedTuple

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.pagesizes import A6
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from app.sandbox.shopee.orders import mask
from app.sandbox.shopee.world import Order, Package

_LONGEST_LINE = 62
_MOST_LINES = 8


class Label(NamedTuple):
    """One page."""

    sender: str
    order: Order
    package: Package


def draw_labels(labels: list[Label]) -> bytes:
    """One A6 page per label; the same labels give the same bytes."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A6, invariant=1)
    for label in labels:
        _draw_carrier(canvas, label.package)
        _draw_people(canvas, label)
        _draw_contents(canvas, label)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_carrier(canvas: Canvas, package: Package) -> None:
    width, height = A6
    number = package["tracking_number"]
    canvas.setLineWidth(0.6)
    canvas.rect(4 * mm, 4 * mm, width - 8 * mm, height - 8 * mm)
    canvas.setFont("Helvetica-Bold", 13)
    canvas.drawString(7 * mm, height - 12 * mm, "Shopee (simulasi)")
    canvas.drawRightString(width - 7 * mm, height - 12 * mm, package["shipping_carrier"])
    _draw_barcode(canvas, number, height - 33 * mm)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawCentredString(width / 2, height - 38 * mm, f"No. Resi: {number}")
    canvas.line(4 * mm, height - 41 * mm, width - 4 * mm, height - 41 * mm)


def _draw_people(canvas: Canvas, label: Label) -> None:
    width, height = A6
    order, recipient = label.order, mask(label.order["recipient"])
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 46 * mm, f"Penerima: {recipient['name']}")
    canvas.setFont("Helvetica", 8)
    rows = (
        f"Telp {recipient['phone']}",
        recipient["full_address"],
        f"{recipient['district']}, {recipient['city']}",
        f"{recipient['state']} {recipient['zipcode']}",
        f"Pengirim: {label.sender}",
        f"COD: Rp{order['total_amount']:,}".replace(",", ".") if order["cod"] else "Non-COD",
    )
    for position, row in enumerate(rows):
        canvas.drawString(7 * mm, height - (51 + position * 4.5) * mm, row[:_LONGEST_LINE])
    canvas.line(4 * mm, height - 78 * mm, width - 4 * mm, height - 78 * mm)


def _draw_contents(canvas: Canvas, label: Label) -> None:
    _, height = A6
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 83 * mm, f"No. Pesanan: {label.order['order_sn']}")
    canvas.setFont("Helvetica", 7)
    canvas.drawString(7 * mm, height - 87 * mm, f"Paket: {label.package['package_number']}")
    lines = {(item["item_id"], item["model_id"]): item for item in label.order["item_list"]}
    for position, item in enumerate(label.package["items"][:_MOST_LINES]):
        line = lines[item["item_id"], item["model_id"]]
        variant = f" ({line['model_name']})" if line["model_name"] else ""
        sku = line["model_sku"] or line["item_sku"]
        text = f"{item['model_quantity']} x {line['item_name']}{variant} {sku}"
        canvas.drawString(7 * mm, height - (92 + position * 4) * mm, text[:_LONGEST_LINE])
    _draw_barcode(canvas, label.order["order_sn"], 7 * mm, bar_mm=14)


def _draw_barcode(canvas: Canvas, text: str, bottom: float, *, bar_mm: int = 16) -> None:
    """Centred, and as wide as a hand scanner likes it."""
    barcode = Code128(text, barHeight=bar_mm * mm, barWidth=0.38 * mm)
    if barcode.width > A6[0] - 14 * mm:  # an own courier's number may be long
        barcode = Code128(text, barHeight=bar_mm * mm, barWidth=0.38 * mm * (A6[0] - 14 * mm) / barcode.width)
    barcode.drawOn(canvas, (A6[0] - barcode.width) / 2, bottom)
