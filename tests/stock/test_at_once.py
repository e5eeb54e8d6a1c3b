"""Hands that meet at the worst moment. Each of these once lost a piece, a link or an answer, or could have."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.products import csv_files
from app.products import service as products
from app.products.schemas import ChangeProduct, CreateProduct
from app.stock import csv_import, making
from tests.stock.books import live
from tests.stock.plans import Adjust, Apply, Deed, Drift, Import, Link, Plan, Round, Step, Sync, Unlink, Update
from tests.stock.stand import CIRCLES, ITEMS, Stand, dawdle

T = TypeVar("T")
A_WHILE_SECONDS = 0.2
"""Long enough for whoever need not wait."""


def at_once(*steps: Step) -> Round:
    return Round(steps, workers=1, lag=0, troubles=())


def step(deed: Deed, *, delay: int = 0, hands: int = 1, is_slow: bool = False) -> Step:
    return Step(deed, delay, hands, is_slow, dies=False)


def told(state: str, *lines: tuple[int, int]) -> Step:
    return step(Import((Update("A1", state, lines, late=0),)))


async def test_a_line_that_is_taken_out_of_an_order_gives_back_what_it_held(stand: Stand) -> None:
    """Also when no linked line is left."""
    sold, edited = at_once(told("to_process", (0, 3))), at_once(told("to_process", (1, 1)))

    await live(stand, Plan(counted=(10, None), linked=(0, None, None), rounds=(sold, edited)))

    assert await stock(stand) == (10, 0)


async def test_an_adjustment_sent_again_is_done_though_it_would_be_refused_now(stand: Stand) -> None:
    lost = at_once(step(Adjust(0, on_hand=None, change=-6, reference="opname")))

    await live(stand, Plan(counted=(6, None), linked=(None, None, None), rounds=(lost, lost)))


async def test_who_link_the_same_listings_in_another_order_never_wait_in_a_circle(stand: Stand) -> None:
    pairs = ((0, 0), (1, 1), (2, 0))
    links = at_once(step(Link(pairs), hands=2, is_slow=True), step(Link(pairs[::-1]), delay=1, hands=2, is_slow=True))

    await live(stand, Plan(counted=(9, 9), linked=(None, None, None), rounds=(links,)))


async def test_who_link_while_somebody_presses_sync_never_wait_in_a_circle(stand: Stand) -> None:
    links = [step(Link(((2, 0), (1, 0))), delay=delay, is_slow=True) for delay in range(0, 12, 2)]
    pressed = at_once(step(Sync(), is_slow=True), step(Sync(), delay=4, is_slow=True), *links)

    await live(stand, Plan(counted=(9, 9), linked=(0, 0, 0), rounds=(pressed, pressed)))


class Gate:
    """Keeps a transaction open after a step of it, until others have had their turn."""

    def __init__(self, stand: Stand, run: Callable[[AsyncSession, UUID], Coroutine[Any, Any, Any]]) -> None:
        self._reached, self._opened = asyncio.Event(), asyncio.Event()

        async def step(session: AsyncSession, merchant_id: UUID) -> None:
            await run(session, merchant_id)
            await session.flush()
            self._reached.set()
            await self._opened.wait()

        self._task = asyncio.create_task(stand.context.database.transact(step, stand.merchant_id))

    async def reach(self) -> None:
        await self._reached.wait()

    async def open(self) -> None:
        self._opened.set()
        await self._task


async def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """It is done soon, or waits for somebody."""
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=A_WHILE_SECONDS)
    return task


async def stock(stand: Stand) -> tuple[int, int]:
    [row] = await stand.sql("select on_hand, reserved from products where merchant_id = $1 and sku = 'KAOS'")
    return row["on_hand"], row["reserved"]


async def test_an_order_stored_while_its_listing_is_linked_is_linked_too(stand: Stand) -> None:
    await stand.open(Plan(counted=(10, None), linked=(None, None, None), rounds=()))
    storing = Gate(stand, stand.doing(told("to_process", (0, 3)).deed))
    await storing.reach()

    linking = await begin(stand.do(Link(((0, 0),))))
    await stand.rest()
    await storing.open()
    await linking
    await stand.rest()

    assert await stock(stand) == (10, 3)


async def test_an_order_does_not_change_while_its_stock_is_moved(stand: Stand) -> None:
    await stand.open(Plan(counted=(10, None), linked=(0, None, None), rounds=()))
    await stand.do(told("to_process", (0, 3)).deed)
    counting = Gate(stand, stand.doing(Adjust(0, on_hand=None, change=1, reference=None)))
    await counting.reach()

    moving = await begin(stand.do(Apply("A1")))
    cancelling = await begin(stand.do(told("cancelled", (0, 3)).deed))
    working = await begin(stand.rest())
    await counting.open()
    await asyncio.gather(moving, cancelling, working)
    await stand.rest()

    assert await stock(stand) == (11, 0)


async def test_a_listing_unlinked_while_it_is_compared_is_left_alone(stand: Stand) -> None:
    await stand.open(Plan(counted=(10, None), linked=(0, None, None), rounds=()))
    await stand.rest()
    unlinking = Gate(stand, stand.doing(Unlink(0)))
    await unlinking.reach()

    await stand.do(Drift(0, shown=3))
    comparing = await begin(stand.rest())
    await unlinking.open()
    await comparing

    assert stand.failures == []
    assert stand.channel.shown[ITEMS[0]] == 3


async def test_of_two_who_give_one_sku_one_hears_that_it_is_taken(stand: Stand) -> None:
    await stand.open(Plan(counted=(None, None), linked=(None, None, None), rounds=()))
    change = stand.context.database.transact
    wish = ChangeProduct(sku="BARU")

    answers = await asyncio.gather(
        *(
            change(products.change_product, stand.merchant_id, product_id, wish, versions=None)
            for product_id in stand.product_ids
        ),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in answers) == ["ProductRow", "SkuTaken"]


def making_of(stand: Stand, listings: Sequence[int], *, is_slow: bool = False) -> Callable[..., Any]:
    """Products of these listings, as a step of a transaction."""

    async def make(session: AsyncSession, merchant_id: UUID) -> dict[str, bool]:
        if is_slow:
            dawdle(session)
        plan = await making.make(session, merchant_id, [stand.listing_ids[one] for one in listings])
        return {one.sku: one.is_new for one in plan.products}

    return make


async def test_a_product_typed_while_it_is_made_of_a_listing_is_taken(stand: Stand) -> None:
    await stand.open(Plan(counted=(None, None), linked=(None, None, None), rounds=()))
    wish = CreateProduct(sku=ITEMS[1], name="Sendiri")
    typing = Gate(stand, lambda session, merchant_id: products.create_product(session, merchant_id, wish))
    await typing.reach()

    making = await begin(stand.context.database.transact(making_of(stand, [0, 1, 2]), stand.merchant_id))
    assert not making.done()
    await typing.open()

    assert await making == {ITEMS[0]: True, ITEMS[1]: False, ITEMS[2]: True}
    assert len(await stand.sql("select 1 from listings where merchant_id = $1 and product_id is not null")) == 3


async def test_one_product_is_made_of_listings_whose_skus_differ_in_letter_case_only(stand: Stand) -> None:
    await stand.open(Plan(counted=(None, None), linked=(None, None, None), rounds=()))
    await stand.sql(
        f"update listings set sku = upper('{ITEMS[0]}') where merchant_id = $1 and item_external_id = '{ITEMS[1]}'"
    )
    first = Gate(stand, making_of(stand, [0]))
    await first.reach()

    second = await begin(stand.context.database.transact(making_of(stand, [1]), stand.merchant_id))
    await first.open()

    assert await second == {ITEMS[0]: False}


async def test_who_make_products_of_the_same_listings_never_wait_in_a_circle(stand: Stand) -> None:
    await stand.open(Plan(counted=(None, None), linked=(None, None, None), rounds=()))
    rows = "".join(f"{sku},Dari CSV\n" for sku in ITEMS[::-1])
    lines = csv_files.parse(f"sku,name\n{rows}".encode()).lines

    async def take(session: AsyncSession, merchant_id: UUID) -> None:
        dawdle(session)
        await csv_import.take(session, merchant_id, lines, dry_run=False)

    steps = [take, *(making_of(stand, listings, is_slow=True) for listings in ([0, 1, 2], [2, 1, 0], [1, 2], [2, 0]))]
    await asyncio.gather(*(stand.context.database.transact(step, stand.merchant_id) for step in steps))
    await stand.rest()

    assert (CIRCLES, stand.failures) == ([], [])
    rows_made = await stand.sql(
        "select p.sku, count(l.id) listings from products p left join listings l on l.merchant_id = p.merchant_id"
        " and l.product_id = p.id where p.merchant_id = $1 group by p.sku"
    )
    assert {row["sku"]: row["listings"] for row in rows_made} == {"KAOS": 0, "TOPI": 0} | dict.fromkeys(ITEMS, 1)
