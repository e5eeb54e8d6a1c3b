"""Items, models and stock."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.api import ShopeeCall, Spec
from app.sandbox.shopee.world import World


class Products:
    """The product module, as far as listings and stock need it."""

    def __init__(self, world: World) -> None:
        self.world = world
        base = "/api/v2/product/"
        self.specs = {
            base + "get_item_list": Spec("GET", "list_listings", self.list_items),
            base + "get_item_base_info": Spec("GET", "list_listings", self.base_info),
            base + "get_model_list": Spec("GET", "list_listings", self.models),
            base + "update_stock": Spec("POST", "update_stock", self.update_stock),
        }

    def list_items(self, call: ShopeeCall) -> Response:
        start, size = call.number("offset"), call.number("page_size")
        if not call.listed("item_status"):
            raise Refused("error_param", "Wrong parameters, detail: item_status is a required field.")
        items = call.shop["items"] if "NORMAL" in call.listed("item_status") else []
        more = start + size < len(items)
        rows = [
            {
                "item_id": item["item_id"],
                "item_status": "NORMAL",
                "update_time": item["update_time"],
                "tag": {"kit": False},
            }
            for item in items[start : start + size]
        ]
        return success(
            {"item": rows, "total_count": len(items), "has_next_page": more, "next_offset": start + size if more else 0}
        )

    def base_info(self, call: ShopeeCall) -> Response:
        wanted = {int(one) for one in call.listed("item_id_list") if one.isdigit()}
        rows = [
            {
                "item_id": item["item_id"],
                "category_id": 100_000,
                "item_name": item["item_name"],
                "item_sku": item["item_sku"],
                "create_time": item["update_time"],
                "update_time": item["update_time"],
                "item_status": "NORMAL",
                "has_model": True,
                "has_promotion": False,
                "image": {"image_url_list": []},
                "weight": "0.25",
                "condition": "NEW",
            }
            for item in call.shop["items"]
            if item["item_id"] in wanted
        ]
        return success({"item_list": rows})

    def models(self, call: ShopeeCall) -> Response:
        item = self._item(call, call.number("item_id"))
        options = [{"option": model["model_name"]} for model in item["models"]]
        rows = [
            {
                "model_id": model["model_id"],
                "model_sku": model["model_sku"],
                "tier_index": [position],
                "model_status": "MODEL_NORMAL",
                "price_info": [{"current_price": model["price"], "original_price": model["price"]}],
                "has_promotion": False,
                "stock_info_v2": {
                    "summary_info": {
                        "total_reserved_stock": model["reserved"],
                        "total_available_stock": model["stock"],
                    },
                    "seller_stock": [{"location_id": "", "stock": model["stock"], "if_saleable": True}],
                    "shopee_stock": [],
                },
            }
            for position, model in enumerate(item["models"])
        ]
        return success({"tier_variation": [{"name": "Variasi", "option_list": options}], "model": rows})

    def update_stock(self, call: ShopeeCall) -> Response:
        item = self._item(call, int(call.body.get("item_id") or 0))
        models = {model["model_id"]: model for model in item["models"]}
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in call.body.get("stock_list") or []:
            model = models.get(int(entry.get("model_id") or 0))
            stock = (entry.get("seller_stock") or [{}])[0].get("stock")
            if model is None:
                failed.append({"model_id": entry.get("model_id"), "failed_reason": "Wrong model_id."})
            elif not isinstance(stock, int) or stock < model["reserved"]:
                failed.append(
                    {"model_id": model["model_id"], "failed_reason": "Total stock must be more than reserved stock."}
                )
            else:
                row = (
                    self.world.engine.clock.now(),
                    "shopee",
                    "update_stock",
                    None,
                    None,
                    stock != model["stock"],
                    "",
                    {"item_id": item["item_id"], "model_id": model["model_id"], "stock": stock},
                )
                self.world.engine.store.record([row])
                model["stock"] = stock
                done.append({"model_id": model["model_id"], "location_id": "", "stock": stock})
        self.world.save_shop(call.shop)
        if failed and not done:
            raise Refused(
                "error_busi_update_stock_failed", "Update stock failed.", {"success_list": [], "failure_list": failed}
            )
        return success({"success_list": done, "failure_list": failed})

    def _item(self, call: ShopeeCall, item_id: int) -> dict[str, Any]:
        for item in call.shop["items"]:
            if item["item_id"] == item_id:
                found: dict[str, Any] = item
                return found
        raise Refused("product.error_item_not_found", "The item is not found.")
