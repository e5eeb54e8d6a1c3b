"""Orders that change while their shipment is being arranged, and answers that help nobody."""

import pytest

from app.channels.errors import AlreadyDone, Throttled
from tests.scenarios.dock import Dock
from tests.sync.market import package

LATER = Throttled("quota", "", retry_after=1)


async def test_a_resplit_ends_the_doubt_about_a_package_that_is_gone(dock: Dock) -> None:
    await dock.place("A1", "P1")
    dock.quay.steps["P1"] = ["lost_before_effect"]
    operation = await dock.arrange("A1")
    await dock.work()
    assert await dock.outcome(operation, "A1") == ("unknown", "effect_unknown")

    dock.quay.change("A1", packages=(package("P2", lines={}), package("P3", lines={})))
    await dock.sync("A1")
    await dock.pass_time(6, 1, 1)
    assert await dock.outcome(operation, "A1") == ("unknown", "effect_unknown"), "not before the settle window"
    assert dock.quay.shipment_reads["P1"] == 1
    await dock.settle()

    assert await dock.outcome(operation, "A1") == ("failed", "packages_changed")
    assert await dock.open_intents() == []
    await dock.retry(operation)
    await dock.work()
    assert await dock.outcome(operation, "A1") == ("succeeded", None)
    assert dock.quay.effects == {"P2": 1, "P3": 1}


async def test_a_resplit_drops_what_was_only_planned(dock: Dock) -> None:
    await dock.place("A1", "P1")
    dock.quay.steps["P1"] = [LATER]
    operation = await dock.arrange("A1")
    await dock.work()
    assert await dock.open_intents() == ["planned"]

    dock.quay.change("A1", packages=(package("P2", lines={}), package("P3", lines={})))
    await dock.pass_time(5)

    assert await dock.outcome(operation, "A1") == ("succeeded", None)
    assert await dock.open_intents() == []
    assert dock.quay.effects == {"P2": 1, "P3": 1}


async def test_half_shipped_then_a_cancellation_request_says_so_for_the_other_half(dock: Dock) -> None:
    await dock.place("A1", "P1", "P2")
    dock.quay.steps["P2"] = [LATER]
    operation = await dock.arrange("A1")
    await dock.work()

    dock.quay.request_cancellation("A1")
    await dock.pass_time(5)

    item = await dock.item(operation, "A1")
    assert (item.state, item.code) == ("failed", "cancellation_requested")
    assert [(one.state, one.code) for one in item.packages] == [
        ("succeeded", None),
        ("skipped", "cancellation_requested"),
    ]
    assert dock.quay.effects == {"P1": 1}
    assert (await dock.operation(operation)).state == "failed"


async def test_half_shipped_here_and_half_in_the_seller_centre_is_success(dock: Dock) -> None:
    await dock.place("A1", "P1", "P2")
    dock.quay.steps["P2"] = [LATER]
    operation = await dock.arrange("A1")
    await dock.work()

    dock.quay.show("A1", "P2", "processed")
    await dock.pass_time(5)

    item = await dock.item(operation, "A1")
    assert (item.state, item.code) == ("succeeded", None)
    assert [(one.state, one.code) for one in item.packages] == [("succeeded", None), ("skipped", "already_done")]
    assert await dock.open_intents() == []


async def test_a_cancellation_request_stops_what_is_not_sent_while_another_package_is_in_doubt(dock: Dock) -> None:
    await dock.place("A1", "P1", "P2")
    dock.quay.steps |= {"P1": ["lost_before_effect"], "P2": [LATER]}
    operation = await dock.arrange("A1")
    await dock.work()

    dock.quay.request_cancellation("A1")
    await dock.pass_time(5)

    assert await dock.open_intents() == ["unknown"]
    assert await dock.outcome(operation, "A1") == ("unknown", "effect_unknown")
    reads = dock.quay.reads["A1"]
    await dock.pass_time(1, 1, 1, 1)
    assert dock.quay.reads["A1"] == reads, "nothing is left to send, so nothing is read in haste"
    dock.quay.change("A1", status="cancelled")
    await dock.settle()
    assert await dock.outcome(operation, "A1") == ("failed", "order_cancelled")
    assert dock.quay.effects == {}


async def test_a_package_in_doubt_beside_one_that_waits_is_adopted_with_all_that_belongs_to_it(dock: Dock) -> None:
    await dock.place("A1", "P1", "P2")
    dock.quay.steps |= {"P1": ["lost_after_effect"], "P2": [LATER]}
    operation = await dock.arrange("A1")
    await dock.work()
    await dock.pass_time(3)

    item = await dock.item(operation, "A1")
    assert (item.state, item.handover_effective) == ("succeeded", "dropoff")
    assert [one.state for one in item.packages] == ["succeeded", "succeeded"]
    assert {row["handover"] for row in await dock.scene.packages()} == {"dropoff"}
    assert (await dock.scene.history()).count("shipment.arranged") == 2
    assert dock.quay.effects == {"P1": 1, "P2": 1}


