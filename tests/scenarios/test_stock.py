"""One pile of goods, sold on five channels: reserved once, deducted once, told to every channel."""

import asyncio
import json
import uuid
from typing import Any

import httpx

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, place, spread


async def make_product(merchant: Merchant, sku: str, on_hand: int | None = None) -> str:
    product_id: str = (await merchant.post("/v1/products", {"sku": sku, "name": f"Produk {sku}"}, expect=201))["id"]
    if on_hand is not None:
        await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": on_hand}, expect=200)
    return product_id


async def stock(merchant: Merchant, product_id: str) -> tuple[int, int, int]:
    """On hand, reserved, available; and the ledger must sum to them."""
    product = await merchant.get(f"/v1/products/{product_id}")
    movements = (await merchant.get(f"/v1/products/{product_id}/movements", limit=200))["data"]
    assert sum(one["on_hand_change"] for one in movements) == product["on_hand"]
    assert sum(one["reserved_change"] for one in movements) == product["reserved"]
    return product["on_hand"], product["reserved"], product["available"]


async def listings_of(merchant: Merchant, numbers: list[str]) -> list[str]:
    orders = await merchant.orders(order_number=numbers)
    return list(dict.fromkeys(line["listing_id"] for order in orders for line in order["lines"]))


def pieces(orders: list[dict[str, Any]]) -> int:
    return sum(line["quantity"] for order in orders for line in order["lines"])


async def test_orders_of_unlinked_listings_are_put_right_once_they_are_linked(
    world: World, merchant: Merchant, mall: Mall
) -> None:
    numbers = await place(mall, merchant, world, 2)
    await merchant.bulk("receive", spread(numbers))
    await world.work()
    shipped = [mine[0] for mine in numbers.values()]
    await merchant.arrange(shipped)
    await world.work()
    orders = {order["order_number"]: order for order in await merchant.orders(order_number=spread(numbers))}
    assert not any(order["is_linked"] for order in orders.values())
    assert {orders[number]["stage"] for number in shipped} == {"processed"}, "what is unlinked ships all the same"
    assert len(await merchant.orders(is_linked=False)) == len(orders)
    product_id = await make_product(merchant, "SEMUA", 1000)
    links = [{"listing_id": one, "product_id": product_id} for one in await listings_of(merchant, list(orders))]
    waiting = pieces([order for number, order in orders.items() if number not in shipped])
    gone = pieces([orders[number] for number in shipped])

    plan = await merchant.post("/v1/listings/links", {"links": links, "dry_run": True}, expect=200)
    assert sum(one["effect"]["reserve"] for one in plan["data"]) == waiting
    assert sum(one["effect"]["deduct"] for one in plan["data"]) == gone
    last = plan["data"][-1]["effect"]
    names = {shop["id"]: shop["name"] for shop in (await merchant.get("/v1/shops"))["data"]}
    assert last["available_after"] == 1000 - gone - waiting and set(last["shop_ids"]) == set(names)
    assert all(name in last["text"] for name in names.values())
    assert await stock(merchant, product_id) == (1000, 0, 1000), "a plan changes nothing"
    for _ in range(2):
        await merchant.post("/v1/listings/links", {"links": links}, expect=200)
    await world.work()

    assert await stock(merchant, product_id) == (1000 - gone, waiting, 1000 - gone - waiting)
    linked = await merchant.orders(order_number=list(orders))
    assert all(order["is_linked"] for order in linked)
    counts = await merchant.get("/v1/orders/counts")
    assert counts["unlinked"] == 0
    assert await told(world, merchant) == {channel: {1000 - gone - waiting} for channel in mall}
    rows = [row for shop in mall.values() for row in await shop.rows("update_stock")]
    # Tokopedia's stock is TikTok Shop's.
    assert {row["channel"] for row in rows if row["effective"]} >= set(mall) - {"tokopedia"}


async def told(world: World, merchant: Merchant) -> dict[str, set[int]]:
    """What each channel itself shows for the linked listings, read anew."""
    operation = await merchant.post("/v1/listings/import", {})
    await world.work()
    done = await merchant.operation(operation["id"])
    assert (done["state"], done["result"]["listings"]["drifted"]) == ("succeeded", 0), done
    found: dict[str, set[int]] = {}
    for row in (await merchant.get("/v1/listings", is_linked=True, limit=200))["data"]:
        found.setdefault(row["channel"], set()).add(row["channel_stock"])
    return found


