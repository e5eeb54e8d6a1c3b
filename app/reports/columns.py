"""The columns of the order report as SQL over `o` (orders) and `l` (a line)."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Preset = Literal["basic", "warehouse", "accounting"]


@dataclass(frozen=True, slots=True)
class Cells:
    """How texts are written. In a workbook a text is a text; in a CSV it must not look like anything else."""

    is_workbook: bool = False
    for_excel: bool = False

    def text(self, value: str) -> str:
        """On one line, and no formula for any spreadsheet. Plain decimals stay as they are."""
        if self.is_workbook:
            return value
        formula = r"'^[-=+@\t\r\n＝＋－＠]'"
        decimal = r"'^[-+]?[0-9]+(\.[0-9]+)?$'"
        guarded = f"case when {value} ~ {formula} and {value} !~ {decimal} then '''' || {value} else {value} end"
        return rf"translate({guarded}, E'\r\n', '  ')"

    def number(self, value: str) -> str:
        """An id, verbatim; Excel would round long digits of a CSV unless something follows them."""
        safe = self.text(value)
        if not self.for_excel or self.is_workbook:
            return safe
        return rf"case when {value} ~ '^[0-9]{{12,}}$' then {value} || E'\t' else {safe} end"


SHOPS = f"select s.id, s.timezone, {Cells().text('s.name')}, s.name from shops s where s.merchant_id = $1"
"""Of each shop: its id, its time zone, its name as a cell and as it is."""


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


def of_order(
    preset: Preset, cells: Cells, *, with_buyer: bool, shop_names: str, zones: Mapping[str, Sequence[UUID]]
) -> dict[str, str]:
    """Column name → expression, in order. `shop_names` is a JSON object by shop id, `zones` the shops of each zone."""
    buyer = "o.buyer_username" if with_buyer else "o.buyer_username_masked"
    head = {
        "order_number": cells.number("o.order_number"),
        "channel": "o.channel",
        "shop_name": f"{shop_names}->>o.shop_id::text",
        "status": "o.status",
        "stage": "o.stage",
    }
    parcel = {
        "ship_by": _local("o.ship_by", zones),
        "courier": cells.text("o.courier"),
        "tracking_number": cells.number("o.tracking_number"),
    }
    size = {"total_products": "o.line_count", "total_quantity": "o.quantity"}
    money = {"order_total": "o.total_amount", "currency": cells.text("o.currency"), "amount_basis": "o.total_basis"}
    payment = {"payment_method": cells.text("o.payment_method")}
    if preset == "warehouse":
        return {
            **head,
            **parcel,
            "pickup_cutoff_at": _local("o.pickup_cutoff_at", zones),
            "collect_by": _local("o.collect_by", zones),
            "pick_pack": "o.pick_pack",
            "print_status": "o.print_status",
            **size,
            "items": cells.text(_ITEMS),
            "note": cells.text("o.note"),
            "tags": cells.text("array_to_string(o.tags, '; ')"),
            "hold": cells.text("o.hold"),
        }
    if preset == "accounting":
        return {
            **head,
            "placed_at": _local("o.placed_at", zones),
            "paid_at": _local("o.paid_at", zones),
            **payment,
            "is_cod": "o.is_cod",
            "returned": "o.is_returned",
            **size,
            **money,
            "amounts": cells.text(_AMOUNTS),
        }
    return {
        **head,
        "placed_at": _local("o.placed_at", zones),
        **parcel,
        **size,
        **money,
        "print_status": "o.print_status",
        **payment,
        "buyer_username": cells.text(buyer),
    }


_ITEMS = (
    "(select string_agg(concat(x->>'quantity', 'x ', coalesce(nullif(x->>'sku', ''), x->>'name')), '; ')"
    " from json_array_elements(o.lines_summary) x)"
)
_AMOUNTS = (
    "(select string_agg(concat(x->>'kind', ' ', x->>'amount', case when x->>'basis' = 'derived' then '*' end), '; ')"
    " from json_array_elements(o.amounts) x)"
)


def of_line(cells: Cells) -> dict[str, str]:
    """What a row has more when it is one line of the order."""
    return {
        "sku": cells.text("l.sku"),
        "product_name": cells.text("l.name"),
        "variation": cells.text("l.variation"),
        "quantity": "l.quantity",
        "unit_price": "l.unit_price",
    }
