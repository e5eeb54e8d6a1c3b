"""Shopee's ship calls: one package, one after a pickup that failed, or several of one courier at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from app.channels import decoding
from app.channels.contract import Handover, Outcomes, PackageRef, ShopAccess
from app.channels.errors import AlreadyDone, ChannelError, Rejected, Unknown
from app.connectors.shopee import failures, wire
from app.connectors.shopee.client import Client
from app.connectors.shopee.mapping import shipping

RESEND_WITHIN_SECONDS = 3.0
"""A second call for a package must leave this soon after the first; later a read-back has to decide."""
PATH = "/api/v2/logistics/"

HasFailedPickup = Callable[[PackageRef], Awaitable[bool]]


async def arrange(
    client: Client, access: ShopAccess, package: PackageRef, handover: Handover, has_failed_pickup: HasFailedPickup
) -> None:
    """`ship_order`, or `update_shipping_order` after a pickup that failed. Not idempotent."""
    started = _now()
    body = shipping.ship_body(package, handover)
    try:
        await client.write(PATH + "ship_order", access, body)
    except AlreadyDone:
        if not await _within(started, has_failed_pickup(package)):
            raise
        body = shipping.reship_body(package, handover)
        await client.write(PATH + "update_shipping_order", access, body)
    except Rejected as error:
        if failures.bare(error.code) != "ship_order_not_need_pacakge_number" or not _is_recent(started):
            raise
        body.pop("package_number", None)  # refused for it, so nothing has happened yet
        await client.write(PATH + "ship_order", access, body)


def batch_of(package: PackageRef, handover: Handover) -> str | None:
    """One mass call takes packages of one courier with one choice; what needs a field of its own goes alone."""
    has_own_field = handover.sender_name is not None or (handover.method == "dropoff" and handover.tracking_number)
    if package.courier is None or has_own_field:
        return None
    parts = (package.courier, handover.method, handover.address_id, handover.slot_id, handover.branch_id)
    return "|".join(part or "" for part in parts)


async def arrange_together(
    client: Client,
    access: ShopAccess,
    parcels: Sequence[tuple[PackageRef, Handover]],
    alone: Callable[[PackageRef, Handover], Awaitable[None]],
) -> Outcomes:
    """`mass_ship_order`. Those it lists as failed are tried by themselves at once: only that tells why."""
    started = _now()
    answer = await client.write(PATH + "mass_ship_order", access, shipping.mass_body(parcels))
    try:
        told = decoding.read(wire.MassShipped, answer.response)
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error
    reasons = {one.package_number: one.fail_reason for one in told.fail_list}
    outcomes: dict[str, ChannelError | None] = {one.package_number: None for one in told.success_list}
    for package, handover in parcels:
        number = package.package_number
        if number in reasons:
            outcomes[number] = await _try_alone(client, access, package, handover, alone, started, reasons[number])
    return outcomes


async def _try_alone(
    client: Client,
    access: ShopAccess,
    package: PackageRef,
    handover: Handover,
    alone: Callable[[PackageRef, Handover], Awaitable[None]],
    started: float,
    reason: str,
) -> ChannelError | None:
    try:
        await client.reserve(access)
        if not _is_recent(started):
            return AlreadyDone("fail_list", reason)  # too late for a second call: reading decides
        await alone(package, handover)
    except ChannelError as error:
        return error
    return None


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _is_recent(started: float) -> bool:
    return _now() - started <= RESEND_WITHIN_SECONDS


async def _within(started: float, question: Awaitable[bool]) -> bool:
    """The answer, if it comes soon enough for a second call."""
    try:
        async with asyncio.timeout(RESEND_WITHIN_SECONDS):
            return await question and _is_recent(started)
    except TimeoutError:
        return False
