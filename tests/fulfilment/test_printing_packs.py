"""An operation ends with its pack, whole and once, whatever happens to disks and workers in between."""

import asyncio
from datetime import timedelta

import pytest

from app.documents import pdf
from app.fulfilment import printing, printing_packs
from app.work.service import Claimed
from tests.documents.papers import read_pages
from tests.fulfilment.printshop import PrintShop

PRINTED = ("succeeded", None)
FULL = ("failed", "storage_full")


async def run_labels_only(print_shop: PrintShop) -> None:
    """Every label is here; the pack is asked for and not made."""
    await print_shop.run()
    await print_shop.scene.sql("update work set due_at = due_at - interval '10 s' where merchant_id = $1")
    await print_shop.run(most=1)


async def test_a_full_store_fails_the_labels_and_a_retry_heals(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2")
    print_shop.folder.parent.mkdir(parents=True)
    print_shop.folder.write_text("in the way")

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": FULL, "A2": FULL}
    assert all(item["retryable"] for item in (await print_shop.items(operation_id)).values())
    assert (await print_shop.operation(operation_id)).state == "failed"
    assert await print_shop.scene.sql("select 1 from labels where merchant_id = $1 and state = 'ready'") == []

    print_shop.folder.unlink()
    await print_shop.retry(operation_id)
    await print_shop.finish()
    assert (await print_shop.operation(operation_id)).state == "succeeded"
    assert (await print_shop.document(operation_id)).pages == 2


async def test_a_pack_that_cannot_be_stored_leaves_no_document(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    await print_shop.start("A1", "A2")
    await print_shop.finish()
    [first] = await print_shop.scene.sql("select sha256 from documents where merchant_id = $1")
    pack = print_shop.folder / first["sha256"][:2] / f"{first['sha256']}.pdf"
    pack.unlink()
    pack.mkdir()
    (pack / "in the way").touch()

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": FULL, "A2": FULL}
    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.result.documents) == ("failed", [])
    assert (await print_shop.scene.history("A1")).count("label.printed") == 1
    assert await print_shop.scene.failures("A1") == [("label.print_failed", "storage_full", None)]
    (pack / "in the way").unlink()
    pack.rmdir()
    await print_shop.retry(operation_id)
    await print_shop.finish()
    assert (await print_shop.operation(operation_id)).state == "succeeded"


async def test_a_pack_made_by_two_workers_is_one_document(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    operation_id = await print_shop.start("A1")
    await run_labels_only(print_shop)
    claimed = Claimed(print_shop.merchant_id, operation_id, "documents.pack", operation_id.hex, 1, 1, 1)

    await asyncio.gather(*(printing_packs.build_pack(print_shop.scene.context, claimed) for _ in range(3)))
    await printing_packs.build_pack(print_shop.scene.context, claimed)

    assert len(await print_shop.scene.sql("select 1 from documents where merchant_id = $1")) == 1
    assert (await print_shop.scene.history("A1")).count("label.printed") == 1
    assert (await print_shop.operation(operation_id)).state == "succeeded"


async def test_a_chunk_run_by_two_workers_prints_once(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2")
    claimed = Claimed(print_shop.merchant_id, operation_id, "fulfilment.print_labels", f"{operation_id.hex}:1", 1, 1, 1)

    for _ in range(3):
        await asyncio.gather(*(printing.run_label_chunk(print_shop.scene.context, claimed) for _ in range(2)))
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": PRINTED}
    pages = read_pages(await print_shop.content(await print_shop.document(operation_id)))
    assert pages == ["label P-A1", "label P-A2"]
    assert len(await print_shop.scene.sql("select 1 from documents where merchant_id = $1")) == 1


async def test_the_operation_is_not_finished_before_its_pack(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    operation_id = await print_shop.start("A1")

    await run_labels_only(print_shop)

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}
    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.finished_at) == ("running", None)
    assert [kind for kind, _ in await print_shop.run()] == ["documents.pack"]
    assert (await print_shop.operation(operation_id)).state == "succeeded"


async def cancel_at_channel(print_shop: PrintShop, number: str) -> None:
    print_shop.change(number, status="cancelled", channel_status="CANCELLED")
    await print_shop.scene.ingest(print_shop.press.orders[number])


async def test_an_order_cancelled_while_its_pack_waits_is_left_out(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2")
    await run_labels_only(print_shop)
    await cancel_at_channel(print_shop, "A1")

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "order_cancelled"), "A2": PRINTED}
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A1", "order_cancelled")]
    assert "label.printed" not in await print_shop.scene.history("A1")


async def test_an_order_cancelled_while_its_pack_is_written_is_left_out_too(
    print_shop: PrintShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2")
    await run_labels_only(print_shop)
    merge, loop = pdf.merge, asyncio.get_running_loop()

    def cancel_meanwhile(papers: list[bytes]) -> bytes:
        if len(papers) == 2:
            asyncio.run_coroutine_threadsafe(cancel_at_channel(print_shop, "A1"), loop).result()
        return merge(papers)

    monkeypatch.setattr(pdf, "merge", cancel_meanwhile)
    await print_shop.finish()

    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]
    assert (await print_shop.outcomes(operation_id))["A1"] == ("skipped", "order_cancelled")


async def test_a_lost_copy_is_never_printed_and_a_retry_fetches_it_again(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2")
    await run_labels_only(print_shop)
    [label] = await print_shop.scene.sql(
        "select l.sha256 from labels l join packages p on p.merchant_id = l.merchant_id and p.id = l.package_id"
        " where l.merchant_id = $1 and p.package_number = 'P-A1'"
    )
    file = print_shop.folder / label["sha256"][:2] / f"{label['sha256']}.pdf"
    file.write_bytes(file.read_bytes()[:-100])

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("failed", "paper_lost"), "A2": PRINTED}
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A1", "paper_lost")]
    await print_shop.retry(operation_id)
    await print_shop.finish()
    whole = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(whole)) == ["label P-A1", "label P-A2"]


