"""Labels come out whole, once and in the order asked for, or are named as missing."""

from datetime import timedelta

import pytest

from app.channels.contract import LabelStatus
from app.channels.errors import ChannelError, Malformed, Rejected, Throttled, Unavailable
from app.core.ids import new_id
from tests.documents.papers import draw_paper, read_pages
from tests.documents.test_pdf import arm, unpack
from tests.fulfilment.printshop import PrintShop, label_of

PRINTED = ("succeeded", None)


async def test_labels_come_in_the_order_asked_for(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2", "A3", "A4", "A5")
    asked = ["A4", "A1", "A5", "A2", "A3"]

    operation_id = await print_shop.start(*asked)
    await print_shop.finish()

    operation = await print_shop.operation(operation_id)
    assert operation.state == "succeeded" and operation.finished_at is not None
    document = await print_shop.document(operation_id)
    assert (document.kind, document.layout, document.pages, document.missing) == ("label_pack", "a6", 5, [])
    assert [(entry.page, entry.order_number, entry.package_number) for entry in document.manifest] == [
        (page, number, f"P-{number}") for page, number in enumerate(asked, start=1)
    ]
    assert [entry.order_id for entry in document.manifest] == await print_shop.ids(asked)
    content = await print_shop.content(document)
    assert read_pages(content) == [f"label P-{number}" for number in asked]
    assert len(content) == document.size


async def test_printed_orders_say_so(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    before = await print_shop.scene.order("A1")

    await print_shop.start("A1")
    await print_shop.finish()

    order = await print_shop.scene.order("A1")
    assert (before["print_status"], order["print_status"]) == ("not_printed", "printed")
    assert order["version"] > before["version"]
    assert (await print_shop.scene.history("A1")).count("label.printed") == 1


async def test_printing_again_takes_our_own_copy_and_is_recorded_again(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    first = await print_shop.start("A1", "A2")
    await print_shop.finish()
    calls = dict(print_shop.press.calls)

    second = await print_shop.start("A1", "A2")
    await print_shop.run()

    assert dict(print_shop.press.calls) == calls
    old, new = await print_shop.document(first), await print_shop.document(second)
    assert (new.sha256, new.id != old.id) == (old.sha256, True)
    assert (await print_shop.scene.history("A1")).count("label.printed") == 2


async def test_a_new_tracking_number_needs_a_new_label(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    await print_shop.start("A1")
    await print_shop.finish()
    print_shop.change("A1", packages=(print_shop.package("A1", tracking_number="JX-NEW"),))
    print_shop.press.papers["P-A1"] = [draw_paper("label with the new number")]

    operation_id = await print_shop.start("A1")
    await print_shop.finish()

    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label with the new number"]


async def test_what_was_made_waits_for_nobody_but_the_operation_waits_for_all(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    print_shop.press.is_slow.add("P-A2")

    operation_id = await print_shop.start("A1", "A2")
    pauses = [pause for _, pause in await print_shop.run() + await print_shop.later(10)]

    assert pauses[0] == timedelta(seconds=1.5) and pauses[-1] is not None
    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": ("running", None)}
    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.result.documents) == ("running", [])


async def test_a_label_that_is_late_is_missing_and_a_retry_brings_the_whole_pack(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2", "A3")
    print_shop.press.is_slow.add("P-A2")
    operation_id = await print_shop.start("A1", "A2", "A3")
    await print_shop.run()
    await print_shop.later(100)
    await print_shop.later(150)
    assert (await print_shop.outcomes(operation_id))["A2"] == ("running", None)

    await print_shop.later(60)

    items = await print_shop.items(operation_id)
    assert (items["A2"]["state"], items["A2"]["code"], items["A2"]["retryable"]) == ("failed", "label_not_ready", True)
    assert await print_shop.scene.failures("A2") == [("label.print_failed", "label_not_ready", None)]
    assert (await print_shop.operation(operation_id)).state == "partially_succeeded"
    document = await print_shop.document(operation_id)
    assert [entry.order_number for entry in document.manifest] == ["A1", "A3"]
    [missing] = document.missing
    assert (missing.order_number, missing.package_number, missing.code) == ("A2", "P-A2", "label_not_ready")
    assert missing.text.startswith("The label was not ready")
    assert (await print_shop.document(operation_id, "id")).missing[0].text.startswith("Label belum siap")
    assert (await print_shop.scene.order("A2"))["print_status"] == "not_printed"

    print_shop.press.is_slow.clear()
    await print_shop.retry(operation_id)
    assert (await print_shop.operation(operation_id)).state in ("queued", "running")
    await print_shop.finish()

    assert (await print_shop.operation(operation_id)).state == "succeeded"
    whole = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(whole)) == ["label P-A1", "label P-A2", "label P-A3"]
    assert whole.missing == []


async def test_a_number_that_comes_later_is_waited_for(print_shop: PrintShop) -> None:
    await print_shop.place("A1", packages=[print_shop.package("A1", tracking_number=None)])
    operation_id = await print_shop.start("A1")
    await print_shop.run()
    assert print_shop.press.calls["request"] == 0

    print_shop.change("A1", packages=(print_shop.package("A1"),))
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}
    assert (await print_shop.items(operation_id))["A1"]["packages"].count("JX-A1") == 1


async def test_an_order_that_is_still_being_arranged_is_waited_for_until_it_is_given_back(
    print_shop: PrintShop,
) -> None:
    processing = print_shop.package("A1", tracking_number=None)
    await print_shop.place("A1", packages=[processing])
    operation_id = await print_shop.start("A1")
    await print_shop.scene.sql("update packages set status = 'to_process' where merchant_id = $1")
    print_shop.press.orders.clear()

    await print_shop.run()

    state, code = (await print_shop.outcomes(operation_id))["A1"]
    assert (state, code) == ("failed", "not_arranged")
    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.result.documents) == ("failed", [])


TRUNCATED = label_of("P-A1")[:-200]
HTML = b"<!DOCTYPE html><html>busy</html>"


async def test_a_broken_label_is_fetched_again(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    print_shop.press.papers["P-A1"] = [TRUNCATED, HTML]

    operation_id = await print_shop.start("A1")
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}
    assert print_shop.press.calls["fetch"] == 3
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A1"]


@pytest.mark.parametrize(
    "broken", [TRUNCATED, HTML, b"", Malformed("not_a_pdf", "HTML")], ids=["truncated", "html", "empty", "unreadable"]
)
async def test_a_label_that_stays_broken_is_missing_and_holds_up_no_other(
    print_shop: PrintShop, broken: bytes | ChannelError
) -> None:
    await print_shop.place("A1", "A2")
    print_shop.press.papers["P-A1"] = [broken] * 3

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.finish()

    items = await print_shop.items(operation_id)
    assert (items["A1"]["state"], items["A1"]["code"], items["A1"]["retryable"]) == ("failed", "label_invalid", True)
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A1", "label_invalid")]

    await print_shop.retry(operation_id)
    await print_shop.finish()
    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": PRINTED}


async def test_scripts_in_a_label_are_not_kept(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    print_shop.press.papers["P-A1"] = [arm(label_of("P-A1"))]

    operation_id = await print_shop.start("A1")
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}
    kept = [file.read_bytes() for file in print_shop.folder.rglob("*.pdf")]
    assert len(kept) == 2
    assert not any(word in unpack(content) for content in kept for word in (b"app.alert", b"calc.exe", b"stolen"))


async def test_a_refused_label_is_missing_with_the_channels_reason(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    print_shop.press.papers["P-A1"] = [Rejected("can_not_print", "Only in the seller centre.", meaning="label_refused")]

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.finish()

    item = (await print_shop.items(operation_id))["A1"]
    assert (item["state"], item["code"], item["retryable"]) == ("failed", "label_refused", False)
    assert (item["source"], item["channel_code"]) == ("testmart", "can_not_print")
    assert item["channel_reason"] == "Only in the seller centre."
    assert await print_shop.scene.failures("A1") == [("label.print_failed", "label_refused", "can_not_print")]
    assert await print_shop.scene.failures("A2") == []
    assert [entry.code for entry in (await print_shop.document(operation_id)).missing] == ["label_refused"]


async def test_a_task_the_channel_forgot_or_failed_is_started_again(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    failed = LabelStatus("P-A2", "failed", "label_not_ready", "package_print_failed")
    print_shop.press.statuses["P-A2"] = [failed]
    operation_id = await print_shop.start("A1", "A2")
    await print_shop.run()
    print_shop.press.forget("P-A1")

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": PRINTED}
    assert print_shop.press.calls["request"] == 2


async def test_an_order_cancelled_meanwhile_is_left_out(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    await print_shop.start("A1")
    await print_shop.finish()
    operation_id = await print_shop.start("A1", "A2")
    print_shop.change("A1", status="cancelled", packages=(print_shop.package("A1", "cancelled"),))

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "order_cancelled"), "A2": PRINTED}
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]
    assert [(entry.order_number, entry.code) for entry in document.missing] == [("A1", "order_cancelled")]


async def test_nothing_of_a_cancelled_order_is_printed_even_what_was_here(print_shop: PrintShop) -> None:
    parts = (print_shop.package("A1-1"), print_shop.package("A1-2"))
    await print_shop.place("A1", packages=parts)
    await print_shop.place("A2")
    print_shop.press.is_slow.add("P-A1-2")
    operation_id = await print_shop.start("A1", "A2")
    await print_shop.run()
    await print_shop.later(5)
    assert [one["sha256"] for one in await print_shop.scene.sql("select sha256 from labels where merchant_id = $1")]
    print_shop.change("A1", status="cancelled")

    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "order_cancelled"), "A2": PRINTED}
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A2"]