async def sell_one_listing(
    world: World, merchant: Merchant, shop: SimulatedShop, on_hand: int | None
) -> tuple[str, str, list[str]]:
    """A product, its one linked listing, and the numbers of orders that sold it."""
    numbers = await shop.place_orders(16, lines=1)
    await merchant.import_orders()
    await world.work()
    orders = await merchant.orders(order_number=numbers)
    sold = [order["lines"][0]["listing_id"] for order in orders]
    listing_id = max(sold, key=sold.count)
    mine = [order["order_number"] for order in orders if order["lines"][0]["listing_id"] == listing_id]
    product_id = await make_product(merchant, "SATU", on_hand)
    await merchant.post(f"/v1/listings/{listing_id}/link", {"product_id": product_id}, expect=200)
    await world.work()
    return product_id, listing_id, mine


async def test_reserve_deduct_and_give_back(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    product_id, listing_id, numbers = await sell_one_listing(world, merchant, shop, 100)
    owed = pieces(await merchant.orders(order_number=numbers))
    assert await stock(merchant, product_id) == (100, owed, 100 - owed)

    first = pieces([await merchant.order(numbers[0])])
    await merchant.arrange(numbers[:1])
    await world.pass_time(30)
    assert await stock(merchant, product_id) == (100 - first, owed - first, 100 - owed)

    plan = await merchant.bulk("cancel", numbers[:1], options={"reason": "CUSTOMER_REQUEST"}, dry_run=True)
    [item] = (await merchant.items(plan)).values()
    assert item["effect"]["stock"] == [{"product_id": product_id, "quantity": first}]
    await merchant.post(f"/v1/operations/{plan}/apply")
    await world.work()
    assert await stock(merchant, product_id) == (100, owed - first, 100 - owed + first), "the parcel never left"
    kinds = [one["kind"] for one in (await merchant.get(f"/v1/products/{product_id}/movements", limit=200))["data"]]
    assert [kinds.count(kind) for kind in ("deduct", "restock", "adjust")] == [1, 1, 1]
    listing = await merchant.get(f"/v1/listings/{listing_id}")
    assert listing["pushed_quantity"] == listing["channel_stock"] == 100 - owed + first


async def test_what_nobody_has_is_oversold_and_never_below_zero(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, _, numbers = await sell_one_listing(world, merchant, shop, 1)
    orders = await merchant.orders(order_number=numbers)
    owed = pieces(orders)
    assert owed > 1, "the test needs more than one piece sold"
    assert (await merchant.get(f"/v1/products/{product_id}"))["oversold"] == owed - 1
    await make_product(merchant, "CUKUP", 5)
    assert [one["id"] for one in (await merchant.get("/v1/products", oversold=True))["data"]] == [product_id]

    await merchant.arrange(numbers)
    await world.pass_time(30)

    assert await stock(merchant, product_id) == (0, 0, 0)
    types = [entry["type"] for number in numbers for entry in await merchant.history(number)]
    assert "stock.oversold" in types


async def test_a_count_below_what_is_promised_is_told(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    product_id, _, numbers = await sell_one_listing(world, merchant, shop, 100)
    owed = pieces(await merchant.orders(order_number=numbers))

    async def told() -> list[dict[str, Any]]:
        found = await world.sql(
            "select after from journal where type = 'product.oversold' and subject_id = $1 order by id",
            uuid.UUID(product_id.removeprefix("prd_")),
        )
        return [json.loads(row["after"]) for row in found]

    assert await told() == []
    assert (await import_csv(merchant, f"sku,name,on_hand\nSATU,Produk SATU,{owed - 1}\n")).status_code == 200
    assert await told() == [{"sku": "SATU", "short": 1}]
    await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 0}, expect=200)
    await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 0}, expect=200)
    assert await told() == [{"sku": "SATU", "short": 1}, {"sku": "SATU", "short": owed}]
    assert (await import_csv(merchant, "sku,name,on_hand\nSATU,Baru,0\n")).status_code == 200
    assert (await import_csv(merchant, f"sku,name,on_hand\nSATU,Baru,{owed}\n")).status_code == 200
    assert len(await told()) == 2, "what is known is not told again, and enough is enough"


async def test_what_nobody_has_counted_is_not_oversold(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    product_id, _, numbers = await sell_one_listing(world, merchant, shop, None)
    owed = pieces(await merchant.orders(order_number=numbers))

    assert await stock(merchant, product_id) == (0, owed, 0)
    assert (await merchant.get(f"/v1/products/{product_id}"))["oversold"] == 0
    assert (await merchant.get("/v1/products", oversold=True))["data"] == []
    counted = await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 0}, expect=200)
    assert counted["oversold"] == owed


async def test_a_push_that_fails_is_on_record_and_repeated(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, listing_id, _ = await sell_one_listing(world, merchant, shop, 50)
    await shop.plan_fault("update_stock", "throttle", times=1)

    await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 70}, expect=200)
    for _ in range(4):
        await world.pass_time(10)

    available = (await merchant.get(f"/v1/products/{product_id}"))["available"]
    pushes = (await merchant.get(f"/v1/listings/{listing_id}/pushes"))["data"]
    assert (pushes[0]["succeeded"], pushes[0]["quantity"]) == (True, available)
    assert [(one["succeeded"], one["retryable"]) for one in pushes[1:2]] == [(False, True)]
    listing = await merchant.get(f"/v1/listings/{listing_id}")
    assert (listing["channel_stock"], listing["push_code"]) == (available, None)


