"""Orders: list, read, update, batch."""

from typing import Any

from starlette.responses import Response

from app.sandbox.plugo_store import paging, params
from app.sandbox.plugo_store.answers import Refused, invalid_id, success
from app.sandbox.plugo_store.calls import EDITABLE, Spec, StoreCall
from app.sandbox.plugo_store.generator import new_order
from app.sandbox.plugo_store.lifecycle import BUILT_IN, Lifecycle
from app.sandbox.plugo_store.recording import Before, lag, operation_of, record_order
from app.sandbox.plugo_store.showing import show_order
from app.sandbox.plugo_store.world import Order, Shop, World, set_meta

BATCH = 100
_HIDDEN = ("trash", "checkout-draft", "auto-draft")
_ONE = r"orders/(\d{1,15})"
_TEXTS = {
    "customer_note": "note",
    "payment_method": "payment_method",
    "payment_method_title": "payment_title",
    "transaction_id": "transaction_id",
}
_UPDATE: params.Schema = {
    **dict.fromkeys(_TEXTS, params.text),
    "customer_id": params.integer(),
    "parent_id": params.integer(),
    "currency": params.text,
    "billing": params.mapping,
    "shipping": params.mapping,
    "meta_data": params.objects,
    "line_items": params.objects,
    "shipping_lines": params.objects,
    "fee_lines": params.objects,
    "coupon_lines": params.objects,
    "set_paid": params.boolean,
}


