"""Turns a selection into the items of an operation: who is in, who is refused at once and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Invalid
from app.core.ids import Prefixed
from app.core.settings import Settings
from app.fulfilment import changing
from app.fulfilment.handovers import Wish
from app.fulfilment.schemas import ArrangeShipment, BulkAction, OrderChoice
from app.fulfilment.shipping import KIND_OF, OF_ORDERS, next_action_of, plan_state
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.service import NewItem, Opened
from app.orders import actions, effects
from app.orders import service as orders
from app.orders.models import OrderLineRow, OrderRow

CHUNK = 20
"""Orders of one account that one piece of work takes: small loss, fair turns, visible progress."""
ARRANGE = "arrange_shipment"
_PRODUCT = Prefixed("prd")
_OPTIONS = {
    "hold": {"reason"},
    "cancel": {"reason", "reasons"},
    "reject_cancellation": {"reason", "reasons"},
    "print_labels": {"sort"},
    "print_invoices": {"language", "sort"},
    "print_packing_slips": {"language", "sort"},
    "print_pick_list": {"language"},
    "add_tags": {"tags"},
    "remove_tags": {"tags"},
    "set_note": {"note"},
}
_REQUIRED = {"hold": "reason", "cancel": "reason", "add_tags": "tags", "remove_tags": "tags", "set_note": "note"}
_CANCELLING = ("cancel", "approve_cancellation")


class OptionNotTaken(Invalid):
    """An option that belongs to another action."""

    en = "The action `{action}` takes no option `{option}`."
    id = "Tindakan `{action}` tidak menerima opsi `{option}`."


class OptionRequired(Invalid):
    """Holding needs a reason, so that the refusal later explains itself; channels want one for a cancellation; tags and
    notes are what is to be set."""

    en = "`options.{option}` is required for `{action}`."
    id = "`options.{option}` wajib untuk `{action}`."


class NumberRequired(Invalid):
    """Handing over with one's own courier needs courier and tracking number per order."""

    en = "`manual` needs an entry in `per_order` with courier and tracking number for order {order_number}."
    id = "`manual` memerlukan entri `per_order` berisi kurir dan nomor resi untuk pesanan {order_number}."


class NumberNotTaken(Invalid):
    """A tracking number where the channel's courier brings its own."""

    en = "`per_order` is for the method `manual` only."
    id = "`per_order` hanya untuk metode `manual`."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for."""

    bulk_max_orders: int
    at_risk_hours: int
    open_operations_max: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As configured."""
        return cls(settings.bulk_max_orders, settings.sla_at_risk_hours, settings.open_operations_max)


