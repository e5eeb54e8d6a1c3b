"""Products and variations as listings, and their absolute stock."""

from typing import Any

from app.channels import decoding
from app.channels.contract import ChannelListing, ListingPage, ShopAccess
from app.channels.errors import Malformed, Rejected, Unknown
from app.connectors.plugo_store import wire
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.mapping.orders import text_of

PAGE = 50
VARIATIONS = 100


async def list_listings(client: Client, access: ShopAccess, cursor: str | None) -> ListingPage:
    """A page of products; variable ones stand for their variations."""
    page = int(cursor or 1)
    query = {"per_page": str(PAGE), "page": str(page), "orderby": "id", "order": "asc", "status": "publish"}
    rows = _rows((await client.read("/products", access, query)).body)
    products = [decoding.read_answer(wire.Product, row) for row in rows]
    # One after another: all at once they would wait for the same tokens, and one that waits too long fails the page.
    groups = [await _listings(client, access, product) for product in products]
    found = tuple(listing for group in groups for listing in group)
    return ListingPage(found, str(page + 1) if len(rows) == PAGE else None)


async def _listings(client: Client, access: ShopAccess, product: wire.Product) -> list[ChannelListing]:
    if product.type == "simple":
        return [_listing(product, None)]
    if product.type != "variable":
        return []  # grouped and external products have no stock of their own
    found: list[ChannelListing] = []
    while True:
        query = {
            "per_page": str(VARIATIONS),
            "page": str(len(found) // VARIATIONS + 1),
            "orderby": "id",
            "order": "asc",
        }
        rows = _rows((await client.read(f"/products/{product.id}/variations", access, query)).body)
        found += [_listing(product, decoding.read_answer(wire.Product, row)) for row in rows]
        if len(rows) < VARIATIONS:
            return found


def _listing(product: wire.Product, variation: wire.Product | None) -> ChannelListing:
    one = variation or product
    holder = product if one.manage_stock == "parent" else one
    options = [text_of(entry.get("option")) for entry in one.attributes if isinstance(entry, dict)]
    return ChannelListing(
        item_id=str(product.id),
        model_id=str(variation.id) if variation else "",
        sku=one.sku or product.sku,
        name=product.name,
        variation=", ".join(option for option in options if option) if variation else "",
        price=one.price,
        stock=max(0, holder.stock_quantity or 0),
    )


async def push_stock(client: Client, access: ShopAccess, item_id: str, model_id: str, quantity: int) -> None:
    """Where stock is kept at the parent, the parent is written. The answer says what is there now."""
    if not (item_id.isascii() and item_id.isdigit() and (not model_id or model_id.isdigit())):
        raise Rejected("", "The store has no such product.", meaning="not_found")
    parent, path = f"/products/{item_id}", f"/products/{item_id}/variations/{model_id}"
    if model_id:
        known = decoding.read_answer(wire.Product, (await client.read(path, access)).body)
        if known.manage_stock == "parent":
            path = parent
    else:
        path = parent
    await client.reserve(access)
    body = {"manage_stock": True, "stock_quantity": quantity}
    try:
        told = decoding.read(wire.Product, (await client.write(path, access, body)).body)
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error
    if told.stock_quantity != quantity:
        raise Unknown("not_set", "The store answers with another stock.")


def _rows(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise Malformed("unreadable_answer", "not a list")
    return body
