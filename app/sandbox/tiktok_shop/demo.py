"""A seller on both platforms with a past, so that a first start shows life."""

from app.sandbox.tiktok_shop.generator import ON_HOLD, new_order, new_shop
from app.sandbox.tiktok_shop.lifecycle import Lifecycle
from app.sandbox.tiktok_shop.world import CHANNELS, World

_NAMES = ("Batik Nusantara", "Kopi & Kaos Bandung")
_HOUR = 3600
_PAST: tuple[tuple[int, int, str], ...] = (
    (1, 1, "unpaid"),
    (4, 5, "paid"),
    (1, 20, "arranged"),
    (1, 8, "cancel_requested"),
    (2, 60, "in_transit"),
    (1, 90, "delivered"),
    (2, 140, "completed"),
    (1, 30, "cancelled"),
)
"""How many of each platform, placed how many hours ago, and where they are now."""


def open_demo_shops(world: World, lifecycle: Lifecycle) -> None:
    """As if the sellers had worked here for days."""
    today = world.engine.clock.now()
    for name in _NAMES:
        shop = new_shop(world, name)
        for channel in CHANNELS:
            for count, hours, state in _PAST:
                for position in range(count):
                    with world.engine.clock.at(today - hours * _HOUR - position * 900):
                        order = new_order(world, shop, channel, {"state": state})
                        world.save(order)
                        if state == "unpaid":
                            continue
                        lifecycle.pay(order)
                        if state == "cancel_requested":
                            lifecycle.request_cancel(order)
                        elif state == "cancelled":
                            lifecycle.cancel(order, initiator="BUYER", reason="Berubah pikiran")
                        elif state != "paid":
                            lifecycle.walk(order, state)
            held = new_order(world, shop, channel, {"state": "paid", "courier": ON_HOLD})
            world.save(held)
            lifecycle.pay(held)
