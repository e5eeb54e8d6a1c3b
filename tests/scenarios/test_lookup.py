"""A seller types an order number and learns where it is, and what mends it when it is not here."""

from typing import Any

import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, arrange, place


async def ask(merchant: Merchant, number: str) -> dict[str, Any]:
    answer: dict[str, Any] = await merchant.get("/v1/orders/lookup", number=number)
    assert answer["number"] == number
    return answer


async def follow(merchant: Merchant, action: dict[str, Any]) -> int:
    """Do what the answer says."""
    headers = {"Idempotency-Key": f"{action}"}
    answer = await merchant.http.request(action["method"], action["path"], json=action["body"] or None, headers=headers)
    return answer.status_code


async def test_an_order_that_is_here(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 1)

    for channel, [number] in numbers.items():
        answer = await ask(merchant, number)
        assert (answer["answer"], answer["order"]["order_number"]) == ("found", number), channel
        assert answer["order"]["channel"] == channel
        assert await follow(merchant, answer["action"]) == 200


def written(number: str) -> list[str]:
    """How people type and paste it."""
    return [
        number,
        number.lower(),
        f"#{number}",
        f"  {number} ",
        f"# {number[:4]} {number[4:]}",
        f"\u00a0{number}\u200b",
    ]


async def test_an_order_is_found_by_any_of_its_numbers_however_it_is_written(
    world: World, merchant: Merchant, mall: Mall, other_merchant: Merchant
) -> None:
    numbers = await arrange(mall, merchant, world)
    for channel, [number] in numbers.items():
        order = await merchant.order(number)
        [package] = order["packages"]
        assert package["tracking_number"] or channel == "plugo_store"
        kinds = {
            "tracking_number": package["tracking_number"],
            "package_number": package["package_number"],
            "external_id": order["external_id"],
            "order_number": number,
        }
        # Where two kinds of numbers are alike, the order's own is meant.
        for code, kind in {code: kind for kind, code in kinds.items() if code}.items():
            for typed in written(code):
                answer = await merchant.get("/v1/orders/lookup", number=typed)
                told = (answer["answer"], answer["number_kind"], answer["order"] and answer["order"]["id"])
                assert told == ("found", kind, order["id"]), (channel, typed)
                assert answer["number"] == typed.strip()
            assert (await other_merchant.get("/v1/orders/lookup", number=code))["order"] is None


async def test_the_channel_is_asked_in_its_own_spelling(world: World, merchant: Merchant, mall: Mall) -> None:
    for channel, shop in mall.items():
        number = await shop.place_order()
        for typed in written(number):
            answer = await merchant.get("/v1/orders/lookup", number=typed)
            assert answer["answer"] == "at_channel_not_imported", (channel, typed)
            assert answer["action"]["body"]["order_numbers"] == [number]
        assert await follow(merchant, answer["action"]) == 202
        assert (await merchant.get("/v1/orders/lookup", number=number.lower()))["answer"] == "queued"


async def test_one_that_is_only_at_its_channel_is_imported(world: World, merchant: Merchant, mall: Mall) -> None:
    for channel, shop in mall.items():
        number = await shop.place_order()
        before = await ask(merchant, number)
        assert before["answer"] == "at_channel_not_imported", (channel, before)
        assert [one["name"] for one in before["shops"] if one["answer"] == "at_channel_not_imported"] != []

        assert await follow(merchant, before["action"]) == 202
        assert (await ask(merchant, number))["answer"] == "queued"
        await world.work()
        assert (await ask(merchant, number))["answer"] == "found"


async def test_one_that_is_not_paid_yet(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    number = await shop.place_order(state="unpaid")
    await merchant.import_orders()
    await world.work()

    answer = await ask(merchant, number)

    assert (answer["answer"], answer["order"]["status"]) == ("hidden_unpaid", "unpaid")


async def test_one_placed_before_the_shop_was_complete(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    number = await shop.place_order()
    await world.sql(
        "update accounts set complete_since = app_now() + interval '1 day' where external_id = $1", shop.shop_id
    )

    answer = await ask(merchant, number)

    assert answer["answer"] == "outside_window"
    assert await follow(merchant, answer["action"]) == 202


async def test_one_that_could_not_be_read(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    await world.sql(
        "insert into failed_orders (merchant_id, account_id, external_id, reason, raw, first_failed_at, last_failed_at)"
        " select merchant_id, id, '2511223K7QH5XA', 'no currency', '', app_now(), app_now()"
        " from accounts where external_id = $1",
        shop.shop_id,
    )

    answer = await ask(merchant, "2511223K7QH5XA")

    assert (answer["answer"], answer["reason"], answer["action"]["code"]) == (
        "imported_failed",
        "no currency",
        "import",
    )
    assert await follow(merchant, answer["action"]) == 202
    await world.work()
    for spoken, words in (("en", "no currency"), ("id", "mata uang tidak ada")):
        merchant.http.headers["Accept-Language"] = spoken
        [operation] = [one for one in (await merchant.get("/v1/operations"))["data"] if one["state"] == "failed"]
        [item] = (await merchant.items(operation["id"])).values()
        assert (item["code"], item["retryable"], item["text"].endswith(f": {words}")) == ("imported_failed", True, True)
        assert (await ask(merchant, "2511223K7QH5XA"))["reason"] == words


async def test_one_that_nobody_knows(world: World, merchant: Merchant, mall: Mall, other_merchant: Merchant) -> None:
    answer = await ask(merchant, "999999999999")

    assert (answer["answer"], answer["order"], answer["action"]) == ("unknown_at_channel", None, None)
    assert len(answer["shops"]) >= 5 and {one["answer"] for one in answer["shops"]} == {"unknown_at_channel"}
    number = (await place(mall, merchant, world, 1))["shopee"][0]
    assert (await ask(other_merchant, number))["answer"] == "unknown_at_channel", "another merchant's is nobody's"


async def test_what_keeps_us_from_asking(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    number = "2511223K7QH5XB"
    await shop.plan_fault("get_order", "error_before", times=10)
    away = await ask(merchant, number)
    assert (away["answer"], away["reason"]) == ("channel_unavailable", "The channel cannot be reached right now.")
    odd = await ask(merchant, "2511/22 #&B")
    again = await merchant.http.get(odd["action"]["path"])
    assert (odd["answer"], again.json()["number"]) == ("channel_unavailable", "2511/22 #&B")
    await shop.heal()
    [row] = (await merchant.get("/v1/shops"))["data"]
    answer = await merchant.http.patch(f"/v1/shops/{row['id']}", json={"paused": True})
    assert answer.status_code == 200

    paused = await ask(merchant, number)
    assert paused["answer"] == "shop_paused"
    assert await follow(merchant, paused["action"]) == 200
    assert (await ask(merchant, number))["answer"] == "unknown_at_channel"

    await shop.plan_fault("get_order", "revoke_token")
    revoked = await ask(merchant, number)
    assert revoked["answer"] == "needs_reauth" and revoked["since"]
    assert await follow(merchant, revoked["action"]) in (200, 201)


@pytest.mark.parametrize("number", ["", "x" * 101, "  "])
async def test_a_number_that_is_none(merchant: Merchant, number: str) -> None:
    answer = await merchant.http.get("/v1/orders/lookup", params={"number": number})

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "number")
    endless = await merchant.http.get("/v1/orders/lookup", params={"number": "x" * 10_000})
    assert endless.status_code in (414, 422), endless.text
