"""Why an order could not be read, said to people."""

import pytest

from app.orders.faults import explain


@pytest.mark.parametrize(
    ("reason", "english", "indonesian"),
    [
        ("no currency", "no currency", "mata uang tidak ada"),
        ("unknown order status 'NOVEL'", "unknown status NOVEL", "status NOVEL tidak dikenal"),
        (
            "item_list.0.model_quantity: missing; total_amount: decimal_parsing",
            "the field `item_list.0.model_quantity` is missing; the field `total_amount` holds something unexpected",
            "kolom `item_list.0.model_quantity` tidak ada; kolom `total_amount` berisi nilai yang tidak sesuai",
        ),
        ("a quantity out of range", "a quantity out of range", "jumlah barang di luar batas"),
        (
            "Invalid isoformat string: 'gestern'",
            "a value that cannot be understood",
            "ada nilai yang tidak dapat dimengerti",
        ),
        (
            "[<class 'decimal.ConversionSyntax'>]",
            "a value that cannot be understood",
            "ada nilai yang tidak dapat dimengerti",
        ),
    ],
)
def test_a_fault_is_told_in_words_and_never_as_a_library_puts_it(reason: str, english: str, indonesian: str) -> None:
    assert (explain(reason, "en"), explain(reason, "id")) == (english, indonesian)
