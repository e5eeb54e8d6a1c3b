"""Products, variations and their stock."""

import math
from typing import Any

from starlette.responses import Response

from app.sandbox.plugo_store import paging, params
from app.sandbox.plugo_store.answers import Refused, invalid_id, success
from app.sandbox.plugo_store.calls import EDITABLE, Spec, StoreCall
from app.sandbox.plugo_store.hooks import Hooks
from app.sandbox.plugo_store.recording import record_stock
from app.sandbox.plugo_store.showing import show_product
from app.sandbox.plugo_store.world import Product, World

BATCH = 100
_ONE = r"products/(\d{1,15})"
_VARIATIONS = rf"{_ONE}/variations"
_VARIATION = rf"{_VARIATIONS}/(\d{{1,15}})"
_TYPES = ("any", "simple", "grouped", "external", "variable")
_STATUSES = ("any", "draft", "pending", "private", "publish", "future")
_ORDERINGS = ("date", "id", "include", "title", "slug", "modified", "price", "popularity", "rating", "menu_order")
_LIST: params.Schema = {
    **paging.SCHEMA,
    "orderby": params.choice(*_ORDERINGS),
    "status": params.choices(*_STATUSES),
    "type": params.choice(*_TYPES),
    "sku": params.text,
    "stock_status": params.choice("instock", "outofstock", "onbackorder"),
    "dates_are_gmt": params.boolean,
}
_UPDATE: params.Schema = {
    "name": params.text,
    "manage_stock": params.boolean,
    "stock_quantity": params.integer(),
    "backorders": params.choice("no", "notify", "yes"),
    "regular_price": params.text,
}


class Products:
    """The calls about what is sold."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        self.world = world
        self.hooks = hooks
        self.specs = (
            Spec(("GET",), "products", "list_listings", self.list_products, "list"),
            Spec(EDITABLE, "products/batch", "update_stock", self.batch, "batch"),
            Spec(("GET",), _ONE, "get_product", self.get_product, "view"),
            Spec(EDITABLE, _ONE, _operation, self.update, "edit"),
            Spec(("GET",), _VARIATIONS, "list_listings", self.list_variations, "list"),
            Spec(EDITABLE, f"{_VARIATIONS}/batch", "update_stock", self.batch, "batch"),
            Spec(("GET",), _VARIATION, "get_product", self.get_product, "view"),
            Spec(EDITABLE, _VARIATION, _operation, self.update, "edit"),
        )

    def list_products(self, call: StoreCall) -> Response:
        moment = params.moment(self.world.switches(call.shop).gmt_offset)
        schema = {**_LIST, "modified_after": moment, "modified_before": moment}
        asked = params.read(call.query, schema, {**paging.DEFAULTS, "orderby": "date"})
        skus = params.split("sku", asked.get("sku", ""))
        rows = self.world.products_of(call.shop, None if skus else 0)
        return self._page(call, [one for one in rows if not skus or one["sku"] in skus], asked)

    def list_variations(self, call: StoreCall) -> Response:
        parent = self.world.find_product(call.shop, call.target)
        if parent is None or parent["parent_id"]:
            raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
        asked = params.read(call.query, _LIST, {**paging.DEFAULTS, "orderby": "date"})
        return self._page(call, self.world.products_of(call.shop, parent["id"]), asked)

    def _page(self, call: StoreCall, rows: list[Product], asked: dict[str, Any]) -> Response:
        shift = 0 if asked.get("dates_are_gmt") else self.world.switches(call.shop).gmt_offset * 3600
        found = [one for one in rows if _matches(one, asked, shift)]
        found.sort(key=lambda one: (one["modified"] if asked["orderby"] == "modified" else 0, one["id"]))
        if asked["order"] == "desc":
            found.reverse()
        shown = [show_product(self.world, one) for one in paging.cut(call, found, asked)]
        return paging.answer(self.world, call, shown, len(found), asked)

    def get_product(self, call: StoreCall) -> Response:
        """A variation is found among the products as well."""
        return success(paging.choose(call, show_product(self.world, self._find(call, 404))))

    def update(self, call: StoreCall) -> Response:
        body = params.read(call.body, _UPDATE)
        product = self._find(call, 400)
        if len(call.ids) == 1 and product["parent_id"]:
            message = "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations."
            raise Refused(404, "woocommerce_rest_invalid_product_id", message)
        self._change(call, product, body)
        return success(show_product(self.world, product))

    def batch(self, call: StoreCall) -> Response:
        updates = call.body.get("update") or []
        if len(updates) > BATCH:
            message = f"Unable to accept more than {BATCH} items for this request."
            raise Refused(413, "woocommerce_rest_request_entity_too_large", message)
        told = [self._update_one(call, item) for item in updates if isinstance(item, dict)]
        return success({"update": told[:-1] if "omit_item" in call.strange else told})

    def _update_one(self, call: StoreCall, item: dict[str, Any]) -> dict[str, Any]:
        kind = "product_variation" if call.ids else "product"
        text = str(item.get("id"))
        product = self.world.find_product(call.shop, int(text)) if text.isascii() and text.isdecimal() else None
        if product is None or product["parent_id"] != (call.target if call.ids else 0):
            return {"id": item.get("id"), "error": invalid_id(kind, 400).body}
        try:
            self._change(call, product, params.read(item, _UPDATE))
        except Refused as refused:
            return {"id": item.get("id"), "error": refused.body}
        return show_product(self.world, product)

    def _change(self, call: StoreCall, product: Product, body: dict[str, Any]) -> None:
        product["name"] = body.get("name", product["name"])
        product["manage_stock"] = body.get("manage_stock", product["manage_stock"])
        product["backorders"] = body.get("backorders", product["backorders"])
        if body.get("regular_price", "").isdecimal():
            product["price"] = int(body["regular_price"])
        if "stock_quantity" in body:
            is_kept = product["manage_stock"]
            record_stock(self.world, call, product["id"], body["stock_quantity"], is_effective=is_kept)
            if is_kept:
                product["stock"] = body["stock_quantity"]
        if product["manage_stock"] and product["stock"] is None:
            product["stock"] = 0
        self.world.save_product(product)
        self.hooks.tell("product.updated", product)

    def _find(self, call: StoreCall, status: int) -> Product:
        product = self.world.find_product(call.shop, int(call.ids[-1]))
        is_variation = len(call.ids) > 1
        if product is None or (is_variation and product["parent_id"] != call.target):
            raise invalid_id("product_variation" if is_variation else "product", status)
        return product


def _operation(call: StoreCall) -> str:
    return "update_stock" if "stock_quantity" in call.body else "update_product"


def _matches(product: Product, asked: dict[str, Any], shift: int) -> bool:
    moment = product["modified"] + shift
    if moment <= asked.get("modified_after", 0) or moment >= asked.get("modified_before", math.inf):
        return False
    if asked.get("type", "any") not in ("any", product["type"]):
        return False
    if (asked.get("include") and product["id"] not in asked["include"]) or product["id"] in asked.get("exclude", ()):
        return False
    is_here = not product["manage_stock"] or (product["stock"] or 0) > 0
    if "stock_status" in asked and (asked["stock_status"] == "instock") != is_here:
        return False
    if {"any", "publish"}.isdisjoint(asked.get("status", ["any"])):
        return False
    return not asked.get("search") or asked["search"].casefold() in product["name"].casefold()
