"""What an order's row keeps of its lines and packages: stage, couriers, summaries, search text. Always derived."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import Prefixed
from app.orders import packing, receiving, storing
from app.orders.parts import Line, Package

_LINE, _PACKAGE, _LISTING, _PRODUCT = Prefixed("oln"), Prefixed("pkg"), Prefixed("lst"), Prefixed("prd")
_AT_MERCHANT = ("to_process", "processing")


@dataclass(frozen=True, slots=True)
class Rollup:
    """The derived columns of one order."""

    stage: str | None
    is_visible: bool
    line_count: int
    quantity: int
    is_linked: bool
    courier: str | None
    tracking_number: str | None
    handover: str | None
    lines_summary: list[dict[str, Any]]
    packages_summary: list[dict[str, Any]]
    search: str


@dataclass(frozen=True, slots=True)
class Head:
    """What the rollup needs of the order itself."""

    status: str
    order_number: str
    currency: str
    buyer_username: str | None
    buyer_name: str | None


def roll_up(head: Head, lines: Sequence[Line], packages: Sequence[Package]) -> Rollup:
    """Derive everything. Packages the channel no longer lists count for nothing."""
    present = sorted((package for package in packages if not package.is_gone), key=lambda one: one.position)
    ordered = sorted(lines, key=lambda one: one.position)
    tracking_numbers = _distinct(package.tracking_number for package in present)
    return Rollup(
        stage=derive_stage(head.status, present),
        is_visible=head.status != "unpaid",
        line_count=len(ordered),
        quantity=sum(line.quantity for line in ordered),
        is_linked=bool(ordered) and all(line.product_id is not None for line in ordered),
        courier="; ".join(_distinct(package.courier for package in present)) or None,
        tracking_number="; ".join(tracking_numbers) or None,
        handover=next((package.handover for package in present if package.handover), None),
        lines_summary=[summarise_line(line, head.currency) for line in ordered],
        packages_summary=[summarise_package(package) for package in present],
        search=_search_text(head, ordered, tracking_numbers),
    )


def derive_stage(status: str, packages: Iterable[Package]) -> str | None:
    """How far an order that waits for the merchant has come: as far as its slowest package."""
    if status != "ready_to_ship":
        return None
    live = {package.status for package in packages if package.status != "cancelled"}
    return next((stage for stage in _AT_MERCHANT if stage in live), "processed" if live else "to_process")


def summarise_line(line: Line, currency: str) -> dict[str, Any]:
    """A line as order lists show it."""
    price = None if line.unit_price is None else {"amount": f"{line.unit_price:.2f}", "currency": currency}
    return {
        "id": _LINE.format(line.id),
        "sku": line.sku,
        "name": line.name,
        "variation": line.variation,
        "quantity": line.quantity,
        "unit_price": price,
        "listing_id": _LISTING.format(line.listing_id) if line.listing_id else None,
        "product_id": _PRODUCT.format(line.product_id) if line.product_id else None,
        "is_linked": line.product_id is not None,
    }


def summarise_package(package: Package) -> dict[str, Any]:
    """A package as order lists show it."""
    return {
        "id": _PACKAGE.format(package.id),
        "package_number": package.package_number,
        "status": package.status,
        "courier": package.courier,
        "service": package.service,
        "tracking_number": package.tracking_number,
        "handover": package.handover,
    }


def _distinct(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _search_text(head: Head, lines: Sequence[Line], tracking_numbers: Sequence[str]) -> str:
    words = [head.order_number, *tracking_numbers, head.buyer_username, head.buyer_name]
    for line in lines:
        words += [line.sku, line.name, line.variation]
    return "\n".join(_distinct(words)).lower()


async def rebuild(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Derive again after lines or packages changed; each order gets a new version. The caller has locked the orders."""
    stored = await storing.load(session, merchant_id, order_ids)
    rows = []
    for one in stored:
        row = one.row
        status = _effective_status(row, one.packages)
        head = Head(status, row["order_number"], row["currency"], row["buyer_username"], row["buyer_name"])
        rows.append({"id": one.id, "status": status} | to_columns(roll_up(head, one.lines, one.packages)))
    await storing.update_orders(session, merchant_id, rows)


def _effective_status(row: Mapping[str, Any], packages: Sequence[Package]) -> str:
    """With our own effects on its packages, which the channel may not show yet."""
    status: str = row["status"]
    if status == "ordered" and row["first_step"] == "call" and not receiving.is_awaited(packages):
        status = "ready_to_ship"
    return packing.overlay_status(status, packages)


def to_columns(rollup: Rollup) -> dict[str, Any]:
    """Column → value."""
    return {name: getattr(rollup, name) for name in Rollup.__slots__}
