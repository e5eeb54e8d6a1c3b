"""An invoice says what the order says, in the reader's language, whatever others wrote into it."""

from typing import Any

import pytest

from app.documents import invoices, pdf
from app.documents.invoices import Seller
from app.orders.models import OrderRow
from tests.documents import sold
from tests.documents.papers import count_pages, read_pages

SELLER = Seller("Toko Maju Jaya", "Shopee", "Asia/Jakarta")


def line(name: str = "Kaos Polos", **changes: Any) -> dict[str, Any]:
    """As the order keeps it."""
    price = {"amount": "51250.00", "currency": "IDR"}
    return {"sku": "KAOS-L", "name": name, "variation": "Hitam, L", "quantity": 2, "unit_price": price, **changes}


def order(**changes: Any) -> OrderRow:
    """A paid order with its lines and amounts."""
    values: dict[str, Any] = {
        "amounts": [
            {"kind": "items_subtotal", "amount": "102500.00", "currency": "IDR", "basis": "derived"},
            {"kind": "voucher_by_seller", "amount": "-2500.50", "currency": "IDR", "basis": "reported"},
        ],
        "lines_summary": [line()],
    }
    return sold.order(**(values | changes))


def read(row: OrderRow, language: Any = "id", *, can_read_buyer: bool = True) -> str:
    """The text of the paper."""
    facts = invoices.describe(row, SELLER, language, can_read_buyer=can_read_buyer)
    return " ".join(read_pages(invoices.render(facts))).replace("\u00a0", " ")


def test_an_indonesian_invoice() -> None:
    text = read(order())

    for words in (
        "FAKTUR No. 2511223K7QH5XA",
        "Toko Maju Jaya Shopee",
        "Budi Santoso",
        "Jl. Mawar No. 1",
        "Tanggal pesanan 23 November 2026 00.04 WIB",
        "No. resi JX100",
        "Kaos Polos Hitam, L · KAOS-L 2 Rp 51.250 Rp 102.500",
        "Subtotal produk * Rp 102.500",
        "Voucher by seller -Rp 2.500,50",
        "Total Rp 99.999,50",
        "Bukan faktur pajak",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("kind", "name"), [("discount", "Diskon"), ("goods", "Subtotal produk"), ("seller_discount", "Diskon penjual")]
)
def test_amounts_of_every_channel_have_their_names(kind: str, name: str) -> None:
    row = order(amounts=[{"kind": kind, "amount": "7000.00", "currency": "IDR", "basis": "reported"}])

    assert f"{name} Rp 7.000" in read(row)


def test_a_buyer_known_by_mail_address_is_no_handle() -> None:
    text = read(order(buyer_username="budi@example.com"))

    assert "budi@example.com" in text and "@budi@example.com" not in text
    assert "@budisantoso" in read(order())


def test_an_english_invoice() -> None:
    text = read(order(is_cod=True, total_basis="derived"), "en")

    for words in (
        "INVOICE",
        "Order date 23 November 2026 00:04 WIB",
        "Rp 51,250",
        "Cash on delivery",
        "Total * Rp 99,999.50",
    ):
        assert words in text, words


def test_buyer_data_are_masked_for_those_who_may_not_see_them() -> None:
    text = read(order(), can_read_buyer=False)

    assert "B***" in text and "Bandung" in text
    for secret in ("Santoso", "budisantoso", "6281234567890", "Mawar"):
        assert secret not in text, secret


def test_a_dropshippers_name_stands_instead_of_the_shops() -> None:
    text = read(order(sender_name="Dropship Sejahtera"))

    assert text.startswith("Dropship Sejahtera")
    assert "Toko Maju Jaya" not in text


@pytest.mark.parametrize(
    "text",
    [
        '#panic("x")',
        "*bold* _it_ $x^2$ `raw`",
        "[c] ]#[ //c /* c */",
        "@ref <label> = head \\ #{1+1}",
        "\"}; eval('1')",
    ],
)
def test_what_others_wrote_is_text_and_nothing_else(text: str) -> None:
    hostile = order(order_number=text, buyer_name=text, sender_name=text, lines_summary=[line(text, variation=text)])

    assert read(hostile).count(text) >= 4


def test_what_fonts_cannot_show_is_left_out() -> None:
    text = read(order(lines_summary=[line("🔥 Kaos\u202e\x07 Café №1 ✨\ufe0f 500°\n™")]))

    assert "Kaos Café №1 500° ™" in text


def test_an_endless_word_stays_on_the_paper() -> None:
    text = read(order(lines_summary=[line("A" * 250)]))

    assert text.count("A") >= 250
    assert " ".join(text.split()).count("A" * 100) == 0, "the word was not broken"


def test_a_long_order_goes_over_several_pages() -> None:
    facts = invoices.describe(
        order(lines_summary=[line(f"Produk {n}") for n in range(1, 61)]), SELLER, "id", can_read_buyer=True
    )

    pages = read_pages(invoices.render(facts))

    assert len(pages) == 3
    assert all("No. Produk Jml Harga Jumlah" in page for page in pages)
    assert all(any(f"Produk {n} " in page for page in pages) for n in range(1, 61))
    assert "Halaman 3 / 3" in pages[2]


def test_the_same_order_gives_the_same_bytes() -> None:
    facts = invoices.describe(order(), SELLER, "id", can_read_buyer=True)

    content = invoices.render(facts)

    assert content == invoices.render(facts)
    assert pdf.check(content) == (content, 1)
    assert count_pages(content) == 1


def test_an_order_without_prices_and_buyer_still_has_an_invoice() -> None:
    bare = order(
        buyer_name=None, buyer_username=None, recipient=None, total_amount=None, amounts=[], payment_method=None,
        courier=None, tracking_number=None, lines_summary=[line(unit_price=None, sku="", variation="")],
    )  # fmt: skip

    text = read(bare)

    assert "Kaos Polos 2 – –" in text and "Total –" in text
