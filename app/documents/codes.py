"""Bar code and QR code of a text as SVG, black on nothing, one unit per module."""

from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

MOST_MODULES = 420
"""Wider ones cannot be scanned from an A6 label: their bars would be thinner than 0.2 mm."""


def draw_code128(text: str, *, most_modules: int = MOST_MODULES) -> str | None:
    """Code 128. None for what it cannot say, or not within so many modules."""
    if not text.isascii() or not text.isprintable() or not text:
        return None
    code = Code128(text, quiet=0)
    code.validate()
    code.encode()
    code.decompose()
    at, path = 0, []
    for letter in code.decomposed:
        width = ord(letter.upper()) - ord("A") + 1
        if letter.isupper():
            path.append(f"M{at} 0h{width}v1h-{width}z")
        at += width
    return _svg(at, 1, path, is_stretched=True) if at <= most_modules else None


def draw_qr(text: str) -> str:
    """The smallest QR code that holds the text, readable with a seventh of it scratched."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    size = code.getModuleCount()
    path = [f"M{x} {y}h1v1h-1z" for y in range(size) for x in range(size) if code.isDark(y, x)]
    return _svg(size, size, path, is_stretched=False)


def _svg(width: int, height: int, path: list[str], *, is_stretched: bool) -> str:
    keep = ' preserveAspectRatio="none"' if is_stretched else ""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    edges = ' shape-rendering="crispEdges"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}{keep}><path{edges} d="{"".join(path)}"/></svg>'
