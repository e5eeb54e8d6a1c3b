"""Items of many orders with few calls."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.channels import decoding
from app.channels.contract import ShopAccess
from app.channels.errors import Malformed, Rejected
from app.connectors.lazada import wire
from app.connectors.lazada.client import Client

BATCH = 50
_WAIT_SECONDS = 8.0
"""Without their items orders are not read: to give up here wastes the calls that brought them."""


async def fetch_items(client: Client, access: ShopAccess, order_ids: Sequence[str]) -> dict[str, list[Any]]:
    """Raw items by order, up to fifty orders a call, calls side by side. An order may be missing from the answer."""
    ids = list(dict.fromkeys(order_ids))
    parts = await asyncio.gather(
        *(_fetch_part(client, access, ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))
    )
    return {order_id: units for part in parts for order_id, units in part.items()}


async def fetch_units(client: Client, access: ShopAccess, order_ids: Sequence[str]) -> dict[str, list[wire.Item]]:
    """The same, read; an order with an item that cannot be read is left out."""
    found = {}
    for order_id, elements in (await fetch_items(client, access, order_ids)).items():
        try:
            found[order_id] = [decoding.read(wire.Item, element) for element in elements]
        except ValueError:
            continue
    return found


async def _fetch_part(client: Client, access: ShopAccess, ids: list[str]) -> dict[str, list[Any]]:
    """When one id is wrong the whole call is refused: then each half is asked for by itself."""
    parameters = {"order_ids": f"[{','.join(ids)}]"}
    try:
        answer = await client.read("/orders/items/get", access, parameters, wait_seconds=_WAIT_SECONDS)
    except Rejected as error:
        if error.code not in ("37", "39", "16"):
            raise
        if len(ids) == 1:
            return {}
        middle = len(ids) // 2
        return await _fetch_part(client, access, ids[:middle]) | await _fetch_part(client, access, ids[middle:])
    if not isinstance(answer.data, list):
        raise Malformed("unreadable_answer", "data: not a list")
    found = {}
    for element in answer.data:
        try:
            order = decoding.read(wire.OrderItems, element)
        except ValueError:
            continue
        if order.order_items:
            found[order.order_id] = list(order.order_items)
    return found
