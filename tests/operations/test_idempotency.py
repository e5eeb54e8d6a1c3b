"""One key, one operation: whoever repeats it, however often at once, whatever has happened since."""

import asyncio
import json
import uuid

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World


async def held(world: World, merchant: Merchant, shop: SimulatedShop, count: int = 1) -> dict[str, object]:
    """The body of a bulk that holds new orders."""
    numbers = await shop.place_orders(count)
    await merchant.import_orders()
    await world.work()
    ids = await merchant.ids(numbers)
    return {"action": "hold", "selection": {"order_ids": ids}, "options": {"reason": "stok"}}


async def post(merchant: Merchant, path: str, key: str, **more: object) -> httpx.Response:
    return await merchant.http.post(path, headers={"Idempotency-Key": key}, **more)  # type: ignore[arg-type]


async def test_twenty_at_once_open_one_operation(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    body = await held(world, merchant, shop)

    answers = await asyncio.gather(*(post(merchant, "/v1/orders/bulk", "once", json=body) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count(None) == 1
    kinds = [operation["kind"] for operation in (await merchant.get("/v1/operations"))["data"]]
    assert kinds.count("hold") == 1


async def test_a_repeat_is_the_same_whatever_the_spelling_and_though_the_selection_has_changed(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    await held(world, merchant, shop, 2)
    body = {
        "action": "hold",
        "selection": {"filter": {"status": ["ready_to_ship"], "hold": False}},
        "options": {"reason": "a"},
    }
    first = await post(merchant, "/v1/orders/bulk", "monday", json=body)
    await world.work()
    turned = json.dumps(dict(reversed(body.items())), indent=3)
    headers = {"Idempotency-Key": "monday", "Content-Type": "application/json"}

    again = await merchant.http.post("/v1/orders/bulk", content=turned, headers=headers)

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert (again.json()["state"], again.json()["counts"]["total"]) == ("succeeded", 2)


async def test_keys_of_different_people_are_different(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    body = await held(world, merchant, shop)
    program = await merchant.post("/v1/api-keys", {"name": "Program", "scopes": ["shipments:write"]}, expect=201)

    mine = await post(merchant, "/v1/orders/bulk", "same", json=body)
    theirs = await merchant.http.post(
        "/v1/orders/bulk",
        json=body,
        headers={"Idempotency-Key": "same", "Authorization": f"Bearer {program['key']}"},
    )

    assert (mine.status_code, theirs.status_code) == (202, 202), theirs.text
    assert mine.json()["id"] != theirs.json()["id"]


async def test_an_expired_key_is_free_again(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    body = await held(world, merchant, shop)
    first = await post(merchant, "/v1/orders/bulk", "weekly", json=body)
    other = {**body, "action": "release", "options": {}}
    await world.sql("update idempotency_keys set expires_at = app_now() - interval '1 s' where key = 'weekly'")

    answers = await asyncio.gather(*(post(merchant, "/v1/orders/bulk", "weekly", json=other) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers} - {first.json()["id"]}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_one_key_may_stand_for_apply_and_for_cancel(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    body = await held(world, merchant, shop)
    plan = (await merchant.post("/v1/orders/bulk", {**body, "dry_run": True}))["id"]

    applied = await post(merchant, f"/v1/operations/{plan}/apply", "k")
    cancelled = await post(merchant, f"/v1/operations/{plan}/cancel", "k")
    replays = [await post(merchant, f"/v1/operations/{plan}/{wish}", "k") for wish in ("apply", "cancel")]

    assert [one.status_code for one in (applied, cancelled, *replays)] == [202] * 4
    assert [one.headers.get("Idempotency-Replayed") for one in (applied, cancelled, *replays)] == [
        None, None, "true", "true",
    ]  # fmt: skip
    assert (await merchant.operation(plan))["state"] == "cancelled"


async def test_a_cancelled_plan_cannot_be_applied(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    body = await held(world, merchant, shop)
    plan = (await merchant.post("/v1/orders/bulk", {**body, "dry_run": True}))["id"]
    await merchant.post(f"/v1/operations/{plan}/cancel")

    refused = await merchant.post(f"/v1/operations/{plan}/apply", expect=409)

    assert refused["code"] == "invalid_state"
    assert (await merchant.operation(plan))["counts"]["skipped"] == 1


async def test_a_hold_that_was_planned_skips_orders_that_have_changed(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    numbers = await shop.place_orders(2)
    await merchant.import_orders()
    await world.work()
    wish = {"options": {"reason": "stok"}, "dry_run": True}
    plan = await merchant.bulk("hold", numbers, **wish)
    await shop.advance(numbers[0], "cancel_requested")
    await merchant.import_orders()
    await world.work()

    await merchant.post(f"/v1/operations/{plan}/apply")
    await world.work()

    items = await merchant.items(plan)
    assert (items[numbers[0]]["state"], items[numbers[0]]["code"]) == ("skipped", "plan_stale")
    assert items[numbers[1]]["state"] == "succeeded"


@pytest.mark.parametrize("content", [b"not json", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
@pytest.mark.parametrize("path", ["/v1/orders/bulk", "/v1/operations/op_%s/cancel"])
async def test_a_body_that_is_no_json_is_the_callers_mistake(merchant: Merchant, content: bytes, path: str) -> None:
    path = path.replace("%s", uuid.uuid4().hex)
    for kind in ("application/json", "text/plain"):
        headers = {"Idempotency-Key": "k", "Content-Type": kind}
        answer = await merchant.http.post(path, content=content, headers=headers)
        assert 400 <= answer.status_code < 500, f"{kind}: {answer.status_code} {answer.text}"
