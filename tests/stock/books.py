"""The books: what the stock must be, reckoned from the plan and its outcomes alone, never with the service's rules."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from app.stock.errors import ReferenceReused, StockBelowZero
from tests.stock.plans import EARLY, GONE, SKUS, WAITS, Adjust, Csv, Import, Link, Plan, Unlink
from tests.stock.stand import CIRCLES, ITEMS, Outcome, Stand, Told

_MOVEMENTS = (
    "select id, product_id, kind, line_id, turn, quantity, on_hand_change, reserved_change, reason, reference"
    " from stock_movements where merchant_id = $1 order by id"
)
_LINES = (
    "select l.id, o.external_id as number, o.is_linked, l.external_id, l.quantity, l.product_id from order_lines l"
    " join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id where l.merchant_id = $1"
)
_PRODUCTS = (
    "select id, on_hand, reserved, counted_at, greatest(0, on_hand - reserved - buffer) as available"
    " from products where merchant_id = $1"
)
_LISTINGS = (
    "select l.item_external_id as item, l.product_id, l.pushed_quantity, l.push_code,"
    " (select count(*) from stock_pushes p where p.merchant_id = l.merchant_id and p.listing_id = l.id) as pushes"
    " from listings l where l.merchant_id = $1"
)
_OVERSOLD = (
    "select j.type, j.after ->> 'sku' as sku, (j.after ->> 'short')::int as short from journal j"
    " where j.merchant_id = $1 and j.type in ('product.oversold', 'stock.oversold')"
)


@dataclass
class Shelf:
    """A product, movement by movement."""

    on_hand: int = 0
    reserved: int = 0
    adjusted: int = 0
    taken: int = 0
    was_counted: bool = False
    """Before the last round."""
    is_counted: bool = False
    was_short: bool = False
    """Some order found less than it deducted."""
    oversold: int = 0
    """How often an order found less, or promised more than is there."""
    found_short: int = 0
    """How often a count or an adjustment left less than is promised."""
    trail: list[int] = field(default_factory=list)
    """What was on hand before and after each movement of the last round."""


@dataclass
class Item:
    """What an order's line has moved."""

    products: set[UUID] = field(default_factory=set)
    reserved: int = 0
    deducted: int = 0
    taken: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    moves: int = 0
    """Of the last round."""


