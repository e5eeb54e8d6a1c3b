"""Labels: a task per package and type, then real A6 PDFs with barcodes."""

import io
from typing import Any

from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A6
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from starlette.responses import Response

from app.sandbox.shopee.answers import Refused, success
from app.sandbox.shopee.api import ShopeeCall, Spec
from app.sandbox.shopee.pushes import Pushes
from app.sandbox.shopee.world import Order, Package, World

TYPES = ("THERMAL_AIR_WAYBILL", "NORMAL_AIR_WAYBILL")
_FIRST_REFUSAL = "logistics.shipping_document_should_print_first"


class Documents:
    """The four calls of the shipping document."""

    def __init__(self, world: World, pushes: Pushes) -> None:
        self.world = world
        self.pushes = pushes
        base = "/api/v2/logistics/"
        self.specs = {
            base + "get_shipping_document_parameter": Spec("POST", "get_label", self.parameter),
            base + "create_shipping_document": Spec("POST", "create_label", self.create),
            base + "get_shipping_document_result": Spec("POST", "get_label", self.result),
            base + "download_shipping_document": Spec("POST", "download_label", self.download),
        }

    def parameter(self, call: ShopeeCall) -> Response:
        def one(order: Order, package: Package, entry: dict[str, Any]) -> dict[str, Any]:
            return {"suggest_shipping_document_type": TYPES[0], "selectable_shipping_document_type": list(TYPES)}

        return self._each(call, one)

    def create(self, call: ShopeeCall) -> Response:
        def one(order: Order, package: Package, entry: dict[str, Any]) -> dict[str, Any]:
            kind = str(entry.get("shipping_document_type") or TYPES[0])
            refused = self._create_refusal(package, entry, kind)
            row = (
                self.world.engine.clock.now(),
                "shopee",
                "create_label",
                order["order_sn"],
                package["package_number"],
                refused is None and kind not in package["documents"],
                "",
                {"type": kind},
            )
            self.world.engine.store.record([row])
            if refused is not None:
                raise refused
            if kind not in package["documents"]:
                chance = self.world.random_for("label", package["package_number"], kind)
                package["documents"][kind] = self.world.engine.clock.now() + chance.uniform(2, 5)
                self.world.save(order, touch=False)
                self.world.engine.later(
                    5, "shopee", "document", order_sn=order["order_sn"], package_number=package["package_number"]
                )
            return {}

        return self._each(call, one)

    def _create_refusal(self, package: Package, entry: dict[str, Any], kind: str) -> Refused | None:
        if kind not in TYPES:
            return Refused("logistics.shipping_document_type_invalid", "The shipping document type is invalid.")
        if not package["tracking_number"] or entry.get("tracking_number") != package["tracking_number"]:
            return Refused("logistics.tracking_number_invalid", "The tracking number is invalid.")
        if package["logistics_status"] not in (
            "LOGISTICS_READY",
            "LOGISTICS_REQUEST_CREATED",
            "LOGISTICS_PICKUP_RETRY",
        ):
            return Refused("logistics.package_can_not_print", "The package can not print now.")
        return None

    def result(self, call: ShopeeCall) -> Response:
        def one(order: Order, package: Package, entry: dict[str, Any]) -> dict[str, Any]:
            ready_at = package["documents"].get(str(entry.get("shipping_document_type") or TYPES[0]))
            if ready_at is None:
                raise Refused(_FIRST_REFUSAL, "The package can not print now, please create shipping document first.")
            return {"status": "READY" if ready_at <= self.world.engine.clock.now() else "PROCESSING"}

        return self._each(call, one)

    def download(self, call: ShopeeCall) -> Response:
        kind = str(call.body.get("shipping_document_type") or TYPES[0])
        found = [self._find(call, entry) for entry in _entries(call)]
        for _, package in found:
            ready_at = package["documents"].get(kind)
            if ready_at is None:
                raise Refused(_FIRST_REFUSAL, "The package can not print now, please create shipping document first.")
            if ready_at > self.world.engine.clock.now():
                raise Refused("logistics.download_later", "The document is being made, please download later.")
            if package["logistics_status"] in (
                "LOGISTICS_PICKUP_DONE",
                "LOGISTICS_DELIVERY_DONE",
                "LOGISTICS_REQUEST_CANCELED",
            ):
                raise Refused("logistics.order_status_error", "Order status does not support awb printing.")
        if len({package["shipping_carrier"] for _, package in found}) > 1:
            raise Refused(
                "logistics.packages_can_not_download_together", "The packages can not be downloaded together."
            )
        return Response(
            draw_labels([(call.shop["name"], order, package) for order, package in found]), media_type="application/pdf"
        )

    def _each(self, call: ShopeeCall, one: Any) -> Response:
        rows: list[dict[str, Any]] = []
        failures = 0
        for entry in _entries(call):
            named = {"order_sn": entry.get("order_sn"), "package_number": entry.get("package_number") or ""}
            try:
                order, package = self._find(call, entry)
                rows.append({**named, **one(order, package, entry), "fail_error": "", "fail_message": ""})
            except Refused as refused:
                failures += 1
                rows.append({**named, "fail_error": refused.error, "fail_message": refused.message})
        if "omit_item" in call.strange:
            rows = rows[1:]
        if failures and failures == len(rows):
            raise Refused(
                "common.batch_api_all_failed",
                "Failed, please check result_list for more details.",
                {"result_list": rows},
            )
        return success({"result_list": rows})

    def _find(self, call: ShopeeCall, entry: dict[str, Any]) -> tuple[Order, Package]:
        order = self.world.orders.get(str(entry.get("order_sn", "")))
        if order is None or order["shop_id"] != call.shop["shop_id"]:
            raise Refused("logistics.order_not_exist", "The order does not exist.")
        wanted = entry.get("package_number")
        for package in order["packages"]:
            if package["package_number"] == wanted or (not wanted and len(order["packages"]) == 1):
                return order, package
        raise Refused("logistics.package_number_not_found", "The package number is not found.")


