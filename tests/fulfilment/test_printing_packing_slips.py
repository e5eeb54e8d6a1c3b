"""Packing slips: one per parcel, of what the channel put into it, told to the order's history and to nobody else."""

from tests.documents.papers import read_pages
from tests.fulfilment.printshop import PrintShop
from tests.sync.market import line

MADE = ("succeeded", None)


async def test_every_package_has_its_own_slip(print_shop: PrintShop) -> None:
    both = (line("1", name="Kaos", sku="KAOS"), line("2", name="Topi", sku="TOPI"))
    parts = [print_shop.package("B1", lines={"1": 1}), print_shop.package("B2", lines={"2": 1})]
    await print_shop.place("A1", "A4")
    await print_shop.place("A2", lines=both, packages=parts, sender_name="Dropship Jaya")
    await print_shop.place("A3", lines=both, packages=())

    operations = [
        await print_shop.start("A3", "A2", "A1", "A4", action="print_packing_slips", can_read_buyer=can_read_buyer)
        for can_read_buyer in (True, True, False)
    ]
    await print_shop.scene.sql(
        "update orders set status = 'cancelled', stage = null where merchant_id = $1 and order_number = 'A4'"
    )
    await print_shop.run()

    document, again, masked = [await print_shop.document(one) for one in operations]
    assert (document.kind, document.layout) == ("packing_slip_pack", "a6")
    named = [(entry.order_number, entry.package_number) for entry in document.manifest]
    assert named == [("A3", None), ("A2", "P-B1"), ("A2", "P-B2"), ("A1", "P-A1")]
    assert await print_shop.outcomes(operations[0]) == {
        "A3": MADE, "A2": MADE, "A1": MADE, "A4": ("skipped", "order_cancelled")
    }  # fmt: skip
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A4", "order_cancelled")]
    unpacked, first, second, plain = read_pages(await print_shop.content(document))
    assert "KAOS" in unpacked and "TOPI" in unpacked and "Paket" not in unpacked
    assert "Paket 1/2" in first and "JX-B1" in first and "KAOS" in first and "TOPI" not in first
    assert "Paket 2/2" in second and "JX-B2" in second and "TOPI" in second and "KAOS" not in second
    assert first.startswith("Dropship Jaya") and plain.startswith("Toko Test Mart")
    assert document.sha256 == again.sha256, "same input, same bytes"
    assert "Budi Santoso" in plain and "Budi" not in read_pages(await print_shop.content(masked))[3]

    assert not print_shop.press.calls and not print_shop.press.reads, "no channel is asked"
    assert (await print_shop.scene.order("A1"))["print_status"] == "not_printed"
    assert (await print_shop.scene.history("A2")).count("packing_slip.printed") == 3


async def test_half_an_order_is_not_printed(print_shop: PrintShop) -> None:
    """The second slip cannot be stored: none of the order is in a pack, and a retry makes both."""
    parts = [print_shop.package("B1", lines={"1": 1}), print_shop.package("B2", lines={"1": 1})]
    await print_shop.place("A1", packages=parts)
    await print_shop.start("A1", action="print_packing_slips", language="en")
    await print_shop.run()
    [second] = await print_shop.scene.sql(
        "select details->'papers'->1->>'sha256' sha256 from operation_items where merchant_id = $1"
    )
    slip = print_shop.folder / second["sha256"][:2] / f"{second['sha256']}.pdf"
    slip.unlink()
    slip.mkdir()
    (slip / "in the way").touch()

    operation_id = await print_shop.start("A1", action="print_packing_slips", language="en")
    await print_shop.run()
    assert await print_shop.outcomes(operation_id) == {"A1": ("failed", "storage_full")}
    assert (await print_shop.operation(operation_id)).result.documents == []

    (slip / "in the way").unlink()
    slip.rmdir()
    await print_shop.retry(operation_id)
    await print_shop.run()
    pages = read_pages(await print_shop.content(await print_shop.document(operation_id)))
    assert [f"Package {n}/2" in page for n, page in enumerate(pages, 1)] == [True, True]
