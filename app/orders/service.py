"""Rules of the order desk: what is selected, holds, notes, picking and packing."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import caller
from app.core.errors import DomainError
from app.journal import service as journal
from app.orders import actions, events, listing, repository, search
from app.orders.codes import guesses
from app.orders.errors import (
    CodeAmbiguous,
    CodeUnknown,
    NotArranged,
    NotInWarehouse,
    OrderAlreadyShipped,
    OrderChanged,
    OrderClosed,
    ParcelMustStop,
    SelectionEmpty,
    SelectionTooLarge,
    StepOutOfTurn,
)
from app.orders.filters import OPEN_STATUSES, OrderFilter, resolve
from app.orders.models import OrderRow
from app.orders.page import COOLING
from app.orders.schemas import ChangeOrder, Selection
from app.work import service as work

_AT_RISK_HOURS = 4


async def get_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> OrderRow:
    """Raises OrderNotFound."""
    return await repository.get_order(session, merchant_id, order_id)


async def find_by_code(session: AsyncSession, merchant_id: UUID, code: str) -> tuple[OrderRow, str] | None:
    """The order that this is a number of, whatever its state, and which of its numbers. Of several the newest."""
    found = await repository.find_by_code(session, merchant_id, guesses(code), most=1)
    return found[0] if found else None


async def list_open(session: AsyncSession, merchant_id: UUID, shop_ids: Sequence[UUID]) -> Sequence[OrderRow]:
    """Orders of these shops that are not over, by account."""
    return await repository.list_open(session, merchant_id, shop_ids)


async def list_cooling(session: AsyncSession, merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Those of these orders that are in their shop's cooling window, with what the shop wishes meanwhile."""
    query = f"select o.id, {COOLING} from orders o where o.merchant_id = $1 and o.id = any($2)"  # noqa: S608 (ours)
    rows = await repository.fetch_rows(session, query, merchant_id, list(order_ids))
    return {UUID(int=order_id.int): mode for order_id, mode in rows if mode is not None}


# --- selection --------------------------------------------------------------------------------------------------------


async def select_orders(
    session: AsyncSession, merchant_id: UUID, selection: Selection, *, limit: int, at_risk_hours: int = _AT_RISK_HOURS
) -> list[tuple[UUID, OrderRow | None]]:
    """The selected orders in the order asked for; None for an id that is absent or another merchant's.

    Ids given twice count once, before the limit. Raises SelectionEmpty and SelectionTooLarge, and what a filter can
    raise.
    """
    if selection.order_ids is not None:
        order_ids = list(dict.fromkeys(selection.order_ids))
        pointer = "/selection/order_ids"
    else:
        assert selection.filter is not None  # the schema asks for exactly one
        pointer = "/selection/filter"
        order_ids = await find_orders(
            session, merchant_id, selection.filter, most=limit + 1, at_risk_hours=at_risk_hours, pointer=pointer
        )
    if not order_ids:
        raise SelectionEmpty(pointer=pointer)
    if len(order_ids) > limit:
        raise SelectionTooLarge(pointer=pointer, limit=limit)
    rows = await repository.list_orders(session, merchant_id, order_ids)
    return [(order_id, rows.get(order_id)) for order_id in order_ids]


async def find_orders(
    session: AsyncSession, merchant_id: UUID, wish: OrderFilter, *, most: int, at_risk_hours: int, pointer: str
) -> list[UUID]:
    """Ids of up to `most` orders a filter finds, newest first. Raises RangeInvalid and TimezoneInvalid."""

    async def fetch(query: str, *args: Any) -> Sequence[Any]:
        return await repository.fetch_rows(session, query, *args)

    wanted = await search.settle(fetch, merchant_id, resolve(wish, pointer=pointer))
    if wanted.is_impossible:
        return []
    statement = listing.list_orders(
        wanted, merchant_id, sort="-placed_at", after=None, most=most, at_risk_hours=at_risk_hours
    )
    rows = await fetch(listing.only_ids(statement), *statement.args)
    return [UUID(int=row[0].int) for row in rows]


# --- hold, note, tags -------------------------------------------------------------------------------------------------


