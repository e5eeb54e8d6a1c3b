"""What every write on an order has in common: its row in the ledger, and the lag that reads may be given."""

from typing import Any

from app.sandbox.engine import staleness
from app.sandbox.shopee.answers import Refused, not_found
from app.sandbox.shopee.calls import ShopeeCall
from app.sandbox.shopee.world import CHANNEL, Order, Package, World


def record(
    world: World,
    call: ShopeeCall,
    order: Order | None,
    package: Package | None,
    *,
    is_effective: bool,
    params: dict[str, Any],
) -> None:
    """A ledger row of the call's own operation."""
    world.engine.ledger.record(
        at=world.engine.clock.now(),
        channel=CHANNEL,
        operation=call.operation,
        is_effective=is_effective,
        call_id=call.id,
        order_number=None if order is None else order["order_sn"],
        package_number=None if package is None else package["package_number"],
        params=params,
    )


def keep_view_for_stale_reads(world: World, call: ShopeeCall, order: Order) -> None:
    """Called right before the effect."""
    if "stale_read" in call.strange:
        staleness.remember(world.engine.clock, order, call.strange["stale_read"])


def find_own_order(world: World, call: ShopeeCall) -> Order:
    """The order the body names. Refuses when it is not this shop's."""
    order = world.find_order(call.shop, call.body.get("order_sn"))
    if order is None:
        raise not_found()
    return order


def record_refusal(
    world: World, call: ShopeeCall, refused: Refused, order: Order | None, package: Package | None = None
) -> None:
    """A write that came and changed nothing."""
    record(world, call, order, package, is_effective=False, params={"error": refused.error})
