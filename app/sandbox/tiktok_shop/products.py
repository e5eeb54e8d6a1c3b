"""Products with their inventory, and the logistics a seller has set up."""

from typing import Any

from starlette.responses import Response

from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, page, record, success
from app.sandbox.tiktok_shop.generator import INSTANT, OWN, PROVIDERS, STANDARD, WAREHOUSE
from app.sandbox.tiktok_shop.world import Refused, World

_STATUSES = (
    "ALL",
    "DRAFT",
    "PENDING",
    "FAILED",
    "ACTIVATE",
    "SELLER_DEACTIVATED",
    "PLATFORM_DEACTIVATED",
    "FREEZE",
    "DELETED",
)
_MOST = 99_999_999


class Products:
    """Product, inventory and logistics calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        one, logistics = "/product/202309/products/{product_id}", "/logistics/202309"
        options = f"{logistics}/warehouses/{{warehouse_id}}/delivery_options"
        providers = f"{logistics}/delivery_options/{{option_id}}/shipping_providers"
        self.specs = {
            ("POST", "/product/{version}/products/search"): Spec("POST", "list_listings", self.search),
            ("GET", one): Spec("GET", "list_listings", self.detail),
            ("POST", f"{one}/inventory/update"): Spec("POST", "update_stock", self.update),
            ("POST", "/product/202309/inventory/search"): Spec("POST", "list_listings", self.inventory),
            ("GET", f"{logistics}/warehouses"): Spec("GET", "shipping_options", self.warehouses),
            ("GET", options): Spec("GET", "shipping_options", self.options),
            ("GET", providers): Spec("GET", "shipping_options", self.providers),
        }

    def search(self, call: TikTokCall) -> Response:
        size = call.size(100)
        status, platforms = call.body.get("status", "ALL"), call.body.get("listing_platforms") or []
        if status not in _STATUSES:
            raise Refused(36009004, "invalid param: status", 400)
        if platforms and status == "ALL":
            raise Refused(12052700, "listing_platforms needs a status other than ALL")
        rows = [
            _describe(product)
            for product in call.shop["products"]
            if status in ("ALL", "ACTIVATE") and ("TOKOPEDIA" not in platforms or product["is_on_tokopedia"])
        ]
        return success(page(rows, call, size, "products"))

    def detail(self, call: TikTokCall) -> Response:
        return success(_describe(self._find(call)))

    def update(self, call: TikTokCall) -> Response:
        product = self._find(call)
        skus = {sku["id"]: sku for sku in product["skus"]}
        errors = []
        for wish in call.body.get("skus") or []:
            sku = skus.get(str(wish.get("id")))
            places = wish.get("inventory") or []
            quantity = sum(int(place.get("quantity", -1)) for place in places)
            if sku is None:
                errors.append(_error(wish, 12052556, "SKU not found"))
            elif not places or any(place.get("warehouse_id", WAREHOUSE) != WAREHOUSE for place in places):
                errors.append(_error(wish, 12019028, "warehouses are missing or unknown"))
            elif not 0 <= quantity <= _MOST:
                errors.append(_error(wish, 12019024, "quantity is out of range"))
            else:
                is_new = sku["quantity"] != quantity
                sku["quantity"] = quantity
                record(self.world, call, None, is_effective=is_new, params={"sku_id": sku["id"], "quantity": quantity})
        self.world.save_shop(call.shop)
        return success({"errors": errors} if errors else {})

    def inventory(self, call: TikTokCall) -> Response:
        wanted, products = set(call.body.get("sku_ids") or []), set(call.body.get("product_ids") or [])
        rows = [
            {
                "product_id": product["id"],
                "skus": [
                    {
                        "id": sku["id"],
                        "seller_sku": sku["seller_sku"],
                        "total_available_quantity": sku["quantity"],
                        "total_committed_quantity": 0,
                    }
                    for sku in product["skus"]
                    if not wanted or sku["id"] in wanted
                ],
            }
            for product in call.shop["products"]
            if wanted or product["id"] in products
        ]
        found = [row for row in rows if row["skus"]]
        return success({"inventory": found} if found else {})

    def warehouses(self, call: TikTokCall) -> Response:
        row = {
            "id": WAREHOUSE,
            "entity_id": "1",
            "name": "Gudang utama",
            "type": "SALES_WAREHOUSE",
            "sub_type": "DOMESTIC_WAREHOUSE",
            "effect_status": "ENABLED",
            "is_default": True,
            "address": {"region": "Indonesia", "region_code": "ID", "distict": "Coblong"},
        }
        return success({"warehouses": [row]})

    def options(self, call: TikTokCall) -> Response:
        both = ["TIKTOK_SHOP", "TOKOPEDIA"]
        rows = [
            {"id": STANDARD, "name": "Standard shipping", "type": "STANDARD", "platform": both},
            {"id": INSTANT, "name": "Instant", "type": "INSTANT", "platform": both},
            {"id": OWN, "name": "Kurir toko", "type": "SEND_BY_SELLER", "platform": ["TIKTOK_SHOP"]},
        ]
        return success({"delivery_options": rows})

    def providers(self, call: TikTokCall) -> Response:
        if call.path["option_id"] != OWN:
            raise Refused(21008117, "Delivered by the platform: no providers")
        return success({"shipping_providers": [{"id": number, "name": name} for number, name in PROVIDERS.items()]})

    def _find(self, call: TikTokCall) -> dict[str, Any]:
        for product in call.shop["products"]:
            if product["id"] == call.path["product_id"]:
                found: dict[str, Any] = product
                return found
        raise Refused(12052260, "The product does not exist")


def _error(wish: dict[str, Any], code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "detail": {"sku_id": str(wish.get("id"))}}


def _describe(product: dict[str, Any]) -> dict[str, Any]:
    told = {
        "id": product["id"],
        "title": product["title"],
        "status": "ACTIVATE",
        "sales_regions": ["ID"],
        "skus": [
            {
                "id": sku["id"],
                "seller_sku": sku["seller_sku"],
                "price": {"currency": "IDR", "tax_exclusive_price": str(sku["price"]), "sale_price": str(sku["price"])},
                "inventory": [{"warehouse_id": WAREHOUSE, "quantity": sku["quantity"]}],
                "sales_attributes": [{"id": "1", "name": "Varian", "value_name": sku["variation"]}],
            }
            for sku in product["skus"]
        ],
    }
    if product["is_on_tokopedia"]:
        told["integrated_platform_statuses"] = [{"platform": "TOKOPEDIA", "status": "ACTIVATE"}]
    return told