async def hold_order(session: AsyncSession, merchant_id: UUID, order_id: UUID, *, reason: str) -> None:
    """Keep an order out of every shipment. Holding a held order keeps the first reason.

    Raises OrderNotFound, OrderAlreadyShipped, OrderClosed.
    """
    order = await repository.lock_order(session, merchant_id, order_id)
    code = actions.refusal("hold", order)
    if code == "already_done":
        return
    if code == "wrong_state":
        raise OrderAlreadyShipped()
    if code is not None:
        raise OrderClosed(status=order.status)
    await repository.change_order(session, merchant_id, order_id, hold=reason, is_held=True)
    await journal.record(session, merchant_id, events.HELD(order_id, after=events.Hold(hold=reason)))


async def release_order(session: AsyncSession, merchant_id: UUID, order_id: UUID) -> None:
    """Let a held order go on. Repeatable. Raises OrderNotFound."""
    order = await repository.lock_order(session, merchant_id, order_id)
    if not order.is_held:
        return
    await repository.change_order(session, merchant_id, order_id, hold=None, is_held=False)
    await journal.record(session, merchant_id, events.RELEASED(order_id, events.Hold(hold=order.hold)))


async def change_order(
    session: AsyncSession, merchant_id: UUID, order_id: UUID, changes: ChangeOrder, *, versions: Collection[int] | None
) -> None:
    """Set note and tags. Raises OrderNotFound, and OrderChanged when the order is at none of `versions`."""
    order = await repository.lock_order(session, merchant_id, order_id)
    if versions is not None and order.version not in versions:
        raise OrderChanged(header="If-Match")
    wanted: dict[str, Any] = {}
    if "note" in changes.model_fields_set:
        wanted["note"] = changes.note or None
    if changes.tags is not None:
        wanted["tags"] = list(dict.fromkeys(changes.tags))
    new = {name: value for name, value in wanted.items() if value != getattr(order, name)}
    if not new:
        return
    await repository.change_order(session, merchant_id, order_id, **new)
    before = {name: getattr(order, name) for name in new}
    changed = events.CHANGED(order_id, events.DeskFields(**before), events.DeskFields(**new))
    await journal.record(session, merchant_id, changed)


# --- picking and packing ----------------------------------------------------------------------------------------------


async def take_step(session: AsyncSession, merchant_id: UUID, order_id: UUID, *, action: str) -> None:
    """Note the next step of picking and packing; the one that was taken last changes nothing.

    Raises OrderNotFound, NotInWarehouse, StepOutOfTurn, NotArranged.
    """
    order = await repository.lock_order(session, merchant_id, order_id)
    code = actions.refusal(action, order)
    if code == "already_done":
        return
    if code is not None:
        raise _step_refusal(code, order, action)
    await repository.change_order(session, merchant_id, order_id, pick_pack=action)
    if action == "handed_over" and order.is_own_courier:
        await work.add(
            session, merchant_id, "fulfilment.handed_over", order_id.hex, lane=order.account_id, priority=work.USER
        )
    before, after = events.PickPack(pick_pack=order.pick_pack), events.PickPack(pick_pack=action)
    await journal.record(session, merchant_id, events.STEPS[action](order_id, before, after))


async def scan(session: AsyncSession, merchant_id: UUID, *, scanned: str, action: str) -> UUID:
    """Take a step with whatever carries this code. Answers the order.

    Raises CodeUnknown, CodeAmbiguous, ParcelMustStop, and what a step can raise.
    """
    numbered = await repository.find_by_code(session, merchant_id, guesses(scanned), most=5)
    found = [order for order, _ in numbered]
    if not found:
        raise CodeUnknown(pointer="/code", scanned=scanned)
    if len(found) > 1:
        # Stores number their orders alike: one that has left long ago is not what is scanned.
        found = [one for one in found if one.status in OPEN_STATUSES] or found
    if len(found) > 1:
        raise CodeAmbiguous(pointer="/code", scanned=scanned, numbers=", ".join(one.order_number for one in found))
    [order] = found
    if order.status == "cancelled":
        raise ParcelMustStop(number=order.order_number)
    await take_step(session, merchant_id, order.id, action=action)
    return order.id


def _step_refusal(code: str, order: OrderRow, action: str) -> DomainError:
    if code == "not_arranged":
        return NotArranged()
    if code == "wrong_state" and order.status != "on_delivery":
        return StepOutOfTurn(last=order.pick_pack or "–", action=action)
    return NotInWarehouse(reason=actions.text_of(code, caller().language))
