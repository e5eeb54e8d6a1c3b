"""An order as JSON, built by PostgreSQL and passed on as bytes. The order of the columns is the order of the fields."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache

from app.core.context import Language
from app.orders.actions import next_actions

_NEXT_ACTIONS = re.compile(rb'"next_actions":"([^"]*)"')
"""Cannot match inside a text: its quotes are escaped there."""


def _id(prefix: str, column: str) -> str:
    return f"'{prefix}_' || replace({column}::text, '-', '')"


def _object(columns: str) -> str:
    return f"(select row_to_json(z) from (select {columns}) z)"


@cache
def order_json(*, with_buyer: bool, at_risk_hours: int, is_detail: bool = False) -> str:
    """An expression over `o`, a row of orders: the JSON text of one order."""
    masked = "" if with_buyer else "_masked"
    lines, packages = (_DETAILED_LINES, _DETAILED_PACKAGES) if is_detail else ("o.lines_summary", "o.packages_summary")
    cancellation = _object("o.cancellation state, o.respond_by, o.cancellation_reason reason")
    channel_hold = _object("o.channel_hold_reason reason, o.channel_hold_until until")
    sla = (
        "case when o.ship_by is null or o.stage = 'processed' or o.status not in ('ordered', 'ready_to_ship') then null"
        " when o.ship_by < app_now() then 'overdue'"
        f" when o.ship_by < app_now() + interval '{int(at_risk_hours)} hours' then 'at_risk' else 'ok' end"
    )
    columns = (
        f"{_id('ord', 'o.id')} id",
        "o.order_number, o.external_id, o.channel",
        f"(select row_to_json(z) from (select {_id('shp', 's.id')} id, s.name from shops s"
        " where s.merchant_id = o.merchant_id and s.id = o.shop_id) z) shop",
        "o.status, o.stage, o.channel_status",
        f"case when o.cancellation is not null then {cancellation} end cancellation",
        f"case when o.is_held then {_object('o.hold reason')} end hold",
        f"case when o.channel_hold_reason is not null then {channel_hold} end channel_hold",
        "o.not_shippable, o.is_linked, o.is_cod, o.is_returned returned, o.processed_outside, o.print_status",
        "o.pick_pack, o.placed_at, o.paid_at, o.ship_by, o.pickup_cutoff_at, o.collect_by, o.cancels_at",
        "o.received_at",
        f"{sla} sla",
        "o.updated_at, o.payment_method",
        f"{_object('o.line_count lines, o.quantity')} counts",
        "case when o.total_amount is not null then"
        f" {_object('o.total_amount::text amount, o.currency, o.total_basis basis')} end total",
        f"{_object(f'o.buyer_username{masked} username, o.buyer_name{masked} name')} buyer",
        "o.note, o.tags",
        f"{lines} lines, {packages} packages",
        f"{_ACTIONS_KEY} next_actions",
        *(_DETAILS if is_detail else ()),
    )
    return f"(select row_to_json(r)::text from (select {', '.join(columns)}) r)"


COOLING = (
    "(select s.cooling ->> 'mode' from shops s where s.merchant_id = o.merchant_id and s.id = o.shop_id and app_now()"
    " < coalesce(o.paid_at, o.placed_at) + make_interval(mins => (s.cooling ->> 'minutes')::int))"
)
"""Over `o`: `respect`, `warn` or `ignore`, as its shop wishes, while the order is in the cooling window; else null."""
_ACTIONS_KEY = (
    "concat(o.first_step, '|', o.is_own_courier, '|', o.status, '|', o.stage, '|', o.cancellation, '|', o.is_held, '|',"
    " o.channel_hold_reason is not null, '|', o.not_shippable, '|', o.pick_pack, '|',"
    f" case when o.status in ('ordered', 'ready_to_ship') then {COOLING} = 'respect' end)"
)
_DETAILS = ("o.amounts, o.recipient, o.buyer_message, o.sender_name, o.version",)
_DETAILED_LINES = (
    f"array(select row_to_json(z) from (select {_id('oln', 'l.id')} id, l.sku, l.name, l.variation, l.quantity,"
    f" case when l.unit_price is not null then {_object('l.unit_price::text amount, o.currency')} end unit_price,"
    f" {_id('lst', 'l.listing_id')} listing_id, {_id('prd', 'l.product_id')} product_id,"
    " l.product_id is not null is_linked, l.external_id, l.item_external_id, l.model_external_id from order_lines l"
    " where l.merchant_id = o.merchant_id and l.order_id = o.id order by l.position, l.id) z)"
)
_DETAILED_PACKAGES = (
    f"array(select row_to_json(z) from (select {_id('pkg', 'p.id')} id, p.package_number, p.status, p.courier,"
    " p.service, p.tracking_number, p.handover, p.channel_status,"
    f" array(select row_to_json(y) from (select {_id('oln', 'l.id')} line_id, (p.lines->>l.external_id)::int quantity"
    " from order_lines l where l.merchant_id = p.merchant_id and l.order_id = p.order_id and p.lines ? l.external_id"
    " order by l.position, l.id) y) lines"
    " from packages p where p.merchant_id = o.merchant_id and p.order_id = o.id and not p.is_gone"
    " order by p.position, p.id) z)"
)


@dataclass(frozen=True, slots=True)
class _State:
    """The facts that a key of `next_actions` names."""

    status: str
    stage: str | None
    cancellation: str | None
    is_held: bool
    channel_hold_reason: str | None
    not_shippable: str | None
    pick_pack: str | None
    first_step: str
    is_own_courier: bool


class ActionTexts:
    """Puts the actions in place of their keys. There are few combinations: each is written once per language."""

    def __init__(self) -> None:
        self._write = lru_cache(maxsize=20_000)(self._render)

    def put_in(self, orders: bytes, language: Language) -> bytes:
        """The JSON of orders with their `next_actions` written out."""
        return _NEXT_ACTIONS.sub(lambda found: self._write(found[1], language), orders)

    def _render(self, key: bytes, language: Language) -> bytes:
        facts = key.decode().split("|")
        first_step, is_own_courier, status, stage, cancellation, is_held, is_channel_held, *rest = facts
        not_shippable, pick_pack, is_cooling = rest
        state = _State(
            status=status,
            stage=stage or None,
            cancellation=cancellation or None,
            is_held=is_held == "t",
            channel_hold_reason="held" if is_channel_held == "t" else None,
            not_shippable=not_shippable or None,
            pick_pack=pick_pack or None,
            first_step=first_step,
            is_own_courier=is_own_courier == "t",
        )
        actions = next_actions(state, language, is_cooling=is_cooling == "t")
        return b'"next_actions":' + json.dumps(actions, ensure_ascii=False, separators=(",", ":")).encode()
