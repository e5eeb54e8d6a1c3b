"""Invoices are our own papers: no channel is asked, and each says only what its reader may see."""

from collections.abc import Sequence

from app.channels.contract import ChannelLine
from tests.documents.papers import read_pages
from tests.fulfilment.printshop import PrintShop
from tests.sync.market import line

MADE = ("succeeded", None)


def lines(count: int) -> Sequence[ChannelLine]:
    """An order with many products."""
    return tuple(line(str(number), name=f"Produk {number}") for number in range(1, count + 1))


async def test_invoices_come_in_the_order_asked_for_each_page_named(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A3")
    await print_shop.place("A2", lines=lines(30))

    operation_id = await print_shop.start("A3", "A2", "A1", action="print_invoices")
    await print_shop.run()

    assert (await print_shop.operation(operation_id)).state == "succeeded"
    document = await print_shop.document(operation_id)
    assert (document.kind, document.layout, document.missing) == ("invoice_pack", "a4", [])
    pages = read_pages(await print_shop.content(document))
    assert len(pages) == document.pages == 4
    assert [entry.order_number for entry in document.manifest] == ["A3", "A2", "A2", "A1"]
    assert "FAKTUR No. A3" in pages[0] and "FAKTUR No. A2" in pages[1] and "FAKTUR No. A1" in pages[3]
    assert "Produk 1 " in pages[1] and "Produk 30 " in pages[2]
    assert all("Test Mart" in pages[number] for number in (0, 1, 3))


async def test_no_channel_is_asked_and_nothing_counts_as_printed_label(print_shop: PrintShop) -> None:
    await print_shop.place("A1")

    await print_shop.start("A1", action="print_invoices")
    await print_shop.run()

    assert not print_shop.press.calls and not print_shop.press.reads
    assert (await print_shop.scene.order("A1"))["print_status"] == "not_printed"
    assert (await print_shop.scene.history("A1")).count("invoice.printed") == 1


async def test_only_those_who_may_see_buyers_print_them(print_shop: PrintShop) -> None:
    await print_shop.place("A1")

    clear = await print_shop.start("A1", action="print_invoices")
    masked = await print_shop.start("A1", action="print_invoices", can_read_buyer=False)
    await print_shop.run()

    [open_page] = read_pages(await print_shop.content(await print_shop.document(clear)))
    [masked_page] = read_pages(await print_shop.content(await print_shop.document(masked)))
    for secret in ("Budi Santoso", "6281234567890", "Jl. Mawar 1"):
        assert secret in open_page and secret not in masked_page
    assert "B***" in masked_page and "Bandung" in masked_page


async def test_the_language_can_be_chosen(print_shop: PrintShop) -> None:
    await print_shop.place("A1")

    operation_id = await print_shop.start("A1", action="print_invoices", language="en")
    await print_shop.run()

    [page] = read_pages(await print_shop.content(await print_shop.document(operation_id)))
    assert "INVOICE No. A1" in page and "Rp\u00a0125,000" in page


async def test_the_same_orders_give_the_same_pack(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")

    operations = [await print_shop.start("A1", "A2", action="print_invoices") for _ in range(2)]
    await print_shop.run()

    first, second = [await print_shop.document(one) for one in operations]
    assert first.sha256 == second.sha256 and first.id != second.id


async def test_orders_without_an_invoice_are_named(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2", action="print_invoices")
    await print_shop.scene.sql(
        "update orders set status = 'cancelled', stage = null where merchant_id = $1 and order_number = 'A1'"
    )

    await print_shop.run()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "order_cancelled"), "A2": MADE}
    document = await print_shop.document(operation_id)
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A1", "order_cancelled")]
    assert len(read_pages(await print_shop.content(document))) == 1


async def test_a_full_store_fails_the_invoices_and_a_retry_heals(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    operation_id = await print_shop.start("A1", action="print_invoices")
    print_shop.folder.parent.mkdir(parents=True)
    print_shop.folder.write_text("in the way")
    await print_shop.run()
    assert await print_shop.outcomes(operation_id) == {"A1": ("failed", "storage_full")}
    assert await print_shop.scene.failures("A1") == [("invoice.print_failed", "storage_full", None)]

    print_shop.folder.unlink()
    await print_shop.retry(operation_id)
    await print_shop.run()

    assert (await print_shop.operation(operation_id)).state == "succeeded"
    assert (await print_shop.document(operation_id)).pages == 1


async def test_a_plan_leaves_out_what_changed_since(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2", action="print_invoices", dry_run=True)
    await print_shop.scene.sql("update orders set stage = 'processing' where merchant_id = $1 and order_number = 'A1'")

    await print_shop.apply(operation_id)
    await print_shop.run()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "plan_stale"), "A2": MADE}
