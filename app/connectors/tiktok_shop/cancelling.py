"""Cancellations: the seller's own, and the answer to a buyer's request."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from app.channels import decoding
from app.channels.contract import CancellationReason, OrderToCancel, ShopAccess
from app.channels.errors import AlreadyDone, Rejected
from app.connectors.tiktok_shop import wire
from app.connectors.tiktok_shop.client import Client

PENDING = "CANCELLATION_REQUEST_PENDING"
REASONS = (
    CancellationReason("seller_cancel_reason_out_of_stock", "Out of stock", "Stok habis"),
    CancellationReason("seller_cancel_reason_wrong_price", "Wrong price", "Harga salah"),
)
_UNPAID = {
    "seller_cancel_reason_out_of_stock": "seller_cancel_unpaid_reason_out_of_stock",
    "seller_cancel_reason_wrong_price": "seller_cancel_unpaid_reason_wrong_price",
}
_BATCH = 50


async def fetch_open(client: Client, access: ShopAccess, order_ids: Sequence[str]) -> dict[str, wire.Cancellation]:
    """Requests that wait for the seller, by order."""
    found: dict[str, wire.Cancellation] = {}
    for start in range(0, len(order_ids), _BATCH):
        body = {"order_ids": list(order_ids[start : start + _BATCH]), "cancel_status": [PENDING], "locale": "id-ID"}
        query = {"page_size": str(_BATCH), "sort_field": "create_time", "sort_order": "DESC"}
        answer = await client.read("/return_refund/202602/cancellations/search", access, query, body)
        elements = answer.data.get("cancellations")
        for element in elements if isinstance(elements, list) else []:
            try:
                told = decoding.read(wire.Cancellation, element)
            except ValueError:
                continue  # the order says that there is one; its deadline stays unknown
            if told.cancel_type == "BUYER_CANCEL" and told.cancel_status == PENDING:
                found.setdefault(told.order_id, told)
    return found


async def cancel(client: Client, access: ShopAccess, order: OrderToCancel, reason: str) -> None:
    """The whole order. Not idempotent."""
    if reason not in [known.code for known in REASONS]:
        raise Rejected("", "TikTok Shop does not accept this reason.", meaning="missing_parameter")
    name = _UNPAID[reason] if order.is_unpaid else reason
    body = {"order_id": order.external_id, "cancel_reason": name}
    await client.write("/return_refund/202602/cancellations", access, body)


async def answer(
    client: Client,
    access: ShopAccess,
    order_id: str,
    decision: Literal["approve", "reject"],
    reason: str | None,
) -> None:
    """Not idempotent at TikTok Shop, but one decision has one key."""
    request = (await fetch_open(client, access, [order_id])).get(order_id)
    if request is None:
        raise AlreadyDone("25007006", "There is no request that waits for an answer.")
    key = hashlib.sha256(f"{request.cancel_id}:{decision}".encode()).hexdigest()
    path = f"/return_refund/202309/cancellations/{request.cancel_id}/{decision}"
    body = None
    if decision == "reject":
        if reason is None:
            offered = await _fetch_reasons(client, access, request.cancel_id)
            if not offered:
                raise Rejected("25001014", "TikTok Shop offers no reason to reject.", meaning="missing_parameter")
            reason = offered[0].name
        body = {"reject_reason": reason}
    await client.write(path, access, body, {"idempotency_key": key})


async def fetch_rejection_reasons(client: Client, access: ShopAccess, order_id: str) -> tuple[CancellationReason, ...]:
    """As offered for the open request; its texts are Indonesian."""
    request = (await fetch_open(client, access, [order_id])).get(order_id)
    if request is None:
        return ()
    offered = await _fetch_reasons(client, access, request.cancel_id)
    return tuple(CancellationReason(one.name, one.text or one.name, one.text or one.name) for one in offered)


async def _fetch_reasons(client: Client, access: ShopAccess, cancel_id: str) -> tuple[wire.Reason, ...]:
    query = {"return_or_cancel_id": cancel_id, "locale": "id-ID"}
    told = await client.read("/return_refund/202309/reject_reasons", access, query)
    return decoding.read_answer(wire.Reasons, told.data).reasons