async def test_stock_that_could_not_be_told_without_consent_is_told_after_it(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, listing_id, _ = await sell_one_listing(world, merchant, shop, 50)
    await shop.plan_fault("update_stock", "revoke_token")
    await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 70}, expect=200)
    for _ in range(3):
        await world.pass_time(61)
    pushes = (await merchant.get(f"/v1/listings/{listing_id}/pushes"))["data"]
    failed = [one["code"] for one in pushes if not one["succeeded"]]
    assert failed and len(failed) == len(set(failed)), "each reason is on record once, not each minute"

    await world.consent_again(merchant, shop)
    for _ in range(2):
        await world.pass_time(61)

    available = (await merchant.get(f"/v1/products/{product_id}"))["available"]
    listing = await merchant.get(f"/v1/listings/{listing_id}")
    assert (listing["channel_stock"], listing["push_code"]) == (available, None)


async def test_two_products_cannot_both_take_an_sku(merchant: Merchant) -> None:
    paths = [f"/v1/products/{await make_product(merchant, sku)}" for sku in ("SATU", "DUA")]

    for wish in range(5):
        answers = await asyncio.gather(*(merchant.http.patch(path, json={"sku": f"BARU-{wish}"}) for path in paths * 4))
        assert {answer.status_code for answer in answers} == {200, 409}


