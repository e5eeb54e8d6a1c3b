"""Two stores with a past, so that a first start shows life."""

from app.sandbox.plugo_store.generator import new_order, new_shop
from app.sandbox.plugo_store.lifecycle import Lifecycle
from app.sandbox.plugo_store.world import World

_NAMES = ("Batik Nusantara", "Kopi & Kaos Bandung")
_HOUR = 3600
_PAST: tuple[tuple[int, int, str], ...] = (
    (1, 1, "unpaid"),
    (7, 5, "paid"),
    (2, 22, "arranged"),
    (1, 8, "cancel_requested"),
    (3, 60, "in_transit"),
    (2, 90, "delivered"),
    (4, 140, "completed"),
    (1, 30, "cancelled"),
)
"""How many, placed how many hours ago, and where they are now."""


def open_demo_stores(world: World, lifecycle: Lifecycle) -> None:
    """As if the merchants had sold for days."""
    today = world.engine.clock.now()
    for name in _NAMES:
        shop = new_shop(world, name)
        for count, hours, state in _PAST:
            for position in range(count):
                with world.engine.clock.at(today - hours * _HOUR - position * 900):
                    order = new_order(world, shop, {})
                    world.save_order(order)
                    if state == "unpaid":
                        continue
                    lifecycle.pay(order)
                    if state == "cancel_requested":
                        lifecycle.request_cancel(order)
                    elif state == "cancelled":
                        lifecycle.cancel(order)
                    elif state != "paid":
                        lifecycle.walk(order, state)
