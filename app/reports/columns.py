"""The columns of the order report as SQL over `o` (orders) and `l` (a line)."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

from collections.abc import Mapping, Sequence
from uuid import UUID


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, on one line. Plain decimals stay as they are."""
    formula = r"'^[-=+@\t\r\n＝＋－＠]'"
    decimal = r"'^[-+]?[0-9]+(\.[0-9]+)?$'"
    guarded = f"case when {text} ~ {formula} and {text} !~ {decimal} then '''' || {text} else {text} end"
    return rf"translate({guarded}, E'\r\n', '  ')"


def _number(text: str, *, excel: bool) -> str:
    """An id, verbatim; Excel would round long digits unless something follows them."""
    safe = _safe(text)
    return rf"case when {text} ~ '^[0-9]{{12,}}$' then {text} || E'\t' else {safe} end" if excel else safe


SHOPS = f"select s.id, s.timezone, {_safe('s.name')} from shops s where s.merchant_id = $1"
"""Of each shop: its id, its time zone, and its name as a cell."""


def _local(column: str, zones: Mapping[str, Sequence[UUID]]) -> str:
    """The wall clock's time at the order's shop.

    The zone is a literal: one that is looked up per row keeps PostgreSQL from inlining the function, ten times slower.
    """
    ranked = sorted(zones, key=lambda zone: len(zones[zone]))
    *others, most_common = ranked or ["UTC"]
    choices = [
        f"when o.shop_id in ({', '.join(repr(str(shop_id)) for shop_id in zones[zone])})"
        f" then local_time({column}, {_literal(zone)})"
        for zone in others
    ]
    usual = f"local_time({column}, {_literal(most_common)})"
    return f"case {' '.join(choices)} else {usual} end" if choices else usual


def _literal(zone: str) -> str:
    assert "'" not in zone and "\\" not in zone, "a shop's time zone is one of the IANA database"
    return f"'{zone}'"


def basic(*, with_buyer: bool, excel: bool, shop_names: str, zones: Mapping[str, Sequence[UUID]]) -> dict[str, str]:
    """Column name → expression, in order. `shop_names` is a JSON object by shop id, `zones` the shops of each zone."""
    buyer = "o.buyer_username" if with_buyer else "o.buyer_username_masked"
    return {
        "order_number": _number("o.order_number", excel=excel),
        "channel": "o.channel",
        "shop_name": f"{shop_names}->>o.shop_id::text",
        "status": "o.status",
        "stage": "o.stage",
        "placed_at": _local("o.placed_at", zones),
        "ship_by": _local("o.ship_by", zones),
        "courier": _safe("o.courier"),
        "tracking_number": _number("o.tracking_number", excel=excel),
        "total_products": "o.line_count",
        "total_quantity": "o.quantity",
        "order_total": "o.total_amount",
        "currency": _safe("o.currency"),
        "amount_basis": "o.total_basis",
        "print_status": "o.print_status",
        "payment_method": _safe("o.payment_method"),
        "buyer_username": _safe(buyer),
    }


def of_line() -> dict[str, str]:
    """What a row has more when it is one line of the order."""
    return {
        "sku": _safe("l.sku"),
        "product_name": _safe("l.name"),
        "variation": _safe("l.variation"),
        "quantity": "l.quantity",
        "unit_price": "l.unit_price",
    }