async def test_a_cancelled_operation_still_packs_what_was_made(print_shop: PrintShop) -> None:
    numbers = [f"N{number:02}" for number in range(21)]  # the last one is a chunk of its own
    await print_shop.place(*numbers)
    operation_id = await print_shop.start(*numbers)
    await print_shop.run(most=1)

    await print_shop.cancel(operation_id)
    await print_shop.finish()

    operation = await print_shop.operation(operation_id)
    assert operation.state == "cancelled"
    states = [row["state"] for row in (await print_shop.items(operation_id)).values()]
    assert (states.count("succeeded"), states.count("skipped")) == (20, 1)
    document = await print_shop.document(operation_id)
    assert document.pages == 20
    assert [entry.code for entry in document.missing] == ["operation_cancelled"]


async def test_an_operation_cancelled_before_it_began_ends_without_a_pack(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    operation_id = await print_shop.start("A1")

    await print_shop.cancel(operation_id)
    await print_shop.finish()

    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.result.documents) == ("cancelled", [])
    assert print_shop.press.calls["request"] == 0


async def test_a_plan_that_is_cancelled_has_ended(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    operation_id = await print_shop.start("A1", dry_run=True)

    await print_shop.cancel(operation_id)

    operation = await print_shop.operation(operation_id)
    assert operation.state == "cancelled" and operation.finished_at is not None


async def test_two_people_printing_the_same_orders_get_the_same_pack(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")

    mine, yours = await print_shop.start("A1", "A2"), await print_shop.start("A1", "A2")
    await print_shop.finish()

    first, second = await print_shop.document(mine), await print_shop.document(yours)
    assert first.id != second.id and first.sha256 == second.sha256


async def test_history_names_who_printed(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    print_shop.press.is_slow.add("P-A2")
    operation_id = await print_shop.start("A1", "A2")
    await print_shop.scene.sql(
        "update operations set created_by_type = 'user', created_by_name = 'Sari', request_id = 'req-77'"
        " where merchant_id = $1"
    )

    await print_shop.run()
    await print_shop.later(310)

    entry, vain = await print_shop.scene.sql(
        "select * from journal where merchant_id = $1 and type like 'label.%' order by type desc"
    )
    assert (entry["type"], vain["type"], vain["succeeded"]) == ("label.printed", "label.print_failed", False)
    for one in (entry, vain):
        assert (one["actor_type"], one["actor_name"], one["request_id"]) == ("user", "Sari", "req-77")
    document = await print_shop.document(operation_id)
    assert f"doc_{document.id.hex}" in entry["after"]


async def test_waiting_takes_longer_pauses_as_time_goes_on(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    print_shop.press.is_slow.add("P-A1")
    await print_shop.start("A1")

    pauses = [pause for _, pause in await print_shop.run()]
    for _ in range(3):
        pauses += [pause for _, pause in await print_shop.later(15)]

    assert pauses[0] == timedelta(seconds=1.5) and pauses[-1] == timedelta(seconds=10)
    assert pauses == sorted(pauses, key=lambda pause: pause or timedelta(0))
