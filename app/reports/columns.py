"""The columns of the order report as SQL over `o` (orders), `s` (its shop) and `l` (a line)."""

# ruff: noqa: S608 (put together from our own words; values are parameters)


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


def _shop(column: str) -> str:
    # A join would make PostgreSQL sort everything before the first row.
    return f"(select s.{column} from shops s where s.merchant_id = o.merchant_id and s.id = o.shop_id)"


def basic(*, with_buyer: bool, excel: bool) -> dict[str, str]:
    """Column name → expression, in order."""
    timezone = _shop("timezone")
    buyer = "o.buyer_username" if with_buyer else "o.buyer_username_masked"
    return {
        "order_number": _number("o.order_number", excel=excel),
        "channel": "o.channel",
        "shop_name": _safe(_shop("name")),
        "status": "o.status",
        "stage": "o.stage",
        "placed_at": f"local_time(o.placed_at, {timezone})",
        "ship_by": f"local_time(o.ship_by, {timezone})",
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
