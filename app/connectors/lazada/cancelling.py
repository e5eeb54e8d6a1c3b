"""Cancellations: the seller's own, and the answer to a buyer's request."""

import asyncio
import json
from typing import Any, Literal

from app.channels import decoding
from app.channels.contract import CancellationReason, ShopAccess
from app.channels.errors import AlreadyDone, Rejected, Unknown
from app.connectors.lazada import items, wire
from app.connectors.lazada.client import Client
from app.connectors.lazada.mapping import statuses

REASONS = (
    CancellationReason("10000021", "Out of stock", "Stok habis"),
    CancellationReason("10000019", "Sourcing delay", "Pengadaan terlambat"),
    CancellationReason("10000023", "Wrong price", "Harga salah"),
)
"""Ids differ per country and order; the order's own list decides."""
_PAGE = 100
_MOST_PAGES = 10


async def cancel(client: Client, access: ShopAccess, order_id: str, reason: str) -> None:
    """Everything that can still be cancelled. Not idempotent."""
    units = (await items.fetch_units(client, access, [order_id])).get(order_id)
    if units is None:
        raise Rejected("16", "Lazada has no such order.", meaning="not_found")
    ids = [unit.order_item_id for unit in units if unit.status in statuses.CANCELLABLE]
    if not ids and all(unit.status == statuses.CANCELLED for unit in units):
        raise AlreadyDone("", "Every item is cancelled.")
    if not ids:
        raise Rejected("", "No item of this order can be cancelled in its state.", meaning="wrong_state")
    parameters = {"order_id": order_id, "order_item_id_list": json.dumps(ids, separators=(",", ":"))}
    answer = await client.read("/order/reverse/cancel/validate", access, parameters)
    tip = decoding.read_answer(wire.CancelTip, answer.data or {})
    if tip.tip_type == "error":
        raise Rejected("tip_error", tip.tip_content, meaning="wrong_state")
    if reason not in [option.reason_id for option in tip.reason_options]:
        raise Rejected("104", "Lazada does not accept this reason for this order.", meaning="missing_parameter")
    made = await client.write("/order/reverse/cancel/create", access, {**parameters, "reason_id": reason}, method="GET")
    try:
        verdict = decoding.read(wire.CancelTip, made.data or {})
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error
    if verdict.tip_type == "error":
        raise Rejected("tip_error", verdict.tip_content, meaning="wrong_state")
    if verdict.tip_type != "success" and not verdict.tip_type.startswith("warn"):
        raise Unknown("no_verdict", verdict.tip_content)


async def answer(
    client: Client, access: ShopAccess, order_id: str, decision: Literal["approve", "reject"], reason: str | None
) -> None:
    """Not idempotent. Every request about the order, as items and reverse list tell: units may be asked for apart."""
    reverse_ids = await _find_requests(client, access, order_id)
    for turn, reverse_id in enumerate(reverse_ids):
        if turn:
            await client.reserve(access)  # the caller has reserved one call
        try:
            await _decide(client, access, reverse_id, decision, reason)
        except AlreadyDone:
            if len(reverse_ids) == 1:
                raise
    if not reverse_ids:
        raise AlreadyDone("131", "There is no request that waits for an answer.")


async def _find_requests(client: Client, access: ShopAccess, order_id: str) -> list[str]:
    units, listed = await asyncio.gather(
        items.fetch_units(client, access, [order_id]), fetch_requests(client, access, order_id)
    )
    told = [unit.reverse_order_id for unit in units.get(order_id, []) if unit.need_cancel_confirm]
    return [one for one in dict.fromkeys([*told, *(request.reverse_order_id for request in listed)]) if one]


async def fetch_requests(client: Client, access: ShopAccess, order_id: str | None = None) -> list[wire.ReverseOrder]:
    """Wishes to cancel that wait for an answer, of one order or the whole shop. None where the app may not ask."""
    found: list[wire.ReverseOrder] = []
    for page in range(1, _MOST_PAGES + 1):
        parameters = {
            "page_no": str(page),
            "page_size": str(_PAGE),
            "request_type_list": '["CANCEL"]',
            "reverse_status_list": '["REQUEST_INITIATE"]',
            **({"trade_order_id": order_id} if order_id else {}),
        }
        try:
            answer = await client.read("/reverse/getreverseordersforseller", access, parameters)
        except Rejected:
            break
        elements = answer.result.get("items")
        rows = [decoding.read_answer(wire.ReverseOrder, one) for one in elements or [] if isinstance(one, dict)]
        found += [row for row in rows if row.request_type == "CANCEL" and order_id in (None, row.trade_order_id)]
        if len(rows) < _PAGE:
            break
    return found


async def _decide(
    client: Client, access: ShopAccess, reverse_id: str, decision: Literal["approve", "reject"], reason: str | None
) -> None:
    parameters = {"reverse_order_id": reverse_id, "agree_cancel": "true" if decision == "approve" else "false"}
    if decision == "reject":
        # Whether one has to be given is not documented.
        offered = [one.reason_id for one in await _fetch_reasons(client, access, reverse_id)]
        if reason is not None and offered and reason not in offered:
            raise Rejected("104", "Lazada does not offer this reason for this request.", meaning="reason_not_accepted")
        code = reason or next(iter(offered), None)
        if code:
            parameters["reason_code"] = code
    await client.write("/order/reverse/cancel/seller/decide", access, parameters, method="GET")


async def fetch_rejection_reasons(client: Client, access: ShopAccess, order_id: str) -> tuple[CancellationReason, ...]:
    """As offered for the first open request, in the seller's language."""
    for reverse_id in await _find_requests(client, access, order_id):
        offered = await _fetch_reasons(client, access, reverse_id)
        return tuple(CancellationReason(one.reason_id, *[one.text or one.reason_id] * 2) for one in offered)
    return ()


async def _fetch_reasons(client: Client, access: ShopAccess, reverse_id: str) -> list[wire.RejectReason]:
    try:
        detail = await client.read("/order/reverse/return/detail/list", access, {"reverse_order_id": reverse_id})
        line_id = _first_line(detail.data)
        if line_id is None:
            return []
        told = await client.read("/order/reverse/reason/list", access, {"reverse_order_line_id": line_id})
    except Rejected:
        return []
    return [decoding.read_answer(wire.RejectReason, one) for one in (told.data if isinstance(told.data, list) else [])]


def _first_line(data: Any) -> str | None:
    lines = data.get("reverseOrderLineDTOList") if isinstance(data, dict) else None
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, dict) and line.get("reverse_order_line_id"):
            return str(line["reverse_order_line_id"])
    return None