async def test_each_package_of_an_order_has_its_page(print_shop: PrintShop) -> None:
    parts = [print_shop.package("A1-1"), print_shop.package("A1-2"), print_shop.package("A1-0", "cancelled")]
    await print_shop.place("A1", packages=parts)
    await print_shop.place("A2")
    print_shop.press.papers["P-A2"] = [draw_paper("label P-A2", "its second page")]

    operation_id = await print_shop.start("A2", "A1")
    await print_shop.finish()

    document = await print_shop.document(operation_id)
    assert [(entry.page, entry.package_number) for entry in document.manifest] == [
        (1, "P-A2"), (2, "P-A2"), (3, "P-A1-1"), (4, "P-A1-2")
    ]  # fmt: skip
    pages = read_pages(await print_shop.content(document))
    assert pages == ["label P-A2", "its second page", "label P-A1-1", "label P-A1-2"]


async def test_an_order_with_one_missing_package_is_not_printed(print_shop: PrintShop) -> None:
    await print_shop.place("A1", packages=[print_shop.package("A1-1"), print_shop.package("A1-2")])
    print_shop.press.papers["P-A1-1"] = [HTML] * 3

    operation_id = await print_shop.start("A1")
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("failed", "label_invalid")}
    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == ["label P-A1-2"]
    assert [(entry.package_number, entry.code) for entry in document.missing] == [("P-A1-1", "label_invalid")]
    assert (await print_shop.scene.order("A1"))["print_status"] == "not_printed"
    assert "label.printed" not in await print_shop.scene.history("A1")


