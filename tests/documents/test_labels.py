"""A label of our own: a scanner reads its codes, a courier reads its address, nobody reads more than is on it."""

from decimal import Decimal
from typing import Any

import pytest

from app.documents import codes, labels, pdf
from app.documents.invoices import Seller
from app.documents.parcels import Parcel
from app.orders.models import OrderLineRow, OrderRow, PackageRow
from tests.documents import sold
from tests.documents.papers import read_pages, scan

SELLER = Seller("Toko Maju Jaya", "PlugoStore", "Asia/Jakarta")
NUMBER = "PLG00000000018"


def order(**changes: Any) -> OrderRow:
    """A paid order of an own store."""
    return sold.order(**({"order_number": "1042", "total_amount": Decimal("125000.00")} | changes))


def line(external_id: str = "1", **changes: Any) -> OrderLineRow:
    """Two black shirts."""
    values = {"external_id": external_id, "name": "Kaos Polos", "variation": "Hitam, L", "sku": "KAOS-L", "quantity": 2}
    return OrderLineRow(**(values | changes))


def parcel(sold: list[OrderLineRow] | None = None, position: int = 1, count: int = 1, **changes: Any) -> Parcel:
    """The only one, with JNE, unless told otherwise."""
    values = {"tracking_number": NUMBER, "courier": "JNE Reguler", "handover": "dropoff", "lines": {}}
    package = PackageRow(**(values | changes))
    return Parcel(package, sold or [line()], position, count, is_own_number=package.tracking_number == NUMBER)


def make(row: OrderRow | None = None, one: Parcel | None = None) -> bytes:
    """The paper."""
    return labels.render(labels.describe(row or order(), one or parcel(), SELLER))


def read(row: OrderRow | None = None, one: Parcel | None = None) -> str:
    """Its text."""
    [page] = read_pages(make(row, one))
    return " ".join(page.replace("\u00a0", " ").replace("\u200b", "").split())


def test_a_scanner_reads_the_number_twice() -> None:
    assert scan(make()) == {"Code 128": [NUMBER], "QR Code": [NUMBER]}


@pytest.mark.parametrize("number", ["JNE-0012345678901", "TLJR/2026/11 x", "a" * 30, "0" * 40, "~!@#$%^&*()_+{}|"])
def test_a_couriers_number_scans_as_it_was_typed(number: str) -> None:
    found = scan(make(one=parcel(tracking_number=number)))

    assert found == {"Code 128": [number], "QR Code": [number]}


@pytest.mark.parametrize("number", ["A" * 60, "resi-émilie", "№ 12"])
def test_a_number_too_long_or_too_odd_for_bars_is_still_a_qr_code(number: str) -> None:
    assert codes.draw_code128(number) is None
    assert scan(make(one=parcel(tracking_number=number))) == {"QR Code": [number]}


def test_everything_a_courier_needs() -> None:
    text = read()

    for words in (
        "JNE Reguler",
        "Antar ke kurir",
        f"NO. PAKET {NUMBER}",
        "Budi Santoso 6281234567890 Jl. Mawar No. 1 Coblong, Bandung Jawa Barat 40132",
        "Toko Maju Jaya",
        "Lunas, non-COD",
        "1042 PlugoStore · 23 Nov 2026",
        "2× Kaos Polos · Hitam, L · KAOS-L",
    ):
        assert words in text, f"{words} is not in: {text}"
    assert "NO. RESI JX100" in read(one=parcel(tracking_number="JX100"))


def test_cash_is_taken_once_however_many_parcels() -> None:
    cash = order(is_cod=True)

    assert "TAGIH COD Rp 125.000 " in read(cash)
    assert "TAGIH COD Rp 125.000 " in read(cash, parcel(position=1, count=2))
    assert "TAGIH COD Rp 0 " in read(cash, parcel(position=2, count=2))
    assert "TAGIH COD – " in read(order(is_cod=True, total_amount=None))


def test_a_parcel_lists_what_is_in_it() -> None:
    lines = [line("1", name="Kaos"), line("2", name="Topi", quantity=3)]

    first = read(one=parcel(lines, 1, 2, lines={"1": 2, "2": 1}))
    second = read(one=parcel(lines, 2, 2, lines={"2": 2}))

    assert "Paket 1/2" in first and "2× Kaos" in first and "1× Topi" in first
    assert "Paket 2/2" in second and "Kaos" not in second and "2× Topi" in second


def test_a_dropshippers_name_stands_instead_of_the_shops() -> None:
    text = read(order(sender_name="Dropship Sejahtera"))

    assert "Dropship Sejahtera" in text and "Toko Maju Jaya" not in text


@pytest.mark.parametrize("text", ['#panic("x")', "*bold* _it_ $x^2$", "[c] ]#[ //c", "@ref <label> #{1+1}", '"}; x("'])
def test_what_others_wrote_is_text_and_nothing_else(text: str) -> None:
    recipient = {"name": text, "address": text, "city": text}
    hostile = order(order_number=text, recipient=recipient, sender_name=text, buyer_message=text)

    assert read(hostile, parcel([line(name=text, variation=text)], courier=text)).count(text) == 9


def test_the_longest_texts_stay_on_one_page() -> None:
    recipient = {
        "name": "N" * 200,
        "phone": "6" * 90,
        "address": "Jalan " * 200,
        "city": "Kota " * 40,
        "state": "X" * 99,
    }
    long = order(order_number="O" * 64, recipient=recipient, sender_name="S" * 250, buyer_message="pesan " * 200)
    lines = [line(str(number), name="produk " * 50, sku="K" * 100) for number in range(30)]

    content = make(long, parcel(lines, courier="kurir " * 30))

    assert len(read_pages(content)) == 1
    assert scan(content) == {"Code 128": [NUMBER], "QR Code": [NUMBER]}
    assert "+ 23 produk lagi" in read(long, parcel(lines))


def test_an_order_that_says_hardly_anything_still_has_a_label() -> None:
    bare = order(buyer_name=None, recipient=None)

    assert "Kurir toko" in read(bare, parcel([line(name="", variation="", sku="")], courier=None, handover=None))


def test_the_same_facts_give_the_same_bytes() -> None:
    content = make()

    assert content == make()
    assert pdf.check(content) == (content, 1)
