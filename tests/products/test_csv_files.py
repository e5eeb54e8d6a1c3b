"""A CSV is taken whole or refused whole, with every error by line and column."""

import pytest

from app.products import csv_files


@pytest.mark.parametrize(
    "content",
    [
        b"sku,name,on_hand,buffer\nKAOS-L,Kaos L,12,\n\nTOPI,Topi,,3\n",
        b"\xef\xbb\xbfname;sku;on_hand;buffer\r\nKaos L;KAOS-L;12;\r\n;;;\r\nTopi;TOPI;;3\r\n",
        b"SKU\tName\tOn_hand\tBuffer\nKAOS-L\tKaos L\t12\t\nTOPI\tTopi\t\t3",
    ],
)
def test_every_dialect_says_the_same(content: bytes) -> None:
    parsed = csv_files.parse(content)

    assert parsed.errors == []
    assert [(one.sku, one.name, one.on_hand, one.buffer) for one in parsed.lines] == [
        ("KAOS-L", "Kaos L", 12, None),
        ("TOPI", "Topi", None, 3),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [(1, None, "empty")]),
        (b"sku,name\n", [(1, None, "empty")]),
        (b"sku,price\nA,1\n", [(1, "price", "unknown_column"), (1, "name", "column_missing")]),
        (b"sku,name,sku\nA,B,C\n", [(1, "sku", "column_twice")]),
        (b"sku,name\nA,Satu\nB\n,Tiga\n", [(3, None, "broken_line"), (4, "sku", "missing")]),
        (b"sku,name\nA,Satu\nA,Dua\n", [(3, "sku", "sku_twice")]),
        (b'sku,name\nA,=HYPERLINK("http://x")\n', [(2, "name", "formula_cell")]),
        (
            b"sku,name,on_hand\nA,Satu,-1\nB,Dua,banyak\nC,Tiga,1.000\nD,Empat,99999999999\n",
            [
                (2, "on_hand", "not_whole"),
                (3, "on_hand", "not_whole"),
                (4, "on_hand", "not_whole"),
                (5, "on_hand", "out_of_range"),
            ],
        ),
        (b"sku,name\nA,Satu\nB,caf\xe9\n", [(3, None, "not_utf8")]),
        (b'sku,name\nA,"Satu\nB,Dua\nC,Tiga', [(2, None, "bad_quotes")]),
    ],
)
def test_what_is_wrong_is_named(content: bytes, expected: list[tuple[int, str | None, str]]) -> None:
    parsed = csv_files.parse(content)

    assert parsed.lines == [] or parsed.errors
    assert [(one.line, one.column, one.code) for one in parsed.errors] == expected


def test_the_guard_of_an_export_comes_off_once() -> None:
    parsed = csv_files.parse("sku,name\n'-A,'=1+1\n''-B,''＝x\n'C,'plain 'n'\n".encode())

    assert [(one.sku, one.name) for one in parsed.lines] == [("-A", "=1+1"), ("'-B", "'＝x"), ("'C", "'plain 'n'")]


def test_errors_are_told_in_the_callers_language() -> None:
    content = b"sku,name,on_hand\nA,,1\nB,Dua,1.000\n"

    assert [one.detail for one in csv_files.parse(content, "id").errors] == [
        "Bagian ini wajib diisi.",
        "Tulis bilangan bulat dengan angka saja, misalnya 1000: `1.000` dapat diartikan berbeda.",
    ]
    assert csv_files.parse(content).errors[0].detail == "This is required."


def test_a_file_that_is_too_long_is_refused_before_anything_is_read() -> None:
    rows = "".join(f"SKU-{number},Produk {number},{number % 7}\n" for number in range(100_001))

    whole = csv_files.parse(f"sku,name,on_hand\n{rows}".encode())

    assert (whole.lines, [(one.line, one.code) for one in whole.errors]) == ([], [(100_002, "too_many_lines")])
