"""PDF work: check what came from outside, merge, cut out pages. Pure CPU: call it in a thread."""

import io
from collections.abc import Sequence

import pikepdf

from app.documents.errors import BadPdf

MAX_BYTES = 20_000_000
_MAX_PAGES = 100
_TAIL = 1024
_A4 = (595.276, 841.89)
"""Width and height in points."""
_DEPTH = 20
# Whatever could run, open, send or carry something when a person only wants to print.
_ACTIVE_KEYS = frozenset(
    {"/AA", "/AF", "/AcroForm", "/EF", "/EmbeddedFiles", "/JS", "/JavaScript", "/OpenAction", "/RichMedia", "/XFA"}
)
_ACTIVE_ACTIONS = frozenset(
    {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/Rendition", "/RichMediaExecute"}
)


def check(content: bytes) -> tuple[bytes, int]:
    """The PDF, freed of scripts and attachments, and its number of pages.

    A harmless one comes back byte for byte. Raises BadPdf when it is too large, cut off, damaged, locked or no PDF.
    """
    if len(content) > MAX_BYTES:
        raise BadPdf(f"larger than {MAX_BYTES} bytes")
    if not content.startswith(b"%PDF-"):
        raise BadPdf("does not begin like a PDF")
    if b"%%EOF" not in content[-_TAIL:]:
        raise BadPdf("does not end like a PDF")
    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=False, suppress_warnings=True) as pdf:
            pages = len(pdf.pages)
            if not 1 <= pages <= _MAX_PAGES:
                raise BadPdf(f"has {pages} pages")
            for page in pdf.pages:
                _read_through(page)
            if pdf.get_warnings():
                raise BadPdf("is damaged")
            if not _disarm(pdf):
                return content, pages
            return _save(pdf), pages
    except (pikepdf.PdfError, pikepdf.PasswordError, pikepdf.DataDecodingError) as error:
        raise BadPdf(f"cannot be read: {type(error).__name__}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadPdf(f"is not built like a PDF: {type(error).__name__}") from error


def merge(papers: Sequence[bytes]) -> bytes:
    """All pages of all papers in this order. The same papers give the same bytes."""
    with pikepdf.new() as pack:
        for paper in papers:
            with pikepdf.open(io.BytesIO(paper)) as pdf:
                pack.pages.extend(pdf.pages)
        return _save(pack)


def cut(content: bytes, first: int, last: int) -> bytes:
    """Pages `first` to `last` (from 1, inclusive)."""
    with pikepdf.open(io.BytesIO(content)) as pdf, pikepdf.new() as part:
        part.pages.extend(pdf.pages[first - 1 : last])
        return _save(part)


def four_up(content: bytes, *, start: int) -> bytes:
    """Each page in a quarter of an A4 sheet, left to right, top to bottom; the first in quarter `start` (1 to 4)."""
    width, height = _A4
    with pikepdf.open(io.BytesIO(content)) as pdf, pikepdf.new() as sheets:
        for number, page in enumerate(pdf.pages, start=start - 1):
            if number % 4 == 0 or not len(sheets.pages):
                sheets.add_blank_page(page_size=_A4)
            sheet = sheets.pages[-1]
            left, top = number % 2 * width / 2, height - number % 4 // 2 * height / 2
            quarter = pikepdf.Rectangle(left, top - height / 2, left + width / 2, top)
            # Placed by hand: add_overlay would name it by chance, and the same labels give the same bytes.
            name = pikepdf.Name(f"/Label{number % 4 + 1}")
            label = sheets.copy_foreign(page.as_form_xobject())
            sheet.add_resource(label, pikepdf.Name.XObject, name)
            sheet.contents_add(sheet.calc_form_xobject_placement(label, name, quarter, allow_expand=False))
        return _save(sheets)


def _read_through(page: pikepdf.Page) -> None:
    """A page that cannot be decoded would come out of the printer empty."""
    contents = page.obj.get("/Contents")
    streams = contents if isinstance(contents, pikepdf.Array) else [contents]
    for stream in streams:
        if isinstance(stream, pikepdf.Stream):
            stream.read_bytes()


def _disarm(pdf: pikepdf.Pdf) -> bool:
    """Take out everything active. True when there was something."""
    found = False
    for thing in pdf.objects:
        found |= _disarm_object(thing, 0)
    return found


def _disarm_object(thing: pikepdf.Object, depth: int) -> bool:
    if depth > _DEPTH:
        raise BadPdf("is nested too deeply")
    found = False
    if isinstance(thing, pikepdf.Array):
        for part in thing.as_list():
            if _is_inner(part):
                found |= _disarm_object(part, depth + 1)
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        is_action = str(thing.get("/S")) in _ACTIVE_ACTIONS
        for key in list(thing.keys()):
            value = thing[key]
            if is_action or key in _ACTIVE_KEYS:
                del thing[key]
                found = True
            elif _is_inner(value):
                found |= _disarm_object(value, depth + 1)
    return found


def _is_inner(value: object) -> bool:
    """A direct part of its parent; indirect objects are visited on their own."""
    return isinstance(value, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream) and not value.is_indirect


def _save(pdf: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()
