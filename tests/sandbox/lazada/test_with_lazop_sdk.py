"""The PyPI client `lazop-sdk`, as it is, through an order's whole life."""

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests


@pytest.fixture
def lazop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """It opens a log file in the home folder when it is imported."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return importlib.import_module("lazop_sdk")


@pytest.fixture
def control(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/_control", trust_env=False, timeout=30) as http:
        http.delete("/faults")
        yield http


class Seller:
    """A seller's calls through the SDK."""

    def __init__(self, lazop: Any, control: httpx.Client) -> None:
        self.lazop, self.control = lazop, control
        self.app = control.get("/credentials").json()["lazada"]
        self.shop = control.post("/lazada/shops", json={"name": "Toko Uji"}).json()
        self.client = lazop.LazopClient(self.app["base_url"], self.app["app_key"], self.app["app_secret"])
        self.token = self.shop["access_token"]

    def call(self, path: str, method: str = "GET", **parameters: str) -> dict[str, Any]:
        request = self.lazop.LazopRequest(path, method)
        for name, value in parameters.items():
            request.add_api_param(name, value)
        body: dict[str, Any] = self.client.execute(request, self.token).body
        return body

    def good(self, path: str, method: str = "GET", **parameters: str) -> Any:
        body = self.call(path, method, **parameters)
        assert body["code"] == "0", body
        if "result" in body:
            assert body["result"]["success"] is True
            return body["result"]["data"]
        return body["data"]

    def place(self, count: int = 1, **wish: Any) -> list[str]:
        body = {"count": count, "shop_id": self.shop["shop_id"], **wish}
        numbers: list[str] = self.control.post("/lazada/orders", json=body).json()["order_numbers"]
        return numbers

    def items(self, number: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.good("/order/items/get", order_id=number)
        return found

    def ledger(self, number: str) -> list[tuple[str, bool]]:
        rows = self.control.get("/ledger", params={"order_number": number}).json()["data"]
        return [(row["operation"], row["effective"]) for row in rows]

    def pack(self, number: str) -> list[dict[str, Any]]:
        wish = {
            "pack_order_list": [
                {"order_id": int(number), "order_item_list": [item["order_item_id"] for item in self.items(number)]}
            ],
            "delivery_type": "dropship",
            "shipping_allocate_type": "TFS",
        }
        [packed] = self.good("/order/fulfill/pack", "POST", packReq=json.dumps(wish))["pack_order_list"]
        told: list[dict[str, Any]] = packed["order_item_list"]
        return told


@pytest.fixture
def seller(lazop: Any, control: httpx.Client) -> Seller:
    return Seller(lazop, control)


def moment(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def test_an_orders_whole_life(seller: Seller) -> None:
    [number] = seller.place(lines=2)
    page = seller.good(
        "/orders/get", update_after=moment(days=1), status="pending", sort_by="updated_at", sort_direction="ASC"
    )
    assert [str(order["order_id"]) for order in page["orders"]] == [number]
    order = seller.good("/order/get", order_id=number)
    assert (order["statuses"], type(order["price"]), type(order["shipping_fee"])) == (["pending"], str, float)
    [group] = seller.good("/orders/items/get", order_ids=f"[{number}]")
    assert {item["status"] for item in group["order_items"]} == {"pending"}

    packed = seller.pack(number)
    assert {item["item_err_code"] for item in packed} == {"0"}
    [package] = {item["package_id"] for item in packed}
    assert {item["item_err_code"] for item in seller.pack(number)} == {"700026"}, "packed before"
    document = {"doc_type": "PDF", "packages": [{"package_id": package}]}
    printed = seller.good("/order/package/document/get", "POST", getDocumentReq=json.dumps(document))
    assert requests.get(printed["pdf_url"], timeout=10).content.startswith(b"%PDF")
    ready = json.dumps({"packages": [{"package_id": package}]})
    assert seller.good("/order/package/rts", "POST", readyToShipReq=ready)["packages"][0]["item_err_code"] == "0"
    assert seller.good("/order/package/rts", "POST", readyToShipReq=ready)["packages"][0]["item_err_code"] == "700000"
    assert {item["status"] for item in seller.items(number)} == {"ready_to_ship"}
    item_id = str(seller.items(number)[0]["order_item_id"])
    assert seller.call("/order/invoice_number/set", "POST", order_item_id=item_id, invoice_number="I-1")["code"] == "0"

    for step in ("collected", "delivered"):
        seller.control.post(f"/lazada/orders/{number}/advance", json={"to": step}).raise_for_status()
    assert {item["status"] for item in seller.items(number)} == {"delivered"}
    assert seller.call("/logistic/order/trace", order_id=number)["code"] == "0"
    assert seller.ledger(number) == [("receive", True), ("receive", False), ("ship", True), ("ship", False)]


def test_the_seller_cancels_and_answers(seller: Seller) -> None:
    first, second = seller.place(2)
    ids = json.dumps([item["order_item_id"] for item in seller.items(first)])
    offered = seller.good("/order/reverse/cancel/validate", order_id=first, order_item_id_list=ids)
    reason = str(offered["reason_options"][0]["reason_id"])
    wish = {"order_id": first, "order_item_id_list": ids, "reason_id": reason}
    assert seller.good("/order/reverse/cancel/create", **wish)["tip_type"] == "success"
    assert {item["status"] for item in seller.items(first)} == {"canceled"}

    seller.control.post(f"/lazada/orders/{second}/advance", json={"to": "cancel_requested"}).raise_for_status()
    listed = seller.call("/reverse/getreverseordersforseller", page_no="1", page_size="50")
    [request] = listed["result"]["items"]
    assert str(request["trade_order_id"]) == second
    answer = {"reverse_order_id": str(request["reverse_order_id"]), "agree_cancel": "true"}
    assert seller.call("/order/reverse/cancel/seller/decide", **answer)["code"] == "0"
    assert seller.call("/order/reverse/cancel/seller/decide", **answer)["code"] == "131"
    assert seller.control.get(f"/lazada/orders/{second}").json()["cancellation"] == "approved"
    assert seller.ledger(first) == [("cancel", True)]
    assert seller.ledger(second) == [("answer_cancellation", True), ("answer_cancellation", False)]


def test_stock_by_xml_and_json(seller: Seller) -> None:
    [product, *_] = seller.good("/products/get", filter="all", limit="10")["products"]
    sku = product["skus"][0]
    xml = (
        f"<Request><Product><Skus><Sku><ItemId>{product['item_id']}</ItemId><SkuId>{sku['SkuId']}</SkuId>"
        f"<SellableQuantity>7</SellableQuantity></Sku></Skus></Product></Request>"
    )

    told = seller.call("/product/stock/sellable/update", "POST", payload=xml)

    assert told["code"] == "0" and not told.get("detail")
    [again, *_] = seller.good("/products/get", filter="all", limit="10")["products"]
    assert again["skus"][0]["sellableStock" if "sellableStock" in sku else "quantity"] == 7


def test_tokens_are_traded_and_renewed(seller: Seller) -> None:
    code = seller.control.post("/lazada/consent", json={"shop_id": seller.shop["shop_id"]}).json()["code"]
    seller.token = ""
    made = seller.call("/auth/token/create", "POST", code=code)
    assert made["code"] == "0" and made["country"] == "id"
    assert [str(one["seller_id"]) for one in made["country_user_info"]] == [seller.shop["shop_id"]]
    assert seller.call("/auth/token/create", "POST", code=code)["code"] != "0", "a code is good once"
    renewed = seller.call("/auth/token/refresh", "POST", refresh_token=made["refresh_token"])
    assert renewed["access_token"] not in ("", made["access_token"])
    seller.token = renewed["access_token"]
    assert str(seller.good("/seller/get")["seller_id"]) == seller.shop["shop_id"]


def test_what_the_gateway_refuses(seller: Seller, lazop: Any) -> None:
    token, seller.token = seller.token, "50000nonsense"
    assert seller.call("/seller/get")["code"] == "IllegalAccessToken"
    seller.token = token
    assert seller.call("/no/such/path")["code"] == "InvalidApiPath"
    assert seller.call("/order/fulfill/pack")["code"] in ("UnsupportedHTTPMethod", "MissingParameter")
    assert seller.call("/orders/get")["code"] == "18"
    assert seller.call("/order/get", order_id="999")["code"] == "16"
    assert seller.call("/orders/get", update_after=moment(days=1), limit="101")["code"] == "19"
    forger = lazop.LazopClient(seller.app["base_url"], seller.app["app_key"], "another secret")
    refused = forger.execute(lazop.LazopRequest("/seller/get", "GET"), token)
    assert (refused.code, refused.type) == ("IncompleteSignature", "ISV")
    stranger = lazop.LazopClient(seller.app["base_url"], "999", seller.app["app_secret"])
    assert stranger.execute(lazop.LazopRequest("/seller/get", "GET"), token).code == "InvalidAppKey"
