"""Whatever people, channels and workers do at once, no piece is lost and none is made up.

Plans are drawn by Hypothesis and played against the real database. Many new ones: `PLUGOSYNC_TEST_PLANS=2000`.
"""

import os
from pprint import pformat

import asyncpg
import pytest
from hypothesis import Phase, given, settings

from app.work.context import Context
from tests.stock.books import live
from tests.stock.plans import Plan, plans
from tests.stock.stand import Stand

PLANS = int(os.environ.get("PLUGOSYNC_TEST_PLANS", "0"))
STUBBORN = 5


@pytest.fixture(scope="module")
def tries() -> list[int]:
    """How often a plan is played: hands that meet once in a while must meet again for a failure to shrink."""
    return [1]


@pytest.mark.timeout(600 + PLANS)
@settings(
    max_examples=PLANS or 20,
    derandomize=not PLANS,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)
@given(plan=plans)
async def test_no_piece_is_lost_and_none_is_made_up(
    context: Context, owner: asyncpg.Connection, tries: list[int], plan: Plan
) -> None:
    try:
        for _ in range(tries[0]):
            await live(Stand(context, owner), plan)
    except BaseException as error:
        tries[0] = STUBBORN
        error.add_note(pformat(plan))
        raise