def _entries(call: ShopeeCall) -> list[dict[str, Any]]:
    entries = call.body.get("order_list")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 50:
        raise Refused("error_param", "Wrong parameters, detail: order_list must have 1 to 50 entries.")
    return entries


def draw_labels(parcels: list[tuple[str, Order, Package]]) -> bytes:
    """One A6 page per parcel; the same parcels give the same bytes."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A6, invariant=1)
    for shop_name, order, package in parcels:
        _draw(canvas, shop_name, order, package)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw(canvas: Canvas, shop_name: str, order: Order, package: Package) -> None:
    width, height = A6
    recipient = order["recipient"]
    canvas.setLineWidth(0.6)
    canvas.rect(4 * mm, 4 * mm, width - 8 * mm, height - 8 * mm)
    canvas.setFont("Helvetica-Bold", 13)
    canvas.drawString(7 * mm, height - 12 * mm, "Shopee (simulasi)")
    canvas.drawRightString(width - 7 * mm, height - 12 * mm, package["shipping_carrier"])
    barcode = Code128(package["tracking_number"], barHeight=16 * mm, barWidth=0.38 * mm)
    barcode.drawOn(canvas, (width - barcode.width) / 2, height - 33 * mm)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawCentredString(width / 2, height - 38 * mm, f"No. Resi: {package['tracking_number']}")
    canvas.line(4 * mm, height - 41 * mm, width - 4 * mm, height - 41 * mm)
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 46 * mm, f"Penerima: {recipient['name'][0]}****{recipient['name'][-1]}")
    canvas.setFont("Helvetica", 8)
    rows = (
        f"Telp ******{recipient['phone'][-2:]}",
        f"{recipient['district']}, {recipient['city']}",
        f"{recipient['state']} {recipient['zipcode']}",
        "",
        f"Pengirim: {shop_name}",
        f"COD: Rp{order['total_amount']:,}".replace(",", ".") if order["cod"] else "Non-COD",
    )
    for position, row in enumerate(rows):
        canvas.drawString(7 * mm, height - (51 + position * 4.5) * mm, row)
    qr = Drawing(24 * mm, 24 * mm)
    widget = QrCodeWidget(package["tracking_number"], barWidth=24 * mm, barHeight=24 * mm)
    qr.add(widget)
    qr.drawOn(canvas, width - 32 * mm, height - 74 * mm)
    canvas.line(4 * mm, height - 78 * mm, width - 4 * mm, height - 78 * mm)
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(7 * mm, height - 83 * mm, f"No. Pesanan: {order['order_sn']}")
    canvas.setFont("Helvetica", 7)
    canvas.drawString(7 * mm, height - 87 * mm, f"Paket: {package['package_number']}")
    names = {(item["item_id"], item["model_id"]): item for item in order["item_list"]}
    for position, item in enumerate(package["items"][:8]):
        line = names[item["item_id"], item["model_id"]]
        text = f"{item['model_quantity']} x {line['item_name']} ({line['model_name']}) {line['model_sku']}"
        canvas.drawString(7 * mm, height - (92 + position * 4) * mm, text[:62])
