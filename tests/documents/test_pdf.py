"""What counts as a whole PDF, and what is left of one that does more than print."""

import io
import time

import pikepdf
import pytest

from app.documents import pdf
from app.documents.errors import BadPdf
from tests.documents.papers import count_pages, draw_paper, read_pages

PAPER = draw_paper("JX100")


def test_a_harmless_paper_comes_back_byte_for_byte() -> None:
    two = draw_paper("JX100", "JX101")

    assert pdf.check(PAPER) == (PAPER, 1)
    assert pdf.check(two) == (two, 2)


def test_a_cut_off_paper_is_refused_wherever_it_was_cut() -> None:
    accepted = []
    for length in range(len(PAPER) - 6):  # the last bytes are `%%EOF` and a line end
        try:
            pdf.check(PAPER[:length])
        except BadPdf:
            continue
        accepted.append(length)

    assert accepted == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin"),
        (b"<!DOCTYPE html><html><body>Service unavailable</body></html>", "does not begin"),
        (b"PK\x03\x04" + PAPER, "does not begin"),
        (b"%PDF-1.4\nhello\n%%EOF\n", "cannot be read"),
        (PAPER.replace(b"/Count 1", b"/Count 0").replace(b"/Kids [", b"/Kods ["), "pages|not built|damaged|cannot"),
        (PAPER + b" " * 2_000, "does not end"),
        (b"%PDF-1.7" + b" " * pdf.MAX_BYTES, "larger"),
    ],
    ids=["empty", "html", "wrong magic", "no table", "no page", "something behind it", "too large"],
)
def test_what_is_no_whole_pdf_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(BadPdf, match=reason):
        pdf.check(content)


def test_a_page_that_cannot_be_decoded_is_refused() -> None:
    damaged = bytearray(PAPER)
    at = PAPER.index(b"stream") + len("stream\n") + 4
    damaged[at : at + 8] = b"\x01\x02\x03\x04\x05\x06\x07\x08"

    with pytest.raises(BadPdf):
        pdf.check(bytes(damaged))


def test_a_locked_paper_is_refused() -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(PAPER)) as paper:
        paper.save(out, encryption=pikepdf.Encryption(owner="owner", user="secret"))

    with pytest.raises(BadPdf, match="PasswordError"):
        pdf.check(out.getvalue())


def test_scripts_launches_and_attachments_are_taken_out() -> None:
    armed = arm(PAPER)
    assert all(word in unpack(armed) for word in (b"app.alert", b"calc.exe", b"stolen goods", b"/OpenAction"))

    content, pages = pdf.check(armed)

    left = unpack(content)
    for word in (b"app.alert", b"calc.exe", b"stolen goods", b"/OpenAction", b"/JavaScript", b"/EmbeddedFile", b"/AA"):
        assert word not in left, word
    assert pages == 1
    assert read_pages(content) == ["JX100"]
    assert pdf.check(content) == (content, 1)


def test_papers_are_merged_in_order_and_to_the_same_bytes() -> None:
    papers = [draw_paper("third"), draw_paper("first", "and a half"), draw_paper("second")]

    pack = pdf.merge(papers)

    assert read_pages(pack) == ["third", "first", "and a half", "second"]
    assert pack == pdf.merge(papers)
    assert pack != pdf.merge(papers[::-1])


def test_a_hundred_labels_are_merged_in_a_second() -> None:
    papers = [draw_paper(f"JX{number}") for number in range(100)]

    started_at = time.perf_counter()
    pack = pdf.merge(papers)

    assert time.perf_counter() - started_at < 1
    assert count_pages(pack) == 100


def test_pages_are_cut_out() -> None:
    pack = pdf.merge([draw_paper(f"page {number}") for number in range(1, 6)])

    assert read_pages(pdf.cut(pack, 2, 4)) == ["page 2", "page 3", "page 4"]
    assert pdf.cut(pack, 2, 4) == pdf.cut(pack, 2, 4)


def arm(paper: bytes) -> bytes:
    """The paper with everything a bad one may carry."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper)) as armed:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        armed.Root.OpenAction = script
        armed.Root.Names = pikepdf.Dictionary(
            JavaScript=pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("run"), armed.make_indirect(script)]))
        )
        armed.attachments["goods.txt"] = pikepdf.AttachedFileSpec(armed, b"stolen goods")
        page = armed.pages[0].obj
        page.AA = pikepdf.Dictionary(O=script)
        page.Annots = pikepdf.Array(
            [
                pikepdf.Dictionary(
                    Type=pikepdf.Name.Annot,
                    Subtype=pikepdf.Name.Link,
                    Rect=[0, 0, 100, 100],
                    A=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe"),
                )
            ]
        )
        armed.save(out)
    return out.getvalue()


def unpack(content: bytes) -> bytes:
    """The same without any compression, to look into."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as paper:
        paper.save(
            out,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()
