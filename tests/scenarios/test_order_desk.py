"""A day at the packing table: scanners, saved views, orders that cool down, amounts that are checked."""

import asyncio
from typing import Any

from tests.documents.papers import read_pages, scan_pages
from tests.fixtures.marketplace import SimulatedShop
from tests.fixtures.merchant import Merchant
from tests.fixtures.world import World
from tests.scenarios.mall import Mall, arrange, place, spread


async def scan(merchant: Merchant, code: str, action: str) -> tuple[int, Any]:
    answer = await merchant.http.post("/v1/scan", json={"code": code, "action": action})
    return answer.status_code, answer.json()


async def test_whatever_is_printed_on_the_parcel_can_be_scanned(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await arrange(mall, merchant, world)
    for channel, [number] in numbers.items():
        [package] = (await merchant.order(number))["packages"]
        codes = (number, package["package_number"], package["tracking_number"] or number)

        for code, action in zip(codes, ("picked", "packed", "handed_over"), strict=True):
            status, order = await scan(merchant, code, action)
            assert (status, order["order_number"], order["pick_pack"]) == (200, number, action), channel

        entries = [entry["type"] for entry in await merchant.history(number, "pick_pack")]
        assert entries == ["pick_pack.handed_over", "pick_pack.packed", "pick_pack.picked"]


async def test_what_the_scanner_refuses(
    world: World, merchant: Merchant, other_merchant: Merchant, shop: SimulatedShop
) -> None:
    number, gone = await shop.place_orders(2)
    await shop.advance(gone, "cancelled")
    await merchant.import_orders()
    await world.work()

    assert (await scan(merchant, number, "packed"))[0] == 409, "packing before picking"
    assert (await scan(other_merchant, number, "picked"))[1]["code"] == "unknown_code"
    assert (await scan(merchant, "nowhere", "picked"))[1]["code"] == "unknown_code"
    status, problem = await scan(merchant, gone, "picked")
    assert (status, problem["code"]) == (409, "order_cancelled") and gone in problem["detail"]
    [order_id] = await merchant.ids([number])
    await merchant.post(f"/v1/orders/{order_id}/hold", {"reason": "Tanya pembeli"}, expect=200)
    status, problem = await scan(merchant, number, "picked")
    assert (status, "hold" in problem["detail"]) == (409, True), problem
    assert (await merchant.order(number))["pick_pack"] is None


async def test_views_are_kept_shared_and_ones_own(merchant: Merchant, other_merchant: Merchant) -> None:
    wish = {"name": "Terlambat", "filter": {"status": ["ready_to_ship"], "sla": "overdue"}, "sort": "ship_by"}
    view = await merchant.post("/v1/views", wish, expect=201)
    assert view["filter"] == {"status": ["ready_to_ship"], "sla": ["overdue"]} and view["is_mine"]
    key = (
        await merchant.post("/v1/api-keys", {"name": "Rekan", "scopes": ["orders:read", "orders:write"]}, expect=201)
    )["key"]
    colleague = {"Authorization": f"Bearer {key}"}
    path = f"/v1/views/{view['id']}"

    assert (await merchant.http.get("/v1/views", headers=colleague)).json()["data"] == []
    await merchant.http.patch(path, json={"is_shared": True})
    [shared] = (await merchant.http.get("/v1/views", headers=colleague)).json()["data"]
    assert (shared["name"], shared["is_mine"]) == ("Terlambat", False)
    found = await merchant.http.get("/v1/orders", params=shared["filter"])
    assert found.status_code == 200

    refused = await merchant.http.patch(path, json={"name": "Punyaku"}, headers=colleague)
    assert (refused.status_code, refused.json()["code"]) == (409, "view_not_yours")
    assert (await other_merchant.http.delete(path)).status_code == 404
    twice = await merchant.http.post("/v1/views", json=wish)
    assert (twice.status_code, twice.json()["code"]) == (409, "view_name_taken")
    wrong = await merchant.http.post("/v1/views", json={"name": "x", "filter": {"status": ["vanished"]}})
    assert wrong.status_code == 422
    assert (await merchant.http.delete(path)).status_code == 204
    assert (await merchant.get("/v1/views"))["data"] == []


async def test_two_views_cannot_both_take_a_name(merchant: Merchant) -> None:
    made = [await merchant.post("/v1/views", {"name": name, "filter": {}}, expect=201) for name in ("Satu", "Dua")]
    paths = [f"/v1/views/{view['id']}" for view in made]

    for wish in range(5):
        answers = await asyncio.gather(
            *(merchant.http.patch(path, json={"name": f"Baru {wish}"}) for path in paths * 4)
        )
        assert {answer.status_code for answer in answers} == {200, 409}
        assert {one.json()["code"] for one in answers if one.is_error} == {"view_name_taken"}


async def test_many_orders_are_tagged_and_noted_at_once(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    plain, tagged, full = numbers = await shop.place_orders(3)
    await merchant.import_orders()
    await world.work()
    lots = [f"t{n}" for n in range(19)]
    for number, tags in ((tagged, ["gudang B", "vip"]), (full, lots)):
        [order_id] = await merchant.ids([number])
        await merchant.http.patch(f"/v1/orders/{order_id}", json={"tags": tags})

    async def outcomes(action: str, options: dict[str, Any], **selection: Any) -> dict[str, tuple[str, str | None]]:
        body = {"action": action, "selection": selection or {"order_ids": await merchant.ids(numbers)}}
        operation = await merchant.post("/v1/orders/bulk", {**body, "options": options})
        await world.work()
        items = await merchant.items(operation["id"])
        assert {item["next_action"] for item in items.values()} == {None}
        return {number: (item["state"], item["code"]) for number, item in items.items()}

    wish = {"tags": ["vip", "gudang B", "vip"]}
    plan = await merchant.items(await merchant.bulk("add_tags", numbers, options=wish, dry_run=True))
    twin = await merchant.bulk("add_tags", [plain], options=wish)
    adding = await outcomes("add_tags", wish)
    twice = [adding[plain][1], (await merchant.items(twin))[plain]["code"]]

    refused = {tagged: ("skipped", "already_done"), full: ("skipped", "too_many_tags")}
    assert {number: (plan[number]["state"], plan[number]["code"]) for number in (tagged, full)} == refused
    assert "20" in plan[full]["text"] and plan[plain]["state"] == "pending"
    assert adding | refused == adding
    assert sorted(twice, key=str) == [None, "already_done"], "whoever comes second finds it done"
    assert [(await merchant.order(number))["tags"] for number in numbers] == [
        ["vip", "gudang B"],
        ["gudang B", "vip"],
        lots,
    ]
    found = await merchant.orders(tag="gudang B")
    assert {order["order_number"] for order in found} == {plain, tagged}
    facets = await merchant.get("/v1/orders/facets")
    assert facets["tags"][:2] == [{"value": "gudang B", "count": 2}, {"value": "vip", "count": 2}]

    removing = await outcomes("remove_tags", {"tags": ["vip", "t1"]}, filter={"tag": ["vip", "t1"]})
    assert removing == dict.fromkeys(numbers, ("succeeded", None))
    assert len((await merchant.order(full))["tags"]) == 18
    assert await outcomes("remove_tags", {"tags": ["vip"]}) == dict.fromkeys(numbers, ("skipped", "already_done"))

    done, nothing = dict.fromkeys(numbers, ("succeeded", None)), dict.fromkeys(numbers, ("skipped", "already_done"))
    for note, expected in (("Bubble wrap", done), ("Bubble wrap", nothing), (None, done)):
        assert await outcomes("set_note", {"note": note}) == expected, note
    entries = [entry for entry in await merchant.history(plain) if entry["type"] == "order.changed"]
    assert [(entry["from"], entry["to"]) for entry in entries] == [
        ({"note": "Bubble wrap"}, {"note": None}),
        ({"note": None}, {"note": "Bubble wrap"}),
        ({"tags": ["vip", "gudang B"]}, {"tags": ["gudang B"]}),
        ({"tags": []}, {"tags": ["vip", "gudang B"]}),
    ]
    assert {entry["actor"]["type"] for entry in entries} == {"user"}


async def test_a_young_order_cools_down_as_its_shop_wishes(
    world: World, merchant: Merchant, shop: SimulatedShop
) -> None:
    [number] = await shop.place_orders(1)
    await merchant.import_orders()
    await world.work()
    [row] = (await merchant.get("/v1/shops"))["data"]

    async def plan(mode: str) -> dict[str, Any]:
        answer = await merchant.http.patch(f"/v1/shops/{row['id']}", json={"cooling": {"minutes": 60, "mode": mode}})
        assert answer.status_code == 200
        [item] = (await merchant.items(await merchant.arrange([number], dry_run=True))).values()
        [offer] = [
            one for one in (await merchant.detail(number))["next_actions"] if one["action"] == "arrange_shipment"
        ]
        assert (await merchant.order(number))["next_actions"] == (await merchant.detail(number))["next_actions"]
        assert (offer["is_allowed"], offer["code"]) == (item["code"] is None, item["code"]), mode
        return item

    assert [(one["state"], one["code"], one["warning"]) for one in [await plan("respect")]] == [
        ("skipped", "cooling", None)
    ]
    assert [(one["state"], one["warning"]) for one in [await plan("warn")]] == [("pending", "cooling")]
    assert [(one["state"], one["warning"]) for one in [await plan("ignore")]] == [("pending", None)]
    await plan("respect")
    await world.pass_time(3700)
    arranging = await merchant.arrange([number])
    await world.work()
    assert [item["state"] for item in (await merchant.items(arranging)).values()] == ["succeeded"]


async def test_one_pick_list_for_orders_of_every_channel(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 2)
    selected = spread(numbers)
    await mall["shopee"].advance(numbers["shopee"][0], "cancelled")
    [cancelled_id] = await merchant.ids(numbers["shopee"][:1])
    await merchant.post(f"/v1/orders/{cancelled_id}/sync")
    await world.work()

    operation_id = await merchant.bulk("print_pick_list", selected, options={"language": "en"})
    await world.work()

    operation = await merchant.operation(operation_id)
    assert operation["counts"]["succeeded"] == len(selected) - 1
    [made] = operation["result"]["documents"]
    content = (await merchant.http.get(f"/v1/documents/{made['id']}/content")).content
    text = " ".join(read_pages(content))
    orders = [order for order in await merchant.orders(order_number=selected) if order["id"] != cancelled_id]
    wanted: dict[str, int] = {}
    for order in orders:
        for line in order["lines"]:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + line["quantity"]
        assert order["order_number"] in text
    assert numbers["shopee"][0] not in text, "what is cancelled stays on the shelf"
    assert f"{len(orders)} orders · {len(wanted)} products · {sum(wanted.values())} pieces" in text
    assert set(scan_all(content)) == set(wanted), "every SKU has its bar code"
    document = await merchant.get(f"/v1/documents/{made['id']}")
    assert [(one["order_number"], one["code"]) for one in document["missing"]] == [
        (numbers["shopee"][0], "order_cancelled")
    ]


def scan_all(content: bytes) -> list[str]:
    """Every Code 128 of every page."""
    return [code for page in scan_pages(content) for code in page.get("Code 128", [])]


async def test_papers_by_sku_singles_before_mixed(world: World, merchant: Merchant, shop: SimulatedShop) -> None:
    numbers = [await shop.place_order(lines=count) for count in (2, 1, 1, 2, 1)]
    await merchant.import_orders()
    await world.work()

    printing = [
        await merchant.bulk(action, numbers, options={"sort": "sku"})
        for action in ("print_invoices", "print_packing_slips")
    ]
    await world.work()

    orders = {order["order_number"]: order for order in await merchant.orders(order_number=numbers)}
    printed = []
    for operation_id in printing:
        [made] = (await merchant.operation(operation_id))["result"]["documents"]
        manifest = (await merchant.get(f"/v1/documents/{made['id']}"))["manifest"]
        printed = [page["order_number"] for page in manifest]
        skus = [sorted({line["sku"] for line in orders[number]["lines"]}) for number in printed]
        assert len(skus) == 5 and skus == sorted(skus, key=lambda one: (len(one) > 1, one[0]))

    # Packing slips go on sheets that labels have begun; their bar codes are what the packing table scans.
    path = f"/v1/documents/{made['id']}/content"
    sheets = await merchant.http.get(path, params={"layout": "a4x4", "start": "3"})
    assert "packing_slips_" in sheets.headers["content-disposition"]
    assert [len(page["Code 128"]) for page in scan_pages(sheets.content)] == [2, 3]
    assert set(scan_all(sheets.content)) == set(numbers)
    assert (await scan(merchant, printed[0], "picked"))[0] == 200
    assert "packing_slip.printed" in [entry["type"] for entry in await merchant.history(printed[0])]


async def test_amounts_agree_with_a_fresh_read(world: World, merchant: Merchant, mall: Mall) -> None:
    numbers = await place(mall, merchant, world, 1)
    for [number] in numbers.values():
        [order_id] = await merchant.ids([number])
        path = f"/v1/orders/{order_id}/amounts/compare"

        fresh = await merchant.post(path, expect=200)
        await world.sql("update orders set total_amount = total_amount + 1 where order_number = $1", number)
        wrong = await merchant.post(path, expect=200)
        await world.sql(
            "update orders set channel_updated_at = channel_updated_at - interval '1 day' where order_number = $1",
            number,
        )
        old = await merchant.post(path, expect=200)

        assert (fresh["state"], fresh["differences"]) == ("in_sync", [])
        assert (wrong["state"], [one["kind"] for one in wrong["differences"]]) == ("unexplained", ["total"])
        assert (old["state"], old["explanation"]) == ("explained", "order_changed")
