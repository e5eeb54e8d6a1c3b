"""Listings with their stock, and pushes."""

import pytest

from app.channels.contract import ChannelListing, KeepsStock, PushRequest, SendsPushes, SubscribesPushes
from app.channels.errors import Rejected, Throttled
from tests.connectors.contract.callback import Listener, listen
from tests.connectors.contract.stand import Stand, raised


def keeper(stand: Stand) -> KeepsStock:
    if not isinstance(stand.connector, KeepsStock):
        pytest.skip("no stock is kept here")
    return stand.connector


def sender(stand: Stand) -> SendsPushes:
    if not isinstance(stand.connector, SendsPushes):
        pytest.skip("no pushes are sent here")
    return stand.connector


async def listings(stand: Stand) -> dict[tuple[str, str], ChannelListing]:
    connector = keeper(stand)
    found: dict[tuple[str, str], ChannelListing] = {}
    cursor = None
    while True:
        page = await connector.list_listings(stand.access, cursor)
        found |= {(one.item_id, one.model_id): one for one in page.listings}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_listings_keep_the_stock_they_are_given(stand: Stand) -> None:
    before = await listings(stand)
    assert before and all(one.name for one in before.values())
    assert len({one.sku for one in before.values()}) > 1
    (item_id, model_id), listing = next(iter(before.items()))

    for quantity in (listing.stock + 7, listing.stock + 7, 0):
        await keeper(stand).push_stock(stand.access, item_id, model_id, quantity)
        assert (await listings(stand))[item_id, model_id].stock == quantity

    others = {key: one.stock for key, one in before.items() if key != (item_id, model_id)}
    assert {key: one.stock for key, one in (await listings(stand)).items() if key != (item_id, model_id)} == others


async def test_lines_name_their_listings(stand: Stand) -> None:
    [number] = await stand.place(lines=3)

    order = await stand.read(number)

    known = await listings(stand)
    assert {(line.item_id, line.model_id) for line in order.lines} <= known.keys()
    assert {line.sku for line in order.lines} <= {one.sku for one in known.values()}


async def test_stock_of_what_is_not_there_is_refused(stand: Stand) -> None:

    error = await raised(keeper(stand).push_stock(stand.access, "999999999", "888888888", 3))

    assert isinstance(error, Rejected)


async def test_a_stock_push_that_is_throttled_had_no_effect(stand: Stand) -> None:
    (item_id, model_id), listing = next(iter((await listings(stand)).items()))
    await stand.fault("update_stock", "throttle")

    error = await raised(keeper(stand).push_stock(stand.access, item_id, model_id, listing.stock + 5))

    assert isinstance(error, Throttled)
    assert (await listings(stand))[item_id, model_id].stock == listing.stock


# --- pushes -----------------------------------------------------------------------------------------------------------


async def test_pushes_are_signed_and_name_the_order(stand: Stand) -> None:
    connector = sender(stand)
    [number] = await stand.place()
    order = await stand.read(number)
    async with listen(f"/v1/push/{stand.channel}") as listener:
        if isinstance(connector, SubscribesPushes):
            await connector.subscribe_pushes(stand.access, listener.url)
            await connector.subscribe_pushes(stand.access, listener.url)
        await stand.post(f"{stand.channel}/pushes", enabled=True, url=listener.url)
        try:
            arrived = []
            for mode, count in (("normal", 1), ("duplicate", 2), ("forged", 1)):
                await stand.post(f"{stand.channel}/push", order_number=number, mode=mode)
                arrived += [await _next_about_an_order(connector, listener) for _ in range(count)]
        finally:
            await stand.post(f"{stand.channel}/pushes", enabled=False)

    *genuine, forged = arrived
    assert [connector.verify_push(request) for request in genuine] == [True] * 3
    assert not connector.verify_push(forged)
    for request in genuine:
        message = connector.parse_push(request)
        assert (message.kind, message.account_external_id) == ("order", stand.access.external_id)
        assert message.order_external_id == order.external_id
    tampered = PushRequest(genuine[0].url, genuine[0].headers, genuine[0].body + b" ")
    assert not connector.verify_push(tampered)


async def _next_about_an_order(connector: SendsPushes, listener: Listener) -> PushRequest:
    while True:
        request = await listener.next()
        if not connector.verify_push(request) or connector.parse_push(request).kind != "verification":
            return request


async def test_noise_is_no_push(stand: Stand) -> None:
    connector = sender(stand)

    for body in (b"", b"{}", b"\xff\xfe", b"[1]"):
        request = PushRequest("http://127.0.0.1/v1/push/x", {"content-type": "application/json"}, body)
        assert not connector.verify_push(request)
