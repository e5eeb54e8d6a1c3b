"""What a store does by itself: deliveries that stop, pages that drift, switches."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.dev.processes import is_port_free
from tests.connectors.contract.callback import listen


@pytest.fixture
def control(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/_control", trust_env=False, timeout=30) as http:
        yield http


class Store:
    """One store over Basic, as if the site saw TLS."""

    def __init__(self, control: httpx.Client) -> None:
        self.control = control
        self.shop: dict[str, Any] = control.post("/plugo_store/shops", json={"name": "Toko Uji"}).json()
        keys = (self.shop["consumer_key"], self.shop["consumer_secret"])
        self.root = self.shop["base_url"].rpartition("/")[0]
        self.http = httpx.Client(base_url=self.shop["base_url"], auth=keys, trust_env=False, timeout=10)
        self.set(treat_as_tls=True)

    def set(self, **switches: Any) -> None:
        answer = self.http.put(f"{self.root}/_sim/{self.shop['shop_id']}", json=switches)
        assert answer.is_success, answer.text

    def place(self, count: int = 1) -> list[int]:
        body = {"count": count, "shop_id": self.shop["shop_id"]}
        return [int(one) for one in self.control.post("/plugo_store/orders", json=body).json()["order_numbers"]]

    def edit(self, number: int) -> None:
        self.control.post(f"/plugo_store/orders/{number}/advance", json={"to": "edited"}).raise_for_status()

    def orders(self, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.http.get("/wp-json/wc/v3/orders", params=query).json()
        return rows


@pytest.fixture
def store(control: httpx.Client) -> Iterator[Store]:
    opened = Store(control)
    yield opened
    opened.http.close()


def until(look: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + 10
    while look() != wanted:
        assert time.monotonic() < deadline, f"{look()!r} is not {wanted!r}"
        time.sleep(0.01)


def test_the_seventh_failure_in_a_row_switches_a_webhook_off(store: Store) -> None:
    assert is_port_free(9)
    hook = {"topic": "order.updated", "delivery_url": "http://127.0.0.1:9/x", "secret": "s"}
    made = store.http.post("/wp-json/wc/v3/webhooks", json=hook).json()
    path = f"/wp-json/wc/v3/webhooks/{made['id']}"
    store.control.post("/plugo_store/pushes", json={"enabled": False})
    [number] = store.place()
    store.control.post("/plugo_store/pushes", json={"enabled": True})

    def status() -> str:
        return str(store.http.get(path).json()["status"])

    for _ in range(6):
        store.edit(number)
    assert status() == "active"
    for _ in range(2):
        store.edit(number)
    until(status, "disabled")
    assert store.http.put(path, json={"status": "active"}).json()["status"] == "active"


async def test_the_greeting_is_an_unsigned_form(store: Store) -> None:
    async with listen("/v1/push/plugo_store") as listener:
        hook = {"topic": "order.updated", "delivery_url": listener.url, "secret": "s"}
        made = store.http.post("/wp-json/wc/v3/webhooks", json=hook).json()
        greeting = await listener.next()

    assert greeting.body == f"webhook_id={made['id']}".encode()
    assert greeting.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in greeting.headers if name.startswith("x-wc-")]


def test_a_page_that_drifts_skips_a_row(store: Store) -> None:
    """Why page numbers are no way to read by modification."""
    store.control.post("/clock", json={"advance_seconds": 1})
    numbers = set(store.place(30))
    store.control.post("/clock", json={"advance_seconds": 5})
    store.set(drifts=True)
    seen: set[int] = set()
    for page in range(1, 9):
        seen |= {one["id"] for one in store.orders(orderby="modified", order="asc", per_page=4, page=page)}

    assert seen < numbers


def test_switches_of_older_and_other_shops(store: Store) -> None:
    [number] = store.place()
    before = store.orders()[0]["date_modified_gmt"]
    store.control.post("/clock", json={"advance_seconds": 60})
    store.set(meta_moves_modified=False, has_orderby_modified=False, decimals=2, custom_statuses=["shipped"])
    body = {"meta_data": [{"key": "k", "value": {"any": ["json", 1]}}]}

    put = store.http.put(f"/wp-json/wc/v3/orders/{number}", json=body).json()

    assert put["date_modified_gmt"] == before and put["total"].endswith(".00")
    assert put["meta_data"][0]["value"] == {"any": ["json", 1]}
    assert store.http.get("/wp-json/wc/v3/orders", params={"orderby": "modified"}).status_code == 400
    moved = store.http.put(f"/wp-json/wc/v3/orders/{number}", json={"status": "shipped"}).json()
    assert (moved["status"], moved["date_modified_gmt"] > before) == ("shipped", True)


@pytest.mark.parametrize(
    ("weather", "status", "kind"),
    [("maintenance", 503, "text/html"), ("bad_gateway", 502, "text/html"), ("php_warning", 200, "application/json")],
)
def test_what_hosts_answer(store: Store, weather: str, status: int, kind: str) -> None:
    store.set(weather=weather)

    answer = store.http.get("/wp-json/wc/v3/orders")

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind)
    assert answer.text.startswith("<")
    assert ("Retry-After" in answer.headers) == (weather == "maintenance")
