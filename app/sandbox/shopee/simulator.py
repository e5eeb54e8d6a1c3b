"""Shopee behind the sandbox's control API."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from app.sandbox.engine.core import Engine
from app.sandbox.shopee import generator
from app.sandbox.shopee.answers import success
from app.sandbox.shopee.api import Api, ShopeeCall, Spec
from app.sandbox.shopee.documents import Documents
from app.sandbox.shopee.lifecycle import Lifecycle
from app.sandbox.shopee.logistics import Logistics
from app.sandbox.shopee.oauth import OAuth
from app.sandbox.shopee.orders import Orders
from app.sandbox.shopee.products import Products
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.world import PARTNER_ID, PARTNER_KEY, PUSH_KEY, Order, Package, World

_FIRST_SHOP = 14_701_711
_DEMO = (
    "unpaid",
    *("paid",) * 10,
    "arranged",
    "arranged",
    "in_transit",
    "in_transit",
    "delivered",
    *("completed",) * 6,
    "cancelled",
    "cancel_requested",
    "paid",
)


class Shopee:
    """One API, one channel."""

    channels = ("shopee",)
    port_offset = 1

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = World(engine)
        self.pushes = Pushes(self.world)
        self.lifecycle = Lifecycle(self.world, self.pushes)
        oauth = OAuth(self.world, self.pushes)
        specs: dict[str, Spec] = {
            **oauth.specs,
            **Orders(self.world, self.lifecycle).specs,
            **Logistics(self.world, self.lifecycle).specs,
            **Documents(self.world, self.pushes).specs,
            **Products(self.world).specs,
            **self._push_specs(),
        }
        self.api = Api(self.world, specs, oauth.pages)
        self.app = self.api.app
        if not self.world.shops:
            self._open_demo_shops()

    # --- control ------------------------------------------------------------------------------------------------------

    def credentials(self, channel: str) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.engine.port + self.port_offset}"
        return {
            "app_key": str(PARTNER_ID),
            "app_secret": PARTNER_KEY,
            "base_url": base,
            "auth_url": f"{base}/auth",
            "push_secret": PUSH_KEY,
            "shops": [self._describe(shop) for shop in self.world.shops.values()],
        }

    def add_shop(self, channel: str, name: str) -> dict[str, Any]:
        number = self.engine.store.next_number("shopee.shop")
        shop = generator.new_shop(self.world, name, _FIRST_SHOP + number - 1)
        self.world.grant(shop)
        return self._describe(shop)

    def consent(self, channel: str, shop_id: str) -> dict[str, Any]:
        return {"code": self.world.new_code(self.world.shop(shop_id)), "shop_id": shop_id}

    def place_orders(self, channel: str, wish: dict[str, Any]) -> list[str]:
        shop_id = wish.get("shop_id")
        shop = self.world.shop(shop_id) if shop_id is not None else next(iter(self.world.shops.values()))
        numbers = []
        for position in range(wish["count"]):
            order = generator.new_order(self.world, shop, {**wish, "position": position})
            self.world.save(order)
            if wish["state"] == "paid":
                self.lifecycle.pay(order)
            numbers.append(order["order_sn"])
        return numbers

    def truth(self, channel: str, number: str) -> dict[str, Any]:
        order = self.world.order(number)
        return {
            "order_number": number,
            "shop_id": str(order["shop_id"]),
            "state": self.lifecycle.state_of(order),
            "cancellation": order["cancellation"],
            "packages": [
                {
                    "package_number": package["package_number"],
                    "state": _package_state(package),
                    "tracking_number": package["tracking_number"] or None,
                }
                for package in order["packages"]
            ],
            "updated_at": _rfc3339(order["update_time"]),
        }

    def advance(self, channel: str, number: str, to: str) -> None:
        self.lifecycle.advance(self.world.order(number), to)

    async def send_push(self, channel: str, number: str, mode: str) -> None:
        await self.pushes.send_now(self.world.order(number), mode)

    def set_pushes(self, channel: str, enabled: bool, url: str | None) -> None:
        self.world.push = {"enabled": enabled, "url": url or self.world.push["url"]}
        self.engine.store.put("shopee.push", "config", self.world.push)

    def apply_due(self, kind: str, args: dict[str, Any]) -> None:
        if kind == "late_call":
            self.api.late_call(**args)
            return
        if kind == "push":
            self.pushes.retry(**args)
            return
        order = self.world.orders.get(args["order_sn"])
        if order is None:
            return
        if kind == "cancel_unanswered":
            if order["order_status"] == "IN_CANCEL":
                self.lifecycle.answer_cancel(order, is_accepted=True)
            return
        package = _package(order, args["package_number"])
        if package is None:
            return
        if kind == "request_created":
            self.lifecycle.request_created(order, package)
        elif kind == "tracking_number":
            self.lifecycle.assign_number(order, package, args["given"])
        elif kind == "document":
            self.pushes.document(order, package, "READY")

    def reset(self) -> None:
        self.world.orders.clear()
        self.engine.store.delete("shopee.order")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _describe(self, shop: dict[str, Any]) -> dict[str, Any]:
        if not shop["access"] or max(shop["access"].values()) <= self.world.now():
            self.world.rotate(shop)
        access = max(shop["access"], key=lambda token: shop["access"][token])
        refresh = next(iter(shop["refresh"]))
        return {"shop_id": str(shop["shop_id"]), "name": shop["name"], "access_token": access, "refresh_token": refresh}

    def _open_demo_shops(self) -> None:
        for name in ("Batik Nusantara", "Kopi & Kaos Bandung"):
            described = self.add_shop("shopee", name)
            shop = self.world.shop(described["shop_id"])
            for position, state in enumerate(_DEMO):
                order = generator.new_order(
                    self.world, shop, {"packages": 2 if position == 3 else 1}, age_seconds=(position % 12) * 9_000 + 600
                )
                self.world.save(order)
                if state != "unpaid":
                    self.lifecycle.pay(order)
                    if state != "paid":
                        self.lifecycle.advance(order, state)

    def _push_specs(self) -> dict[str, Spec]:
        def read(call: ShopeeCall) -> Response:
            return success(
                {
                    "callback_url": self.world.push["url"] or "",
                    "live_push_status": "Normal",
                    "push_config_on_list": [1, 2, 3, 4, 12, 15, 29, 30, 47],
                }
            )

        def write(call: ShopeeCall) -> Response:
            url = call.body.get("callback_url")
            self.set_pushes("shopee", True, str(url) if url else None)
            return success({"result": "success"})

        def lost(call: ShopeeCall) -> Response:
            rows = [
                {"shop_id": one.get("shop_id"), "code": one["code"], "timestamp": one["timestamp"], "data": str(one)}
                for one in self.world.lost[:100]
            ]
            return success(
                {"push_message_list": rows, "has_next_page": len(self.world.lost) > 100, "last_message_id": len(rows)}
            )

        def confirm(call: ShopeeCall) -> Response:
            del self.world.lost[: int(call.body.get("last_message_id") or 0)]
            return success({})

        return {
            "/api/v2/push/get_app_push_config": Spec("GET", "push_config", read, is_public=True),
            "/api/v2/push/set_app_push_config": Spec("POST", "push_config", write, is_public=True),
            "/api/v2/push/get_lost_push_message": Spec("GET", "push_config", lost, is_public=True),
            "/api/v2/push/confirm_consumed_lost_push_message": Spec("POST", "push_config", confirm, is_public=True),
        }


def _package(order: Order, number: str) -> Package | None:
    return next((package for package in order["packages"] if package["package_number"] == number), None)


def _package_state(package: Package) -> str:
    status = package["logistics_status"]
    if status in ("LOGISTICS_READY", "LOGISTICS_PICKUP_RETRY"):
        return "arranged" if package["arranged"] else "paid"
    return {
        "LOGISTICS_NOT_START": "unpaid",
        "LOGISTICS_REQUEST_CREATED": "arranged",
        "LOGISTICS_PICKUP_DONE": "in_transit",
        "LOGISTICS_DELIVERY_DONE": "delivered",
    }.get(status, "cancelled")


def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
