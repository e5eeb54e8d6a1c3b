"""Fulfilment by packages: providers, pack, ready to ship, repack, labels, invoice numbers, own fleets."""

import base64
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.sandbox.engine import staleness
from app.sandbox.engine.gateway import Call, perform
from app.sandbox.engine.papers import Label, draw_labels
from app.sandbox.lazada.calls import LazadaCall, Spec, record, result, success
from app.sandbox.lazada.lifecycle import PACKED, READY, WAITING, Lifecycle
from app.sandbox.lazada.world import CHANNEL, Item, Order, Refused, World

MOST = 20
LINK_SECONDS = 600
_NOT_TO_PACK = ("700026", "item current status not allow to pack")


class Packages:
    """The package calls. `base` is where label links point to."""

    def __init__(self, world: World, lifecycle: Lifecycle, base: Callable[[], str]) -> None:
        self.world = world
        self.lifecycle = lifecycle
        self._base = base
        self._links: dict[str, tuple[float, list[tuple[str, str]]]] = {}
        self.specs = {
            "/order/shipment/providers/get": Spec("shipping_options", self.providers),
            "/order/fulfill/pack": Spec("receive", self.pack, ("POST",)),
            "/order/package/rts": Spec("ship", self.ready_to_ship, ("POST",)),
            "/order/package/repack": Spec("repack", self.repack),
            "/order/package/document/get": Spec("get_label", self.document),
            "/order/package/sof/delivered": Spec("deliver", self.own_fleet, ("POST",)),
            "/order/package/sof/failed_delivery": Spec("deliver", self.own_fleet, ("POST",)),
            "/order/invoice_number/set": Spec("invoice", self.invoice, ("POST",)),
        }

    def providers(self, call: LazadaCall) -> Response:
        body = call.object("getShipmentProvidersReq")
        for part in _parts(body.get("orders")):
            if self.world.find(call.shop, part.get("order_id")) is None:
                raise Refused("700021", "order not found", "ISP")
        return result({"platform_default": 1, "shipping_allocate_type": "TFS", "shipment_providers": []})

    # --- pack

    def pack(self, call: LazadaCall) -> Response:
        body = call.object("packReq")
        if body.get("delivery_type") != "dropship" or body.get("shipping_allocate_type") != "TFS":
            raise Refused("700004", "delivery_type must be dropship, shipping_allocate_type TFS", "ISP")
        parts = _parts(body.get("pack_order_list"))
        answered = [self._pack_order(call, part) for part in parts]
        if "omit_item" in call.strange:
            answered = answered[:-1]
        return result({"pack_order_list": answered})

    def _pack_order(self, call: LazadaCall, part: dict[str, Any]) -> dict[str, Any]:
        ids = [str(one) for one in part.get("order_item_list") or []]
        order = self.world.find(call.shop, part.get("order_id"))
        if order is None:
            record(self.world, call, None, is_effective=False, params={"order_id": str(part.get("order_id"))})
            return {
                "order_id": part.get("order_id"),
                "order_item_list": [_verdict(one, "700021", "order not found") for one in ids],
            }
        items = {item["id"]: item for item in order["items"]}
        able = [items[one] for one in ids if one in items and self._may_pack(call, order, items[one])]
        verdicts = {
            one: _verdict(one, *_NOT_TO_PACK) if one in items else _verdict(one, "700025", "item not found")
            for one in ids
        }
        if len({item["warehouse"] for item in able}) > 1:
            verdicts |= {item["id"]: _verdict(item["id"], "700029", "items must share one warehouse") for item in able}
            able = []
        if not able:
            record(self.world, call, order, is_effective=False, params={"items": ids})
            return {"order_id": int(order["id"]), "order_item_list": list(verdicts.values())}
        package_id = self._make(call, order, able)
        for item in able:
            verdicts[item["id"]] = {
                "order_item_id": int(item["id"]),
                "item_err_code": "0",
                "msg": "success",
                "retry": False,
                "package_id": package_id,
                "tracking_number": item["tracking"],
                "shipment_provider": item["courier"],
            }
        return {"order_id": int(order["id"]), "order_item_list": list(verdicts.values())}

    def _may_pack(self, call: LazadaCall, order: Order, item: Item) -> bool:
        if order["cancellation"] == "requested":
            return False
        return item["status"] in WAITING or ("accept_duplicates" in call.strange and item["status"] == PACKED)

    def _make(self, call: LazadaCall, order: Order, items: list[Item]) -> str:
        _lag(self.world, call, order)
        is_repeat = items[0]["status"] == PACKED  # planned so: done twice
        package_id = str(items[0]["package_id"]) if is_repeat else self.lifecycle.pack(order, items)
        params = {"items": [item["id"] for item in items]}
        record(self.world, call, order, package=package_id, is_effective=True, params=params)
        return package_id

    # --- ready to ship, repack

    def ready_to_ship(self, call: LazadaCall) -> Response:
        answered = [self._make_ready(call, part) for part in _parts(call.object("readyToShipReq").get("packages"))]
        if "omit_item" in call.strange:
            answered = answered[:-1]
        return result({"packages": answered})

    def _make_ready(self, call: LazadaCall, part: dict[str, Any]) -> dict[str, Any]:
        package_id = str(part.get("package_id"))
        order, items = self._find(call, package_id)
        if order is None:
            record(self.world, call, None, package=package_id, is_effective=False, params={})
            return _package_verdict(package_id, "600001", "package not found")
        states = {item["status"] for item in items}
        is_repeat = states <= set(READY) and "accept_duplicates" in call.strange
        if order["cancellation"] == "requested" or (states != {PACKED} and not is_repeat):
            record(self.world, call, order, package=package_id, is_effective=False, params={"states": sorted(states)})
            code = "600002" if states == {"canceled"} else "700000"
            return _package_verdict(package_id, code, "package status does not allow the operation")
        _lag(self.world, call, order)
        record(self.world, call, order, package=package_id, is_effective=True, params={})
        if not is_repeat:
            self.lifecycle.make_ready(order, items)
        return _package_verdict(package_id, "0", "success")

    def repack(self, call: LazadaCall) -> Response:
        answered = []
        for part in _parts(call.object("rePackReq").get("packages")):
            package_id = str(part.get("package_id"))
            order, items = self._find(call, package_id)
            if order is None or any(item["status"] not in (PACKED, *READY) for item in items):
                code = "600001" if order is None else "700000"
                answered.append(_package_verdict(package_id, code, "package cannot be recreated"))
                continue
            self.lifecycle.repack(order, items)
            answered.append(_package_verdict(package_id, "0", "success"))
        return result({"packages": answered})

    def own_fleet(self, call: LazadaCall) -> Response:
        """No order of this sandbox is delivered by the seller's own fleet."""
        name = "dbsDeliveryReq" if "dbsDeliveryReq" in call.params else "dbsFailedDeliveryReq"
        parts = _parts(call.object(name).get("packages"))
        text = "operation not supported for a non-DBS order"
        return result({"packages": [_package_verdict(str(part.get("package_id")), "700009", text) for part in parts]})

    def _find(self, call: LazadaCall, package_id: str) -> tuple[Order | None, list[Item]]:
        order = self.world.find_by_package(call.shop, package_id)
        items = [item for item in order["items"] if item["package_id"] == package_id] if order else []
        return (order, items) if items else (None, [])

    # --- labels

    def document(self, call: LazadaCall) -> Response:
        body = call.object("getDocumentReq")
        if body.get("doc_type") not in ("PDF", "HTML"):
            raise Refused("700004", "doc_type must be PDF or HTML", "ISP")
        wanted = []
        for part in _parts(body.get("packages")):
            package_id = str(part.get("package_id"))
            order, items = self._find(call, package_id)
            if order is None:
                return result(None, success=False, error_code="600001", error_msg="package not found")
            if any(item["status"] in (*WAITING, "unpaid", "canceled") for item in items):
                return result(None, success=False, error_code="700040", error_msg="label not available")
            wanted.append((order["id"], package_id))
        key = secrets.token_hex(16)
        self._links[key] = (self.world.engine.clock.now() + LINK_SECONDS, wanted)
        url = f"{self._base()}/oss/proxy/waybill/PDF/{key}.pdf"
        snippet = base64.b64encode(f'<iframe src="{url}"></iframe>'.encode()).decode()
        return result({"doc_type": body["doc_type"], "file": snippet, "pdf_url": url})

    async def download(self, request: Request) -> Response:
        """The file behind a link, as long as that lives."""
        until, wanted = self._links.get(str(request.path_params["key"]), (0.0, []))
        call = Call("download_label", frozenset({CHANNEL}), frozenset(number for number, _ in wanted))

        def serve(_: Call) -> Response:
            if until <= self.world.engine.clock.now():
                return PlainTextResponse("AccessDenied: Request has expired.", status_code=403)
            return Response(draw_labels([self._label(*one) for one in wanted]), media_type="application/pdf")

        return await perform(
            self.world.engine,
            request,
            call,
            serve,
            throttled=lambda: PlainTextResponse("Too Many Requests", status_code=429),
            revoked=lambda: PlainTextResponse("AccessDenied", status_code=403),
            late={"path": "", "seller_id": None, "params": {}},
        )

    def _label(self, number: str, package_id: str) -> Label:
        order = self.world.order(number)
        items = [item for item in order["items"] if item["package_id"] == package_id]
        buyer = order["buyer"]
        amount = sum(item["paid_price"] for item in items) + order["shipping_fee"]
        return Label(
            title="Lazada",
            courier=items[0]["courier"],
            tracking_number=items[0]["tracking"],
            order_number=order["id"],
            package_number=package_id,
            recipient=(
                buyer["name"],
                f"Telp {buyer['phone']}",
                buyer["address1"],
                f"{buyer['address5']}, {buyer['city']}",
                f"{buyer['address3']} {buyer['post_code']}",
            ),
            sender=self.world.shop(order["seller_id"])["name"],
            cod_amount=amount if order["payment_method"] == "COD" else None,
            lines=tuple(f"1 x {item['name']} {item['variation']} {item['sku']}" for item in items),
        )

    def invoice(self, call: LazadaCall) -> Response:
        item_id, number = call.text("order_item_id"), call.text("invoice_number")
        for order in self.world.orders_of(call.shop):
            for item in order["items"]:
                if item["id"] == item_id:
                    if not item["package_id"]:
                        raise Refused("34", "E034: Order Item must be packed", "ISP")
                    item["invoice"] = number
                    self.world.save(order)
                    return success({"order_item_id": int(item_id), "invoice_number": number})
        raise Refused("20", "E020: Invalid Order Item ID", "ISP")


def _parts(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise Refused("700018", "parameter must not be null", "ISP")
    if len(value) > MOST:
        raise Refused("700022", "batch too large", "ISP")
    return [one if isinstance(one, dict) else {} for one in value]


def _verdict(item_id: str, code: str, text: str) -> dict[str, Any]:
    number = int(item_id) if item_id.isdecimal() else item_id
    return {"order_item_id": number, "item_err_code": code, "msg": text, "retry": False}


def _package_verdict(package_id: str, code: str, text: str) -> dict[str, Any]:
    return {"package_id": package_id, "item_err_code": code, "msg": text, "retry": False}


def _lag(world: World, call: LazadaCall, order: Order) -> None:
    """Called right before the effect."""
    if "stale_read" in call.strange:
        staleness.remember(world.engine.clock, order, call.strange["stale_read"])
