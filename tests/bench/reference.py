"""The measure: a bare ASGI handler that lets PostgreSQL build the same page and returns the bytes.

No authentication, no tenancy, no transaction; lines and packages by subselect.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg

_ACTIONS = [
    {"action": name, "is_allowed": False, "code": "already_done", "text": "This is done already."}
    for name in ("receive", "arrange_shipment", "print_labels", "hold", "release", "sync", "pick_started")
]
_PAGE = """
select coalesce(json_agg(row_to_json(r)), '[]')::text from (
  select 'ord_' || replace(o.id::text, '-', '') id, o.order_number, o.external_id, o.channel,
    (select row_to_json(z) from (select 'shp_' || replace(s.id::text, '-', '') id, s.name from shops s
      where s.merchant_id = o.merchant_id and s.id = o.shop_id) z) shop,
    o.status, o.stage, o.channel_status, null cancellation, null hold, null channel_hold, o.not_shippable, o.is_linked,
    o.is_cod, o.is_returned returned, o.processed_outside, o.print_status, o.pick_pack, o.placed_at, o.paid_at,
    o.ship_by, null sla, o.updated_at, o.payment_method,
    (select row_to_json(z) from (select o.line_count lines, o.quantity) z) counts,
    (select row_to_json(z) from (select o.total_amount::text amount, o.currency, o.total_basis basis) z) total,
    (select row_to_json(z) from (select o.buyer_username username, o.buyer_name "name") z) buyer, o.note, o.tags,
    array(select row_to_json(z) from (select 'oln_' || replace(l.id::text, '-', '') id, l.sku, l.name, l.variation,
      l.quantity, (select row_to_json(y) from (select l.unit_price::text amount, o.currency) y) unit_price,
      l.listing_id, l.product_id, l.product_id is not null is_linked from order_lines l
      where l.merchant_id = o.merchant_id and l.order_id = o.id order by l.position) z) lines,
    array(select row_to_json(z) from (select 'pkg_' || replace(p.id::text, '-', '') id, p.package_number, p.status,
      p.courier, p.service, p.tracking_number, p.handover from packages p
      where p.merchant_id = o.merchant_id and p.order_id = o.id order by p.position) z) packages,
    '%s'::json next_actions
  from (select * from orders where merchant_id = $1 and status = $2 order by placed_at desc, id desc limit 50) o
  order by o.placed_at desc, o.id desc) r"""

Message = MutableMapping[str, Any]


class Reference:
    """An ASGI application with one answer."""

    def __init__(self, database_url: str, merchant_id: str) -> None:
        self._database_url = database_url
        self._merchant_id = merchant_id
        self._pool: asyncpg.Pool | None = None
        self._page = _PAGE % str(_ACTIONS).replace("'", '"').replace("False", "false")

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._database_url, min_size=8, max_size=8, server_settings={"jit": "off"}
            )
        async with self._pool.acquire() as connection:
            text = await connection.fetchval(self._page, self._merchant_id, "completed")
        body = b'{"data":' + text.encode() + b',"page":{"next_cursor":null,"limit":50}}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def create_app() -> Reference:
    """For uvicorn."""
    return Reference(os.environ["BENCH_DATABASE_URL"], os.environ["BENCH_MERCHANT_ID"])
