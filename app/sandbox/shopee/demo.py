"""Two shops with a past, so that a first start shows life."""

from app.sandbox.shopee.controls import advance
from app.sandbox.shopee.generator import new_order, new_shop
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.tokens import Tokens
from app.sandbox.shopee.world import Shop, World

FIRST_SHOP = 14_701_711
_NAMES = ("Batik Nusantara", "Kopi & Kaos Bandung")
_HOUR = 3600
_PAST: tuple[tuple[int, float, str], ...] = (
    (1, 0.5, "unpaid"),
    (4, 2, "paid"),
    (6, 9, "paid"),
    (2, 44, "paid"),
    (2, 12, "arranged"),
    (1, 8, "cancel_requested"),
    (2, 40, "in_transit"),
    (2, 70, "delivered"),
    (4, 110, "completed"),
    (1, 30, "cancelled"),
)
"""How many, placed how many hours ago, and where they are now."""
_REACHED = {"arranged": 3, "cancel_requested": 5, "cancelled": 4, "collected": 9, "in_transit": 14, "delivered": 50}
_REACHED_LAST = 80
_WAY = ("paid", "arranged", "collected", "in_transit", "delivered", "completed")


def open_shop(world: World, tokens: Tokens, name: str) -> Shop:
    """An empty shop whose seller has consented."""
    number = world.engine.store.next_number("shopee.shop")
    shop = new_shop(world, name, FIRST_SHOP + number - 1)
    shop["is_linked"], shop["auth_time"] = True, world.now()
    tokens.publish(shop)
    return shop


def open_demo_shops(world: World, tokens: Tokens, lifecycle: Lifecycle) -> None:
    """As if the sellers had worked here for days."""
    clock = world.engine.clock
    today = clock.now()
    for name in _NAMES:
        shop = open_shop(world, tokens, name)
        for count, hours, state in _PAST:
            for position in range(count):
                placed_at = today - hours * _HOUR - position * 1000
                is_split = state == "paid" and position == 0
                with clock.at(placed_at):
                    order = new_order(world, shop, {"state": state, "packages": 2 if is_split else 1})
                    world.save(order)
                for step in _steps(state):
                    with clock.at(min(today, placed_at + _hours(step) * _HOUR)):
                        advance(lifecycle, order, step)
                        # What the carrier answers within seconds is long answered.
                        world.engine.apply_due()


def _steps(state: str) -> tuple[str, ...]:
    if state == "unpaid":
        return ()
    if state in _WAY:
        return _WAY[: _WAY.index(state) + 1]
    return ("paid", state)


def _hours(step: str) -> float:
    return 0.2 if step == "paid" else _REACHED.get(step, _REACHED_LAST)
