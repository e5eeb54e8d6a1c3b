"""PDFs for tests, and what can be read on their pages."""

import io
import re

import pikepdf
import pypdfium2
import zxingcpp
from reportlab.lib.pagesizes import A6
from reportlab.pdfgen.canvas import Canvas

_BFCHAR = re.compile(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>")


def draw_paper(*texts: str) -> bytes:
    """A6, one page per text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A6, invariant=1)
    for text in texts:
        canvas.drawString(20, 300, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def read_pages(content: bytes) -> list[str]:
    """The text of each page, in the order in which it is drawn."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [_read_page(page) for page in pdf.pages]


def scan(content: bytes) -> dict[str, list[str]]:
    """What a scanner reads on the first page, printed at 203 dpi: texts by kind of code."""
    return scan_pages(content)[0]


def scan_pages(content: bytes) -> list[dict[str, list[str]]]:
    """The same of every page."""
    pages = []
    for page in pypdfium2.PdfDocument(content):
        found: dict[str, list[str]] = {}
        for code in zxingcpp.read_barcodes(page.render(scale=203 / 72, grayscale=True).to_pil()):
            found.setdefault(str(code.format), []).append(code.text)
        pages.append(found)
    return pages


def read_quarters(content: bytes) -> list[list[str]]:
    """The text in each quarter of each sheet, left to right, top to bottom."""
    found = []
    for page in pypdfium2.PdfDocument(content):
        width, height = page.get_size()
        text = page.get_textpage()
        found.append(
            [
                text.get_text_bounded(left, bottom, left + width / 2, bottom + height / 2).strip()
                for bottom in (height / 2, 0)
                for left in (0, width / 2)
            ]
        )
    return found


def count_pages(content: bytes) -> int:
    """How many there are."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return len(pdf.pages)


def _read_page(page: pikepdf.Page) -> str:
    fonts = {name: _letters(font) for name, font in page.resources.get("/Font", {}).items()}
    letters: dict[bytes, str] | None = None
    words: list[str] = []
    for instruction in pikepdf.parse_content_stream(page):
        if not isinstance(instruction, pikepdf.ContentStreamInstruction):
            continue
        operator, operands = str(instruction.operator), instruction.operands
        if operator == "Tf":
            letters = fonts[str(operands[0])]
        elif operator in ("Tj", "TJ"):
            parts = operands[0] if operator == "TJ" else [operands[0]]
            words.append("".join(_read(bytes(one), letters) for one in parts if isinstance(one, pikepdf.String)))
    return " ".join(words)


def _read(codes: bytes, letters: dict[bytes, str] | None) -> str:
    if letters is None:
        return codes.decode("latin-1")
    return "".join(letters.get(codes[at : at + 2], "?") for at in range(0, len(codes), 2))


def _letters(font: pikepdf.Object) -> dict[bytes, str] | None:
    """Two-byte codes → letters; None for a font whose codes are letters."""
    if "/ToUnicode" not in font:
        return None
    table = bytes(font["/ToUnicode"].read_bytes())
    return {
        bytes.fromhex(code.decode()): bytes.fromhex(letter.decode()).decode("utf-16-be")
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL)
        for code, letter in _BFCHAR.findall(block)
    }
