"""Calls about packages: options, shipping one or several, documents."""

from collections.abc import Sequence
from typing import Any

from app.channels import decoding, turns
from app.channels.contract import Handover, Outcomes, PackageRef, ShippingOptions, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected, Unknown
from app.connectors.tiktok_shop import failures, wire
from app.connectors.tiktok_shop.client import Client
from app.connectors.tiktok_shop.mapping import shipping

PATH = "/fulfillment/202309/packages"


async def fetch_options(client: Client, access: ShopAccess, package: PackageRef) -> ShippingOptions:
    """What can be chosen for the package now."""
    detail = await fetch_package(client, access, package.package_number)
    slots = wire.HandoverSlots()
    if detail.shipping_type != "SELLER" and detail.package_status in ("TO_FULFILL", ""):
        answer = await client.read(f"{PATH}/{package.package_number}/handover_time_slots", access)
        slots = decoding.read_answer(wire.HandoverSlots, answer.data)
    return shipping.to_options(detail, slots)


async def fetch_package(client: Client, access: ShopAccess, number: str) -> wire.Package:
    """One package's detail. Raises Rejected(packages_changed) for a number that is none (any more)."""
    if not (number.isascii() and number.isdigit()):
        raise Rejected("", "TikTok Shop has no such package.", meaning="packages_changed")
    answer = await client.read(f"{PATH}/{number}", access)
    return decoding.read_answer(wire.Package, answer.data)


async def fetch_packages(client: Client, access: ShopAccess, numbers: Sequence[str]) -> dict[str, wire.Package]:
    """By number; what is gone or cannot be read is left out."""

    async def read(number: str) -> wire.Package | None:
        try:
            return await fetch_package(client, access, number)
        except (Rejected, Malformed):
            return None

    found, stopped_by = await turns.read_each(read, list(dict.fromkeys(numbers)))
    if stopped_by is not None:
        raise stopped_by
    return {number: detail for number, detail in found.items() if detail is not None}


async def ship(client: Client, access: ShopAccess, package: PackageRef, handover: Handover) -> None:
    """Not idempotent."""
    provider_id = None
    if handover.method == "manual":
        provider_id = await _find_provider(client, access, package, handover.courier or "")
    await client.write(f"{PATH}/{package.package_number}/ship", access, shipping.ship_body(handover, provider_id))


async def _find_provider(client: Client, access: ShopAccess, package: PackageRef, courier: str) -> str | None:
    """The courier of that name, or the only one there is."""
    detail = await fetch_package(client, access, package.package_number)
    path = f"/logistics/202309/delivery_options/{detail.delivery_option_id}/shipping_providers"
    answer = await client.read(path, access)
    providers = decoding.read_answer(wire.Providers, answer.data).shipping_providers
    wanted = courier.casefold().strip()
    named = [one for one in providers if wanted and wanted in one.name.casefold()]
    chosen = named or (list(providers) if len(providers) == 1 else [])
    return chosen[0].id if chosen else None


async def ship_together(client: Client, access: ShopAccess, parcels: Sequence[tuple[PackageRef, Handover]]) -> Outcomes:
    """One call; a package is shipped unless the answer lists it as failed."""
    body: dict[str, Any] = {
        "packages": [
            {"id": package.package_number, **shipping.ship_body(handover, None)} for package, handover in parcels
        ]
    }
    answer = await client.write(f"{PATH}/ship", access, body)
    outcomes: dict[str, ChannelError | None] = {package.package_number: None for package, _ in parcels}
    for failure in read_failures(answer.data):
        error = failures.explain(failure.code, failure.message, is_write=True, retry_after=None)
        named = failure.detail.package_id
        for number in [named] if named in outcomes else list(outcomes):
            # Whom a failure without a name is about nobody knows.
            outcomes[number] = error if named else Unknown(str(failure.code), failure.message)
    return outcomes


def read_failures(data: Any) -> tuple[wire.Failure, ...]:
    """Raises Unknown when what failed cannot be read."""
    try:
        return decoding.read(wire.Failures, data).errors
    except ValueError as error:
        raise Unknown("unreadable_answer", str(error)) from error


async def fetch_document(client: Client, access: ShopAccess, number: str) -> wire.Document:
    """Where the label lies."""
    query = {"document_type": "SHIPPING_LABEL", "document_size": "A6"}
    answer = await client.read(f"{PATH}/{number}/shipping_documents", access, query)
    return decoding.read_answer(wire.Document, answer.data)