class Books:
    """Kept from round to round."""

    def __init__(self, stand: Stand, plan: Plan) -> None:
        self._stand = stand
        self._latest: dict[str, Told] = {}
        """Of each order: what the channel told last."""
        self._states: defaultdict[str, set[str]] = defaultdict(set)
        """Of each order: every state it was told to be in."""
        self._excused: set[UUID] = set()
        """Lines of completed orders that owe nothing."""
        self._links = [{None if product is None else stand.product_ids[product]} for product in plan.linked]
        """Of each listing: where it was linked during the round."""
        self._linked: dict[UUID, UUID] = {}
        """The product of each line that had one."""
        self._shelves = {product_id: Shelf() for product_id in stand.product_ids}
        self._items: defaultdict[UUID, Item] = defaultdict(Item)
        self._after: dict[UUID, int] = {}
        """What was on hand after each movement."""
        self._references: dict[tuple[int, str], int] = {}
        """The change that each reference stands for."""

    async def check(self, outcomes: Sequence[Outcome]) -> None:
        """Everything is at rest: nothing is lost, nothing is made up, nothing is told wrongly."""
        for failure in self._stand.failures:
            raise failure
        assert not CIRCLES, f"waited for each other in a circle: {CIRCLES}"
        told = self._deliver(outcomes)
        listings = {row["item"]: row for row in await self._stand.sql(_LISTINGS)}
        self._follow_links(outcomes, listings)
        movements = await self._stand.sql(_MOVEMENTS)
        fresh = movements[len(self._after) :]
        self._replay(fresh)
        lines = await self._stand.sql(_LINES)
        self._check_lines(lines, listings, told)
        products = await self._stand.sql(_PRODUCTS)
        self._check_products(products, lines)
        self._check_adjustments(outcomes, fresh)
        self._check_oversold(await self._stand.sql(_OVERSOLD))
        self._check_pushes(listings, {row["id"]: row for row in products})

    def _deliver(self, outcomes: Sequence[Outcome]) -> Counter[str]:
        """Keep the newest of what was told. Answers how often each order was."""
        told: Counter[str] = Counter()
        for outcome in outcomes:
            if isinstance(outcome.deed, Import):
                for one in outcome.told:
                    number = one.update.order
                    told[number] += 1
                    self._states[number].add(one.update.state)
                    self._latest[number] = max(one, self._latest.get(number, one), key=lambda each: each.at)
        return told

    # --- links and lines ----------------------------------------------------------------------------------------------

    def _follow_links(self, outcomes: Sequence[Outcome], listings: Mapping[str, asyncpg.Record]) -> None:
        """A listing is linked where somebody linked it, or not when somebody took it off."""
        for outcome in outcomes:
            match outcome.deed:
                case Link(pairs) if outcome.refusal is None:
                    for listing, product in pairs:
                        self._links[listing].add(self._stand.product_ids[product])
                case Unlink(listing):
                    self._links[listing].add(None)
        for item, links in zip(ITEMS, self._links, strict=True):
            assert as_uuid(listings[item]["product_id"]) in links, f"{item} is linked elsewhere"

    def _check_lines(
        self, lines: Sequence[asyncpg.Record], listings: Mapping[str, asyncpg.Record], told: Counter[str]
    ) -> None:
        stored: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for row in lines:
            stored[row["number"]][int(row["external_id"])] = row["quantity"]
        assert stored == {number: dict(one.update.lines) for number, one in self._latest.items()}
        for row in lines:
            line_id, listing, product_id = UUID(int=row["id"].int), int(row["external_id"]), as_uuid(row["product_id"])
            # Each telling may need a movement, and so may a link.
            reasons = told[row["number"]] + (line_id not in self._linked)
            assert self._items[line_id].moves <= reasons, f"moved without a reason: {self._items[line_id]}"
            if line_id in self._linked:
                assert product_id == self._linked[line_id], "a line stays with its product"
            else:
                assert product_id in self._links[listing], "a line is linked as its listing was"
            if product_id is None:
                assert listings[ITEMS[listing]]["product_id"] is None, "the listing is linked and its line is not"
                assert not row["is_linked"]
            else:
                self._linked[line_id] = product_id
            self._check_line(row, line_id, product_id)
        present = {UUID(int=row["id"].int) for row in lines}
        for line_id, item in self._items.items():
            item.moves = 0
            left = (item.reserved, item.deducted, item.taken)
            assert line_id in present or left == (0, 0, 0), f"the line is gone, and this is left: {left}"
        self._links = [{as_uuid(listings[item]["product_id"])} for item in ITEMS]

    def _check_line(self, row: asyncpg.Record, line_id: UUID, product_id: UUID | None) -> None:
        state, quantity, item = self._latest[row["number"]].update.state, row["quantity"], self._items[line_id]
        assert item.products <= {product_id}, "a line moves one product"
        if product_id is None:
            assert not item.turns, "an unlinked line moves nothing"
        elif state == "completed" and not item.turns:
            # Sold before the last count, or before the first. Whoever counts later does not make it owe.
            is_excused = row["number"] == EARLY or not self._shelves[product_id].was_counted or line_id in self._excused
            assert is_excused, "sold, sent, and never deducted"
            self._excused.add(line_id)
        else:
            assert row["number"] != EARLY or self._states[EARLY] != {"completed"}, "gone before anybody counted"
            owed = (quantity * (state in WAITS), quantity * (state in GONE))
            assert (item.reserved, item.deducted) == owed, f"{state}, {quantity}: {item}"
        if state not in GONE:
            assert item.taken == 0, "what never left is all there"

    # --- movements ----------------------------------------------------------------------------------------------------

    def _replay(self, movements: Sequence[asyncpg.Record]) -> None:
        """The movements of one product were made one after the other; each must be right where it stands."""
        for shelf in self._shelves.values():
            shelf.trail = [shelf.on_hand]
            shelf.was_counted = shelf.is_counted
        for row in movements:
            shelf = self._shelves[UUID(int=row["product_id"].int)]
            if row["kind"] == "adjust":
                assert (row["line_id"], row["reserved_change"]) == (None, 0)
                assert row["quantity"] == abs(row["on_hand_change"])
                shelf.adjusted += row["on_hand_change"]
                shelf.found_short += _leaves_short(row, shelf) if shelf.is_counted else _owes_more(row, shelf)
                shelf.is_counted = True
            else:
                self._move_line(row, shelf)
                shelf.taken -= row["on_hand_change"]
                shelf.oversold += shelf.is_counted and _leaves_short(row, shelf)
            shelf.on_hand += row["on_hand_change"]
            shelf.reserved += row["reserved_change"]
            shelf.trail.append(shelf.on_hand)
            self._after[row["id"]] = shelf.on_hand
            assert shelf.on_hand >= 0 and shelf.reserved >= 0, "less than nothing"

    def _move_line(self, row: asyncpg.Record, shelf: Shelf) -> None:
        item, quantity = self._items[UUID(int=row["line_id"].int)], row["quantity"]
        item.products.add(UUID(int=row["product_id"].int))
        assert row["turn"] == item.turns[row["kind"]], "each turn once"
        item.turns[row["kind"]] += 1
        item.moves += 1
        item.reserved += row["reserved_change"]
        item.taken -= row["on_hand_change"]
        match row["kind"]:
            case "reserve":
                assert (row["on_hand_change"], row["reserved_change"]) == (0, quantity)
            case "release":
                assert (row["on_hand_change"], row["reserved_change"]) == (0, -quantity)
            case "deduct":
                item.deducted += quantity
                assert -row["on_hand_change"] == min(quantity, shelf.on_hand), "taken as far as it reaches"
                shelf.was_short |= quantity > shelf.on_hand
            case "restock":
                item.deducted -= quantity
                assert 0 <= row["on_hand_change"] <= quantity
        assert quantity > 0 and item.reserved >= 0 and 0 <= item.taken <= item.deducted, f"{dict(row)}: {item}"

    def _check_products(self, products: Sequence[asyncpg.Record], lines: Sequence[asyncpg.Record]) -> None:
        owed: Counter[UUID | None] = Counter()
        sent: Counter[UUID | None] = Counter()
        for row in lines:
            state, product_id = self._latest[row["number"]].update.state, as_uuid(row["product_id"])
            owed[product_id] += row["quantity"] * (state in WAITS)
            has_moved = bool(self._items[UUID(int=row["id"].int)].turns)
            sent[product_id] += row["quantity"] * (state in GONE and has_moved)
        for row in products:
            product_id = UUID(int=row["id"].int)
            shelf = self._shelves[product_id]
            assert (row["on_hand"], row["reserved"]) == (shelf.on_hand, shelf.reserved), "not the sum of movements"
            assert row["on_hand"] == shelf.adjusted - shelf.taken
            assert row["reserved"] == owed[product_id], "not what open orders owe"
            assert shelf.was_short or shelf.taken == sent[product_id], "not what left"

    # --- adjustments --------------------------------------------------------------------------------------------------

    def _check_adjustments(self, outcomes: Sequence[Outcome], fresh: Sequence[asyncpg.Record]) -> None:
        """Each was made once or refused for a reason; one with a reference once, however often it was sent."""
        made: defaultdict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in fresh:
            if row["kind"] == "adjust":
                made[row["reason"]].append(row)
        made.pop("opening", None)
        counts = {count for outcome in outcomes if isinstance(outcome.deed, Csv) for count in outcome.deed.counts}
        for row in made.pop("CSV import", ()):
            product = self._stand.product_ids.index(UUID(int=row["product_id"].int))
            assert (product, self._after[row["id"]]) in counts, "counted, and something else is there"
        adjusting = [
            (one, one.deed, one.deed.reference or one.name) for one in outcomes if isinstance(one.deed, Adjust)
        ]
        known = set(self._references)
        for outcome, deed, reference in adjusting:
            for row in made.pop(outcome.name, ()):
                assert outcome.refusal is None
                assert (deed.product, reference) not in self._references, f"{reference} was made twice"
                assert row["reference"] == deed.reference
                assert as_uuid(row["product_id"]) == self._stand.product_ids[deed.product]
                assert deed.on_hand in (None, self._after[row["id"]]), "counted, and something else is there"
                self._references[deed.product, reference] = row["on_hand_change"]
        assert not made, f"adjustments of those who died: {made}"
        for outcome, deed, reference in adjusting:
            change = self._references.get((deed.product, reference))
            match outcome.refusal:
                case None:
                    assert change is not None, f"{reference} was never made"
                    assert deed.change in (None, change), "another change than was asked for"
                case StockBelowZero():
                    trail = self._shelves[self._stand.product_ids[deed.product]].trail
                    assert deed.change is not None and min(trail) + deed.change < 0, "refused without a reason"
                    assert (deed.product, reference) not in known, "what was made is refused when it is sent again"
                case ReferenceReused():
                    assert change is not None and deed.change not in (None, change), "the same adjustment is refused"
                case refusal:
                    raise refusal

    # --- what is told -------------------------------------------------------------------------------------------------

    def _check_oversold(self, rows: Sequence[asyncpg.Record]) -> None:
        """On the product, and if an order did it, in the order's history."""
        told = Counter((row["type"], row["sku"]) for row in rows)
        for sku, product_id in zip(SKUS, self._stand.product_ids, strict=True):
            shelf = self._shelves[product_id]
            assert told["stock.oversold", sku] == shelf.oversold, f"{sku}: {told}"
            assert told["product.oversold", sku] == shelf.oversold + shelf.found_short, f"{sku}: {told}"
        assert all(row["short"] > 0 for row in rows)

    def _check_pushes(self, listings: Mapping[str, asyncpg.Record], products: Mapping[Any, asyncpg.Record]) -> None:
        """The last number each channel heard is what is available, and every try is on record."""
        for item, row in listings.items():
            assert row["pushes"] == self._stand.channel.calls[item], "every try is on record"
            product = products.get(row["product_id"])
            if product is not None and product["counted_at"] is not None:
                shown = self._stand.channel.shown[item]
                assert shown == product["available"] == row["pushed_quantity"], f"{item} is told wrongly"
                assert row["push_code"] is None


async def live(stand: Stand, plan: Plan) -> None:
    """One merchant's life; the books are checked whenever everything is at rest."""
    await stand.open(plan)
    await stand.rest()
    books = Books(stand, plan)
    await books.check([])
    for round in plan.rounds:
        await books.check(await stand.play(round))


def _leaves_short(row: asyncpg.Record, shelf: Shelf) -> bool:
    """Whether a movement takes less than its order wants, or leaves more promised that is not there."""
    is_short = row["kind"] == "deduct" and -row["on_hand_change"] < row["quantity"]
    before = max(0, shelf.reserved - shelf.on_hand)
    after = shelf.reserved + row["reserved_change"] - shelf.on_hand - row["on_hand_change"]
    return bool(is_short or after > before)


def _owes_more(row: asyncpg.Record, shelf: Shelf) -> bool:
    """Whether the first count is less than what orders were promised meanwhile."""
    return bool(shelf.reserved > shelf.on_hand + row["on_hand_change"])


def as_uuid(value: Any) -> UUID | None:
    """asyncpg has its own kind."""
    return None if value is None else UUID(int=value.int)