async def test_a_refused_question_about_options_fails_that_order_alone(dock: Dock) -> None:
    for number in ("A1", "A2", "A3"):
        await dock.place(number, f"P-{number}")
    dock.quay.option_errors["P-A2"] = [AlreadyDone("error_state", "status is not supported")]

    operation = await dock.arrange("A1", "A2", "A3")
    await dock.work()
    await dock.pass_time(5)

    assert await dock.outcome(operation, "A2") == ("failed", "wrong_state")
    assert (await dock.item(operation, "A2")).retryable
    assert dock.quay.effects == {"P-A1": 1, "P-A3": 1}
    assert (await dock.operation(operation)).state == "partially_succeeded"


@pytest.mark.parametrize("how", ["missing", "unreadable"])
async def test_what_could_not_be_read_just_before_is_not_sent(dock: Dock, how: str) -> None:
    await dock.place("A1", "P1")
    await dock.place("A2", "P2")
    dock.quay.request_cancellation("A1")
    if how == "missing":
        dock.quay.omitted["A1"] = 1
    else:
        dock.quay.unreadable["A1"] = "order_status: unknown"

    operation = await dock.arrange("A1", "A2")
    await dock.work()
    await dock.pass_time(5)

    assert dock.quay.effects == {"P2": 1}
    item = await dock.item(operation, "A1")
    assert (item.state, item.code) == ("failed", {"missing": "not_found", "unreadable": "imported_failed"}[how])
    assert item.retryable
    assert await dock.scene.failures("A1") == [("shipment.arrange_failed", item.code, None)]
    assert (await dock.operation(operation)).state == "partially_succeeded"


async def test_a_disconnected_shop_ends_its_operations(dock: Dock) -> None:
    await dock.place("A1", "P1")
    await dock.place("A2", "P2", "P3")
    await dock.place("A3", "P4")
    dock.quay.steps |= {"P1": ["lost_after_effect"], "P3": [LATER], "P4": [LATER]}
    operation = await dock.arrange("A1", "A2", "A3")
    await dock.work()

    await dock.disconnect()
    await dock.pass_time(6)

    ended = await dock.operation(operation)
    assert (ended.state, ended.counts.unknown, ended.counts.failed) == ("failed", 1, 2)
    assert await dock.outcome(operation, "A3") == ("failed", "shop_disconnected")
    assert [(one.state, one.code) for one in (await dock.item(operation, "A2")).packages] == [
        ("succeeded", None),
        ("failed", "shop_disconnected"),
    ]
    assert await dock.scene.failures("A3") == [("shipment.arrange_failed", "shop_disconnected", None)]
    doubtful = await dock.item(operation, "A1")
    assert (doubtful.state, doubtful.needs_attention) == ("unknown", True)
    assert await dock.open_intents() == ["unknown"]


async def test_a_dead_workers_call_is_in_doubt_whatever_the_buyer_does(dock: Dock) -> None:
    await dock.place("A1", "P1")
    dock.quay.steps["P1"] = [LATER]
    operation = await dock.arrange("A1")
    await dock.work()
    # What a worker leaves behind that dies between the commit of `sent` and the call.
    await dock.scene.sql(
        "update effect_intents set state = 'sent', fence = fence + 1, sent_at = app_now(), call_id = gen_random_uuid(),"
        " settle_until = app_now() + interval '60 s', lease_until = app_now() + interval '11 s',"
        " next_check_at = app_now() + interval '11 s' where merchant_id = $1"
    )
    dock.quay.request_cancellation("A1")
    await dock.pass_time(12)

    item = await dock.item(operation, "A1")
    assert (item.state, item.code) == ("unknown", "effect_unknown")
    assert [one.state for one in item.packages] == ["unknown"]
    assert "shipment.arrange_unknown" in await dock.scene.history()
    await dock.pass_time(*[600] * 7)
    item = await dock.item(operation, "A1")
    assert (item.state, item.needs_attention) == ("unknown", True)
    assert (await dock.operation(operation)).state == "failed"


