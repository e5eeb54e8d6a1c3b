"""What people, channels and workers may do to the stock, as a plan that Hypothesis can draw and shrink."""

from dataclasses import dataclass

from hypothesis import strategies as st

ORDERS = EARLY, LATE = ("A1", "A2")
"""One was placed before anybody counted anything, the other after that."""
LISTINGS = 3
SKUS = ("KAOS", "TOPI")

WAITS = ("unpaid", "ordered", "to_process", "half")
GONE = ("processed", "on_delivery", "completed")
OVER = ("cancelled",)
"""What the channel says of an order: its goods wait at the merchant's, have left, or go nowhere."""


@dataclass(frozen=True)
class Update:
    """The channel tells the state of an order. `late`: it was true so many seconds before it is told."""

    order: str
    state: str
    lines: tuple[tuple[int, int], ...]
    """Listing and pieces."""
    late: int


@dataclass(frozen=True)
class Import:
    """A writer stores a batch of orders."""

    updates: tuple[Update, ...]


@dataclass(frozen=True)
class Apply:
    """The stock job of an order is run, due or not."""

    order: str


@dataclass(frozen=True)
class Adjust:
    """Somebody counts (`on_hand`) or books what came or went (`change`)."""

    product: int
    on_hand: int | None
    change: int | None
    reference: str | None


@dataclass(frozen=True)
class Csv:
    """A file sets what is on hand."""

    counts: tuple[tuple[int, int], ...]
    """Product and pieces."""


@dataclass(frozen=True)
class Link:
    """Some listings get a product, all in one request."""

    pairs: tuple[tuple[int, int], ...]
    """Listing and product."""


@dataclass(frozen=True)
class Unlink:
    """A listing is taken from its product."""

    listing: int


@dataclass(frozen=True)
class Buffer:
    """Pieces are kept back."""

    product: int
    pieces: int


@dataclass(frozen=True)
class Sync:
    """The SYNC button."""


@dataclass(frozen=True)
class Drift:
    """The channel shows another number than it was told, and the daily comparison runs."""

    listing: int
    shown: int


Deed = Import | Apply | Adjust | Csv | Link | Unlink | Buffer | Sync | Drift


@dataclass(frozen=True)
class Step:
    """One deed, by one or two hands at once. The first of them may be slow, or die before its commit."""

    deed: Deed
    delay: int
    hands: int
    is_slow: bool
    dies: bool


@dataclass(frozen=True)
class Round:
    """All of this at once, beside the workers; then everything comes to rest and the books are checked."""

    steps: tuple[Step, ...]
    workers: int
    lag: int
    """How late the workers begin a job."""
    troubles: tuple[str, ...]
    """How the next pushes go at the channel: throttled, lost (told, but nobody hears it) or fine."""


@dataclass(frozen=True)
class Plan:
    """A merchant's life."""

    counted: tuple[int | None, ...]
    """What is on hand of each product at first; None: nobody has counted it."""
    linked: tuple[int | None, ...]
    """The product of each listing at first."""
    rounds: tuple[Round, ...]


_product, _listing = st.integers(0, len(SKUS) - 1), st.integers(0, LISTINGS - 1)
_pieces = st.integers(0, 12)
_lines = st.dictionaries(_listing, st.integers(1, 5), min_size=1, max_size=LISTINGS).map(lambda one: tuple(one.items()))
_updates = st.builds(
    Update, st.sampled_from(ORDERS), st.sampled_from(WAITS + GONE + OVER), _lines, st.sampled_from((0, 0, 0, 5, 30))
)
_reference = st.sampled_from((None, "opname"))
_adjustments = st.one_of(
    st.builds(Adjust, _product, _pieces, st.none(), _reference),
    st.builds(Adjust, _product, st.none(), st.integers(-8, 8), _reference),
)
_imports = st.lists(_updates, min_size=1, max_size=3).map(lambda one: Import(tuple(one)))
_others = st.one_of(
    st.sampled_from(ORDERS).map(Apply),
    st.sampled_from(ORDERS).map(Apply),
    _adjustments,
    st.dictionaries(_product, _pieces, min_size=1).map(lambda one: Csv(tuple(one.items()))),
    st.dictionaries(_listing, _product, min_size=1).map(lambda one: Link(tuple(one.items()))),
    _listing.map(Unlink),
    st.builds(Buffer, _product, st.integers(0, 4)),
    st.just(Sync()),
    st.builds(Drift, _listing, _pieces),
)
_seldom = st.sampled_from((False, False, False, True))


def _steps(deeds: st.SearchStrategy[Deed], least: int, most: int) -> st.SearchStrategy[tuple[Step, ...]]:
    step = st.builds(Step, deeds, st.integers(0, 4), st.sampled_from((1, 1, 2)), _seldom, _seldom)
    return st.lists(step, min_size=least, max_size=most).map(tuple)


_troubles = st.lists(st.sampled_from(("throttled", "lost", "fine")), max_size=4).map(tuple)
_rounds = st.builds(
    lambda writers, others, workers, lag, troubles: Round(writers + others, workers, lag, troubles),
    _steps(_imports, 1, 3),
    _steps(_others, 0, 4),
    st.integers(1, 2),
    st.sampled_from((0, 0, 3, 8)),
    _troubles,
)

plans = st.builds(
    Plan,
    st.tuples(*[st.one_of(st.none(), _pieces)] * len(SKUS)),
    st.tuples(*[st.sampled_from((0, 1, 0, 1, None))] * LISTINGS),
    st.tuples(*[_rounds] * 3),
)