async def arrange(
    session: AsyncSession,
    merchant_id: UUID,
    body: ArrangeShipment,
    idempotency: Idempotency,
    *,
    limits: Limits,
) -> Opened:
    """Open an operation that arranges the selected orders. Nothing is stored when the request is refused."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    if body.per_order and body.handover.method != "manual":
        raise NumberNotTaken(pointer="/per_order")
    selected = await orders.select_orders(
        session, merchant_id, body.selection, limit=limits.bulk_max_orders, at_risk_hours=limits.at_risk_hours
    )
    found = [order for _, order in selected if order is not None]
    cooling = await orders.list_cooling(session, merchant_id, [order.id for order in found])
    wishes = await _wishes(session, merchant_id, body, found)
    planned = await _planned_packages(session, merchant_id, list(wishes)) if body.dry_run else {}

    def details(order: OrderRow) -> dict[str, Any]:
        plan = {"planned_state": plan_state(order), "planned_packages": planned.get(order.id)}
        warning = {"warning": "cooling"} if cooling.get(order.id) == "warn" else {}
        return {"external_id": order.external_id, **plan, **warning, **wishes[order.id]}

    def also(order: OrderRow) -> str | None:
        return actions.refusal(ARRANGE, order, is_cooling=cooling.get(order.id) == "respect")

    items = build_items(selected, ARRANGE, details, also=also)
    return await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind=ARRANGE,
        job=f"fulfilment.{ARRANGE}",
        options={"method": body.handover.method},
        items=items,
        dry_run=body.dry_run,
        open_operations_max=limits.open_operations_max,
    )


async def bulk(
    session: AsyncSession,
    merchant_id: UUID,
    body: BulkAction,
    idempotency: Idempotency,
    *,
    can_read_buyer: bool,
    limits: Limits,
) -> Opened:
    """Open an operation for one of the simple actions."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    _check_options(body)
    selected = await orders.select_orders(
        session, merchant_id, body.selection, limit=limits.bulk_max_orders, at_risk_hours=limits.at_risk_hours
    )
    found = [order for _, order in selected if order is not None]
    params = await _order_params(session, merchant_id, body, found) if KIND_OF.get(body.action) in OF_ORDERS else {}
    undone = [order for order in found if body.action in _CANCELLING and actions.refusal(body.action, order) is None]
    effect = await _order_effects(session, merchant_id, undone) if undone else {}

    options = _to_options(body, can_read_buyer=can_read_buyer)
    sort = options["sort"]
    lines = await effects.list_lines(session, merchant_id, [one.id for one in found]) if sort != "selection" else {}

    def details(order: OrderRow) -> dict[str, Any]:
        told = {"params": params[order.id]} if order.id in params else {}
        shown = {"effect": effect[order.id]} if order.id in effect else {}
        sorting = _sorting(order, lines[order.id], sort) if order.id in lines else {}
        return {"external_id": order.external_id, "planned_state": plan_state(order), **told, **shown, **sorting}

    def also(order: OrderRow) -> str | None:
        return changing.refusal(body.action, order, options) if body.action in changing.ACTIONS else None

    return await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind=body.action,
        job=f"fulfilment.{body.action}",
        options=options,
        items=build_items(selected, body.action, details, also=also),
        dry_run=body.dry_run,
        open_operations_max=limits.open_operations_max,
    )


def _check_options(body: BulkAction) -> None:
    given = body.options.model_fields_set
    for option in given - _OPTIONS.get(body.action, set()):
        raise OptionNotTaken(pointer=f"/options/{option}", action=body.action, option=option)
    required = _REQUIRED.get(body.action)
    if required is None or (body.action == "cancel" and body.options.reasons):
        return
    # A note is cleared by saying so.
    is_told = getattr(body.options, required) is not None or (required == "note" and "note" in given)
    if not is_told:
        raise OptionRequired(pointer=f"/options/{required}", action=body.action, option=required)


def _to_options(body: BulkAction, *, can_read_buyer: bool) -> dict[str, Any]:
    """What the operation keeps of them."""
    given = body.options
    return {
        "action": body.action,
        "reason": given.reason,
        "tags": given.tags,
        "note": given.note,
        "language": given.language or "id",
        "sort": given.sort or "selection",
        "can_read_buyer": can_read_buyer,
    }


async def _order_params(
    session: AsyncSession, merchant_id: UUID, body: BulkAction, rows: Sequence[OrderRow]
) -> dict[UUID, dict[str, Any]]:
    """What the channel is told about each order that is cancelled or answered."""
    lines = await effects.list_lines(session, merchant_id, [order.id for order in rows])
    return {
        order.id: {
            "reason": body.options.reasons.get(order.channel, body.options.reason),
            "is_unpaid": order.status == "unpaid",
            "skus": [[line.item_external_id, line.model_external_id] for line in lines[order.id]],
        }
        for order in rows
    }


async def _order_effects(
    session: AsyncSession, merchant_id: UUID, rows: Sequence[OrderRow]
) -> dict[UUID, dict[str, Any]]:
    """What a cancellation of each order undoes: its packages, printed labels that have to be pulled out, stock."""
    packages = await effects.list_packages(session, merchant_id, [order.id for order in rows])
    lines = await effects.list_lines(session, merchant_id, [order.id for order in rows])
    return {
        order.id: {
            "stock": _released(lines[order.id]),
            "packages": len(packages[order.id]),
            "stop_parcels": [
                package.tracking_number or package.package_number
                for package in packages[order.id]
                if order.print_status == "printed" and order.status == "ready_to_ship"
            ],
        }
        for order in rows
    }


