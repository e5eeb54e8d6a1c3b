"""Draws A6 shipping labels for the simulators."""

import io
from typing import NamedTuple

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.pagesizes import A6
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

_LONGEST_LINE = 62
_MOST_LINES = 8
_MOST_ROWS = 4


class Label(NamedTuple):
    """One page. `recipient`: name first, then rows of phone and address; `lines`: what is inside."""

    title: str
    courier: str
    tracking_number: str
    order_number: str
    package_number: str
    recipient: tuple[str, ...]
    sender: str
    cod_amount: int | None
    lines: tuple[str, ...]


def draw_labels(labels: list[Label]) -> bytes:
    """One A6 page per label; the same labels give the same bytes."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A6, invariant=1)
    for label in labels:
        _draw_carrier(canvas, label)
        _draw_people(canvas, label)
        _draw_contents(canvas, label)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_carrier(canvas: Canvas, label: Label) -> None:
    width, height = A6
    canvas.setLineWidth(0.6)
    canvas.rect(4 * mm, 4 * mm, width - 8 * mm, height - 8 * mm)
    canvas.setFont("Helvetica-Bold", 13)
    title = f"{label.title} (simulasi)"
    canvas.drawString(7 * mm, height - 12 * mm, title)
    space = width - 18 * mm - canvas.stringWidth(title, "Helvetica-Bold", 13)
    wanted = canvas.stringWidth(label.courier, "Helvetica-Bold", 13)
    canvas.setFont("Helvetica-Bold", 13 * min(1.0, space / wanted) if wanted else 13)
    canvas.drawRightString(width - 7 * mm, height - 12 * mm, label.courier)
    _draw_barcode(canvas, label.tracking_number, height - 33 * mm)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawCentredString(width / 2, height - 38 * mm, f"No. Resi: {label.tracking_number}")
    canvas.line(4 * mm, height - 41 * mm, width - 4 * mm, height - 41 * mm)


def _draw_people(canvas: Canvas, label: Label) -> None:
    width, height = A6
    name, *rows = label.recipient
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 46 * mm, f"Penerima: {name}")
    canvas.setFont("Helvetica", 8)
    amount = label.cod_amount
    cod = "Non-COD" if amount is None else f"COD: Rp{amount:,}".replace(",", ".")
    for position, row in enumerate((*rows[:_MOST_ROWS], f"Pengirim: {label.sender}", cod)):
        canvas.drawString(7 * mm, height - (51 + position * 4.5) * mm, row[:_LONGEST_LINE])
    canvas.line(4 * mm, height - 78 * mm, width - 4 * mm, height - 78 * mm)


def _draw_contents(canvas: Canvas, label: Label) -> None:
    _, height = A6
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 83 * mm, f"No. Pesanan: {label.order_number}")
    canvas.setFont("Helvetica", 7)
    canvas.drawString(7 * mm, height - 87 * mm, f"Paket: {label.package_number}")
    for position, text in enumerate(label.lines[:_MOST_LINES]):
        canvas.drawString(7 * mm, height - (92 + position * 4) * mm, text[:_LONGEST_LINE])
    _draw_barcode(canvas, label.order_number, 7 * mm, bar_mm=14)


def _draw_barcode(canvas: Canvas, text: str, bottom: float, *, bar_mm: int = 16) -> None:
    """Centred, and as wide as a hand scanner likes it."""
    barcode = Code128(text, barHeight=bar_mm * mm, barWidth=0.38 * mm)
    if barcode.width > A6[0] - 14 * mm:  # an own courier's number may be long
        barcode = Code128(text, barHeight=bar_mm * mm, barWidth=0.38 * mm * (A6[0] - 14 * mm) / barcode.width)
    barcode.drawOn(canvas, (A6[0] - barcode.width) / 2, bottom)
