"""A new seller: listings of five channels, no product yet, and no wish to type hundreds of them."""

import asyncio
import csv
import io
from collections import defaultdict
from typing import Any

import httpx
import pytest

from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, place, spread
from tests.scenarios.test_stock import import_csv, make_product, stock, told

PATH = "/v1/products/from-listings"


async def read_listings(world: World, merchant: Merchant) -> list[dict[str, Any]]:
    """Imported from the channels, oldest first."""
    operation = await merchant.post("/v1/listings/import", {})
    await world.work()
    assert (await merchant.operation(operation["id"]))["state"] == "succeeded"
    listings: list[dict[str, Any]] = (await merchant.get("/v1/listings", limit=200))["data"]
    return sorted(listings, key=lambda one: one["id"])


def by_sku(listings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Those that are one product."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in listings:
        found[one["sku"].strip().lower()].append(one)
    return found


async def make(merchant: Merchant, listings: list[dict[str, Any]], **more: Any) -> Any:
    return await merchant.post(PATH, {"listing_ids": [one["id"] for one in listings], **more}, expect=200)


async def change(world: World, listing: dict[str, Any], **values: str) -> None:
    """What only the channel could change."""
    for column, value in values.items():
        query = f"update listings set {column} = $2 where id = $1::uuid"
        await world.sql(query, listing["id"].removeprefix("lst_"), value)


async def test_products_of_every_channels_listings_in_one_go(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = spread(await place(mall, merchant, world, 2))
    listings = await read_listings(world, merchant)
    assert {one["channel"] for one in listings} >= set(mall) - {"tokopedia"}, "Tokopedia's are TikTok Shop's"
    groups = by_sku(listings)
    assert any(len({one["channel"] for one in group}) > 1 for group in groups.values())
    orders = await merchant.orders(order_number=numbers)
    owed: dict[str, int] = defaultdict(int)
    for order in orders:
        for line in order["lines"]:
            owed[line["sku"].strip().lower()] += line["quantity"]

    plan = await make(merchant, listings, dry_run=True)
    assert (await merchant.get("/v1/products"))["data"] == [], "a plan changes nothing"
    assert (await merchant.get("/v1/listings", is_linked=True))["data"] == []
    done = await make(merchant, listings)
    await world.work()

    for answer, is_plan in ((plan, True), (done, False)):
        assert (answer["dry_run"], answer["refused"]) == (is_plan, [])
        assert len(answer["products"]) == len(groups)
        for made in answer["products"]:
            mine = groups[made["product"]["sku"].lower()]
            assert [one["id"] for one in made["listings"]] == [one["id"] for one in mine]
            assert (made["is_new"], made["product"]["id"] is None) == (True, is_plan)
            assert made["product"]["name"].startswith(mine[0]["name"])
            assert mine[0]["variation"] in made["product"]["name"]
            effect = made["effect"]
            assert (effect["reserve"], effect["is_counted"]) == (owed[mine[0]["sku"].lower()], False)
            assert set(effect["shop_ids"]) == {shop_id for one in mine for shop_id in one["shop_ids"]}
            assert "until the product is counted" in effect["text"]
    products = {one["id"]: one for one in (await merchant.get("/v1/products", limit=200))["data"]}
    assert {made["product"]["id"] for made in done["products"]} == set(products)
    for product in products.values():
        assert (product["counted_at"], product["oversold"]) == (None, 0)
        assert await stock(merchant, product["id"]) == (0, owed[product["sku"].lower()], 0)
    assert all(order["is_linked"] for order in await merchant.orders(order_number=numbers))
    shown = {one["id"]: one["channel_stock"] for one in listings}
    again = {one["id"]: one["channel_stock"] for one in await read_listings(world, merchant)}
    assert again == shown, "no shelf is emptied before anybody has counted"

    for product_id in products:
        await merchant.post(f"/v1/products/{product_id}/stock", {"on_hand": 500}, expect=200)
    await world.work()
    await told(world, merchant)
    for one in (await merchant.get("/v1/listings", limit=200))["data"]:
        assert one["channel_stock"] == 500 - owed[one["sku"].strip().lower()]


async def test_who_made_them_is_on_record(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    listings = await read_listings(world, merchant)
    done = await make(merchant, listings)
    me = await merchant.get("/v1/me")

    rows = await world.sql(
        "select type, subject_id, actor_name from journal where merchant_id = $1::uuid"
        " and type in ('product.created', 'listing.linked')",
        me["merchant"]["id"].removeprefix("mer_"),
    )

    assert {row["actor_name"] for row in rows} == {me["user"]["name"]}
    recorded = sorted((row["type"], row["subject_id"].hex) for row in rows)
    assert recorded == sorted(
        [("product.created", made["product"]["id"].removeprefix("prd_")) for made in done["products"]]
        + [("listing.linked", one["id"].removeprefix("lst_")) for one in listings]
    )
    history = (await merchant.get(f"/v1/listings/{listings[0]['id']}/history"))["data"]
    assert [one["type"] for one in history] == ["listing.linked"]


async def test_pressed_ten_times_at_once_there_is_one_product_of_each_sku(
    world: World, merchant: Merchant, mall: Mall
) -> None:
    listings = await read_listings(world, merchant)
    ids = [one["id"] for one in listings]
    groups = by_sku(listings)
    # All of them, and overlapping parts in the other order, while somebody types the same products by hand.
    wishes = [ids, ids[::-1], ids[: len(ids) * 2 // 3], ids[: len(ids) // 3 : -1], ids[::2]] * 2
    by_hand = [{"sku": group[0]["sku"], "name": "Sendiri"} for group in list(groups.values())[::-3]]

    answers = await asyncio.gather(
        *(merchant.http.post(PATH, json={"listing_ids": wish}) for wish in wishes),
        *(merchant.http.post("/v1/products", json=body) for body in by_hand),
    )

    made, typed = answers[: len(wishes)], answers[len(wishes) :]
    assert [one.status_code for one in made] == [200] * len(wishes), [one.text for one in made]
    assert {one.status_code for one in typed} <= {201, 409}
    products = (await merchant.get("/v1/products", limit=200))["data"]
    assert sorted(one["sku"].lower() for one in products) == sorted(groups)
    told_linked = [one["id"] for answer in made for row in answer.json()["products"] for one in row["listings"]]
    assert sorted(told_linked) == sorted(ids), "each was linked by one of them"
    for answer in made:
        assert {one["code"] for one in answer.json()["refused"]} <= {"linked_already"}
    new = [row["product"]["sku"] for answer in made for row in answer.json()["products"] if row["is_new"]]
    assert len(new) == len(products) - sum(one.status_code == 201 for one in typed)
    skus = {one["id"]: one["sku"].lower() for one in products}
    for one in await read_listings(world, merchant):
        assert skus[one["product_id"]] == one["sku"].strip().lower()


async def test_what_cannot_be_linked_is_told_and_the_rest_is_done(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    listings = await read_listings(world, merchant)
    linked, none, long, ambiguous, archived, known, blank, new, alike, *_ = listings
    await change(world, none, sku=" \u00a0")
    await change(world, long, sku="x" * 101)
    await change(world, ambiguous, sku="KEMBAR")
    await change(world, archived, sku="LAMA")
    await change(world, known, sku=" kaos-l ")
    await change(world, blank, sku="\tKAOS-L")
    await change(world, new, sku="Baru", name="Kaos\nPolos " + "x" * 300, variation="Merah, XL")
    await change(world, alike, sku="BARU ", name="Lain")
    product_id = await make_product(merchant, "KAOS-L", 7)
    await make_product(merchant, "Kembar")
    await make_product(merchant, "kembar")
    old = await make_product(merchant, "LAMA")
    assert (await merchant.http.delete(f"/v1/products/{old}")).status_code == 204
    await merchant.post(f"/v1/listings/{linked['id']}/link", {"product_id": product_id}, expect=200)

    asked = [linked, none, long, ambiguous, archived, known, blank, alike, new, new]
    plan, done = [await make(merchant, asked, dry_run=dry_run) for dry_run in (True, False)]

    assert plan["refused"] == done["refused"]
    assert {one["listing_id"]: one["code"] for one in done["refused"]} == {
        linked["id"]: "linked_already",
        none["id"]: "no_sku",
        long["id"]: "sku_invalid",
        ambiguous["id"]: "sku_ambiguous",
        archived["id"]: "product_archived",
    }
    old_one, new_one = done["products"]
    assert (old_one["product"]["id"], old_one["is_new"]) == (product_id, False)
    assert [one["id"] for one in old_one["listings"]] == [known["id"], blank["id"]]
    assert (old_one["effect"]["is_counted"], old_one["effect"]["available_after"]) == (True, 7)
    assert [one["id"] for one in new_one["listings"]] == [new["id"], alike["id"]]
    assert (new_one["product"]["sku"], new_one["is_new"]) == ("Baru", True)
    name = new_one["product"]["name"]
    assert len(name) == 255 and name.startswith("Kaos Polos xxx") and name.endswith("xxx (Merah, XL)")
    assert [one["product"]["sku"] for one in plan["products"]] == ["KAOS-L", "Baru"]
    again = await make(merchant, asked)
    assert again["products"] == []
    assert [one["code"] for one in again["refused"]].count("linked_already") == 5
    answer = await merchant.http.post(PATH, json={"listing_ids": [archived["id"]]}, headers={"Accept-Language": "id"})
    assert answer.json()["refused"][0]["text"] == "Produk `LAMA` diarsipkan. Kembalikan dahulu."


async def test_anothers_listing_refuses_all(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    listings = await read_listings(world, merchant)
    ids = [one["id"] for one in listings]
    own = await make_product(other_merchant, "ASING")

    link = {"links": [{"listing_id": ids[0], "product_id": own}]}
    linked = (await other_merchant.http.post("/v1/listings/links", json=link)).json()
    for path_ids in (ids[:1], [f"lst_{'0' * 32}"]):
        for dry_run in (True, False):
            answer = await other_merchant.http.post(PATH, json={"listing_ids": path_ids, "dry_run": dry_run})
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["pointer"]) == (422, "/listing_ids/0")
            assert (answer.json()["code"], error["detail"]) == (linked["code"], linked["errors"][0]["detail"])
    mixed = await merchant.http.post(PATH, json={"listing_ids": [*ids[:3], f"lst_{'0' * 32}"]})
    assert (mixed.status_code, mixed.json()["errors"][0]["pointer"]) == (422, "/listing_ids/3")
    assert (await merchant.get("/v1/products"))["data"] == []


@pytest.mark.parametrize("ids", [[], [f"lst_{'0' * 31}{n % 10}" for n in range(201)], ["x"]])
async def test_it_takes_one_to_two_hundred_listings(merchant: Merchant, ids: list[str]) -> None:
    answer = await merchant.http.post(PATH, json={"listing_ids": ids})

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def export(merchant: Merchant, **params: Any) -> bytes:
    answer = await merchant.http.get("/v1/products/export.csv", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="products.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbfsku,name,on_hand,buffer\r\n")
    return answer.content


def counts(answer: httpx.Response) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    return answer.json()["created"], answer.json()["updated"], answer.json()["unchanged"]


async def test_what_is_exported_edited_and_imported_changes_what_was_edited(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    made = await make(merchant, await read_listings(world, merchant))
    named = {
        "=1+1": '=HYPERLINK("x")',
        "-5": "-5,5",
        "'@a": "''=b",
        "＝x": "'plain",
        "00123": "Koma, 'kutip' \"dua\"; \u2028 baris",
        "3-4": "Kancing\u00a0\u00e9\U0001f455",
    }
    for sku, name in named.items():
        product = await merchant.post("/v1/products", {"sku": sku, "name": name, "buffer": 2}, expect=201)
        await merchant.post(f"/v1/products/{product['id']}/stock", {"on_hand": 7}, expect=200)
    await merchant.http.delete(f"/v1/products/{await make_product(merchant, 'ARSIP')}")
    before = (await merchant.get("/v1/products", limit=200))["data"]
    size = len(made["products"]) + len(named)

    for excel in (False, True):
        content = await export(merchant, excel=excel)
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))[1:]
        assert len(rows) == size
        assert not any(cell.startswith(tuple("=+-@＝＋－＠")) for row in rows for cell in row)
        assert {row[2] for row in rows if row[0].strip() in ("00123", "3-4")} == {"7"}
        assert all(row[0].endswith("\t") for row in rows) == excel
        for dry_run in (True, False):
            assert counts(await import_csv(merchant, content.decode(), dry_run=dry_run)) == (0, 0, size)
    assert (await merchant.get("/v1/products", limit=200))["data"] == before
    uncounted = [one for one in before if one["counted_at"] is None]
    assert len(uncounted) == len(made["products"])

    # A seller counts everything in the spreadsheet.
    text = (await export(merchant)).decode().replace(",,0\r\n", ",30,0\r\n")
    assert counts(await import_csv(merchant, text)) == (0, len(uncounted), len(named))
    assert counts(await import_csv(merchant, (await export(merchant)).decode())) == (0, 0, size)
    await world.work()
    assert await told(world, merchant) == {"shopee": {30}}


async def test_an_export_is_of_the_products_that_the_list_shows(merchant: Merchant, other_merchant: Merchant) -> None:
    for sku in ("KAOS-L", "kaos_m", "TOPI%"):
        await make_product(merchant, sku, 3)
    await merchant.http.delete(f"/v1/products/{await make_product(merchant, 'KAOS-XL')}")
    await make_product(other_merchant, "KAOS-ASING", 3)

    for params in ({}, {"q": "kaos"}, {"q": "%"}, {"q": "_"}, {"archived": True}, {"oversold": True}):
        listed = (await merchant.get("/v1/products", **params))["data"]
        rows = list(csv.DictReader(io.StringIO((await export(merchant, **params)).decode("utf-8-sig"))))
        assert sorted(row["sku"] for row in rows) == sorted(one["sku"] for one in listed), params
    assert await export(other_merchant, q="x" * 100) == b"\xef\xbb\xbfsku,name,on_hand,buffer\r\n"