async def test_many_hands_keep_the_sums(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    """Twenty adjustments at once, one of them sent five times: the ledger and the product agree."""
    product_id = await make_product(merchant, "RAMAI", 100)
    path = f"/v1/products/{product_id}/stock"
    bodies: list[dict[str, Any]] = [{"change": change} for change in (3, -2, 5, -7, 1) * 3]
    bodies += [{"change": -10, "reference": "opname-7"}] * 5

    answers = await asyncio.gather(*(merchant.http.post(path, json=body) for body in bodies))

    assert {answer.status_code for answer in answers} == {200}
    assert await stock(merchant, product_id) == (90, 0, 90)


async def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_what_is_refused_changes_nothing(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, listing_id, _ = await sell_one_listing(world, merchant, shop, 5)
    foreign = await make_product(other_merchant, "ASING")
    http = merchant.http

    below = await http.post(f"/v1/products/{product_id}/stock", json={"change": -6})
    both = await http.post(f"/v1/products/{product_id}/stock", json={"change": 1, "on_hand": 1})
    negative = await http.post(f"/v1/products/{product_id}/stock", json={"on_hand": -1})
    theirs = await http.post(f"/v1/listings/{listing_id}/link", json={"product_id": foreign})
    second = await make_product(merchant, "DUA")
    other = await http.post(f"/v1/listings/{listing_id}/link", json={"product_id": second})
    taken = await http.post("/v1/products", json={"sku": "SATU", "name": "x"})
    in_use = await http.delete(f"/v1/products/{product_id}")

    assert await refused(below) == (409, "stock_below_zero")
    assert await refused(both) == (422, "validation_failed")
    assert await refused(negative) == (422, "validation_failed")
    assert await refused(theirs) == (422, "validation_failed")
    assert await refused(other) == (409, "already_linked")
    assert await refused(taken) == (409, "sku_taken")
    assert await refused(in_use) == (409, "product_in_use")
    assert (await stock(merchant, product_id))[0] == 5
    assert (await merchant.get(f"/v1/listings/{listing_id}"))["product_id"] == product_id


async def test_suggestions_by_sku_are_only_suggestions(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    number = await shop.place_order(lines=1)
    await merchant.import_orders()
    await world.work()
    [line] = (await merchant.order(number))["lines"]
    product_id = await make_product(merchant, f" {line['sku'].lower()} ")

    [suggested] = (await merchant.get("/v1/listings/suggestions"))["data"]

    assert (suggested["listing"]["id"], suggested["product"]["id"]) == (line["listing_id"], product_id)
    assert not (await merchant.order(number))["is_linked"] and not suggested["is_ambiguous"]
    other_id = await make_product(merchant, line["sku"].upper())
    page = await merchant.get("/v1/listings/suggestions", limit=1)
    assert [(one["product"]["id"], one["is_ambiguous"]) for one in page["data"]] == [
        (product_id, True),
        (other_id, True),
    ], "a listing comes with all its choices, however small the page"
    assert page["page"]["next_cursor"] is None


async def test_an_archived_product_comes_back(merchant: Merchant) -> None:
    path = f"/v1/products/{await make_product(merchant, 'LAMA', 5)}"
    assert (await merchant.http.delete(path)).status_code == 204
    taken = await merchant.http.post("/v1/products", json={"sku": "LAMA", "name": "Lagi"})
    assert (taken.status_code, "archived" in taken.json()["detail"]) == (409, True)

    back = await merchant.http.patch(path, json={"archived": False})
    assert (back.status_code, back.json()["archived"], back.json()["on_hand"]) == (200, False, 5)
    assert (await merchant.http.patch(path, json={"archived": True})).json()["archived"]
    imported = await import_csv(merchant, "sku,name,on_hand\nLAMA,Produk LAMA,5\n")

    assert (imported.json()["updated"], (await merchant.get(path))["archived"]) == (1, False)


async def test_a_shipment_deducts_while_the_channels_reads_lag(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, _, numbers = await sell_one_listing(world, merchant, shop, 100)
    owed = pieces(await merchant.orders(order_number=numbers))
    first = pieces([await merchant.order(numbers[0])])
    await shop.plan_fault("ship", "stale_read", delay_ms=600_000)

    await merchant.arrange(numbers[:1])
    await world.work()

    assert await stock(merchant, product_id) == (100 - first, owed - first, 100 - owed)


async def test_stock_that_drifted_is_noticed_and_told_again(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    product_id, listing_id, _ = await sell_one_listing(world, merchant, shop, 50)
    await shop.plan_fault("update_stock", "stale_read", delay_ms=30_000)
    await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 80}, expect=200)
    await world.work()

    operation = await merchant.post("/v1/listings/import", {})
    await world.work()

    assert (await merchant.operation(operation["id"]))["result"]["listings"]["drifted"] == 1
    await world.pass_time(31)
    assert await told(world, merchant) == {"shopee": {(await stock(merchant, product_id))[2]}}
    told_of = [one["type"] for one in (await merchant.get(f"/v1/listings/{listing_id}/history"))["data"]]
    assert told_of == ["stock.drift", "listing.linked"]
    pushes = (await merchant.get(f"/v1/listings/{listing_id}/pushes"))["data"]
    assert [one["succeeded"] for one in pushes[:2]] == [True, True] and pushes[0]["quantity"] == pushes[1]["quantity"]


async def import_csv(merchant: Merchant, content: str, *, dry_run: bool = False) -> httpx.Response:
    headers = {"Content-Type": "text/csv"}
    return await merchant.http.post(
        "/v1/products/import", content=content.encode(), headers=headers, params={"dry_run": dry_run}
    )


async def test_a_csv_is_taken_whole_or_not_at_all(merchant: Merchant) -> None:
    await make_product(merchant, "LAMA", 5)
    good = "\ufeffsku;name;on_hand\r\nLAMA;Produk LAMA;8\r\nBARU;Baru;3\r\n"

    broken = await import_csv(merchant, good + "RUSAK;=1+1;x\r\n")
    assert (broken.status_code, broken.json()["code"]) == (422, "csv_invalid")
    assert [one["pointer"] for one in broken.json()["errors"]] == ["/4/name"]
    planned = await import_csv(merchant, good, dry_run=True)
    assert planned.json() == {"created": 1, "updated": 1, "unchanged": 0, "dry_run": True}
    assert len((await merchant.get("/v1/products"))["data"]) == 1

    taken = [(await import_csv(merchant, good)).json() for _ in range(2)]

    assert [(one["created"], one["updated"], one["unchanged"]) for one in taken] == [(1, 1, 0), (0, 0, 2)]
    for product in (await merchant.get("/v1/products"))["data"]:
        expected = {"LAMA": 8, "BARU": 3}[product["sku"]]
        assert await stock(merchant, product["id"]) == (expected, 0, expected)
    wrong = await merchant.http.post("/v1/products/import", json={"sku": "x"})
    assert wrong.status_code == 415


async def test_a_hundred_thousand_products_in_one_file(merchant: Merchant) -> None:
    rows = "".join(f"SKU-{number},Produk {number},{number % 7}\n" for number in range(100_000))

    answer = await import_csv(merchant, f"sku,name,on_hand\n{rows}")

    assert answer.json()["created"] == 100_000, answer.text
    [product] = (await merchant.get("/v1/products", q="SKU-99999"))["data"]
    assert await stock(merchant, product["id"]) == (99_999 % 7, 0, 99_999 % 7)


async def test_the_same_file_sent_twice_at_once_makes_each_product_once(merchant: Merchant) -> None:
    rows = "".join(f"SKU-{number},Produk {number},{number % 7}\n" for number in range(300))

    answers = await asyncio.gather(*(import_csv(merchant, f"sku,name,on_hand\n{rows}") for _ in range(3)))

    counted = sorted((one.json()["created"], one.json()["unchanged"]) for one in answers)
    assert counted == [(0, 300), (0, 300), (300, 0)]
