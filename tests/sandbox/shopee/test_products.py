"""Listings, and stock that buyers and sellers move."""

from typing import Any

import pytest

from tests.sandbox.shopee.conftest import Caller, Control


async def items(caller: Caller) -> list[Any]:
    listed = await caller.read("product/get_item_list", offset=0, page_size=100, item_status=["NORMAL", "UNLIST"])
    ids = ",".join(str(one["item_id"]) for one in listed["item"])
    found: list[Any] = (await caller.read("product/get_item_base_info", item_id_list=ids))["item_list"]
    return found


async def stock(caller: Caller, item: Any) -> dict[int, int]:
    """Seller stock by model; an item without models has model 0."""
    if not item["has_model"]:
        [fresh] = (await caller.read("product/get_item_base_info", item_id_list=item["item_id"]))["item_list"]
        return {0: fresh["stock_info_v2"]["seller_stock"][0]["stock"]}
    models = (await caller.read("product/get_model_list", item_id=item["item_id"]))["model"]
    return {one["model_id"]: one["stock_info_v2"]["seller_stock"][0]["stock"] for one in models}


async def test_listings_are_paged_by_offset(caller: Caller) -> None:
    path = "product/get_item_list"
    first = await caller.read(path, offset=0, page_size=3, item_status="NORMAL")
    rest = await caller.read(path, offset=first["next_offset"], page_size=100, item_status="NORMAL")

    assert (len(first["item"]), first["has_next_page"], rest["has_next_page"]) == (3, True, False)
    assert len(first["item"]) + len(rest["item"]) == first["total_count"]
    assert await caller.error(path, offset=0, page_size=3) == "error_param"
    assert (await caller.read(path, offset=0, page_size=3, item_status="BANNED"))["item"] == []


async def test_price_and_stock_stand_at_the_models(caller: Caller) -> None:
    found = await items(caller)
    with_models = [one for one in found if one["has_model"]]
    [plain] = [one for one in found if not one["has_model"]]

    assert all("stock_info_v2" not in one for one in with_models)
    assert plain["price_info"][0]["current_price"] > 0
    assert list(await stock(caller, plain)) == [0]


@pytest.mark.parametrize("has_model", [True, False])
async def test_stock_is_set_absolutely(control: Control, caller: Caller, has_model: bool) -> None:
    item = next(one for one in await items(caller) if one["has_model"] == has_model)
    model = min(await stock(caller, item))
    body = {"item_id": item["item_id"], "stock_list": [{"model_id": model, "seller_stock": [{"stock": 42}]}]}

    for _ in range(2):
        done = await caller.write("product/update_stock", **body)

    assert done["success_list"] == [{"model_id": model, "location_id": "", "stock": 42}]
    assert (await stock(caller, item))[model] == 42
    rows = (await control.get("ledger", operation="update_stock"))["data"]
    mine = [row["effective"] for row in rows if row["params"]["item_id"] == item["item_id"]]
    assert mine == [True, False], "the second set changed nothing"


async def test_a_stock_call_fails_model_by_model(caller: Caller) -> None:
    item = next(one for one in await items(caller) if one["has_model"])
    model = min(await stock(caller, item))

    async def update(*entries: tuple[object, object]) -> Any:
        stocks = [{"model_id": name, "seller_stock": [{"stock": amount}]} for name, amount in entries]
        return (await caller.post("product/update_stock", {"item_id": item["item_id"], "stock_list": stocks})).json()

    partly = await update((model, 5), (1, 5))
    wholly = await update((model, -1))

    assert (partly["error"], len(partly["response"]["success_list"])) == ("", 1)
    assert partly["response"]["failure_list"] == [{"model_id": 1, "failed_reason": "Wrong model_id."}]
    assert wholly["error"] == "error_busi_update_stock_failed"
    assert (await update((model, 1), (model, 2)))["error"] == "error_param"
    assert (await update((0, 1)))["error"] == "error_edit_item_stock_for_item_has_model"
    assert await caller.refusal("product/update_stock", item_id=1) == "product.error_item_not_found"


async def test_buyers_take_stock_and_cancellations_give_it_back(control: Control, caller: Caller) -> None:
    found = {one["item_id"]: one for one in await items(caller)}
    [number] = await control.place(caller.shop, lines=3)
    path = {"order_sn_list": number, "response_optional_fields": "item_list"}
    [order] = (await caller.read("order/get_order_detail", **path))["order_list"]

    async def missing() -> list[int]:
        return [
            100_000 - (await stock(caller, found[line["item_id"]]))[line["model_id"]] for line in order["item_list"]
        ]

    assert await missing() == [line["model_quantity_purchased"] for line in order["item_list"]]
    await control.advance(number, "cancelled")
    assert await missing() == [0, 0, 0]


async def test_a_shop_that_is_sold_out_sells_nothing(control: Control, caller: Caller) -> None:
    for item in await items(caller):
        entries = [{"model_id": name, "seller_stock": [{"stock": 0}]} for name in await stock(caller, item)]
        await caller.write("product/update_stock", item_id=item["item_id"], stock_list=entries)

    assert await control.status("shopee/orders", count=1, shop_id=caller.shop["shop_id"]) == 409
