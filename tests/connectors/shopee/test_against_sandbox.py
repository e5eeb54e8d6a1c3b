"""The connector against the simulated Shopee over real HTTP: two readings of one document have to agree."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.channels.contract import Handover, PackageRef, PushRequest, ShipmentState, ShopAccess, Tokens
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Throttled, Unauthorized, Unknown
from app.channels.http import open_http
from app.channels.limiter import Limiter
from app.connectors.shopee.client import Client
from app.connectors.shopee.connector import ShopeeConnector
from app.connectors.shopee.settings import ShopeeSettings

TRACKING_WAIT = 120


class Shop:
    """A new shop at the simulated Shopee: what the connector needs, and the controls."""

    def __init__(
        self, control: httpx.AsyncClient, connector: ShopeeConnector, access: ShopAccess, tokens: Tokens
    ) -> None:
        self.control, self.connector, self.access, self.tokens = control, connector, access, tokens

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.control.post(f"/_control/{path}", json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.control.get(f"/_control/{path}", params=query)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def order(self, **wishes: Any) -> str:
        body = {"count": 1, "shop_id": self.access.external_id, **wishes}
        number: str = (await self.post("shopee/orders", **body))["order_numbers"][0]
        return number

    async def packages(self, number: str) -> list[PackageRef]:
        parcels = (await self.connector.get_orders(self.access, [number])).orders[0].packages
        return [
            PackageRef(number, parcel.package_number, len(parcels) == 1, parcel.tracking_number) for parcel in parcels
        ]

    async def advance(self, number: str, to: str) -> None:
        await self.post(f"shopee/orders/{number}/advance", to=to)

    async def pass_time(self, seconds: int) -> None:
        await self.post("clock", advance_seconds=seconds)

    async def fault(self, operation: str, mode: str, **more: Any) -> None:
        await self.post("faults", channel="shopee", operation=operation, mode=mode, times=1, **more)

    async def effects(self, operation: str, number: str) -> int:
        rows = (await self.get("ledger", channel="shopee", operation=operation, order_number=number))["data"]
        return sum(row["effective"] for row in rows)


@pytest.fixture
async def shop(sandbox_url: str) -> AsyncIterator[Shop]:
    async with httpx.AsyncClient(base_url=sandbox_url) as control, open_http(1.0) as http:
        keys = (await control.get("/_control/credentials")).json()["shopee"]
        settings = ShopeeSettings(
            base_url=keys["base_url"],
            auth_url=keys["auth_url"],
            partner_id=int(keys["app_key"]),
            partner_key=keys["app_secret"],
            push_key=keys["push_secret"],
        )
        assert settings.partner_id and settings.partner_key
        client = Client(
            http,
            Limiter(None, workers=1, override=1000),
            base_url=settings.base_url,
            partner_id=settings.partner_id,
            partner_key=settings.partner_key.get_secret_value(),
        )
        connector = ShopeeConnector(client, settings)
        made = (await control.post("/_control/shopee/shops", json={"name": "Toko Uji"})).json()
        consent = (await control.post("/_control/shopee/consent", json={"shop_id": made["shop_id"]})).json()
        (granted,) = await connector.exchange({"code": consent["code"], "shop_id": str(made["shop_id"])})
        access = ShopAccess(external_id=granted.account_ids[0], access_token=granted.tokens.access_token)
        yield Shop(control, connector, access, granted.tokens)
        await control.delete("/_control/faults")


# --- authorisation ----------------------------------------------------------------------------------------------------


async def test_consent_opens_the_shop(shop: Shop) -> None:
    account = await shop.connector.fetch_account(shop.access)

    now = datetime.fromisoformat((await shop.get("clock"))["now"])
    assert [entry.name for entry in account.shops] == ["Toko Uji"]
    assert shop.tokens.access_expires_at - now == pytest.approx(timedelta(hours=4), abs=timedelta(minutes=1))
    assert account.authorization_expires_at is not None and account.authorization_expires_at > now


async def test_refresh_tokens_work_once(shop: Shop) -> None:
    first = await shop.connector.refresh(shop.access.external_id, shop.tokens)

    fresh = ShopAccess(shop.access.external_id, first.access_token)
    assert (await shop.connector.fetch_account(fresh)).external_id == shop.access.external_id
    with pytest.raises(Unauthorized) as raised:
        await shop.connector.refresh(shop.access.external_id, shop.tokens)
    assert raised.value.is_final
    assert (await shop.connector.refresh(shop.access.external_id, first)).access_token != first.access_token


async def test_a_dead_token_asks_for_a_refresh(shop: Shop) -> None:
    with pytest.raises(Unauthorized) as raised:
        await shop.connector.fetch_account(ShopAccess(shop.access.external_id, "never-issued"))
    assert not raised.value.is_final


# --- orders -----------------------------------------------------------------------------------------------------------


async def list_all(shop: Shop) -> set[str]:
    now = datetime.fromisoformat((await shop.get("clock"))["now"])
    found: set[str] = set()
    cursor = None
    while True:
        page = await shop.connector.list_orders(
            shop.access,
            by="updated",
            since=now - timedelta(days=14),
            until=now + timedelta(minutes=5),
            cursor=cursor,
        )
        assert abs(page.channel_now - now) < timedelta(minutes=1)
        found |= set(page.external_ids)
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_every_order_is_listed_and_read(shop: Shop) -> None:
    body = {"count": 120, "shop_id": shop.access.external_id, "lines": 2}
    numbers = set((await shop.post("shopee/orders", **body))["order_numbers"])

    assert await list_all(shop) == numbers
    fifty = sorted(numbers)[:49]
    reading = await shop.connector.get_orders(shop.access, [*fifty, "2511223K7QH5XZ"])

    assert {order.external_id for order in reading.orders} == set(fifty)
    assert (reading.unreadable, reading.missing) == ((), ("2511223K7QH5XZ",))
    for order in reading.orders:
        assert (order.status, order.currency, len(order.lines), len(order.packages)) == ("ready_to_ship", "IDR", 2, 1)
        assert order.packages[0].lines == {line.external_id: line.quantity for line in order.lines}
        assert order.total is not None and order.total.amount > 0
        assert (order.paid_at is None) == order.is_cod
        assert order.ship_by is not None and order.recipient is not None


async def test_unknown_orders_are_missing(shop: Shop) -> None:
    assert (await shop.connector.get_orders(shop.access, ["2511223K7QH5XZ"])).missing == ("2511223K7QH5XZ",)


@pytest.mark.parametrize(
    ("steps", "status", "package_status"),
    [
        ((), "ready_to_ship", "to_process"),
        (("arranged",), "ready_to_ship", "processed"),
        (("arranged", "collected"), "on_delivery", "in_transit"),
        (("arranged", "collected", "in_transit"), "on_delivery", "in_transit"),
        (("arranged", "collected", "in_transit", "delivered"), "on_delivery", "delivered"),
        (("arranged", "collected", "in_transit", "delivered", "completed"), "completed", "delivered"),
        (("cancelled",), "cancelled", "cancelled"),
    ],
)
async def test_a_life_of_an_order(shop: Shop, steps: tuple[str, ...], status: str, package_status: str) -> None:
    number = await shop.order()
    for step in steps:
        await shop.advance(number, step)
        await shop.pass_time(TRACKING_WAIT)

    order = (await shop.connector.get_orders(shop.access, [number])).orders[0]

    assert (order.status, order.packages[0].status) == (status, package_status)
    assert bool(order.packages[0].tracking_number) == ("arranged" in steps)


async def test_an_unpaid_order(shop: Shop) -> None:
    number = await shop.order(state="unpaid")

    order = (await shop.connector.get_orders(shop.access, [number])).orders[0]

    assert (order.status, order.paid_at) == ("unpaid", None)


# --- arranging --------------------------------------------------------------------------------------------------------


async def test_a_pick_up_is_arranged_once(shop: Shop) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)

    options = await shop.connector.fetch_shipping_options(shop.access, package)
    pickup = next(method for method in options.methods if method.method == "pickup")
    address = pickup.addresses[0]
    handover = Handover("pickup", address_id=address.id, slot_id=address.slots[0].id)
    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == "absent"
    await shop.connector.arrange_shipment(shop.access, package, handover)

    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == "arranged"
    with pytest.raises(AlreadyDone):
        await shop.connector.arrange_shipment(shop.access, package, handover)
    assert (await shop.connector.fetch_shipping_options(shop.access, package)).methods == ()
    assert await shop.effects("ship", number) == 1
    await shop.pass_time(TRACKING_WAIT)
    assert (await shop.packages(number))[0].tracking_number


async def test_a_slot_that_never_was_is_refused(shop: Shop) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    options = await shop.connector.fetch_shipping_options(shop.access, package)
    address = next(method for method in options.methods if method.method == "pickup").addresses[0]

    with pytest.raises(Rejected) as raised:
        await shop.connector.arrange_shipment(
            shop.access, package, Handover("pickup", address_id=address.id, slot_id="1")
        )
    assert raised.value.meaning == "slot_unavailable"
    assert await shop.effects("ship", number) == 0


@pytest.mark.parametrize(
    "handover", [Handover("dropoff"), Handover("manual", courier="JNE", tracking_number="AK224200239740W")]
)
async def test_other_hand_overs(shop: Shop, handover: Handover) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    offered = {method.method for method in (await shop.connector.fetch_shipping_options(shop.access, package)).methods}
    assert handover.method in offered

    await shop.connector.arrange_shipment(shop.access, package, handover)

    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == "arranged"
    assert await shop.effects("ship", number) == 1


async def test_each_package_of_a_split_order_is_its_own(shop: Shop) -> None:
    number = await shop.order(packages=2, lines=2)
    first, second = await shop.packages(number)

    await shop.connector.arrange_shipment(shop.access, first, Handover("dropoff"))

    readings = await shop.connector.read_shipments(shop.access, [first, second])
    assert readings[first.package_number].state is ShipmentState.ARRANGED
    assert readings[second.package_number].state is ShipmentState.ABSENT
    unsplit = PackageRef(number, second.package_number, is_only_package=True)
    with pytest.raises(Rejected) as raised:
        await shop.connector.arrange_shipment(shop.access, unsplit, Handover("dropoff"))
    assert raised.value.meaning == "packages_changed"


@pytest.mark.parametrize(
    ("mode", "error", "state"),
    [
        ("timeout_before", Unknown, "absent"),
        ("timeout_after", Unknown, "arranged"),
        ("error_before", Unknown, "absent"),
        ("error_after", Unknown, "arranged"),
        ("disconnect", Unknown, "arranged"),
        ("malformed", Unknown, "arranged"),
        ("truncated", Unknown, "arranged"),
        ("throttle", Throttled, "absent"),
    ],
)
async def test_a_broken_arrangement_is_classified_and_read_back(
    shop: Shop, mode: str, error: type[ChannelError], state: str
) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    await shop.fault("ship", mode)

    with pytest.raises(ChannelError) as raised:
        await shop.connector.arrange_shipment(shop.access, package, Handover("dropoff"))

    assert type(raised.value) is error
    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == state
    assert await shop.effects("ship", number) == (state == "arranged")


@pytest.mark.parametrize("mode", ["timeout_before", "error_before", "disconnect", "malformed", "truncated"])
async def test_a_broken_read_is_tried_again(shop: Shop, mode: str) -> None:
    number = await shop.order()
    await shop.fault("get_order", mode)

    reading = await shop.connector.get_orders(shop.access, [number])

    assert [order.external_id for order in reading.orders] == [number]


async def test_a_late_effect_is_absent_first_and_arranged_later(shop: Shop) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    await shop.fault("ship", "late_effect", delay_ms=90_000)

    with pytest.raises(Unknown):
        await shop.connector.arrange_shipment(shop.access, package, Handover("dropoff"))

    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == "absent"
    # The delay starts when the server notices that its client is gone.
    for _ in range(100):
        await shop.pass_time(30)
        reading = (await shop.connector.read_shipments(shop.access, [package]))[package.package_number]
        if reading.state is not ShipmentState.ABSENT:
            break
        await asyncio.sleep(0.02)
    assert reading.state is ShipmentState.ARRANGED


async def test_an_order_left_out_of_an_answer_is_missing_not_broken(shop: Shop) -> None:
    numbers = [await shop.order(), await shop.order()]
    await shop.fault("get_order", "omit_item")

    reading = await shop.connector.get_orders(shop.access, numbers)

    assert len(reading.orders) == 1 and len(reading.missing) == 1 and reading.unreadable == ()


async def test_a_token_revoked_in_the_middle_is_unauthorized(shop: Shop) -> None:
    number = await shop.order()
    await shop.fault("get_order", "revoke_token")

    with pytest.raises(Unauthorized):
        await shop.connector.get_orders(shop.access, [number])


async def test_a_rotation_whose_answer_is_lost_is_unknown(shop: Shop) -> None:
    await shop.fault("token_refresh", "rotate_then_drop")

    with pytest.raises(Unknown):
        await shop.connector.refresh(shop.access.external_id, shop.tokens)


# --- labels and tracking ----------------------------------------------------------------------------------------------


async def test_labels_are_made_and_fetched(shop: Shop) -> None:
    numbers = [await shop.order(), await shop.order(packages=2, lines=2)]
    for number in numbers:
        for package in await shop.packages(number):
            early = await shop.connector.request_labels(shop.access, [package])
            assert early[package.package_number].code == "label_not_ready"
            await shop.connector.arrange_shipment(shop.access, package, Handover("dropoff"))
    await shop.pass_time(TRACKING_WAIT)
    packages = [package for number in numbers for package in await shop.packages(number)]
    assert len(packages) == 3 and all(package.tracking_number for package in packages)

    unrequested = await shop.connector.poll_labels(shop.access, packages)
    assert {status.code for status in unrequested.values()} == {"label_not_requested"}
    requested = await shop.connector.request_labels(shop.access, packages)
    assert {status.state for status in requested.values()} == {"processing"}
    await shop.pass_time(TRACKING_WAIT)
    polled = await shop.connector.poll_labels(shop.access, packages)

    assert {status.state for status in polled.values()} == {"ready"}
    labels = [await shop.connector.fetch_label(shop.access, package) for package in packages]
    assert all(label.startswith(b"%PDF") and b"%%EOF" in label[-32:] for label in labels)
    assert len(set(labels)) == 3


async def test_scans_follow_the_parcel(shop: Shop) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    assert await shop.connector.fetch_tracking(shop.access, package) == ()
    for step in ("arranged", "collected", "in_transit", "delivered"):
        await shop.advance(number, step)
        await shop.pass_time(TRACKING_WAIT)

    events = await shop.connector.fetch_tracking(shop.access, (await shop.packages(number))[0])

    assert "DELIVERED" in [event.code for event in events]
    assert [event.at for event in events] == sorted(event.at for event in events)


# --- cancellation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "state", "reading"), [("approve", "cancelled", "moot"), ("reject", "paid", "absent")]
)
async def test_a_buyers_request_is_seen_and_answered(shop: Shop, decision: Any, state: str, reading: str) -> None:
    number = await shop.order()
    (package,) = await shop.packages(number)
    await shop.advance(number, "cancel_requested")

    order = (await shop.connector.get_orders(shop.access, [number])).orders[0]
    assert order.cancellation is not None and order.cancellation.state == "requested"
    assert order.status == "ready_to_ship"
    before = (await shop.connector.read_shipments(shop.access, [package]))[package.package_number]
    assert (before.state, before.has_open_cancellation) == (ShipmentState.UNDECIDED, True)
    with pytest.raises(Rejected):
        await shop.connector.arrange_shipment(shop.access, package, Handover("dropoff"))
    await shop.connector.answer_cancellation(shop.access, number, decision, None)

    assert (await shop.get(f"shopee/orders/{number}"))["state"] == state
    assert (await shop.connector.read_shipments(shop.access, [package]))[package.package_number].state == reading
    with pytest.raises(AlreadyDone):
        await shop.connector.answer_cancellation(shop.access, number, decision, None)


@pytest.mark.parametrize("reason", ["OUT_OF_STOCK", "CUSTOMER_REQUEST"])
async def test_the_seller_cancels(shop: Shop, reason: str) -> None:
    number = await shop.order(lines=2)
    order = (await shop.connector.get_orders(shop.access, [number])).orders[0]

    await shop.connector.cancel_order(shop.access, order, reason)

    assert (await shop.connector.get_orders(shop.access, [number])).orders[0].status == "cancelled"
    with pytest.raises(AlreadyDone):
        await shop.connector.cancel_order(shop.access, order, reason)
    assert await shop.effects("cancel", number) == 1


# --- stock and pushes -------------------------------------------------------------------------------------------------


async def test_listings_keep_the_stock_they_are_given(shop: Shop) -> None:
    await shop.order(lines=2)
    page = await shop.connector.list_listings(shop.access, None)
    assert page.listings
    listing = page.listings[0]

    await shop.connector.push_stock(shop.access, listing.item_id, listing.model_id, listing.stock + 7)

    again = {
        (entry.item_id, entry.model_id): entry
        for entry in (await shop.connector.list_listings(shop.access, None)).listings
    }
    assert again[listing.item_id, listing.model_id].stock == listing.stock + 7


async def test_pushes_are_signed_and_name_the_order(shop: Shop) -> None:
    arrived: asyncio.Queue[PushRequest] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await arrived.put(PushRequest(url, headers, body))

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/push/shopee"
    number = await shop.order()
    await shop.post("shopee/pushes", enabled=True, url=url)
    try:
        await shop.post("shopee/push", order_number=number, mode="normal")
        await shop.post("shopee/push", order_number=number, mode="forged")
        requests = [await asyncio.wait_for(arrived.get(), 5) for _ in range(2)]
    finally:
        await shop.post("shopee/pushes", enabled=False)
        server.close()

    genuine = [request for request in requests if shop.connector.verify_push(request)]
    assert len(genuine) == 1
    message = shop.connector.parse_push(genuine[0])
    assert (message.kind, message.account_external_id, message.order_external_id) == (
        "order",
        shop.access.external_id,
        number,
    )
