"""Shopee's document calls: types, task states, and the PDF inside what was downloaded."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.channels.contract import LabelStatus, PackageRef
from app.channels.errors import Malformed, Unavailable
from app.connectors.shopee import failures, wire
from app.connectors.shopee.mapping.shipping import package_query

USUAL_TYPE = "THERMAL_AIR_WAYBILL"
"""A6, offered by nearly every courier."""
_PREFERRED = (USUAL_TYPE, "THERMAL_JOB_AIR_WAYBILL")
PDF_MAX_BYTES = 20_000_000


def choose_type(parameter: wire.DocumentResult) -> str:
    """A6 where it can be had, else what Shopee suggests. The same answer always gives the same choice."""
    selectable = parameter.selectable_shipping_document_type
    for wanted in _PREFERRED:
        if wanted in selectable:
            return wanted
    return parameter.suggest_shipping_document_type or (selectable[0] if selectable else USUAL_TYPE)


def document_element(package: PackageRef, document_type: str, *, is_creating: bool = False) -> dict[str, Any]:
    """One element of `order_list`; only creating a task names the tracking number."""
    element = {**package_query(package), "shipping_document_type": document_type}
    if is_creating and package.tracking_number:
        element["tracking_number"] = package.tracking_number
    return element


def by_package(packages: Sequence[PackageRef], results: wire.DocumentResults) -> dict[str, wire.DocumentResult]:
    """Results by package number; an unsplit order's result may name the order alone."""
    numbers = {package.package_number for package in packages}
    only = {package.order_external_id: package.package_number for package in packages if package.is_only_package}
    found = {}
    for result in results.result_list:
        number = result.package_number if result.package_number in numbers else only.get(result.order_sn)
        if number is not None:
            found[number] = result
    return found


def failed(package_number: str, channel_code: str) -> LabelStatus:
    """A task that failed, with our code for it."""
    return LabelStatus(package_number, "failed", failures.explain_label(channel_code), failures.clean(channel_code))


def created_status(package_number: str, results: Mapping[str, wire.DocumentResult]) -> LabelStatus:
    """After `create`: a package the answer forgot may well have its task, polling tells."""
    result = results.get(package_number)
    if result is not None and result.fail_error.strip():
        return failed(package_number, result.fail_error)
    return LabelStatus(package_number, "processing")


def polled_status(package_number: str, results: Mapping[str, wire.DocumentResult]) -> LabelStatus:
    """After `result`. A task that Shopee gave up is to be requested again."""
    result = results.get(package_number)
    if result is None:
        return LabelStatus(package_number, "processing")
    if result.fail_error.strip():
        return failed(package_number, result.fail_error)
    if result.status == "FAILED":
        return LabelStatus(package_number, "failed", "label_not_requested", "FAILED")
    return LabelStatus(package_number, "ready" if result.status == "READY" else "processing")


def pdf_of(body: bytes) -> bytes:
    """The PDF, taken out of a ZIP where the shop's thermal setting wraps it. Decided by magic bytes."""
    if not body.strip():
        raise Unavailable("empty_file", "The label is not there yet.", retry_after=5.0)
    if body.startswith(b"%PDF"):
        return body
    if body.startswith(b"PK\x03\x04"):
        return _pdf_in_zip(body)
    raise Malformed("not_a_pdf", f"The label begins with {body[:8]!r}.")


def _pdf_in_zip(body: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith(".pdf"):
                    with archive.open(member) as file:
                        content = file.read(PDF_MAX_BYTES + 1)  # the size in the directory may lie
                    if content.startswith(b"%PDF") and len(content) <= PDF_MAX_BYTES:
                        return content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Malformed("broken_zip", type(error).__name__) from error
    raise Malformed("not_a_pdf", "The ZIP holds no PDF.")
