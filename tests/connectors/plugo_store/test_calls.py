"""What goes over the wire to a store, and what its odd answers mean."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from app.channels.contract import Handover, PackageRef, ShopAccess
from app.channels.errors import (
    AlreadyDone,
    ChannelError,
    Malformed,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    Unknown,
)
from app.connectors.plugo_store import feed
from app.connectors.plugo_store.connector import PlugoStoreConnector
from tests.connectors.plugo_store.conftest import KEY, SECRET, STORE, order

PACKAGE = PackageRef("727", "727", is_only_package=True)
JNE = Handover("manual", courier="JNE REG", tracking_number="JNE0012345678", reference="op-1")
SINCE, UNTIL = datetime(2026, 11, 22, 2, tzinfo=UTC), datetime(2026, 11, 22, 3, tzinfo=UTC)
INDEX = {"name": "Toko", "url": STORE, "namespaces": ["wc/v3", "wc-shipment-tracking/v3"]}
NO_ORDER = "woocommerce_rest_shop_order_invalid_id"


def failure(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "Nein.", "data": {"status": status}})


ANSWERS: list[tuple[httpx.Response, type[ChannelError], type[ChannelError]]] = [
    (failure(400, "rest_invalid_param"), Rejected, Rejected),
    (failure(404, NO_ORDER), Rejected, Rejected),
    (failure(400, NO_ORDER), Rejected, Rejected),
    (failure(401, "woocommerce_rest_cannot_view"), Unauthorized, Unauthorized),
    (failure(401, "woocommerce_rest_authentication_error"), Unauthorized, Unauthorized),
    (httpx.Response(401, html="<h1>401</h1>"), Unauthorized, Unauthorized),
    (failure(403, "woocommerce_rest_cannot_edit"), Rejected, Rejected),
    (httpx.Response(403, html="<h1>Firewall</h1>"), Unavailable, Unknown),
    (httpx.Response(429, html="<h1>Slow down</h1>", headers={"Retry-After": "7"}), Throttled, Throttled),
    (httpx.Response(503, html="<h1>Maintenance</h1>", headers={"Retry-After": "600"}), Throttled, Throttled),
    (httpx.Response(503, html="<h1>Down</h1>"), Unavailable, Unknown),
    (httpx.Response(502, html="<h1>Bad Gateway</h1>"), Unavailable, Unknown),
    (failure(500, "internal_server_error"), Unavailable, Unknown),
    (httpx.Response(301, headers={"Location": "https://elsewhere.test/"}), Unavailable, Unknown),
    (httpx.Response(200, html="<b>Warning</b>: PHP [{}]"), Malformed, Unknown),
    (httpx.Response(200, content=b'[{"id": 727, "sta'), Malformed, Unknown),
    (httpx.Response(200, json="a text"), Malformed, Unknown),
    (httpx.Response(200, content=b'{"id": ' + b"9" * 5000 + b"}"), Malformed, Unknown),
]


@pytest.mark.parametrize(("answer", "as_read", "as_write"), ANSWERS)
async def test_odd_answers(
    store: PlugoStoreConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    answer: httpx.Response,
    as_read: type[ChannelError],
    as_write: type[ChannelError],
) -> None:
    """The same answer tells less of a write: it may have taken effect."""
    api.get("/wc/v3/orders").mock(return_value=answer)
    api.get("/wc/v3/orders/727").respond(json=order())
    api.get("/").respond(json=INDEX)
    put = api.put("/wc/v3/orders/727").mock(return_value=answer)

    with pytest.raises(ChannelError) as written:
        await store.arrange_shipment(access, PACKAGE, JNE)
    with pytest.raises(ChannelError) as read:
        await store.get_orders(access, ["727"])

    assert (type(read.value), type(written.value)) == (as_read, as_write)
    assert put.call_count == 1, "a write is tried once"


async def test_the_host_says_how_long_to_pause(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/orders").respond(429, html="", headers={"Retry-After": "7"})

    with pytest.raises(Throttled) as told:
        await store.get_orders(access, ["727"])
    assert told.value.retry_after == 7


async def test_a_lost_answer_is_unknown(store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    api.get("/wc/v3/orders/727").respond(json=order())
    api.get("/").respond(json=INDEX)
    api.put("/wc/v3/orders/727").mock(side_effect=httpx.ReadTimeout("lost"))

    with pytest.raises(Unknown):
        await store.arrange_shipment(access, PACKAGE, JNE)


async def test_arranging_is_one_put_that_keeps_foreign_parcels(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    foreign = {"custom_tracking_provider": "SiCepat", "tracking_number": "000123", "tracking_id": "f" * 32}
    api.get("/").respond(json=INDEX)
    api.get("/wc/v3/orders/727").respond(json=order(meta={"_wc_shipment_tracking_items": [foreign]}))
    put = api.put("/wc/v3/orders/727").mock(side_effect=_keep)

    await store.arrange_shipment(access, PACKAGE, JNE)

    body = json.loads(put.calls.last.request.content)
    assert set(body) == {"meta_data"}, "the status stays: the buyer gets no mail yet"
    told = {entry["key"]: entry["value"] for entry in body["meta_data"]}
    assert (told["plugosync_fulfilment"], told["plugosync_shipment_id"]) == ("processed", "op-1")
    assert (told["plugosync_courier"], told["plugosync_tracking_source"]) == ("JNE REG", "merchant")
    assert [item["tracking_number"] for item in told["_wc_shipment_tracking_items"]] == ["000123", "JNE0012345678"]
    token = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    assert put.calls.last.request.headers["authorization"] == f"Basic {token}"


def _keep(request: httpx.Request) -> httpx.Response:
    told = {entry["key"]: entry["value"] for entry in json.loads(request.content)["meta_data"]}
    return httpx.Response(200, json=order(meta=told))


async def test_our_own_parcel_number_is_no_couriers_number(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/orders/727").respond(json=order())
    put = api.put("/wc/v3/orders/727").mock(side_effect=_keep)

    own = Handover("dropoff", courier="Kurir toko", tracking_number="PLG00000000018", is_own_number=True)
    await store.arrange_shipment(access, PACKAGE, own)

    told = {entry["key"]: entry["value"] for entry in json.loads(put.calls.last.request.content)["meta_data"]}
    assert told["plugosync_tracking_source"] == "internal"
    assert "_wc_shipment_tracking_items" not in told


async def test_what_was_not_kept_is_unknown(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/").respond(json=INDEX)
    api.get("/wc/v3/orders/727").respond(json=order())
    api.put("/wc/v3/orders/727").respond(json=order(meta={"plugosync_shipment_id": "somebody else's"}))

    with pytest.raises(Unknown):
        await store.arrange_shipment(access, PACKAGE, JNE)


@pytest.mark.parametrize(
    ("told", "error", "meaning"),
    [
        ({"status": "cancelled"}, Rejected, "order_cancelled"),
        ({"status": "pending", "date_paid_gmt": None}, Rejected, "wrong_state"),
        ({"meta": {"plugosync_cancel_request": "requested"}}, Rejected, "cancellation_requested"),
        ({"status": "cancel-request"}, Rejected, "cancellation_requested"),
        ({"meta": {"plugosync_fulfilment": "processed"}}, AlreadyDone, "already_done"),
        ({"status": "completed"}, AlreadyDone, "already_done"),
    ],
)
async def test_what_may_not_be_arranged_is_not_sent(
    store: PlugoStoreConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    told: dict[str, Any],
    error: type[Rejected | AlreadyDone],
    meaning: str,
) -> None:
    api.get("/wc/v3/orders/727").respond(json=order(**told))
    put = api.put("/wc/v3/orders/727").respond(json=order())

    with pytest.raises(error) as refused:
        await store.arrange_shipment(access, PACKAGE, JNE)
    assert refused.value.meaning == meaning
    assert not put.called


async def test_an_open_request_stops_the_parcel_at_the_door(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    meta = {"plugosync_fulfilment": "processed", "plugosync_cancel_request": "requested"}
    api.get("/wc/v3/orders/727").respond(json=order(meta=meta))
    put = api.put("/wc/v3/orders/727").respond(json=order())

    with pytest.raises(Rejected) as refused:
        await store.mark_dispatched(access, PACKAGE, UNTIL)
    assert (refused.value.meaning, put.called) == ("cancellation_requested", False)


@pytest.mark.parametrize("number", ["abc", "nomor resi", "x" * 51, "JNE;DROP"])
async def test_numbers_no_courier_gives(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess, number: str
) -> None:
    api.get("/").respond(json=INDEX)
    api.get("/wc/v3/orders/727").respond(json=order())

    with pytest.raises(Rejected) as refused:
        await store.arrange_shipment(access, PACKAGE, Handover("manual", courier="JNE", tracking_number=number))
    assert refused.value.meaning == "invalid_tracking_number"


async def test_delivered_completes_the_order(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/orders/727").respond(json=order(meta={"plugosync_fulfilment": "dispatched"}))
    put = api.put("/wc/v3/orders/727").respond(json=order(status="completed"))

    await store.mark_delivered(access, PACKAGE, UNTIL)

    body = json.loads(put.calls.last.request.content)
    assert body["status"] == "completed"
    assert {"key": "plugosync_delivered_at", "value": "2026-11-22T03:00:00Z"} in body["meta_data"]


class Shop:
    """Keeps orders by second, and touches one between two pages."""

    def __init__(self, seconds: list[int]) -> None:
        self.rows = dict(enumerate(seconds, 1))
        self.touch: list[int] = []
        self.queries: list[dict[str, str]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        query = {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}
        self.queries.append(query)
        after, before = _second(query["modified_after"]), _second(query.get("modified_before", "2026-11-23T00:00:00"))
        excluded = {int(one) for one in query.get("exclude", "").split(",") if one}
        found = [(at, number) for number, at in self.rows.items() if after < at < before and number not in excluded]
        found.sort(key=lambda one: one if query["orderby"] == "modified" else one[1])
        begin = (int(query["page"]) - 1) * feed.PAGE
        rows = [_row(number, at) for at, number in found[begin : begin + feed.PAGE]]
        if self.touch:
            self.rows[self.touch.pop()] = 3000
        return httpx.Response(200, json=rows)


def _second(text: str) -> int:
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) - SINCE).total_seconds())


def _row(number: int, at: int) -> dict[str, Any]:
    return order(number, date_modified_gmt=f"2026-11-22T02:{at // 60:02d}:{at % 60:02d}")


async def _read_all(store: PlugoStoreConnector, access: ShopAccess) -> set[str]:
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(12):
        page = await store.list_orders(access, by="updated", since=SINCE, until=UNTIL, cursor=cursor)
        seen |= set(page.external_ids)
        assert page.reading is not None
        assert {one.external_id for one in page.reading.orders} == set(page.external_ids)
        cursor = page.next_cursor
        if cursor is None:
            return seen
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("seconds", [list(range(1, 251)), [7] * 250, [1] * 99 + [2] * 150 + [3] * 10, [5] * 100, []])
async def test_no_order_slides_past(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess, seconds: list[int]
) -> None:
    shop = Shop(seconds)
    shop.touch = [3, 2, 1] if seconds else []
    api.get("/wc/v3/orders").mock(side_effect=shop.answer)

    assert await _read_all(store, access) == {str(number) for number in shop.rows}
    assert all(query["dates_are_gmt"] == "true" and query["page"] == "1" for query in shop.queries)


async def test_an_old_store_sorts_by_id(store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    shop = Shop(list(range(250, 0, -1)))
    shop.touch = [3, 2, 1]

    def answer(request: httpx.Request) -> httpx.Response:
        if b"orderby=modified" in request.url.query:
            return failure(400, "rest_invalid_param")
        return shop.answer(request)

    api.get("/wc/v3/orders").mock(side_effect=answer)

    assert await _read_all(store, access) == {str(number) for number in shop.rows}


async def test_stock_of_variations_that_share_their_parents(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/products/93/variations/96").respond(json={"id": 96, "manage_stock": "parent"})
    put = api.put("/wc/v3/products/93").respond(json={"id": 93, "manage_stock": True, "stock_quantity": 4})

    await store.push_stock(access, "93", "96", 4)

    assert json.loads(put.calls.last.request.content) == {"manage_stock": True, "stock_quantity": 4}


async def test_a_stock_the_store_did_not_take_is_unknown(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.put("/wc/v3/products/22").respond(json={"id": 22, "manage_stock": True, "stock_quantity": 9})

    with pytest.raises(Unknown):
        await store.push_stock(access, "22", "", 4)


async def test_more_than_a_hundred_variations(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/products").respond(json=[{"id": 93, "name": "Kaos", "type": "variable"}])
    pages = {"1": range(100), "2": range(100, 105)}
    for page, numbers in pages.items():
        rows = [{"id": 1000 + number, "sku": f"K{number}", "stock_quantity": 1} for number in numbers]
        api.get("/wc/v3/products/93/variations", params={"page": page}).respond(json=rows)

    listings = (await store.list_listings(access, None)).listings

    assert len({listing.model_id for listing in listings}) == 105