async def test_a_parcel_with_the_courier_prints_only_from_our_copy(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    await print_shop.start("A1")
    await print_shop.finish()
    await print_shop.place("A2")
    for number in ("A1", "A2"):
        print_shop.change(number, status="on_delivery", packages=(print_shop.package(number, "in_transit"),))

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": ("failed", "handed_over")}


async def test_orders_that_cannot_be_printed_are_named(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    await print_shop.place("A2", packages=[print_shop.package("A2", "to_process", tracking_number=None)])
    unknown = new_id()

    operation_id = await print_shop.start("A2", "A1", more=[unknown])
    await print_shop.finish()

    document = await print_shop.document(operation_id)
    [a2] = await print_shop.ids(["A2"])
    assert [(entry.order_id, entry.code) for entry in document.missing] == [
        (a2, "not_arranged"),
        (unknown, "not_found"),
    ]
    assert document.pages == 1


async def test_without_any_label_there_is_no_document(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    print_shop.press.papers["P-A1"] = [HTML] * 3

    operation_id = await print_shop.start("A1")
    await print_shop.finish()

    operation = await print_shop.operation(operation_id)
    assert (operation.state, operation.result.documents) == ("failed", [])
    assert await print_shop.scene.sql("select 1 from documents where merchant_id = $1") == []


@pytest.mark.parametrize(
    "error", [Unavailable("down"), Throttled("slow_down", retry_after=7.0)], ids=["down", "throttled"]
)
async def test_a_channel_that_says_later_is_asked_later(print_shop: PrintShop, error: ChannelError) -> None:
    await print_shop.place("A1")
    print_shop.press.label_errors = [error]

    operation_id = await print_shop.start("A1")
    [(_, pause)] = await print_shop.run()
    assert pause == timedelta(seconds=error.retry_after or 1.5)
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}


async def test_a_channel_that_stays_away_fails_the_order_but_not_what_we_have(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    await print_shop.start("A1")
    await print_shop.finish()
    down = [Unavailable("down")] * 50
    print_shop.press.label_errors, print_shop.press.read_errors = list(down), list(down)

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.run()
    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": ("running", None)}
    await print_shop.later(301)

    item = (await print_shop.items(operation_id))["A2"]
    assert (item["state"], item["code"], item["retryable"]) == ("failed", "channel_unavailable", True)
    assert (await print_shop.document(operation_id)).pages == 1


async def test_a_missing_consent_is_waited_for_without_end(print_shop: PrintShop) -> None:
    await print_shop.place("A1")
    consent = "update credentials set needs_reauth_since = {}, needs_reauth_reason = 'revoked' where merchant_id = $1"
    await print_shop.scene.sql(consent.format("app_now()"))

    operation_id = await print_shop.start("A1")
    await print_shop.run()
    for _ in range(3):
        assert await print_shop.later(400) == [("fulfilment.print_labels", timedelta(seconds=60))]
    assert await print_shop.outcomes(operation_id) == {"A1": ("running", None)}
    await print_shop.scene.sql(consent.format("null"))
    await print_shop.later(100)
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED}


async def test_a_disconnected_shop_prints_what_we_have_and_nothing_else(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    await print_shop.start("A1")
    await print_shop.finish()
    await print_shop.scene.sql("update accounts set is_active = false where merchant_id = $1")

    operation_id = await print_shop.start("A1", "A2")
    await print_shop.run()

    assert await print_shop.outcomes(operation_id) == {"A1": PRINTED, "A2": ("failed", "shop_disconnected")}


async def test_a_plan_leaves_out_what_changed_since(print_shop: PrintShop) -> None:
    await print_shop.place("A1", "A2")
    operation_id = await print_shop.start("A1", "A2", dry_run=True)
    assert (await print_shop.operation(operation_id)).state == "planned"
    await print_shop.scene.sql(
        "update orders set hold = 'wait', is_held = true where merchant_id = $1 and order_number = 'A1'"
    )

    await print_shop.apply(operation_id)
    await print_shop.finish()

    assert await print_shop.outcomes(operation_id) == {"A1": ("skipped", "plan_stale"), "A2": PRINTED}


async def test_a_dozen_orders_over_several_batches(print_shop: PrintShop) -> None:
    numbers = [f"N{number:02}" for number in range(22)]
    await print_shop.place(*numbers)
    asked = numbers[::-1]

    operation_id = await print_shop.start(*asked)
    await print_shop.finish()

    document = await print_shop.document(operation_id)
    assert read_pages(await print_shop.content(document)) == [f"label P-{number}" for number in asked]
    assert print_shop.press.calls["fetch"] == 22