async def test_a_doubt_that_outlives_its_operation_reopens_it_for_the_one_resend(dock: Dock) -> None:
    await dock.place("A1", "P1")
    dock.quay.steps["P1"] = ["lost_before_effect", LATER]
    operation = await dock.arrange("A1")
    await dock.work()
    dock.quay.request_cancellation("A1")
    await dock.pass_time(*[600] * 7)
    given_up = await dock.operation(operation)
    assert (given_up.state, given_up.counts.unknown) == ("failed", 1)
    assert given_up.finished_at is not None

    dock.quay.reject_cancellation("A1")
    dock.quay.steps["P1"] = [LATER]
    await dock.pass_time(3600, 6)
    again = await dock.operation(operation)
    assert (again.state, again.finished_at, again.counts.running) == ("running", None, 1)
    await dock.pass_time(5, 5)

    ended = await dock.operation(operation)
    assert (ended.state, ended.counts.succeeded) == ("succeeded", 1)
    assert ended.finished_at is not None
    assert ended.finished_at > given_up.finished_at
    assert dock.quay.effects == {"P1": 1}


async def test_a_doubt_nobody_can_decide_is_not_asked_about_every_few_seconds(dock: Dock) -> None:
    await dock.place("A1", "P1")
    dock.quay.steps["P1"] = ["lost_before_effect"]
    await dock.arrange("A1")
    await dock.work()
    dock.quay.request_cancellation("A1")
    await dock.settle()
    reads = dock.quay.shipment_reads["P1"]

    await dock.pass_time(*[6] * 20)

    assert dock.quay.shipment_reads["P1"] - reads <= 1


async def test_a_stale_worker_sends_nothing_under_a_wish_that_is_not_its_own(dock: Dock) -> None:
    """Its intent was refused meanwhile and asked for again by somebody else."""
    await dock.place("A1", "P1")
    others: list[object] = []

    async def meanwhile() -> None:
        await dock.scene.sql("update effect_intents set state = 'rejected' where merchant_id = $1")
        await dock.scene.sql("update packages set status = 'to_process', open_intent = null where merchant_id = $1")
        await dock.scene.sql("update orders set stage = 'to_process' where merchant_id = $1")
        others.append(await dock.arrange("A1"))
        await dock.scene.sql(
            "update effect_intents e set state = 'planned', item_id = i.id from operation_items i"
            " where e.merchant_id = $1 and i.merchant_id = $1 and i.operation_id = $2",
            others[0],
        )

    dock.quay.meanwhile["P1"] = meanwhile
    first = await dock.arrange("A1")
    await dock.work()
    await dock.pass_time(2, 2)

    assert dock.quay.effects == {"P1": 1}
    assert await dock.outcome(others[0], "A1") == ("succeeded", None)  # type: ignore[arg-type]
    assert await dock.outcome(first, "A1") == ("skipped", "already_done")


async def test_inside_the_settle_window_nothing_counts_as_taken_back(dock: Dock) -> None:
    """A channel may show one half of an order fresh and the other half late."""
    await dock.place("A1", "P1")
    await dock.arrange("A1")
    await dock.work()
    dock.quay.change("A1")
    await dock.sync("A1")
    dock.quay.show("A1", "P1", "to_process")
    await dock.sync("A1")

    again = await dock.arrange("A1")
    await dock.work()
    assert await dock.outcome(again, "A1") == ("skipped", "already_done")
    assert dock.quay.effects == {"P1": 1}

    await dock.pass_time(61)
    dock.quay.change("A1")
    third = await dock.arrange("A1")
    await dock.work()
    assert await dock.outcome(third, "A1") == ("succeeded", None)
    assert dock.quay.effects == {"P1": 2}


async def test_a_plan_is_stale_when_the_order_was_split_otherwise(dock: Dock) -> None:
    await dock.place("A1", "P1")
    await dock.place("A2", "P9")
    plan = await dock.arrange("A1", "A2", dry_run=True)
    dock.quay.change("A1", packages=(package("P2", lines={}), package("P3", lines={})))

    await dock.apply(plan)
    await dock.work()

    assert await dock.outcome(plan, "A1") == ("skipped", "plan_stale")
    assert dock.quay.effects == {"P9": 1}


async def test_a_pace_that_outlasts_the_reading_costs_no_pause(dock: Dock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be sent while its reading was fresh is read again at once, however often that happens."""
    monkeypatch.setattr("app.fulfilment.sending._FRESH_SECONDS", -1.0)
    monkeypatch.setattr("app.fulfilment.sending._FRESH_READS", 0.0)
    await dock.place("A1", "P1")
    operation = await dock.arrange("A1")
    await dock.pass_time(1.5, 1.5, 1.5, 1.5)
    assert dock.quay.reads["A1"] >= 4
    monkeypatch.undo()

    await dock.pass_time(1.5)

    assert await dock.outcome(operation, "A1") == ("succeeded", None)
