"""Packages: search, detail, hand-over slots, ship one or many, documents, split, a tracking number corrected."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.sandbox.engine.gateway import Call, perform
from app.sandbox.engine.papers import Label, draw_labels
from app.sandbox.tiktok_shop.calls import Spec, TikTokCall, lag, page, record, success
from app.sandbox.tiktok_shop.generator import PROVIDERS
from app.sandbox.tiktok_shop.lifecycle import SHIPPABLE, Lifecycle
from app.sandbox.tiktok_shop.orders import delivery_option
from app.sandbox.tiktok_shop.world import CHANNELS, Order, Refused, World, channel_of

MOST_AT_ONCE = 50
LABEL_SECONDS = 5
LINK_SECONDS = 86_400
CORRECT_SECONDS = 72 * 3600
_NUMBER = re.compile(r"[A-Za-z0-9\-_./]{4,50}")
_DOCUMENTS = ("SHIPPING_LABEL", "PACKING_SLIP", "SHIPPING_LABEL_AND_PACKING_SLIP", "SHIPPING_LABEL_PICTURE")
_WIB = 7 * 3600
_OPENS, _CLOSES = 6, 22

Package = dict[str, Any]


class Packages:
    """The fulfilment calls. `base` is where label links point to."""

    def __init__(self, world: World, lifecycle: Lifecycle, base: Callable[[], str]) -> None:
        self.world = world
        self.lifecycle = lifecycle
        self._base = base
        self._links: dict[str, tuple[float, str, str]] = {}
        root, one = "/fulfillment/202309/packages", "/fulfillment/202309/packages/{package_id}"
        orders = "/fulfillment/202309/orders"
        self.specs = {
            ("POST", f"{root}/search"): Spec("POST", "get_order", self.search),
            ("POST", f"{root}/ship"): Spec("POST", "ship", self.ship_many),
            ("GET", one): Spec("GET", "get_order", self.detail),
            ("POST", f"{one}/ship"): Spec("POST", "ship", self.ship),
            ("GET", f"{one}/handover_time_slots"): Spec("GET", "shipping_options", self.slots),
            ("GET", f"{one}/shipping_documents"): Spec("GET", "get_label", self.document),
            ("POST", f"{one}/shipping_info/update"): Spec("POST", "add_tracking", self.correct),
            ("GET", f"{orders}/split_attributes"): Spec("GET", "shipping_options", self.split_attributes),
            ("POST", f"{orders}/{{order_id}}/split"): Spec("POST", "split", self.split),
            ("POST", f"{orders}/{{order_id}}/shipping_info/update"): Spec("POST", "add_tracking", self.correct),
            ("GET", "/fulfillment/202309/combinable_packages/search"): Spec("GET", "get_order", self.combinable),
        }

    # --- read

    def search(self, call: TikTokCall) -> Response:
        size = call.size(50)
        wanted = call.body.get("package_status")
        rows = [
            {
                "id": package["id"],
                "status": package["status"],
                "create_time": order["create_time"],
                "update_time": order["update_time"],
                "tracking_number": package["tracking"],
                "orders": [{"id": order["id"]}],
            }
            for order in map(self.world.seen, self.world.orders_of(call.shop))
            for package in order["packages"]
            if wanted in (None, package["status"]) and order["status"] not in ("UNPAID", "ON_HOLD")
        ]
        return success(page(rows, call, size, "packages"))

    def detail(self, call: TikTokCall) -> Response:
        order, package = self._find(call, call.path["package_id"])
        seen = self.world.seen(order)
        shown = next((one for one in seen["packages"] if one["id"] == package["id"]), package)
        units = [unit for unit in seen["units"] if unit["package_id"] == package["id"]]
        told = {
            "package_id": package["id"],
            "package_status": shown["status"],
            "orders": [{"id": order["id"]}],
            "order_line_item_ids": [unit["id"] for unit in units],
            "shipping_type": order["shipping_type"],
            "delivery_option_id": delivery_option(order),
            "delivery_option_name": "Standard shipping",
            "shipping_provider_name": shown["provider"] or order["provider"],
            "tracking_number": shown["tracking"],
            "split_and_combine_tag": "SPLIT" if len(seen["packages"]) > 1 else "DEFAULT",
            "create_time": order["create_time"],
            "update_time": seen["update_time"],
        }
        return success({name: value for name, value in told.items() if value})

    def slots(self, call: TikTokCall) -> Response:
        _, package = self._find(call, call.path["package_id"])
        if package["status"] != "TO_FULFILL":
            raise Refused(21001001, "The package cannot be shipped any more")
        midnight = (self.world.now() + _WIB) // 86_400 * 86_400 - _WIB
        windows = [
            {
                "start_time": midnight + day * 86_400 + hour * 3600,
                "end_time": midnight + day * 86_400 + (hour + 4) * 3600,
            }
            for day in (1, 2, 3)
            for hour in (9, 13)
        ]
        told = {"can_pickup": True, "can_drop_off": True, "can_van_collection": False, "drop_off_point_url": ""}
        return success({**told, "pickup_slots": [{**window, "avaliable": True} for window in windows]})

    # --- ship

    def ship(self, call: TikTokCall) -> Response:
        self._ship(call, call.path["package_id"], call.body)
        return success()

    def ship_many(self, call: TikTokCall) -> Response:
        packages = call.body.get("packages")
        if not isinstance(packages, list) or not 1 <= len(packages) <= MOST_AT_ONCE:
            raise Refused(36009004, "invalid param: packages", 400)
        errors = []
        for wish in packages:
            package_id = str(wish.get("id")) if isinstance(wish, dict) else ""
            try:
                self._ship(call, package_id, wish)
            except Refused as refused:
                detail = {"package_id": package_id}
                errors.append({"code": refused.code, "message": refused.message, "detail": detail})
        return success({"errors": errors} if errors else {})

    def _ship(self, call: TikTokCall, package_id: str, wish: dict[str, Any]) -> None:
        try:
            order, package = self._find(call, package_id)
        except Refused:
            record(self.world, call, None, package=package_id, is_effective=False, params={})
            raise
        own = wish.get("self_shipment")
        params = {"method": wish.get("handover_method"), "self_shipment": own, "pickup_slot": wish.get("pickup_slot")}
        refused = self._refusal(order, package, own)
        is_repeat = refused is not None and refused.code == 21011040 and "accept_duplicates" in call.strange
        if refused is not None and not is_repeat:
            record(
                self.world, call, order, package=package_id, is_effective=False, params={**params, "code": refused.code}
            )
            raise refused
        lag(self.world, call, order)
        record(self.world, call, order, package=package_id, is_effective=True, params=params)
        if not is_repeat:
            number = str(own["tracking_number"]) if own else None
            provider = PROVIDERS[own["shipping_provider_id"]] if own else ""
            self.lifecycle.ship(order, package, tracking=number, provider=provider)

    def _refusal(self, order: Order, package: Package, own: Any) -> Refused | None:
        refused: Refused | None = None
        if order["is_by_platform"]:
            refused = Refused(21008025, "The order is fulfilled by the platform")
        elif order["status"] == "CANCELLED" or package["status"] == "CANCELLED":
            refused = Refused(21011041, "The order is cancelled")
        elif order["status"] == "ON_HOLD":
            refused = Refused(21011044, "The order is on hold")
        elif package["status"] != "TO_FULFILL":
            refused = Refused(21011040, "The package is already shipped")
        elif order["status"] not in SHIPPABLE:
            refused = Refused(21011003, "The order cannot be shipped")
        elif order["cancellation"] == "requested":
            refused = Refused(21011007, "Package item has after-sale request")
        elif order["is_instant"] and not _OPENS <= (self.world.now() + _WIB) // 3600 % 24 < _CLOSES:
            refused = Refused(11021035, "Only within the collection time")
        elif order["shipping_type"] == "SELLER":
            refused = _own_refusal(own)
        return refused

    def correct(self, call: TikTokCall) -> Response:
        package_id = call.path.get("package_id")
        order = self.world.find(call.shop, call.path.get("order_id") or self.world.number_of_package(package_id))
        if order is None:
            raise Refused(21001001, "The order does not exist")
        package = next((one for one in order["packages"] if package_id in (None, one["id"])), order["packages"][0])
        if order["shipping_type"] != "SELLER":
            raise Refused(21011004, "The order is not shipped by the seller")
        if not package.get("shipped"):
            raise Refused(21011043, "The order is not shipped")
        if package.get("corrected") or self.world.now() - package["shipped"] > CORRECT_SECONDS:
            raise Refused(
                21011051 if package.get("corrected") else 21011050, "The number can be changed once, within 72 hours"
            )
        refused = _own_refusal(call.body)
        if refused is not None:
            raise refused
        package["tracking"], package["corrected"] = str(call.body["tracking_number"]), True
        self.world.save(order)
        record(self.world, call, order, package=package["id"], is_effective=True, params=dict(call.body))
        return success()

    # --- labels

    def document(self, call: TikTokCall) -> Response:
        if call.query.get("document_type") not in _DOCUMENTS:
            raise Refused(36009004, "invalid param: document_type", 400)
        order, package = self._find(call, call.path["package_id"])
        if order["shipping_type"] == "SELLER":
            raise Refused(21008017, "The order is shipped by the seller")
        if package["status"] == "CANCELLED":
            raise Refused(21023059, "The package is cancelled")
        if order["cancellation"] == "requested":
            raise Refused(21021010, "Package item has after-sale request")
        if package["status"] == "TO_FULFILL":
            raise Refused(21023035, "Ship the package first")
        if package["status"] != "PROCESSING":
            raise Refused(21042102, "The package is already picked up")
        if self.world.now() < package["shipped"] + LABEL_SECONDS:
            raise Refused(11034037, "The document is being generated")
        key = secrets.token_hex(16)
        self._links[key] = (self.world.engine.clock.now() + LINK_SECONDS, order["id"], package["id"])
        return success({"doc_url": f"{self._base()}/files/{key}.pdf", "tracking_number": package["tracking"]})

    async def download(self, request: Request) -> Response:
        """The file behind a link, without token or signature."""
        until, number, package_id = self._links.get(str(request.path_params["key"]), (0.0, "", ""))
        order = self.world.orders.get(number)
        channels = frozenset({channel_of(order)} if order else CHANNELS)
        call = Call("download_label", channels, frozenset({number} if number else ()))

        def serve(_: Call) -> Response:
            if order is None or until <= self.world.engine.clock.now():
                return PlainTextResponse("AccessDenied", status_code=403)
            return Response(draw_labels([self._label(order, package_id)]), media_type="application/pdf")

        return await perform(
            self.world.engine,
            request,
            call,
            serve,
            throttled=lambda: PlainTextResponse("Too Many Requests", status_code=429),
            revoked=lambda: PlainTextResponse("AccessDenied", status_code=403),
            late={"method": "", "path": "", "shop_id": None, "query": {}, "body": {}},
        )

    def _label(self, order: Order, package_id: str) -> Label:
        package = next(one for one in order["packages"] if one["id"] == package_id)
        units = [unit for unit in order["units"] if unit["package_id"] == package_id]
        buyer = order["buyer"]
        amount = sum(unit["price"] for unit in units) + order["shipping_fee"]
        return Label(
            title="Tokopedia & Shop",
            courier=package["provider"],
            tracking_number=package["tracking"],
            order_number=order["id"],
            package_number=package_id,
            recipient=(
                buyer["name"],
                f"Telp {buyer['phone']}",
                buyer["detail"],
                f"{buyer['district']}, {buyer['city']}",
                f"{buyer['state']} {buyer['postal_code']}",
            ),
            sender=self.world.shop(order["shop_id"])["name"],
            cod_amount=amount if order["is_cod"] else None,
            lines=tuple(f"1 x {unit['product_name']} ({unit['sku_name']}) {unit['seller_sku']}" for unit in units),
        )

    # --- split

    def split_attributes(self, call: TikTokCall) -> Response:
        rows = []
        for number in [one for one in call.query.get("order_ids", "").split(",") if one]:
            order = self.world.find(call.shop, number)
            can = order is not None and self._can_split(order)
            rows.append({"order_id": number, "can_split": can, "must_split": False})
        return success({"split_attributes": rows})

    def split(self, call: TikTokCall) -> Response:
        order = self.world.find(call.shop, call.path["order_id"])
        if order is None:
            raise Refused(21001001, "The order does not exist")
        groups = [one for one in call.body.get("splittable_groups") or [] if isinstance(one, dict)]
        wanted = [[str(unit) for unit in one.get("order_line_item_ids") or []] for one in groups]
        named = sorted(unit for group in wanted for unit in group)
        sku_of = {unit["id"]: unit["sku_id"] for unit in order["units"]}
        skus = [{sku_of.get(unit) for unit in group} for group in wanted]
        is_whole = named == sorted(sku_of) and len(wanted) > 1 and all(wanted)
        if not is_whole or not self._can_split(order) or any(a & b for i, a in enumerate(skus) for b in skus[:i]):
            raise Refused(21011035, "The order cannot be split this way")
        packages = self.lifecycle.split(order, wanted)
        told = [
            {"splittable_group_id": str(group.get("id")), "id": package["id"]}
            for group, package in zip(groups, packages, strict=True)
        ]
        return success({"packages": told})

    def _can_split(self, order: Order) -> bool:
        is_whole = all(package["status"] == "TO_FULFILL" for package in order["packages"])
        return (
            order["status"] == "AWAITING_SHIPMENT" and is_whole and len({one["sku_id"] for one in order["units"]}) > 1
        )

    def combinable(self, call: TikTokCall) -> Response:
        """Buyers of this sandbox never order twice at once."""
        call.size(50, 20)
        return success({"total_count": 0})

    def _find(self, call: TikTokCall, package_id: str) -> tuple[Order, Package]:
        order = self.world.find(call.shop, self.world.number_of_package(package_id))
        package = next((one for one in order["packages"] if one["id"] == package_id), None) if order else None
        if order is None or package is None or order["status"] == "UNPAID":
            raise Refused(21001001, "The package does not exist")
        return order, package


def _own_refusal(own: Any) -> Refused | None:
    """Number and courier of a seller's own shipment."""
    if not isinstance(own, dict) or not own.get("tracking_number"):
        return Refused(21011022, "tracking_number is required for seller shipping")
    if own.get("shipping_provider_id") not in PROVIDERS or not _NUMBER.fullmatch(str(own["tracking_number"])):
        return Refused(21011022, "Invalid tracking number or shipping provider")
    return None
