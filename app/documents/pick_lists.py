"""The pick list of many orders: each SKU once, how many of it, and for which orders. Pure CPU: render in a thread.

The same facts give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.context import Language
from app.documents import codes, typesetting
from app.documents.typesetting import clean

_WORDS: dict[Language, dict[str, str]] = {
    "en": {"title": "PICK LIST", "orders": "orders", "pieces": "pieces", "products": "products", "page": "Page"},
    "id": {"title": "DAFTAR AMBIL", "orders": "pesanan", "pieces": "buah", "products": "produk", "page": "Halaman"},
}
_NAME_LETTERS = 120
_MOST_MODULES = 310
"""As many as stay at least 0.2 mm wide in the column."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of an order that is to be picked. `order_id` tells apart what stores number alike."""

    order_id: UUID
    order_number: str
    sku: str
    name: str
    variation: str
    quantity: int


def describe(wanted: Sequence[Wanted], language: Language, *, made_on: str) -> dict[str, Any]:
    """Everything the template prints: products by SKU, their orders as they were asked for."""
    groups: dict[tuple[str, str, str], list[Wanted]] = {}
    for one in wanted:
        # What has no SKU is told apart by its name.
        key = (one.sku, "", "") if one.sku else ("", one.name, one.variation)
        groups.setdefault(key, []).append(one)
    rows = [_row(groups[key]) for key in sorted(groups, key=lambda key: (not key[0], key))]
    words = _WORDS[language]
    orders = len({one.order_id for one in wanted})
    pieces = sum(one.quantity for one in wanted)
    summary = f"{orders} {words['orders']} · {len(rows)} {words['products']} · {pieces} {words['pieces']}"
    return {
        "language": language,
        "title": words["title"],
        "page": words["page"],
        "made_on": made_on,
        "summary": summary,
        "rows": rows,
    }


def _row(group: Sequence[Wanted]) -> dict[str, Any]:
    first = group[0]
    per_order: dict[tuple[UUID, str], int] = {}
    for one in group:
        key = (one.order_id, one.order_number)
        per_order[key] = per_order.get(key, 0) + one.quantity
    return {
        "sku": clean(first.sku, _NAME_LETTERS),
        "name": clean(first.name, _NAME_LETTERS) or "–",
        "variation": clean(first.variation, _NAME_LETTERS),
        "quantity": str(sum(per_order.values())),
        "barcode": codes.draw_code128(first.sku, most_modules=_MOST_MODULES),
        "orders": [
            f"{clean(number)} × {count}" if count > 1 else clean(number) for (_, number), count in per_order.items()
        ],
    }


def render(facts: Mapping[str, Any]) -> bytes:
    """The PDF. Raises typst.TypstError when the template itself is wrong."""
    return typesetting.render("pick_list", facts)
