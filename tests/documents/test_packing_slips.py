"""A packing slip says what is in one parcel, a scanner finds the order by it, and it tells no prices and no notes."""

from typing import Any

import pytest

from app.documents import packing_slips, pdf
from app.documents.invoices import Seller
from app.documents.parcels import Parcel
from app.orders.models import OrderLineRow, OrderRow, PackageRow
from tests.documents import sold
from tests.documents.papers import read_pages, read_quarters, scan, scan_pages

SELLER = Seller("Toko Maju Jaya", "Shopee", "Asia/Jakarta")
NUMBER = "2511223K7QH5XA"


def line(external_id: str = "1", **changes: Any) -> OrderLineRow:
    """Two black shirts."""
    values = {"external_id": external_id, "name": "Kaos Polos", "variation": "Hitam, L", "sku": "KAOS-L", "quantity": 2}
    return OrderLineRow(**(values | changes))


def parcel(
    sold: list[OrderLineRow] | None = None, position: int = 1, count: int = 1, *, is_own: bool = False, **changes: Any
) -> Parcel:
    """The only one, with J&T, unless told otherwise."""
    values = {"package_number": "OFG1", "tracking_number": "JX100", "courier": "J&T Express", "lines": {}}
    return Parcel(PackageRow(**(values | changes)), sold or [line()], position, count, is_own_number=is_own)


def make(
    row: OrderRow | None = None, one: Parcel | None = None, language: Any = "id", *, can_read_buyer: bool = True
) -> bytes:
    """The paper."""
    facts = packing_slips.describe(
        row or sold.order(), one or parcel(), SELLER, language, can_read_buyer=can_read_buyer
    )
    return packing_slips.render(facts)


def read(*args: Any, **more: Any) -> str:
    """Its text."""
    return " ".join(" ".join(read_pages(make(*args, **more))).replace("\u200b", "").split())


@pytest.mark.parametrize("number", [NUMBER, "1042", "7", "TTS-" + "5" * 40, "584013297715225934"])
def test_a_scanner_reads_the_order_number(number: str) -> None:
    paper = make(sold.order(order_number=number))

    assert scan(paper) == {"Code 128": [number]}
    assert scan(pdf.four_up(paper, start=3)) == {"Code 128": [number]}, "also four on a sheet"


def test_everything_a_packer_needs() -> None:
    text = read(sold.order(buyer_message="Tolong dibungkus kado"))

    for words in (
        "Toko Maju Jaya Shopee SLIP PENGEMASAN",
        f"NO. PESANAN {NUMBER}",
        "PENERIMA Budi Santoso KURIR J&T Express NO. RESI JX100 NO. PAKET OFG1",
        "2 KAOS-L Kaos Polos · Hitam, L 2 Total barang",
        "PESAN DARI PEMBELI Tolong dibungkus kado",
        f"No. pesanan {NUMBER} Halaman 1 / 1",
    ):
        assert words in text, f"{words} is not in: {text}"
    assert "COD" not in text


def test_an_english_slip() -> None:
    text = read(sold.order(is_cod=True, buyer_message="Gift"), language="en")

    for words in (
        "PACKING SLIP",
        "RECIPIENT Budi",
        "TRACKING NO. JX100",
        "2 Total pieces",
        "MESSAGE FROM THE BUYER Gift",
    ):
        assert words in text, words
    assert "COD" in text


def test_it_tells_the_buyer_no_price_and_no_note_of_ours() -> None:
    text = read(
        sold.order(is_cod=True, note="pelanggan rewel", sender_name="Dropship Sejahtera"),
        parcel([line(unit_price=51250)]),
    )

    assert text.startswith("Dropship Sejahtera") and "Toko Maju Jaya" not in text
    for secret in ("Rp", "99.999", "51.250", "rewel", "Mawar", "6281234567890"):
        assert secret not in text, secret


def test_buyer_data_are_masked_for_those_who_may_not_see_them() -> None:
    text = read(sold.order(buyer_message="WA 0812"), can_read_buyer=False)

    assert "PENERIMA B***" in text
    assert "Santoso" not in text and "0812" not in text


def test_each_parcel_has_its_own_contents() -> None:
    lines = [line("1", name="Kaos"), line("2", name="Topi", sku="", quantity=3)]

    first = read(one=parcel(lines, 1, 2, lines={"1": 2, "2": 1}))
    second = read(one=parcel(lines, 2, 2, lines={"2": 2}, tracking_number=None))
    untold = read(one=parcel(lines, 2, 2))

    assert "Paket 1/2" in first and "2 KAOS-L Kaos" in first and "1 Topi" in first and "3 Total barang" in first
    assert "Paket 2/2" in second and "Kaos" not in second and "2 Total barang" in second and "RESI" not in second
    assert "5 Total barang" in untold and "ini isi seluruh pesanan" in untold
    assert "ini isi seluruh pesanan" not in first + second


def test_only_numbers_that_mean_something_are_shown() -> None:
    own = read(one=parcel(is_own=True, tracking_number="PLG00000000018", package_number="1042"))
    only = read(sold.order(external_id="1042"), parcel(package_number="1042"))
    waiting = read(one=parcel(package_number="99:default", awaits_receipt=True, tracking_number=None))

    assert "NO. PAKET PLG00000000018" in own and "1042" not in own and "RESI" not in own
    assert "1042" not in only and "NO. RESI JX100" in only
    assert "99:default" not in waiting


@pytest.mark.parametrize("text", ['#panic("x")', "*bold* _it_ $x^2$", "[c] ]#[ //c", "@ref <label> #{1+1}", '"}; x("'])
def test_what_others_wrote_is_text_and_nothing_else(text: str) -> None:
    hostile = sold.order(order_number=text, recipient={"name": text}, sender_name=text, buyer_message=text)

    found = read(hostile, parcel([line(name=text, variation=text, sku=text)], courier=text, package_number=text))

    assert found.count(text) == 10


def test_a_long_order_goes_over_several_pages() -> None:
    lines = [
        line(str(n), name="serbaguna " * (n % 5 * 3 + 1), variation=f"ukuran {n}", sku=f"SKU-{n}") for n in range(1, 41)
    ]

    content = make(sold.order(), parcel(lines, 1, 2, tracking_number="R" * 150))

    pages = read_pages(content)
    assert len(pages) > 1
    assert all(f"No. pesanan {NUMBER} · Paket 1/2" in page for page in pages), "loose pages find each other"
    for n in range(1, 41):
        [page] = [page for page in pages if f"SKU-{n} " in page]
        assert f"ukuran {n} " in page, "a product is not torn apart"
    assert "80 Total barang" in pages[-1]
    assert pages[0].replace("\u200b", "").replace(" ", "").count("R" * 150) == 1, "no number is cut off"
    sheets = pdf.four_up(content, start=2)
    assert read_quarters(sheets)[0][0] == "" and "SKU-1" in read_quarters(sheets)[0][1]
    assert [code for page in scan_pages(sheets) for code in page.get("Code 128", [])] == [NUMBER]


def test_an_order_that_says_hardly_anything_still_has_a_slip() -> None:
    bare = parcel([line(name="🔥", variation="", sku="")], courier=None, tracking_number=None, package_number=None)

    assert "2 – 2 Total barang" in read(sold.order(buyer_name=None, recipient=None), bare)


def test_the_same_facts_give_the_same_bytes() -> None:
    content = make()

    assert content == make()
    assert pdf.check(content) == (content, 1)
