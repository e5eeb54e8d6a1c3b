"""The PyPI client `woocommerce`, as it is, through an order's whole life."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from woocommerce import API

DONE = [{"key": "plugosync_fulfilment", "value": "delivered"}]


@pytest.fixture
def control(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/_control", trust_env=False, timeout=30) as http:
        http.delete("/faults")
        yield http


@pytest.fixture
def shop(control: httpx.Client) -> dict[str, Any]:
    made: dict[str, Any] = control.post("/plugo_store/shops", json={"name": "Toko Uji"}).json()
    return made


@pytest.fixture
def wc(shop: dict[str, Any]) -> API:
    return API(
        url=shop["base_url"], consumer_key=shop["consumer_key"], consumer_secret=shop["consumer_secret"], timeout=10
    )


def place(control: httpx.Client, shop: dict[str, Any], count: int = 1, **wish: Any) -> list[int]:
    body = {"count": count, "shop_id": shop["shop_id"], **wish}
    return [int(number) for number in control.post("/plugo_store/orders", json=body).json()["order_numbers"]]


def ledger(control: httpx.Client, number: int) -> list[tuple[str, bool]]:
    rows = control.get("/ledger", params={"order_number": str(number)}).json()["data"]
    return [(row["operation"], row["effective"]) for row in rows]


def test_an_orders_whole_life(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    [number] = place(control, shop, lines=2)
    feed = {
        "status": "processing,on-hold",
        "modified_after": "2026-01-01T00:00:00",
        "dates_are_gmt": True,
        "orderby": "modified",
        "order": "asc",
        "per_page": 100,
    }
    answer = wc.get("orders", params=feed)
    assert answer.status_code == 200 and [one["id"] for one in answer.json()] == [number]
    order = wc.get(f"orders/{number}").json()
    assert (order["status"], order["currency"], len(order["line_items"])) == ("processing", "IDR", 2)
    paid = sum(int(line["total"]) for line in order["line_items"]) + int(order["shipping_total"])
    assert paid == int(order["total"])

    keys = {
        "plugosync_fulfilment": "processed",
        "plugosync_shipment_id": "s-1",
        "plugosync_courier": "JNE REG",
        "plugosync_tracking_number": "JNE0012345678",
    }
    body = {"meta_data": [{"key": key, "value": value} for key, value in keys.items()]}
    for _ in range(2):
        put = wc.put(f"orders/{number}", body)
        assert put.status_code == 200 and put.json()["status"] == "processing"
    told = {row["key"]: row["value"] for row in wc.get(f"orders/{number}").json()["meta_data"]}
    assert keys.items() <= told.items()
    note = wc.post(f"orders/{number}/notes", {"note": "Resi JNE0012345678 é", "customer_note": True})
    assert note.status_code == 201 and note.json()["customer_note"] is True
    assert [one["note"] for one in wc.get(f"orders/{number}/notes", params={"type": "customer"}).json()] == [
        "Resi JNE0012345678 é"
    ]
    wc.put(f"orders/{number}", {"meta_data": [{"key": "plugosync_fulfilment", "value": "dispatched"}]})
    finished = wc.put(f"orders/{number}", {"status": "completed", "meta_data": DONE}).json()
    assert finished["status"] == "completed" and finished["date_completed_gmt"]

    assert ledger(control, number) == [("ship", True), ("ship", False), ("dispatch", True), ("deliver", True)]
    truth = control.get(f"/plugo_store/orders/{number}").json()
    assert (truth["state"], truth["packages"][0]["tracking_number"]) == ("delivered", "JNE0012345678")


def test_pages_and_their_headers(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    numbers = place(control, shop, 25)

    first = wc.get("orders", params={"orderby": "id", "order": "asc"})
    second = wc.get("orders", params={"orderby": "id", "order": "asc", "page": 3})
    beyond = wc.get("orders", params={"page": 9})

    assert [one["id"] for one in first.json() + second.json()] == numbers[:10] + numbers[20:]
    assert (first.headers["X-WP-Total"], first.headers["X-WP-TotalPages"]) == ("25", "3")
    assert 'rel="next"' in first.headers["Link"] and 'rel="prev"' not in first.headers["Link"]
    assert 'rel="prev"' in second.headers["Link"] and 'rel="next"' not in second.headers["Link"]
    assert (beyond.status_code, beyond.json()) == (200, [])
    some = wc.get("orders", params={"include": ",".join(map(str, numbers[:2])), "_fields": "status"}).json()
    assert sorted(one["id"] for one in some) == numbers[:2] and set(some[0]) == {"id", "status"}


def test_dates_are_the_sites_own_unless_told_otherwise(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    [number] = place(control, shop)
    order = wc.get(f"orders/{number}").json()
    utc, local = (datetime.fromisoformat(order[name]) for name in ("date_modified_gmt", "date_modified"))
    assert local - utc == timedelta(hours=7)
    before = (utc - timedelta(seconds=1)).isoformat()

    def found(**query: Any) -> list[int]:
        return [one["id"] for one in wc.get("orders", params=query).json()]

    assert found(modified_after=before, dates_are_gmt="true") == [number]
    assert found(modified_after=utc.isoformat(), dates_are_gmt="true") == [], "exclusive"
    assert found(modified_before=(utc + timedelta(hours=6)).isoformat()) == [], "six hours ahead of UTC is before WIB"
    assert found(modified_before=(utc + timedelta(hours=6)).isoformat(), dates_are_gmt="true") == [number]


@pytest.mark.parametrize(
    ("name", "value"), [("per_page", 101), ("page", 0), ("status", "nonsense"), ("after", "x"), ("orderby", "colour")]
)
def test_bad_parameters(wc: API, name: str, value: Any) -> None:
    answer = wc.get("orders", params={name: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_param")
    assert name in answer.json()["data"]["params"] and name in answer.json()["data"]["details"]


def test_errors_of_unknown_things(wc: API) -> None:
    read, write = wc.get("orders/999999999"), wc.put("orders/999999999", {"status": "completed"})
    assert (read.status_code, write.status_code) == (404, 400)
    assert read.json()["code"] == write.json()["code"] == "woocommerce_rest_shop_order_invalid_id"
    assert wc.get("products/999999999").json()["code"] == "woocommerce_rest_product_invalid_id"
    assert wc.get("orders/1/shipment-trackings").status_code == 404
    assert wc.get("nothing").json()["code"] == "rest_no_route"


def test_a_batch_never_fails_as_a_whole(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    first, second = place(control, shop, 2)
    body = {"update": [{"id": first, "status": "nonsense"}, {"id": 999999999}, {"id": second, "status": "completed"}]}

    answer = wc.post("orders/batch", body)

    assert answer.status_code == 200
    pending, failed, completed = answer.json()["update"]
    assert (pending["status"], completed["status"]) == ("pending", "completed"), "no look at the schema in a batch"
    assert failed["error"]["code"] == "woocommerce_rest_shop_order_invalid_id"
    assert wc.put(f"orders/{first}", {"status": "nonsense"}).json()["code"] == "rest_invalid_param"
    many = wc.post("orders/batch", {"update": [{"id": number} for number in range(101)]})
    assert (many.status_code, many.json()["code"]) == (413, "woocommerce_rest_request_entity_too_large")


def test_stock_follows_orders_and_writes(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    [number] = place(control, shop, lines=1)
    [line] = wc.get(f"orders/{number}").json()["line_items"]
    parent, variation = line["product_id"], line["variation_id"]
    path = f"products/{parent}/variations/{variation}" if variation else f"products/{parent}"
    reduced = wc.get(path).json()["stock_quantity"]

    wc.put(f"orders/{number}", {"status": "cancelled"})
    assert wc.get(path).json()["stock_quantity"] == reduced + line["quantity"]
    assert ledger(control, number) == [("cancel", True)]
    written = wc.put(path, {"manage_stock": True, "stock_quantity": 0}).json()
    assert (written["stock_quantity"], written["stock_status"]) == (0, "outofstock")
    by_sku = wc.get("products", params={"sku": line["sku"]}).json()
    assert [one["id"] for one in by_sku] == [variation or parent], "variations are found by SKU"
    parents = wc.get("products", params={"per_page": 100}).json()
    assert {one["type"] for one in parents} == {"simple", "variable"}
    if variation:
        assert wc.put(f"products/{variation}", {"stock_quantity": 3}).status_code == 404


def test_keys_that_are_wrong(
    control: httpx.Client, shop: dict[str, Any], wc: API, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = API(url=shop["base_url"], consumer_key=f"ck_{'0' * 40}", consumer_secret="cs_x")
    wrong = API(url=shop["base_url"], consumer_key=shop["consumer_key"], consumer_secret=f"cs_{'0' * 40}")

    assert unknown.get("orders").json()["message"] == "Consumer key is invalid."
    answer = wrong.get("orders")
    assert answer.status_code == 401
    assert answer.json()["message"] == "Invalid signature - provided signature does not match."
    with monkeypatch.context() as patched:
        patched.setattr("woocommerce.api.time", lambda: time.time() - 1000)
        assert wc.get("orders").json()["message"] == "Invalid timestamp."
    other = control.post("/plugo_store/shops", json={"name": "Toko Lain"}).json()
    stranger = API(
        url=other["base_url"], consumer_key=shop["consumer_key"], consumer_secret=shop["consumer_secret"], timeout=10
    )
    assert stranger.get("orders").status_code == 401, "a key opens its own store only"


def test_basic_is_taken_where_the_site_sees_tls(shop: dict[str, Any]) -> None:
    url, keys = f"{shop['base_url']}/wp-json/wc/v3/orders", (shop["consumer_key"], shop["consumer_secret"])
    tls = {"X-Forwarded-Proto": "https"}
    with httpx.Client(trust_env=False) as http:
        plain = http.get(url, auth=keys)
        assert (plain.status_code, plain.json()["code"]) == (401, "woocommerce_rest_cannot_view")
        assert http.get(url, auth=keys, headers=tls).json() == []
        refused = http.get(url, auth=(keys[0], "cs_wrong"), headers=tls)
        assert refused.json()["message"] == "Consumer secret is invalid." and "www-authenticate" in refused.headers
        in_query = dict(zip(("consumer_key", "consumer_secret"), keys, strict=True))
        assert http.get(url, params=in_query, headers=tls).json() == []


def test_webhooks_are_kept_and_their_secrets_are_not_shown(wc: API) -> None:
    body = {"name": "x", "topic": "order.updated", "delivery_url": "http://127.0.0.1:9/x", "secret": "s3cret"}
    made = wc.post("webhooks", body)
    assert made.status_code == 201 and made.json()["status"] == "active" and "secret" not in made.json()
    one = f"webhooks/{made.json()['id']}"

    assert wc.put(one, {"status": "paused"}).json()["status"] == "paused"
    assert [hook["id"] for hook in wc.get("webhooks", params={"status": "paused"}).json()] == [made.json()["id"]]
    assert wc.delete(one).status_code == 501
    assert wc.delete(one, params={"force": True}).status_code == 200
    assert (wc.get(one).status_code, wc.get("webhooks").json()) == (400, [])
    wrong = wc.post("webhooks", {**body, "topic": "order.nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "woocommerce_rest_shop_webhook_invalid_topic")


def test_refunds_answer_500_with_a_bare_number(control: httpx.Client, shop: dict[str, Any], wc: API) -> None:
    [number] = place(control, shop)
    total = wc.get(f"orders/{number}").json()["total"]

    too_much = wc.post(f"orders/{number}/refunds", {"amount": f"{total}0", "api_refund": False})
    assert (too_much.status_code, too_much.json()["data"]) == (500, 500)
    whole = wc.post(f"orders/{number}/refunds", {"amount": total, "reason": "Stok habis", "api_refund": False})
    assert whole.status_code == 201
    order = wc.get(f"orders/{number}").json()
    assert (order["status"], order["refunds"][0]["total"], order["total"]) == ("refunded", f"-{total}", total)
