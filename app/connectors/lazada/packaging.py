"""Packages: make them, make them ready to ship, print their labels."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

from app.channels import decoding
from app.channels.contract import LabelStatus, Outcomes, PackageRef, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Malformed, Rejected, Throttled, Unavailable, Unknown
from app.connectors.lazada import failures, items, wire
from app.connectors.lazada.client import Answer, Client, Json
from app.connectors.lazada.mapping import orders, statuses

_LOOK_SECONDS = 5.0
"""The look before a pack call must be over by then: the call itself would otherwise leave too late."""
_NOT_YET = ("50008", "700040")
_NOT_READY_SECONDS = 3.0


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# --- pack -------------------------------------------------------------------------------------------------------------


async def pack(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> Outcomes:
    """One call for all of them, a group of units each. What is not to be packed (any more) is not sent."""
    outcomes: dict[str, ChannelError | None] = {}
    wanted: dict[str, list[wire.Item]] = {}
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            units = await items.fetch_units(client, access, [one.order_external_id for one in packages])
            for package in packages:
                found = _to_pack(package, units.get(package.order_external_id))
                if isinstance(found, ChannelError):
                    outcomes[package.package_number] = found
                else:
                    wanted[package.package_number] = found
            allocation = await _allocation(client, access, packages, wanted) if wanted else ""
    except TimeoutError as error:
        raise Unavailable("slow_look", "The items could not be read in time.") from error
    if not wanted:
        return outcomes
    by_number = {package.package_number: package for package in packages}
    body = {
        "pack_order_list": [_order_part(by_number[number], chosen) for number, chosen in wanted.items()],
        "delivery_type": "dropship",
        "shipping_allocate_type": allocation,
    }
    answer = await client.write("/order/fulfill/pack", access, {"packReq": _compact(body)})
    return {**outcomes, **_packed(answer, wanted)}


def _order_part(package: PackageRef, units: Iterable[wire.Item]) -> Json:
    return {
        "order_id": int(package.order_external_id),
        "order_item_list": [int(unit.order_item_id) for unit in units],
    }


def _to_pack(package: PackageRef, units: Sequence[wire.Item] | None) -> list[wire.Item] | ChannelError:
    """The units to pack, or why there are none."""
    warehouse = orders.split_waiting(package.package_number)
    if warehouse is None:
        return AlreadyDone("", "It is a package already.")
    if units is None:
        return Unavailable("no_items", "Lazada answered no items for this order.")
    mine = [unit for unit in units if orders.warehouse_of(unit) == warehouse]
    live = [unit for unit in mine if unit.status != statuses.CANCELLED]
    if mine and not live:
        return Rejected("", "The items are cancelled.", meaning="order_cancelled")
    if any(unit.need_cancel_confirm or unit.is_cancel_pending for unit in live):
        return Rejected("", "The buyer asked to cancel.", meaning="cancellation_requested")
    ready = [
        unit
        for unit in live
        if unit.status in statuses.WAITING and not unit.is_fbl and not unit.is_digital and not unit.stage_pay_status
    ]
    return ready or AlreadyDone("", "No item waits to be packed.")


async def _allocation(
    client: Client, access: ShopAccess, packages: Sequence[PackageRef], wanted: dict[str, list[wire.Item]]
) -> str:
    body = {
        "orders": [
            {
                "order_id": int(package.order_external_id),
                "order_item_ids": [int(unit.order_item_id) for unit in wanted[package.package_number]],
            }
            for package in packages
            if package.package_number in wanted
        ]
    }
    answer = await client.read("/order/shipment/providers/get", access, {"getShipmentProvidersReq": _compact(body)})
    _check_result(answer, is_write=False)
    return decoding.read_answer(wire.ProviderData, answer.result.get("data") or {}).shipping_allocate_type


def _packed(answer: Answer, wanted: dict[str, list[wire.Item]]) -> dict[str, ChannelError | None]:
    """By package: done when every unit was packed; a unit the answer leaves out leaves its package out."""
    _check_result(answer, is_write=True)
    try:
        told = decoding.read(wire.PackData, answer.result.get("data") or {})
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error
    verdicts = {unit.order_item_id: unit for order in told.pack_order_list for unit in order.order_item_list}
    outcomes: dict[str, ChannelError | None] = {}
    for number, units in wanted.items():
        mine = [verdicts.get(unit.order_item_id) for unit in units]
        if any(verdict is None for verdict in mine):
            continue
        errors = [failures.explain_package(one.item_err_code, one.msg) for one in mine if one is not None]
        bad = [error for error in errors if error is not None]
        # Part of a package done is a package in doubt: reading tells which.
        outcomes[number] = (
            None if not bad else bad[0] if len(bad) == len(errors) else Unknown(bad[0].code, bad[0].reason)
        )
    return outcomes


def _check_result(answer: Answer, *, is_write: bool) -> None:
    """`code` 0 is not enough: `result.success` must be true as well."""
    result = answer.result
    success = result.get("success")
    if success is True or str(success).lower() == "true":
        return
    code = str(result.get("error_code") or result.get("errorCode") or "")
    message = str(result.get("error_msg") or result.get("errorMsg") or "")
    if not code:
        raise Unknown("no_verdict", message) if is_write else Malformed("no_verdict", message)
    error = failures.explain_package(code, message) or Unknown(code, message)
    if isinstance(error, Unknown) and not is_write:
        raise Unavailable(code, message)
    raise error


# --- ready to ship ----------------------------------------------------------------------------------------------------


async def make_ready(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> Outcomes:
    """One call; only this makes the courier come."""
    outcomes: dict[str, ChannelError | None] = {}
    made = []
    for package in packages:
        if orders.split_waiting(package.package_number) is None:
            made.append(package.package_number)
        else:
            outcomes[package.package_number] = Rejected("", "It is no package yet.", meaning="receive_first")
    if not made:
        return outcomes
    body = {"packages": [{"package_id": number} for number in made]}
    answer = await client.write("/order/package/rts", access, {"readyToShipReq": _compact(body)})
    _check_result(answer, is_write=True)
    try:
        told = decoding.read(wire.PackageData, answer.result.get("data") or {})
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error
    for verdict in told.packages:
        if verdict.package_id in made:
            outcomes[verdict.package_id] = failures.explain_package(verdict.item_err_code, verdict.msg)
    return outcomes


# --- labels -----------------------------------------------------------------------------------------------------------


async def poll_labels(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> dict[str, LabelStatus]:
    """One question for all; when it is refused each package is asked for by itself."""
    try:
        await _document(client, access, packages)
    except Rejected as error:
        if len(packages) == 1:
            [package] = packages
            return {package.package_number: _refused(package.package_number, error)}
        parts = await asyncio.gather(*(poll_labels(client, access, [package]) for package in packages))
        return {number: status for part in parts for number, status in part.items()}
    except Throttled:
        return {one.package_number: LabelStatus(one.package_number, "processing") for one in packages}
    return {one.package_number: LabelStatus(one.package_number, "ready") for one in packages}


def _refused(number: str, error: Rejected) -> LabelStatus:
    code = "label_not_ready" if error.code in _NOT_YET or isinstance(error, AlreadyDone) else "label_refused"
    return LabelStatus(number, "failed", code, error.code)


async def fetch_label(client: Client, access: ShopAccess, package: PackageRef) -> bytes:
    """A file of its own per package; the link lives for ten minutes."""
    document = await _document(client, access, [package])
    if not document.pdf_url:
        raise Throttled("not_ready", "The label is being made.", retry_after=_NOT_READY_SECONDS)
    if not client.may_download(document.pdf_url):
        raise Malformed("foreign_url", "The label lies on a host that is not Lazada's.")
    return await client.download(document.pdf_url)


async def _document(client: Client, access: ShopAccess, packages: Sequence[PackageRef]) -> wire.DocumentData:
    body = {
        "doc_type": "PDF",
        "packages": [{"package_id": package.package_number} for package in packages],
        "print_item_list": False,
    }
    answer = await client.read("/order/package/document/get", access, {"getDocumentReq": _compact(body)})
    _check_result(answer, is_write=False)
    return decoding.read_answer(wire.DocumentData, answer.result.get("data") or {})
