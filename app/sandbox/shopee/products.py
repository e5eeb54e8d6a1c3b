"""Items, models and stock."""

from typing import Any

from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success, wrong_parameter
from app.sandbox.shopee.calls import ShopeeCall, Spec, objects
from app.sandbox.shopee.paging import cut_page
from app.sandbox.shopee.world import CHANNEL, World

_STATUSES = ("NORMAL", "BANNED", "UNLIST", "REVIEWING", "SELLER_DELETE", "SHOPEE_DELETE")
_RESERVED = "Total stock must be more than reserved stock."
Item = dict[str, Any]
Model = dict[str, Any]


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
        start, size = call.page("offset")
        statuses = call.some("item_status", len(_STATUSES))
        if not set(statuses) <= set(_STATUSES):
            raise wrong_parameter("item_status is invalid.")
        items = call.shop["items"] if "NORMAL" in statuses else []
        page = cut_page(call, items, start, size)
        rows = [
            {
                "item_id": item["item_id"],
                "item_status": "NORMAL",
                "update_time": item["update_time"],
                "tag": {"kit": False},
            }
            for item in page.rows
        ]
        has_more = page.next is not None
        answer = {"item": rows, "total_count": len(items), "has_next_page": has_more, "next_offset": page.next or 0}
        return success(answer)

    def base_info(self, call: ShopeeCall) -> Response:
        wanted = call.some("item_id_list")
        rows = [self._describe(item) for item in call.shop["items"] if str(item["item_id"]) in wanted]
        return success({"item_list": rows[1:] if "omit_item" in call.strange else rows})

    def models(self, call: ShopeeCall) -> Response:
        item = _find(call, call.number("item_id"))
        if not item["has_model"]:
            return success({"tier_variation": [], "model": []})
        options = [{"option": model["model_name"]} for model in item["models"]]
        rows = [
            {
                "model_id": model["model_id"],
                "model_sku": model["model_sku"],
                "tier_index": [position],
                "model_status": "MODEL_NORMAL",
                "has_promotion": False,
                **self._offer(model),
            }
            for position, model in enumerate(item["models"])
        ]
        return success({"tier_variation": [{"name": "Variasi", "option_list": options}], "model": rows})

    def update_stock(self, call: ShopeeCall) -> Response:
        """Sets what the seller has, absolutely."""
        item = _find(call, call.body.get("item_id"))
        entries = call.entries("stock_list")
        names = [entry.get("model_id") or 0 for entry in entries]
        if len(names) != len({str(name) for name in names}):
            raise Refused("error_param", "Repeat model_id.")
        if item["has_model"] and 0 in names:
            raise Refused("error_edit_item_stock_for_item_has_model", "The item has models, please input model_id.")
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for name, entry in zip(names, entries, strict=True):
            reason = self._set(call, item, name, _wanted(entry))
            if reason is None:
                done.append({"model_id": name, "location_id": "", "stock": _wanted(entry)})
            else:
                failed.append({"model_id": name, "failed_reason": reason})
        self.world.save_shop(call.shop)
        if not done:
            answer = {"success_list": [], "failure_list": failed}
            raise Refused("error_busi_update_stock_failed", failed[0]["failed_reason"], answer)
        return success({"success_list": done[1:] if "omit_item" in call.strange else done, "failure_list": failed})

    def _set(self, call: ShopeeCall, item: Item, name: object, stock: int | None) -> str | None:
        """Why not, or None."""
        model: Model | None = next((one for one in item["models"] if one["model_id"] == name), None)
        reason = None
        if model is None:
            reason = "Wrong model_id."
        elif stock is None or stock < model["reserved"]:
            reason = _RESERVED
        self.world.engine.ledger.record(
            at=self.world.engine.clock.now(),
            channel=CHANNEL,
            operation=call.operation,
            is_effective=model is not None and reason is None and model["stock"] != stock,
            call_id=call.id,
            params={"item_id": item["item_id"], "model_id": name, "stock": stock},
        )
        if model is not None and reason is None:
            if "stale_read" in call.strange:
                until = self.world.engine.clock.now() + call.strange["stale_read"] / 1000
                model["stale"] = {"until": until, "stock": self._seen(model)}
            model["stock"], item["update_time"] = stock, self.world.now()
        return reason

    def _seen(self, model: Model) -> int:
        """The stock as reads show it now: the one before a write while a planned lag lasts."""
        stale = model.get("stale")
        if stale is not None and self.world.engine.clock.now() < stale["until"]:
            return int(stale["stock"])
        return int(model["stock"])

    def _offer(self, model: Model) -> dict[str, Any]:
        stock = self._seen(model)
        return {
            "price_info": [{"currency": "IDR", "current_price": model["price"], "original_price": model["price"]}],
            "stock_info_v2": {
                "summary_info": {
                    "total_reserved_stock": model["reserved"],
                    "total_available_stock": stock - model["reserved"],
                },
                "seller_stock": [{"location_id": "", "stock": stock, "if_saleable": True}],
                "shopee_stock": [],
            },
        }

    def _describe(self, item: Item) -> dict[str, Any]:
        """Price and stock stand at the models when there are some."""
        return {
            "item_id": item["item_id"],
            "category_id": 100_000,
            "item_name": item["item_name"],
            "item_sku": item["item_sku"],
            "create_time": item["update_time"],
            "update_time": item["update_time"],
            "item_status": "NORMAL",
            "has_model": item["has_model"],
            "has_promotion": False,
            "image": {"image_url_list": [f"https://cf.shopee.co.id/file/{item['item_id']}"]},
            "weight": str(item["weight"]),
            "condition": "NEW",
            **({} if item["has_model"] else self._offer(item["models"][0])),
        }


def _find(call: ShopeeCall, item_id: object) -> Item:
    for item in call.shop["items"]:
        if item["item_id"] == item_id:
            found: Item = item
            return found
    raise Refused("product.error_item_not_found", "The item is not found.")


def _wanted(entry: dict[str, Any]) -> int | None:
    stocks = objects(entry, "seller_stock")
    stock = stocks[0].get("stock") if len(stocks) == 1 else None
    return stock if isinstance(stock, int) and not isinstance(stock, bool) and stock >= 0 else None
