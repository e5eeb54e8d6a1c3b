"""Labels: a task per package and type, then the file."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from app.sandbox.engine.papers import draw_labels
from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.calls import ShopeeCall, Spec
from app.sandbox.shopee.labels import to_label
from app.sandbox.shopee.lifecycle import SHIPPABLE
from app.sandbox.shopee.recording import record, record_refusal
from app.sandbox.shopee.world import CHANNEL, Order, Package, World

TYPES = ("THERMAL_AIR_WAYBILL", "NORMAL_AIR_WAYBILL")
MAKING_SECONDS = (2, 5)
_PRINTABLE = (*SHIPPABLE, "LOGISTICS_REQUEST_CREATED")
Entry = dict[str, Any]
Step = Callable[[ShopeeCall, Order, Package, Entry], dict[str, Any]]


class Documents:
    """The four calls of the shipping document. A task belongs to a package and a type."""

    def __init__(self, world: World) -> None:
        self.world = world
        base = "/api/v2/logistics/"
        self.specs = {
            base + "get_shipping_document_parameter": Spec("POST", "get_label", self.parameter),
            base + "create_shipping_document": Spec("POST", "create_label", self.create),
            base + "get_shipping_document_result": Spec("POST", "get_label", self.result),
            base + "download_shipping_document": Spec("POST", "download_label", self.download),
        }

    def parameter(self, call: ShopeeCall) -> Response:
        return self._each(call, self._suggest)

    def create(self, call: ShopeeCall) -> Response:
        return self._each(call, self._begin)

    def result(self, call: ShopeeCall) -> Response:
        return self._each(call, self._look)

    def download(self, call: ShopeeCall) -> Response:
        """One file for all entries, a page each."""
        kind = call.body_text("shipping_document_type") or TYPES[0]
        found = [self._find(call, entry) for entry in call.entries("order_list")]
        for _, package in found:
            ready_at = _task(package, kind)
            if package["logistics_status"] not in _PRINTABLE:
                raise Refused("logistics.order_status_error", "Order status does not support awb printing.")
            if ready_at > self.world.engine.clock.now():
                raise Refused("logistics.download_later", "The document is being made, please download later.")
        if len({package["logistics_channel_id"] for _, package in found}) > 1:
            raise Refused(
                "logistics.packages_can_not_download_together", "The packages can not be downloaded together."
            )
        labels = [to_label(call.shop["name"], order, package) for order, package in found]
        if "omit_item" in call.strange:
            labels = labels[1:]
        return Response(draw_labels(labels) if labels else b"", media_type="application/pdf")

    def _suggest(self, call: ShopeeCall, order: Order, package: Package, entry: Entry) -> dict[str, Any]:
        return {"suggest_shipping_document_type": TYPES[0], "selectable_shipping_document_type": list(TYPES)}

    def _begin(self, call: ShopeeCall, order: Order, package: Package, entry: Entry) -> dict[str, Any]:
        kind = entry.get("shipping_document_type") or TYPES[0]
        refused = _create_refusal(package, entry, kind)
        if refused is not None:
            record_refusal(self.world, call, refused, order, package)
            raise refused
        is_new = kind not in package["documents"]
        record(self.world, call, order, package, is_effective=is_new, params={"type": kind})
        if is_new:
            seconds = self.world.engine.random_for("label", package["package_number"], kind).uniform(*MAKING_SECONDS)
            package["documents"][kind] = self.world.engine.clock.now() + seconds
            self.world.save(order, touch=False)
            where = {"order_sn": order["order_sn"], "package_number": package["package_number"]}
            self.world.engine.later(seconds, CHANNEL, "document", **where)
        return {}

    def _look(self, call: ShopeeCall, order: Order, package: Package, entry: Entry) -> dict[str, Any]:
        ready_at = _task(package, entry.get("shipping_document_type") or TYPES[0])
        return {"status": "READY" if ready_at <= self.world.engine.clock.now() else "PROCESSING"}

    def _each(self, call: ShopeeCall, step: Step) -> Response:
        rows: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in call.entries("order_list"):
            named = {"order_sn": entry.get("order_sn"), "package_number": entry.get("package_number") or ""}
            try:
                order, package = self._find(call, entry)
                rows.append({**named, **step(call, order, package, entry), "fail_error": "", "fail_message": ""})
            except Refused as refused:
                failed.append(named)
                rows.append({**named, "fail_error": refused.error, "fail_message": refused.message})
        if len(failed) == len(rows):
            raise Refused(
                "common.batch_api_all_failed",
                "Failed, please check result_list for more details.",
                {"result_list": rows},
            )
        return success({"result_list": rows[1:] if "omit_item" in call.strange else rows}, warning=failed or "")

    def _find(self, call: ShopeeCall, entry: Entry) -> tuple[Order, Package]:
        order = self.world.find_order(call.shop, entry.get("order_sn"))
        if order is None:
            raise Refused("logistics.order_not_exist", "The order does not exist.")
        wanted = entry.get("package_number")
        for package in order["packages"]:
            if package["package_number"] == wanted or (not wanted and len(order["packages"]) == 1):
                return order, package
        raise Refused("logistics.package_number_not_found", "The package number is not found.")


def _task(package: Package, kind: object) -> float:
    ready_at = package["documents"].get(kind) if isinstance(kind, str) else None
    if ready_at is None:
        raise Refused(
            "logistics.shipping_document_should_print_first",
            "The package can not print now, please create shipping document first.",
        )
    return float(ready_at)


def _create_refusal(package: Package, entry: Entry, kind: object) -> Refused | None:
    if kind not in TYPES:
        return Refused("logistics.shipping_document_type_invalid", "The shipping document type is invalid.")
    if package["logistics_status"] not in _PRINTABLE:
        return Refused("logistics.package_can_not_print", "The package can not print now.")
    if not package["tracking_number"] or entry.get("tracking_number") != package["tracking_number"]:
        return Refused("logistics.tracking_number_invalid", "The tracking number is invalid.")
    return None
