"""One order over HTTP: shape, masking, changes, history."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from app.orders.schemas import Order, OrderDetail
from tests.fixtures.application import Desk
from tests.orders.archive import ShelfShop, Stored, build_order, open_shops, write

RECIPIENT = {
    "name": "Budi Santoso",
    "phone": "6281234567890",
    "address": "Jl. Mawar 1",
    "district": "Coblong",
    "city": "Bandung",
    "state": "Jawa Barat",
    "postal_code": "40132",
    "country": "ID",
}


@pytest.fixture
async def now(owner: asyncpg.Connection) -> datetime:
    moment: datetime = await owner.fetchval("select app_now()")
    return moment.replace(microsecond=0)


@pytest.fixture
async def shelf(owner: asyncpg.Connection, desk: Desk) -> ShelfShop:
    [shop] = await open_shops(owner, desk.merchant_id, [("testmart", "Toko Satu", "Asia/Jakarta")])
    return shop


@pytest.fixture
async def order(owner: asyncpg.Connection, desk: Desk, shelf: ShelfShop, now: datetime) -> Stored:
    """A paid order in two packages that waits to be arranged."""
    stored = build_order(
        shelf,
        desk.merchant_id,
        now - timedelta(hours=2),
        lines=[{}, {"sku": "TOPI", "quantity": 1, "unit_price": None}],
        packages=[{"lines": {"0": 2}}, {"lines": {"1": 1}, "courier": "SiCepat"}],
        amounts=[{"kind": "shipping", "amount": "9000.00", "currency": "IDR", "basis": "reported"}],
        recipient=RECIPIENT,
        buyer_message="Call 0812",
        ship_by=now + timedelta(hours=30),
        total_amount=Decimal("125000"),
    )
    await write(owner, [stored])
    return stored


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with await desk.client() as opened:
        yield opened


async def act(client: httpx.AsyncClient, order: Stored, method: str, path: str = "", **more: Any) -> Any:
    answer = await client.request(method, f"/v1/orders/{order.public_id}{path}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, order: Stored, method: str, path: str, **more: Any) -> tuple[int, str]:
    answer = await client.request(method, f"/v1/orders/{order.public_id}{path}", **more)
    return answer.status_code, answer.json()["code"]


async def history(client: httpx.AsyncClient, order: Stored, kind: str = "general") -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await act(client, order, "GET", "/history", params={"kind": kind}))["data"]
    return entries


async def test_an_order_in_a_list_has_its_promised_shape(
    client: httpx.AsyncClient, order: Stored, shelf: ShelfShop, now: datetime
) -> None:
    [listed] = (await client.get("/v1/orders")).json()["data"]

    assert Order.model_validate(listed)
    assert list(listed) == list(Order.model_fields)
    assert listed["shop"] == {"id": f"shp_{shelf.id.hex}", "name": "Toko Satu"}
    assert (listed["status"], listed["stage"], listed["sla"]) == ("ready_to_ship", "to_process", "ok")
    assert listed["counts"] == {"lines": 2, "quantity": 3}
    assert listed["total"] == {"amount": "125000.00", "currency": "IDR", "basis": "reported"}
    assert listed["buyer"] == {"username": "budisantoso", "name": "Budi"}
    assert (listed["cancellation"], listed["hold"], listed["channel_hold"], listed["note"]) == (None, None, None, None)
    assert [line["sku"] for line in listed["lines"]] == ["SKU-0", "TOPI"]
    assert listed["lines"][0]["unit_price"] == {"amount": "50000.00", "currency": "IDR"}
    assert [package["courier"] for package in listed["packages"]] == ["J&T Express", "SiCepat"]
    assert datetime.fromisoformat(listed["ship_by"]) == now + timedelta(hours=30)
    allowed = [one["action"] for one in listed["next_actions"] if one["is_allowed"]]
    assert allowed == [
        "arrange_shipment",
        "print_invoices",
        "print_packing_slips",
        "print_pick_list",
        "cancel",
        "hold",
        "sync",
        "pick_started",
    ]


async def test_the_detail_adds_amounts_recipient_and_contents(client: httpx.AsyncClient, order: Stored) -> None:
    detail = await act(client, order, "GET")

    assert OrderDetail.model_validate(detail)
    assert detail.keys() == OrderDetail.model_fields.keys()
    assert detail["amounts"] == [{"kind": "shipping", "amount": "9000.00", "currency": "IDR", "basis": "reported"}]
    assert detail["recipient"] == RECIPIENT
    assert detail["buyer_message"] == "Call 0812"
    lines = {line["id"]: line["external_id"] for line in detail["lines"]}
    contents = [[(lines[one["line_id"]], one["quantity"]) for one in pkg["lines"]] for pkg in detail["packages"]]
    assert contents == [[("0", 2)], [("1", 1)]]
    assert detail["lines"][1]["unit_price"] is None
    for link in detail["links"].values():
        assert (await client.get(link)).status_code == 200, link


async def test_a_packer_sees_the_order_but_not_the_buyer(desk: Desk, order: Stored) -> None:
    packer = await desk.client("packer")

    [listed] = (await packer.get("/v1/orders")).json()["data"]
    detail = await act(packer, order, "GET")

    assert listed["buyer"] == detail["buyer"] == {"username": "b***o", "name": "B***"}
    assert detail["recipient"] == RECIPIENT | {"name": "B***", "phone": "***90", "address": "***"}
    assert detail["buyer_message"] is None
    assert "Mawar" not in str(detail) and "0812" not in str(detail)


async def test_texts_of_buyers_cannot_forge_an_order(
    client: httpx.AsyncClient, owner: asyncpg.Connection, order: Stored
) -> None:
    evil = 'a","next_actions":"testmart|completed|||f|f||","x":"'
    await act(client, order, "PATCH", json={"note": evil, "tags": ['"next_actions":"x"']})

    [listed] = (await client.get("/v1/orders")).json()["data"]

    assert listed["note"] == evil
    assert listed["tags"] == ['"next_actions":"x"']
    assert len(listed["next_actions"]) > 5


async def test_a_day_lasts_from_midnight_to_midnight_where_the_caller_is(
    client: httpx.AsyncClient, owner: asyncpg.Connection, desk: Desk, shelf: ShelfShop
) -> None:
    first = datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Jakarta"))
    last = first + timedelta(days=1) - timedelta(microseconds=1)
    moments = {"before": first - timedelta(microseconds=1), "first": first, "last": last, "after": first + timedelta(1)}
    orders = [build_order(shelf, desk.merchant_id, at, order_number=name) for name, at in moments.items()]
    await write(owner, orders)

    async def found(**params: str) -> list[str]:
        data = (await client.get("/v1/orders", params={"sort": "placed_at", **params})).json()["data"]
        return [order["order_number"] for order in data]

    assert await found(placed_from="2026-03-10", placed_to="2026-03-10") == ["first", "last"]
    assert await found(placed_from=first.isoformat(), placed_to=last.isoformat()) == ["first", "last"]
    # 17:00 UTC is midnight in Jakarta.
    assert await found(placed_from="2026-03-10", placed_to="2026-03-10", tz="UTC") == ["last", "after"]


async def test_deadlines_run_out(client: httpx.AsyncClient, owner: asyncpg.Connection, order: Stored) -> None:
    async def sla(left: timedelta, **columns: Any) -> Any:
        await owner.execute("update orders set ship_by = app_now() + $2 where id = $1", order.row["id"], left)
        return (await act(client, order, "GET"))["sla"]

    assert await sla(timedelta(hours=5)) == "ok"
    assert await sla(timedelta(hours=3)) == "at_risk"
    assert await sla(timedelta(minutes=-1)) == "overdue"
    await owner.execute("update orders set stage = 'processed' where id = $1", order.row["id"])
    assert (await act(client, order, "GET"))["sla"] is None


async def test_a_held_order_says_why_until_it_is_released(client: httpx.AsyncClient, order: Stored) -> None:
    held = await act(client, order, "POST", "/hold", json={"reason": "  Ask the buyer "})
    again = await act(client, order, "POST", "/hold", json={"reason": "Another"})

    assert held["hold"] == again["hold"] == {"reason": "Ask the buyer"}
    [arrange] = [one for one in held["next_actions"] if one["action"] == "arrange_shipment"]
    assert (arrange["is_allowed"], arrange["code"]) == (False, "on_hold")

    released = await act(client, order, "DELETE", "/hold")
    await act(client, order, "DELETE", "/hold")

    assert released["hold"] is None
    assert [entry["type"] for entry in await history(client, order)] == ["order.released", "order.held"]


async def test_what_is_on_its_way_cannot_be_held(
    client: httpx.AsyncClient, owner: asyncpg.Connection, order: Stored
) -> None:
    async def hold(status: str, stage: str | None) -> tuple[int, str]:
        columns = "update orders set status = $2, stage = $3 where id = $1"
        await owner.execute(columns, order.row["id"], status, stage)
        return await refused(client, order, "POST", "/hold", json={"reason": "Stop"})

    assert await hold("ready_to_ship", "processed") == (409, "order_already_shipped")
    assert await hold("on_delivery", None) == (409, "order_already_shipped")
    assert await hold("cancelled", None) == (409, "invalid_state")
    assert await history(client, order) == []


async def test_note_and_tags_are_set_and_cleared(client: httpx.AsyncClient, order: Stored) -> None:
    changed = await act(client, order, "PATCH", json={"note": "Fragile", "tags": ["vip", "gift", "vip"]})
    same = await act(client, order, "PATCH", json={"note": "Fragile"})
    cleared = await act(client, order, "PATCH", json={"note": None, "tags": []})

    assert (changed["note"], changed["tags"]) == ("Fragile", ["vip", "gift"])
    assert same["version"] == changed["version"] == 2
    assert (cleared["note"], cleared["tags"]) == (None, [])
    entries = await history(client, order)
    assert [entry["type"] for entry in entries] == ["order.changed", "order.changed"]
    assert entries[1]["to"] == {"note": "Fragile", "tags": ["vip", "gift"]}
    assert entries[1]["text"] == "Changed: note, tags."


async def test_a_change_of_an_older_version_is_refused(client: httpx.AsyncClient, order: Stored) -> None:
    path = f"/v1/orders/{order.public_id}"
    tag = (await client.get(path)).headers["ETag"]
    await act(client, order, "PATCH", json={"note": "one"}, headers={"If-Match": tag})

    late = await client.patch(path, json={"note": "two"}, headers={"If-Match": tag})
    alien = await client.patch(path, json={"note": "two"}, headers={"If-Match": '"whatever"'})
    any_version = await client.patch(path, json={"note": "three"}, headers={"If-Match": "*"})

    assert (late.status_code, late.json()["code"]) == (412, "order_changed")
    assert alien.status_code == 412
    assert any_version.json()["note"] == "three"


async def test_packing_follows_picking(client: httpx.AsyncClient, owner: asyncpg.Connection, order: Stored) -> None:
    async def step(action: str) -> tuple[int, str | None]:
        answer = await client.post(f"/v1/orders/{order.public_id}/pick-pack", json={"action": action})
        return answer.status_code, answer.json()["pick_pack" if answer.is_success else "code"]

    assert await step("packed") == (409, "invalid_state")
    assert await step("pick_started") == (200, "pick_started")
    assert await step("picked") == (200, "picked")
    assert await step("picked") == (200, "picked")
    assert await step("packed") == (200, "packed")
    assert await step("handed_over") == (409, "invalid_state")
    await owner.execute("update orders set stage = 'processed' where id = $1", order.row["id"])
    assert await step("handed_over") == (200, "handed_over")
    entries = await history(client, order, "pick_pack")
    assert [entry["to"]["pick_pack"] for entry in entries] == ["handed_over", "packed", "picked", "pick_started"]
    assert await history(client, order) == []


async def test_history_tells_who_did_what_page_by_page(desk: Desk, client: httpx.AsyncClient, order: Stored) -> None:
    for number in range(5):
        await act(client, order, "PATCH", json={"note": f"note {number}"})
    path = f"/v1/orders/{order.public_id}/history"

    first = (await client.get(path, params={"limit": 3}, headers={"Accept-Language": "id"})).json()
    second = (await client.get(path, params={"limit": 3, "cursor": first["page"]["next_cursor"]})).json()
    moved = await client.get(path, params={"kind": "pick_pack", "cursor": first["page"]["next_cursor"]})
    narrowed = await client.get(path, params={"type": "order.changed", "cursor": first["page"]["next_cursor"]})

    entries = first["data"] + second["data"]
    assert [entry["to"]["note"] for entry in entries] == [f"note {number}" for number in (4, 3, 2, 1, 0)]
    assert second["page"]["next_cursor"] is None
    assert moved.json()["code"] == narrowed.json()["code"] == "cursor_mismatch"
    entry = entries[0]
    assert entry["actor"]["type"] == "user" and entry["actor"]["id"] == f"usr_{desk.owner_id.hex}"
    assert (entry["text"], entry["from"], entry["succeeded"]) == ("Diubah: note.", {"note": "note 3"}, True)
    assert entry["request_id"].startswith("req_")


async def test_history_is_filtered_by_type(client: httpx.AsyncClient, order: Stored) -> None:
    await act(client, order, "PATCH", json={"note": "first"})
    await act(client, order, "POST", "/hold", json={"reason": "alamat"})
    await act(client, order, "DELETE", "/hold")
    path, wanted = f"/v1/orders/{order.public_id}/history", ["order.held", "order.changed"]

    first = (await client.get(path, params={"type": wanted, "limit": 1})).json()
    cursor = first["page"]["next_cursor"]
    second = (await client.get(path, params={"type": wanted[::-1], "limit": 1, "cursor": cursor})).json()

    assert [entry["type"] for entry in first["data"] + second["data"]] == wanted
    assert first["data"][0]["text"] == "Put on hold: alamat." and second["page"]["next_cursor"] is None
    for wrong in ("order.hold", "pick_pack.packed", "user.created"):
        refused = await client.get(path, params={"type": ["order.held", wrong]})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        [error] = refused.json()["errors"]
        assert error["parameter"] == "type" and f"`{wrong}`" in error["detail"]


async def test_the_types_of_history_entries_are_listed_in_the_callers_language(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    english = (await client.get("/v1/event-types")).json()["data"]
    indonesian = (await client.get("/v1/event-types", headers={"Accept-Language": "id"})).json()["data"]

    assert [one["type"] for one in english] == [one["type"] for one in indonesian]
    assert {one["kind"] for one in english} == {"general", "pick_pack", "audit"}
    failed = next(one for one in english if one["type"] == "shipment.arrange_failed")
    assert failed == {
        "type": "shipment.arrange_failed",
        "kind": "general",
        "text": "The shipment could not be arranged",
        "succeeded": False,
        "from": [],
        "to": ["code", "channel_code", "package_number"],
    }
    assert next(one["text"] for one in indonesian if one["type"] == "order.held") == "Ditahan"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/hold", {}, "/reason"),
        ("/hold", {"reason": "  "}, "/reason"),
        ("/hold", {"reason": "x", "until": "y"}, "/until"),
        ("/pick-pack", {"action": "thrown"}, "/action"),
    ],
)
async def test_a_wrong_body_is_refused_with_its_field(
    path: str, body: dict[str, Any], pointer: str, client: httpx.AsyncClient, order: Stored
) -> None:
    answer = await client.post(f"/v1/orders/{order.public_id}{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [entry["pointer"] for entry in answer.json()["errors"]] == [pointer]


async def test_strangers_and_viewers_change_nothing(
    desk: Desk, other_desk: Desk, client: httpx.AsyncClient, order: Stored
) -> None:
    stranger, viewer = await other_desk.client(), await desk.client("viewer")
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/history", None),
        ("GET", "/tracking", None),
        ("POST", "/hold", {"reason": "x"}),
        ("DELETE", "/hold", None),
        ("PATCH", "", {"note": "x"}),
        ("POST", "/pick-pack", {"action": "picked"}),
    ]

    for method, path, body in calls:
        assert await refused(stranger, order, method, path, json=body) == (404, "not_found"), path
        if method != "GET":
            assert await refused(viewer, order, method, path, json=body) == (403, "forbidden"), path
    malformed = await client.get("/v1/orders/ord_';drop")
    assert (malformed.status_code, malformed.json()["code"]) == (404, "not_found")
    assert (await act(client, order, "GET"))["version"] == 1


async def test_tracking_without_a_channel_shows_what_is_stored(
    client: httpx.AsyncClient, owner: asyncpg.Connection, order: Stored, now: datetime
) -> None:
    package = order.packages[0]
    await owner.execute("update packages set tracking_number = 'JX1', courier = 'SiCepat' where id = $1", package.id)
    for minutes, code in ((5, "DELIVERING"), (50, "PICKED_UP")):
        await owner.execute(
            "insert into tracking_events (merchant_id, package_id, at, code, text) values ($1, $2, $3, $4, $4)",
            order.row["merchant_id"],
            package.id,
            now - timedelta(minutes=minutes),
            code,
        )

    tracked = await act(client, order, "GET", "/tracking")

    assert [len(one["events"]) for one in tracked["packages"]] == [2, 0]
    assert [event["code"] for event in tracked["packages"][0]["events"]] == ["PICKED_UP", "DELIVERING"]
    assert tracked["packages"][0]["tracking_number"] == "JX1"