def _released(lines: Sequence[OrderLineRow]) -> list[dict[str, Any]]:
    pieces: dict[UUID, int] = {}
    for line in lines:
        if line.product_id is not None:
            pieces[line.product_id] = pieces.get(line.product_id, 0) + line.quantity
    return [{"product_id": _PRODUCT.format(one), "quantity": count} for one, count in pieces.items()]


def _sorting(order: OrderRow, lines: Sequence[OrderLineRow], sort: str) -> dict[str, Any]:
    """Where the order's papers come in the pack."""
    skus = sorted({line.sku or line.name for line in lines})
    keys = {
        "sku": skus[0] if skus else "",
        "courier": order.courier or "~",
        "ship_by": order.ship_by.isoformat() if order.ship_by else "~",
    }
    return {"is_mixed": len(skus) > 1, "sort_key": keys[sort]}


def build_items(
    selected: Sequence[tuple[UUID, OrderRow | None]],
    action: str,
    details: Callable[[OrderRow], dict[str, Any]],
    *,
    also: Callable[[OrderRow], str | None] = lambda order: None,
) -> list[NewItem]:
    """One item per selected order, chunked by account; those refused now are final from the start.

    `also`: a reason to refuse that the order itself does not tell.
    """
    items: list[NewItem] = []
    chunks = _Chunks()
    for order_id, order in selected:
        if order is None:
            items.append(NewItem(order_id, None, state="failed", code="not_found"))
            continue
        code = actions.refusal(action, order) or also(order)
        items.append(
            NewItem(
                order_id,
                order.order_number,
                account_id=order.account_id,
                shop_id=order.shop_id,
                channel=order.channel,
                chunk=chunks.next(order.account_id) if code is None else 0,
                state="pending" if code is None else "skipped",
                code=code,
                text_params={"reason": order.hold or ""} if code == "on_hold" else {},
                details=details(order),
                planned_version=order.version,
                next_action=next_action_of(code) if code and action not in changing.ACTIONS else None,
            )
        )
    return items


class _Chunks:
    """Numbers chunks so that each holds orders of one account only, at most CHUNK."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[UUID, tuple[int, int]] = {}

    def next(self, account_id: UUID) -> int:
        number, filled = self._open.get(account_id, (0, CHUNK))
        if filled >= CHUNK:
            self._count += 1
            number, filled = self._count, 0
        self._open[account_id] = (number, filled + 1)
        return number


async def _planned_packages(
    session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]
) -> dict[UUID, list[str]]:
    packages = await effects.list_packages(session, merchant_id, order_ids)
    return {order_id: [package.package_number for package in group] for order_id, group in packages.items()}


async def _wishes(
    session: AsyncSession, merchant_id: UUID, body: ArrangeShipment, rows: Sequence[OrderRow]
) -> dict[UUID, dict[str, Any]]:
    """Per order: the wish for all its packages, and those for single packages."""
    by_shop = {choice.shop_id: choice for choice in body.per_shop}
    by_order: dict[UUID, list[OrderChoice]] = {}
    for choice in body.per_order:
        by_order.setdefault(choice.order_id, []).append(choice)
    packages = await effects.list_packages(session, merchant_id, list(by_order))
    numbers = {package.id: package.package_number for group in packages.values() for package in group}
    wishes: dict[UUID, dict[str, Any]] = {}
    for order in rows:
        shop = by_shop.get(order.shop_id)
        wish = Wish(
            method=body.handover.method,
            on=body.handover.date,
            time_from=body.handover.time_from,
            address_id=shop.address_id if shop else None,
            slot_id=shop.slot_id if shop else None,
            branch_id=shop.branch_id if shop else None,
        ).to_details()
        own: dict[str, dict[str, Any]] = {}
        for choice in by_order.get(order.id, []):
            brought = {**wish, "courier": choice.courier, "tracking_number": choice.tracking_number}
            if choice.package_id is None:
                wish = brought
            elif choice.package_id in numbers:
                own[numbers[choice.package_id]] = brought
        if body.handover.method == "manual" and not own and wish["tracking_number"] is None:
            raise NumberRequired(pointer="/per_order", order_number=order.order_number)
        wishes[order.id] = {"wish": wish, "packages": own}
    return wishes
