"""Orders, products and their lines as the API shows them."""

from datetime import datetime, timedelta, timezone
from typing import Any

from app.sandbox.plugo_store.switches import Switches
from app.sandbox.plugo_store.world import VERSION, Order, Product, Shop, World


def stamp(seconds: float | None, hours: int = 0) -> str | None:
    """Without an offset, as WordPress writes times."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours))).strftime("%Y-%m-%dT%H:%M:%S")


def dates(switches: Switches, **moments: float | None) -> dict[str, str | None]:
    """Each on the site's clock and, as `…_gmt`, in UTC."""
    told: dict[str, str | None] = {}
    for name, moment in moments.items():
        told[name] = stamp(moment, switches.gmt_offset)
        told[f"{name}_gmt"] = stamp(moment)
    return told


def money(amount: float, decimals: int) -> str:
    """A text with the shop's decimals."""
    return f"{amount:.{decimals}f}"


def total_of(order: Order) -> int:
    """What the buyer pays."""
    return sum(int(item["total"]) for item in order["items"]) + int(order["shipping_fee"])


def show_order(world: World, order: Order, decimals: int | None = None) -> dict[str, Any]:
    """As `GET`, `PUT` and webhooks give it."""
    shop = world.shop(order["shop_id"])
    switches = world.switches(shop)
    places = switches.decimals if decimals is None else decimals
    zero = money(0, places)
    moments = dates(
        switches,
        date_created=order["created"],
        date_modified=order["modified"],
        date_paid=order["paid"],
        date_completed=order["completed"],
    )
    return {
        "id": order["id"],
        "parent_id": 0,
        "number": order["number"],
        "order_key": order["key"],
        "created_via": "checkout",
        "version": VERSION,
        "status": order["status"],
        "currency": "IDR",
        "currency_symbol": "Rp",
        **moments,
        "discount_total": zero,
        "discount_tax": zero,
        "shipping_total": money(order["shipping_fee"], places),
        "shipping_tax": zero,
        "cart_tax": zero,
        "total": money(total_of(order), places),
        "total_tax": zero,
        "prices_include_tax": True,
        "customer_id": 0,
        "customer_ip_address": "",
        "customer_user_agent": "",
        "customer_note": order["note"],
        "billing": order["billing"],
        "shipping": order["shipping"],
        "payment_method": order["payment_method"],
        "payment_method_title": order["payment_title"],
        "transaction_id": order["transaction_id"],
        "cart_hash": "",
        "meta_data": [dict(row) for row in order["meta_data"]],
        "line_items": [_show_item(item, places) for item in order["items"]],
        "tax_lines": [],
        "shipping_lines": [_show_shipping(order, places)],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [
            {"id": one["id"], "reason": one["reason"], "total": money(-one["amount"], places)}
            for one in order["refunds"]
        ],
        "payment_url": f"{world.site_url(shop)}/checkout/order-pay/{order['id']}/?pay_for_order=true",
        "is_editable": order["status"] in ("pending", "on-hold"),
        "needs_payment": order["status"] in ("pending", "failed"),
        "needs_processing": True,
        "_links": _links(world, shop, f"orders/{order['id']}", "orders"),
    }


def _show_item(item: dict[str, Any], places: int) -> dict[str, Any]:
    zero = money(0, places)
    return {
        "id": item["id"],
        "name": item["name"],
        "product_id": item["product_id"],
        "variation_id": item["variation_id"],
        "quantity": item["quantity"],
        "tax_class": "",
        "subtotal": money(item["total"], places),
        "subtotal_tax": zero,
        "total": money(item["total"], places),
        "total_tax": zero,
        "taxes": [],
        "meta_data": item["meta_data"],
        "sku": item["sku"],
        "global_unique_id": "",
        "price": item["total"] / item["quantity"] if item["quantity"] else 0,
        "image": {"id": "", "src": ""},
        "parent_name": item["parent_name"],
    }


def _show_shipping(order: Order, places: int) -> dict[str, Any]:
    return {
        "id": order["id"] * 1000,
        "method_title": order["shipping_title"],
        "method_id": "flat_rate",
        "instance_id": "4",
        "total": money(order["shipping_fee"], places),
        "total_tax": money(0, places),
        "taxes": [],
        "tax_status": "taxable",
        "meta_data": [],
    }


def show_product(world: World, product: Product) -> dict[str, Any]:
    """A product or a variation."""
    shop = world.shop(product["shop_id"])
    switches = world.switches(shop)
    parent = world.find_product(shop, product["parent_id"]) if product["parent_id"] else None
    is_shared = parent is not None and not product["manage_stock"] and parent["manage_stock"]
    holder = parent if is_shared and parent is not None else product
    price = money(product["price"], switches.decimals)
    told = {
        "id": product["id"],
        "name": product["name"],
        **dates(switches, date_created=product["created"], date_modified=product["modified"]),
        "type": product["type"],
        "status": "publish",
        "description": "",
        "sku": product["sku"],
        "price": price,
        "regular_price": price,
        "sale_price": "",
        "on_sale": False,
        "purchasable": True,
        "total_sales": 0,
        "manage_stock": "parent" if is_shared else product["manage_stock"],
        "stock_quantity": holder["stock"] if holder["manage_stock"] else None,
        "stock_status": _stock_status(holder),
        "backorders": product["backorders"],
        "low_stock_amount": None,
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "parent_id": product["parent_id"],
        "images": [],
        "attributes": product["attributes"],
        "meta_data": product["meta_data"],
    }
    if product["type"] == "variable":
        told["variations"] = [one["id"] for one in world.products_of(shop, product["id"])]
    path = f"products/{product['parent_id']}/variations" if product["parent_id"] else "products"
    return {**told, "_links": _links(world, shop, f"{path}/{product['id']}", path)}


def _stock_status(holder: Product) -> str:
    if not holder["manage_stock"] or (holder["stock"] or 0) > 0:
        return "instock"
    return "outofstock" if holder["backorders"] == "no" else "onbackorder"


def _links(world: World, shop: Shop, one: str, collection: str) -> dict[str, Any]:
    root = f"{world.site_url(shop)}/wp-json/wc/v3"
    return {"self": [{"href": f"{root}/{one}"}], "collection": [{"href": f"{root}/{collection}"}]}