class Orders:
    """The calls about orders."""

    def __init__(self, world: World, lifecycle: Lifecycle) -> None:
        self.world = world
        self.lifecycle = lifecycle
        self.specs = (
            Spec(("GET",), "orders", _list_operation, self.list_orders, "list"),
            Spec(("POST",), "orders", "create_order", self.create, "create"),
            Spec(EDITABLE, "orders/batch", _batch_operation, self.batch, "batch"),
            Spec(("GET",), _ONE, "get_order", self.get_order, "view"),
            Spec(EDITABLE, _ONE, lambda call: operation_of(call.body), self.update, "edit"),
            Spec(("DELETE",), _ONE, "delete_order", self.delete, "delete"),
            Spec(("GET",), "reports/orders/totals", "get_reports", self.count_statuses, "list"),
        )

    # --- reading ------------------------------------------------------------------------------------------------------

    def list_orders(self, call: StoreCall) -> Response:
        switches = self.world.switches(call.shop)
        moment = params.moment(switches.gmt_offset)
        orderings = ("date", "id", "include", "title", "slug", *(["modified"] if switches.has_orderby_modified else []))
        statuses = ("any", "trash", *BUILT_IN, *switches.custom_statuses)
        schema = {
            **paging.SCHEMA,
            "orderby": params.choice(*orderings),
            "status": params.choices(*statuses),
            "dates_are_gmt": params.boolean,
            **dict.fromkeys(("after", "before", "modified_after", "modified_before"), moment),
            **dict.fromkeys(("parent", "parent_exclude"), params.ids),
            **dict.fromkeys(("customer", "product"), params.integer()),
            "dp": params.integer(0),
        }
        asked = params.read(call.query, schema, {**paging.DEFAULTS, "orderby": "date", "status": ["any"]})
        shift = 0 if asked.get("dates_are_gmt") else switches.gmt_offset * 3600
        rows = [order for order in self.world.orders_of(call.shop) if _matches(order, asked, shift)]
        _sort(rows, asked)
        page = paging.cut(call, rows, asked)
        answer = paging.answer(
            self.world, call, [show_order(self.world, order, asked.get("dp")) for order in page], len(rows), asked
        )
        if switches.drifts and rows:
            chance = self.world.engine.random_for("plugo_store.drift", self.world.now(), asked["page"])
            self.world.save_order(self.world.orders[chance.choice(rows)["id"]])
        return answer

    def get_order(self, call: StoreCall) -> Response:
        order = self._find(call.shop, call.target, 404)
        asked = params.read(call.query, {"dp": params.integer(0)})
        return success(paging.choose(call, show_order(self.world, self.world.seen(order), asked.get("dp"))))

    def count_statuses(self, call: StoreCall) -> Response:
        rows = self.world.orders_of(call.shop)
        known = (*BUILT_IN[:-1], *self.world.switches(call.shop).custom_statuses)
        return success(
            [
                {"slug": slug, "name": slug.title(), "total": sum(order["status"] == slug for order in rows)}
                for slug in known
            ]
        )

    # --- writing ------------------------------------------------------------------------------------------------------

    def create(self, call: StoreCall) -> Response:
        """A test order: the shop fills in what the body leaves out."""
        if call.body.get("id"):
            raise Refused(400, "woocommerce_rest_shop_order_exists", "Cannot create existing resource.")
        body = params.read(call.body, self._schema(call.shop))
        order = new_order(self.world, call.shop, {})
        self._apply(order, body)
        self.world.save_order(order)
        self.lifecycle.hooks.tell("order.created", order)
        location = f"{self.world.site_url(call.shop)}/wp-json/wc/v3/orders/{order['id']}"
        return success(show_order(self.world, order), 201, Location=location)

    def update(self, call: StoreCall) -> Response:
        body = params.read(call.body, self._schema(call.shop))
        order = self._find(call.shop, call.target, 400)
        self._change(call, call.operation, order, body)
        return success(show_order(self.world, order))

    def delete(self, call: StoreCall) -> Response:
        order = self._find(call.shop, call.target, 404)
        if order["status"] == "trash" and not call.flag("force"):
            raise Refused(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
        shown = show_order(self.world, order)
        if call.flag("force"):
            order["is_gone"] = True
        else:
            order["status"] = "trash"
        self.world.save_order(order)
        self.lifecycle.hooks.tell("order.deleted", order)
        return success(shown)

    def batch(self, call: StoreCall) -> Response:
        """One after the other, each for itself, without a look at the schema."""
        lists = {name: call.body.get(name) or [] for name in ("create", "update", "delete")}
        if sum(map(len, lists.values())) > BATCH:
            message = f"Unable to accept more than {BATCH} items for this request."
            raise Refused(413, "woocommerce_rest_request_entity_too_large", message)
        if lists["create"] or lists["delete"]:
            raise Refused(400, "rest_invalid_param", "Simulated batches only update.", params={"create": "not here"})
        told = [self._update_one(call, item) for item in lists["update"] if isinstance(item, dict)]
        return success({"update": told[:-1] if "omit_item" in call.strange else told})

    def _update_one(self, call: StoreCall, item: dict[str, Any]) -> dict[str, Any]:
        try:
            order = self._find(call.shop, item.get("id"), 400)
        except Refused as refused:
            return {"id": item.get("id"), "error": refused.body}
        known = (*BUILT_IN, *self.world.switches(call.shop).custom_statuses)
        body = dict(item)
        if "status" in body and body["status"] not in known:
            body["status"] = "pending"
        self._change(call, operation_of(item), order, body)
        return show_order(self.world, order)

    def _change(self, call: StoreCall, operation: str, order: Order, body: dict[str, Any]) -> None:
        before = Before(order)
        lag(self.world, call, order)
        is_only_meta = not set(body) - {"meta_data", "id"}
        self._apply(order, body)
        self.lifecycle.save(order, touch=not is_only_meta or self.world.switches(call.shop).meta_moves_modified)
        record_order(self.world, call, operation, order, body, before)

    def _apply(self, order: Order, body: dict[str, Any]) -> None:
        """Properties and meta first, then the status, then `set_paid`."""
        for name, column in _TEXTS.items():
            if name in body:
                order[column] = body[name]
        for part in ("billing", "shipping"):
            order[part] |= {key: str(value) for key, value in body.get(part, {}).items() if key in order[part]}
        for row in body.get("meta_data") or []:
            _write_meta(order, row)
        for line in body.get("line_items") or []:
            self._write_line(order, line)
        if "status" in body:
            self.lifecycle.set_status(order, body["status"])
        if body.get("set_paid"):
            self.lifecycle.set_status(order, "processing")

    def _write_line(self, order: Order, line: dict[str, Any]) -> None:
        item = next((one for one in order["items"] if one["id"] == line.get("id")), None)
        if item is None:
            message = "Product ID or SKU is required."
            raise Refused(400, "woocommerce_rest_required_product_reference", message)
        quantity = line.get("quantity", item["quantity"])
        if quantity == 0 or line.get("product_id", 0) is None:
            order["items"].remove(item)
        elif isinstance(quantity, int):
            item["total"] = item["total"] // item["quantity"] * quantity
            item["quantity"] = quantity

    def _schema(self, shop: Shop) -> params.Schema:
        known = (*BUILT_IN, *self.world.switches(shop).custom_statuses)
        return {**_UPDATE, "status": params.choice(*known)}

    def _find(self, shop: Shop, order_id: Any, status: int) -> Order:
        text = str(order_id)
        order = self.world.find_order(shop, int(text)) if text.isascii() and text.isdecimal() else None
        if order is None:
            raise invalid_id("shop_order", status)
        return order


def _list_operation(call: StoreCall) -> str:
    """A list of named orders is how several are read."""
    return "get_order" if call.query.get("include") else "list_orders"


def _batch_operation(call: StoreCall) -> str:
    updates = call.body.get("update")
    first = updates[0] if isinstance(updates, list) and updates else None
    return operation_of(first) if isinstance(first, dict) else "update_order"


def _write_meta(order: Order, row: dict[str, Any]) -> None:
    """By id where it is given, else by key; null deletes."""
    known = next((one for one in order["meta_data"] if one["id"] == row.get("id")), None)
    if known is not None and row.get("value") is not None:
        known |= {"key": str(row.get("key", known["key"])), "value": row["value"]}
    elif known is not None:
        order["meta_data"].remove(known)
    elif row.get("key"):
        set_meta(order, str(row["key"]), row.get("value"))


def _matches(order: Order, asked: dict[str, Any], shift: int) -> bool:
    bounds = (
        ("after", order["created"], 1),
        ("before", order["created"], -1),
        ("modified_after", order["modified"], 1),
        ("modified_before", order["modified"], -1),
    )
    if any(name in asked and (moment + shift - asked[name]) * sign <= 0 for name, moment, sign in bounds):
        return False
    wanted = asked["status"]
    if order["status"] not in wanted and not ("any" in wanted and order["status"] not in _HIDDEN):
        return False
    if (asked.get("include") and order["id"] not in asked["include"]) or order["id"] in asked.get("exclude", ()):
        return False
    if asked.get("customer") or 0 not in (asked.get("parent") or [0]) or 0 in asked.get("parent_exclude", ()):
        return False  # all buyers are guests, and no order has a parent
    products = {one for item in order["items"] for one in (item["product_id"], item["variation_id"])}
    if "product" in asked and asked["product"] not in products:
        return False
    return not asked.get("search") or asked["search"].casefold() in _searchable(order)


def _searchable(order: Order) -> str:
    people = " ".join(f"{one['first_name']} {one['last_name']}" for one in (order["billing"], order["shipping"]))
    names = " ".join(item["name"] for item in order["items"])
    return f"{order['id']} {order['number']} {people} {order['billing']['email']} {names}".casefold()


def _sort(rows: list[Order], asked: dict[str, Any]) -> None:
    by, is_falling = asked["orderby"], asked["order"] == "desc"
    if by == "include":
        wanted = asked.get("include") or []
        rows.sort(key=lambda order: wanted.index(order["id"]) if order["id"] in wanted else order["id"])
    elif by in ("date", "modified"):
        column = "created" if by == "date" else "modified"
        rows.sort(key=lambda order: (order[column], order["id"]), reverse=is_falling)
    else:
        rows.sort(key=lambda order: order["id"], reverse=is_falling)
