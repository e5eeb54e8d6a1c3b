"""Products, and the three ways to set a stock."""

import json
from typing import Any
from xml.etree import ElementTree

from starlette.responses import Response

from app.sandbox.lazada.calls import LazadaCall, Spec, record, success
from app.sandbox.lazada.world import Refused, World

MOST_SKUS = 50
FILTERS = ("all", "live", "inactive", "deleted", "pending", "rejected", "sold-out")


class Products:
    """The product calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.specs = {
            "/products/get": Spec("list_listings", self.list_products, ("GET",)),
            "/product/item/get": Spec("list_listings", self.get_product, ("GET",)),
            "/product/stock/sellable/update": Spec("update_stock", self.set_sellable, ("POST",)),
            "/product/stock/sellable/adjust": Spec("update_stock", self.adjust_sellable, ("POST",)),
            "/product/price_quantity/update": Spec("update_stock", self.set_quantity, ("POST",)),
        }

    def list_products(self, call: LazadaCall) -> Response:
        limit = call.number("limit", 20, code="19", least=1, most=50)
        offset = call.number("offset", 0, code="14", least=0, most=10_000)
        if call.params.get("filter", "all") not in FILTERS:
            raise Refused("36", "E036: Invalid filter", "ISP")
        products = call.shop["products"]
        if "shifting_page" in call.strange:
            offset += 1
        if "duplicate_page" in call.strange:
            offset = max(0, offset - limit)
        page = [_describe(one) for one in products[offset : offset + limit]]
        return success({"total_products": len(products), "products": page})

    def get_product(self, call: LazadaCall) -> Response:
        found = next((one for one in call.shop["products"] if one["item_id"] == call.text("item_id")), None)
        if found is None:
            raise Refused("EDIT_ITEM_NOT_BELONG_SELLER", "The item does not belong to the seller", "ISP")
        return success(_describe(found))

    def set_sellable(self, call: LazadaCall) -> Response:
        return self._change(call, "SellableQuantity", is_delta=False)

    def adjust_sellable(self, call: LazadaCall) -> Response:
        return self._change(call, "SellableQuantity", is_delta=True)

    def set_quantity(self, call: LazadaCall) -> Response:
        return self._change(call, "Quantity", is_delta=False)

    def _change(self, call: LazadaCall, name: str, *, is_delta: bool) -> Response:
        wishes = _read_payload(call.text("payload"), name)
        if not wishes:
            raise Refused("30", "E030: Empty Request", "ISP")
        if len(wishes) > MOST_SKUS:
            raise Refused("204", "E204: Too many SKUs in one request", "ISP")
        detail = []
        for wish in wishes:
            sku = self._find(call, wish)
            if sku is None:
                detail.append({"field": "ItemId", "message": "ITEM_NOT_FOUND", "code": "E0501"})
                continue
            after = wish["quantity"] + (sku["sellable"] if is_delta else 0)
            if after < 0:
                detail.append({"seller_sku": sku["SellerSku"], "message": "negative sellable on inventory"})
                continue
            is_new = sku["sellable"] != after
            sku["sellable"] = after
            params = {"sku_id": sku["SkuId"], "quantity": after}
            record(self.world, call, None, is_effective=is_new, params=params)
        self.world.save_shop(call.shop)
        return success({}, **({"detail": detail} if detail else {}))

    def _find(self, call: LazadaCall, wish: dict[str, Any]) -> dict[str, Any] | None:
        for product in call.shop["products"]:
            for sku in product["skus"]:
                if product["item_id"] == wish["item_id"] and wish["sku_id"] in ("", sku["SkuId"]):
                    found: dict[str, Any] = sku
                    return found
        return None


def _describe(product: dict[str, Any]) -> dict[str, Any]:
    skus = [
        {
            "SkuId": int(sku["SkuId"]),
            "SellerSku": sku["SellerSku"],
            "ShopSku": f"{product['item_id']}_ID-{sku['SkuId']}",
            "Status": "active",
            "quantity": sku["sellable"],
            "Available": sku["sellable"],
            "price": float(sku["price"]),
            "special_price": 0.0,
            "saleProp": {"varian": sku["variation"]} if sku["variation"] else {},
            "multiWarehouseInventories": [
                {
                    "warehouseCode": "dropshipping",
                    "quantity": sku["sellable"],
                    "sellableQuantity": sku["sellable"],
                    "totalQuantity": sku["sellable"],
                    "occupyQuantity": 0,
                    "withholdQuantity": 0,
                }
            ],
        }
        for sku in product["skus"]
    ]
    return {
        "item_id": int(product["item_id"]),
        "primary_category": 10_000_123,
        "status": "Active",
        "created_time": "1700000000000",
        "updated_time": "1700000000000",
        "attributes": {"name": product["name"]},
        "images": [],
        "skus": skus,
    }


def _read_payload(payload: str, name: str) -> list[dict[str, Any]]:
    """XML or JSON text. Raises Refused."""
    try:
        rows = _read_xml(payload) if payload.lstrip().startswith("<") else _read_json(payload)
        return [
            {
                "item_id": str(row.get("ItemId", "")),
                "sku_id": str(row.get("SkuId", "")),
                "quantity": int(row[name]),
            }
            for row in rows
        ]
    except (ValueError, KeyError, TypeError, AttributeError, ElementTree.ParseError) as error:
        raise Refused("5", "E005: Invalid Request Format", "ISP") from error


def _read_xml(payload: str) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(payload)  # noqa: S314 (loopback only, and what is read is bounded by the call)
    return [{part.tag: part.text or "" for part in sku} for sku in root.iter("Sku")]


def _read_json(payload: str) -> list[dict[str, Any]]:
    found = json.loads(payload)["Request"]["Product"]["Skus"]
    rows = found["Sku"] if isinstance(found, dict) else found
    return rows if isinstance(rows, list) else [rows]
