"""What becomes of a store's orders, odd ones too."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import respx

from app.channels.contract import ChannelOrder, PackageRef, ShipmentState, ShopAccess
from app.connectors.plugo_store.connector import PlugoStoreConnector
from app.connectors.plugo_store.mapping.orders import add_working_days
from tests.connectors.plugo_store.conftest import STORE, order


async def read(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess, told: dict[str, Any]
) -> ChannelOrder:
    api.get("/wc/v3/orders").respond(json=[told])
    reading = await store.get_orders(access, [str(told["id"])])
    assert (reading.unreadable, reading.missing) == ((), ())
    return reading.orders[0]


async def test_the_documents_order(store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess) -> None:
    found = await read(store, api, access, order(727) | {"number": "PLG-0727"})

    assert (found.external_id, found.order_number, found.shop_external_id) == ("727", "PLG-0727", STORE)
    assert (found.status, found.first_step, found.is_cod) == ("ready_to_ship", "none", False)
    assert found.total is not None and found.total.amount == Decimal(268000)
    assert [(line.sku, line.quantity, line.unit_price) for line in found.lines] == [
        ("KAOS-HTM-L", 2, Decimal(70000)),
        ("", 1, Decimal(110000)),
    ], "a line stands for n units; what has no SKU stays"
    assert [(line.item_id, line.model_id) for line in found.lines] == [("93", "96"), ("22", "")]
    assert [(line.name, line.variation) for line in found.lines] == [("Kaos Polos", "Hitam"), ("Topi", "")]
    assert found.paid_at == datetime(2026, 11, 22, 2, 20, 3, tzinfo=UTC)
    assert found.recipient is not None
    assert (found.recipient.name, found.recipient.phone) == ("Budi Santoso", "081234567890"), "the billing address"
    package = found.packages[0]
    assert (package.package_number, package.status, package.courier) == ("727", "to_process", "JNE REG")
    assert package.lines == {"315": 2, "316": 1}


@pytest.mark.parametrize(
    ("told", "status", "package"),
    [
        ({"status": "pending", "date_paid_gmt": None}, "unpaid", "to_process"),
        ({"status": "failed", "date_paid_gmt": None}, "unpaid", "to_process"),
        ({"status": "on-hold", "date_paid_gmt": None}, "unpaid", "to_process"),
        ({"status": "on-hold"}, "ready_to_ship", "to_process"),
        ({"status": "processing"}, "ready_to_ship", "to_process"),
        ({"status": "processing", "date_paid_gmt": None, "payment_method": "cod"}, "ready_to_ship", "to_process"),
        ({"meta": {"plugosync_fulfilment": "to_process"}}, "ready_to_ship", "to_process"),
        ({"meta": {"plugosync_fulfilment": "processed"}}, "ready_to_ship", "processed"),
        ({"meta": {"plugosync_fulfilment": "dispatched"}}, "on_delivery", "in_transit"),
        ({"meta": {"plugosync_fulfilment": "delivered"}}, "completed", "delivered"),
        ({"meta": {"plugosync_fulfilment": ["nonsense"]}}, "ready_to_ship", "to_process"),
        ({"status": "shipped"}, "on_delivery", "in_transit"),
        ({"status": "delivered"}, "completed", "delivered"),
        ({"status": "completed"}, "completed", "delivered"),
        ({"status": "cancelled"}, "cancelled", "cancelled"),
        ({"status": "cancelled", "meta": {"plugosync_fulfilment": "processed"}}, "cancelled", "cancelled"),
        ({"status": "refunded"}, "cancelled", "cancelled"),
        ({"status": "refunded", "meta": {"plugosync_fulfilment": "dispatched"}}, "completed", "delivered"),
        ({"status": "trash"}, "cancelled", "cancelled"),
        ({"status": "cancel-request"}, "ready_to_ship", "to_process"),
        ({"status": "siap-dijemput"}, None, "to_process"),
    ],
)
async def test_statuses(
    store: PlugoStoreConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    told: dict[str, Any],
    status: str | None,
    package: str,
) -> None:
    found = await read(store, api, access, order(**told))

    assert (found.status, found.packages[0].status) == (status, package)
    assert found.channel_status == told.get("status", "processing")


async def test_what_the_shop_holds_is_held(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    held = await read(store, api, access, order(status="on-hold"))
    unpaid = await read(store, api, access, order(status="on-hold", date_paid_gmt=None))

    assert (held.channel_hold_reason, unpaid.channel_hold_reason) == ("held_by_shop", None)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"meta": {"plugosync_cancel_request": "requested", "plugosync_cancel_reason": "Salah warna"}}, "requested"),
        ({"status": "cancel-request"}, "requested"),
        ({"meta": {"plugosync_cancel_request": "rejected"}}, "rejected"),
        ({"status": "cancelled", "meta": {"plugosync_cancel_request": "accepted"}}, "approved"),
        ({"meta": {"plugosync_cancel_request": "withdrawn"}}, None),
        ({"status": "completed", "meta": {"plugosync_cancel_request": "requested"}}, None),
    ],
)
async def test_buyers_requests(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess, told: dict[str, Any], state: str | None
) -> None:
    found = await read(store, api, access, order(**told))

    assert (found.cancellation.state if found.cancellation else None) == state


@pytest.mark.parametrize(
    ("state", "country", "expected"),
    [("YO", "ID", "DI Yogyakarta"), ("Jawa Barat", "ID", "Jawa Barat"), ("PA", "US", "PA")],
)
async def test_provinces_by_name(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess, state: str, country: str, expected: str
) -> None:
    billing = order()["billing"] | {"state": state, "country": country}

    found = await read(store, api, access, order(billing=billing))

    assert found.recipient is not None and found.recipient.state == expected


async def test_one_that_cannot_be_read_stops_no_other(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    broken = order(728, date_created_gmt="gestern")
    foreign, without = order(729, currency="XTS"), order(730, currency="")
    draft = order(731, status="checkout-draft")
    api.get("/wc/v3/orders", params={"status": "any"}).respond(json=[order(727), broken, foreign, without, draft, "x"])
    api.get("/wc/v3/orders", params={"status": "trash"}).respond(json=[])

    reading = await store.get_orders(access, ["727", "728", "729", "730", "731", "0x1"])

    assert [found.external_id for found in reading.orders] == ["727", "729"]
    assert [(found.currency) for found in reading.orders] == ["IDR", "XTS"], "what it is worth is not ours to say"
    assert {one.external_id for one in reading.unreadable} == {"728", "730"}
    assert b"gestern" in reading.unreadable[0].raw
    assert reading.missing == ("731", "0x1")


async def test_what_lies_in_the_trash_was_cancelled(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    api.get("/wc/v3/orders", params={"status": "any"}).respond(json=[])
    api.get("/wc/v3/orders", params={"status": "trash", "include": "727"}).respond(json=[order(status="trash")])

    reading = await store.get_orders(access, ["727"])

    assert reading.orders[0].status == "cancelled"


async def test_the_tracking_plugin_is_read_and_our_keys_come_first(
    store: PlugoStoreConnector, api: respx.MockRouter, access: ShopAccess
) -> None:
    items = [{"custom_tracking_provider": "SiCepat", "tracking_number": "000123", "date_shipped": 1795316400}]
    theirs = await read(store, api, access, order(meta={"_wc_shipment_tracking_items": items}))
    ours = {"plugosync_courier": "JNE REG", "plugosync_tracking_number": "JNE0012345678"}
    both = await read(store, api, access, order(meta={"_wc_shipment_tracking_items": items, **ours}))

    assert (theirs.packages[0].courier, theirs.packages[0].tracking_number) == ("SiCepat", "000123")
    assert (both.packages[0].courier, both.packages[0].tracking_number) == ("JNE REG", "JNE0012345678")


def test_weekends_do_not_count() -> None:
    """Two working days from Friday evening end on Tuesday; Saturday's first hours are still Friday in UTC."""
    friday = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    assert add_working_days(friday, 2) == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert add_working_days(datetime(2026, 11, 20, 18, 0, tzinfo=UTC), 1) == datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"meta": {"plugosync_fulfilment": "processed"}}, ShipmentState.ARRANGED),
        ({"status": "completed"}, ShipmentState.ARRANGED),
        ({"meta": {"plugosync_tracking_number": "JNE0012345678"}}, ShipmentState.ABSENT),
        ({"meta": {"plugosync_cancel_request": "requested"}}, ShipmentState.UNDECIDED),
        ({"status": "cancelled", "meta": {"plugosync_fulfilment": "processed"}}, ShipmentState.MOOT),
    ],
)
async def test_what_a_fresh_order_proves(
    store: PlugoStoreConnector,
    api: respx.MockRouter,
    access: ShopAccess,
    told: dict[str, Any],
    state: ShipmentState,
) -> None:
    """A tracking number alone proves nothing: the shop's staff may have typed it."""
    api.get("/wc/v3/orders").respond(json=[order(**told)])
    package = PackageRef("727", "727", is_only_package=True)

    assert (await store.read_shipments(access, [package]))["727"].state is state
