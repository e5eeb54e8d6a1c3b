"""Lists, pages that shift, and every state an order can be in."""

import pytest

from app.channels.contract import FindsOrders
from app.channels.errors import ChannelError, Throttled
from tests.connectors.contract.stand import Stand, raised

ARRANGED = ("arranged",)
SENT = (*ARRANGED, "collected")


async def test_every_order_is_listed_and_read(stand: Stand) -> None:
    numbers = set(await stand.place(130, lines=2))

    assert len(await stand.list_ids("created")) == 130
    orders = await stand.list_orders()

    assert {order.order_number for order in orders} == numbers
    for order in orders:
        assert (order.channel, order.currency, len(order.lines)) == (stand.channel, "IDR", 2)
        assert order.status in ("ordered", "ready_to_ship")
        assert order.total is not None and order.total.amount > 0
        assert order.lines[0].quantity >= 1 and order.lines[0].name
        carried = {name: quantity for package in order.packages for name, quantity in package.lines.items()}
        assert carried == {line.external_id: line.quantity for line in order.lines}
        assert order.recipient is not None and order.ship_by is not None
    again = {order.order_number: order for order in await stand.list_orders()}
    assert all(again[order.order_number].lines == order.lines for order in orders), "line ids are stable"


async def test_what_comes_with_the_list_is_what_a_read_tells(stand: Stand) -> None:
    await stand.place(3, lines=2)
    now = await stand.now()
    page = await stand.connector.list_orders(
        stand.access, by="updated", since=now - stand.connector.facts.window, until=now, cursor=None
    )
    if page.reading is None:
        pytest.skip("the list names orders only")

    read = await stand.connector.get_orders(stand.access, page.external_ids)

    assert {order.external_id: order for order in page.reading.orders} == {
        order.external_id: order for order in read.orders
    }


@pytest.mark.parametrize("mode", ["duplicate_page", "shifting_page"])
async def test_pages_that_shift_repeat_or_leave_out_but_never_lie(stand: Stand, mode: str) -> None:
    numbers = set(await stand.place(105))
    await stand.fault("list_orders", mode)

    once = set(await stand.list_ids())
    twice = set(await stand.list_ids())

    known = {order.external_id for order in await stand.list_orders()}
    assert once <= known and twice == known and len(known) == len(numbers)


async def test_unknown_orders_are_missing_and_stop_no_other(stand: Stand) -> None:
    [number] = await stand.place()
    [external_id] = await stand.ids([number])
    stranger = "999999999999"

    reading = await stand.connector.get_orders(stand.access, [external_id, stranger])

    assert [order.external_id for order in reading.orders] == [external_id]
    assert (reading.missing, reading.unreadable) == ((stranger,), ())


async def test_orders_of_another_shop_are_missing(stand: Stand) -> None:
    other = await stand.post(f"{stand.channel}/shops", name="Toko Lain")
    [number] = (await stand.post(f"{stand.channel}/orders", count=1, shop_id=other["shop_id"]))["order_numbers"]

    reading = await stand.connector.get_orders(stand.access, [number])

    assert (reading.orders, reading.missing) == ((), (number,))


@pytest.mark.parametrize(
    ("steps", "statuses", "package_status"),
    [
        ((), {"ordered", "ready_to_ship"}, "to_process"),
        (ARRANGED, {"ready_to_ship"}, "processed"),
        (SENT, {"on_delivery"}, "in_transit"),
        ((*SENT, "in_transit"), {"on_delivery"}, "in_transit"),
        ((*SENT, "in_transit", "delivered"), {"on_delivery", "completed"}, "delivered"),
        ((*SENT, "in_transit", "delivered", "completed"), {"completed"}, "delivered"),
        (("cancelled",), {"cancelled"}, "cancelled"),
    ],
)
async def test_a_life_of_an_order(
    stand: Stand, steps: tuple[str, ...], statuses: set[str], package_status: str
) -> None:
    [number] = await stand.place()
    before = await stand.read(number)
    await stand.advance(number, *steps)

    order = await stand.read(number)

    assert order.status in statuses
    assert {package.status for package in order.packages} == {package_status}
    assert order.updated_at >= before.updated_at and order.placed_at == before.placed_at
    assert order.channel_status


async def test_an_unpaid_order(stand: Stand) -> None:
    [number] = await stand.place(state="unpaid")

    order = await stand.read(number)

    assert (order.status, order.paid_at) == ("unpaid", None)


async def test_an_edit_is_a_change(stand: Stand) -> None:
    [number] = await stand.place()
    before = await stand.read(number)
    await stand.pass_time(5)
    await stand.advance(number, "edited")

    assert (await stand.read(number)).updated_at > before.updated_at


async def test_numbers_find_orders_where_they_are_not_ids(stand: Stand) -> None:
    if not isinstance(stand.connector, FindsOrders):
        pytest.skip("numbers are ids")
    numbers = await stand.place(2)
    orders = {order.order_number: order.external_id for order in await stand.list_orders()}

    assert await stand.connector.find_orders(stand.access, [*numbers, "nowhere-1"]) == orders


@pytest.mark.parametrize("mode", ["timeout_before", "error_before", "disconnect", "malformed", "truncated"])
async def test_a_broken_read_is_tried_again(stand: Stand, mode: str) -> None:
    [number] = await stand.place()
    [external_id] = await stand.ids([number])
    await stand.fault("get_order", mode)

    reading = await stand.connector.get_orders(stand.access, [external_id])

    assert [order.external_id for order in reading.orders] == [external_id]


async def test_a_read_that_stays_broken_has_no_answer(stand: Stand) -> None:
    [number] = await stand.place()
    [external_id] = await stand.ids([number])
    await stand.fault("get_order", "error_before", times=50)

    error = await raised(stand.connector.get_orders(stand.access, [external_id]))

    assert isinstance(error, ChannelError)
    assert type(error).__name__ in ("Unavailable", "Malformed")


async def test_a_pause_the_channel_asks_for_is_told(stand: Stand) -> None:
    [number] = await stand.place()
    [external_id] = await stand.ids([number])
    await stand.fault("get_order", "throttle", times=50)

    error = await raised(stand.connector.get_orders(stand.access, [external_id]))

    assert isinstance(error, Throttled)


async def test_an_order_left_out_of_an_answer_is_missing_not_broken(stand: Stand) -> None:
    numbers = await stand.place(2)
    ids = await stand.ids(numbers)
    await stand.fault("get_order", "omit_item")

    reading = await stand.connector.get_orders(stand.access, ids)

    told = {order.external_id for order in reading.orders} | set(reading.missing)
    assert told == set(ids) and len(reading.missing) == 1 and reading.unreadable == ()
