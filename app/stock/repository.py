"""Every query of stock."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import caller
from app.core.db import wait_for_turn
from app.core.ids import new_id
from app.stock.models import MovementRow, StockPushRow


async def list_of_orders(
    session: AsyncSession, merchant_id: UUID, order_ids: Collection[UUID]
) -> dict[UUID, list[MovementRow]]:
    """Movements by line, oldest first."""
    query = (
        select(MovementRow)
        .where(MovementRow.merchant_id == merchant_id, MovementRow.order_id.in_(order_ids))
        .order_by(MovementRow.id)
    )
    found: dict[UUID, list[MovementRow]] = {}
    for row in await session.scalars(query):
        assert row.line_id is not None, "an order moves stock by its lines"
        found.setdefault(row.line_id, []).append(row)
    return found


async def add_movement(session: AsyncSession, merchant_id: UUID, values: Mapping[str, Any]) -> bool:
    """False when it is there already (the same line, kind and turn, or the same reference)."""
    made = await session.execute(
        insert(MovementRow)
        .values(merchant_id=merchant_id, id=new_id(), at=func.app_now(), actor_name=caller().name, **values)
        .on_conflict_do_nothing()
        .returning(MovementRow.id)
    )
    return made.one_or_none() is not None


async def find_adjustment(
    session: AsyncSession, merchant_id: UUID, product_id: UUID, reference: str
) -> MovementRow | None:
    """The adjustment of the locked product that has this reference."""
    query = select(MovementRow).where(
        MovementRow.merchant_id == merchant_id,
        MovementRow.product_id == product_id,
        MovementRow.reference == reference,
    )
    row: MovementRow | None = await session.scalar(query)
    return row


async def expect_many(session: AsyncSession, merchant_id: UUID) -> None:
    """Before a CSV of products. Rows are matched by hashing: a planner that believes in few products would compare
    each with each line.
    """
    await session.execute(text("set local enable_nestloop = off"))
    await take_turn(session, merchant_id)


async def take_turn(session: AsyncSession, merchant_id: UUID) -> None:
    """Before many products are made: it may take its time, and one merchant's come one after the other."""
    for statement in (
        "set local statement_timeout = '1min'",
        "set local lock_timeout = '1min'",
        "set local transaction_timeout = 0",  # a running timer is only stopped by this, never set to another time
        "set local transaction_timeout = '2min'",
    ):
        await session.execute(text(statement))
    await wait_for_turn(session, merchant_id, "products.import")


async def add_adjustments(
    session: AsyncSession, merchant_id: UUID, changes: Sequence[Mapping[str, Any]], *, reason: str
) -> None:
    """Many adjustments of products that are locked: product, quantity and change of each."""
    rows = [{"id": new_id(), **one} for one in changes]
    # Each movement's product is looked up once more. Planned for the products of before, that would read all of them.
    await session.execute(text("analyze products"))
    await session.execute(
        text(
            "insert into stock_movements (merchant_id, id, product_id, kind, quantity, on_hand_change, reserved_change,"
            " reason, actor_name, at) select :merchant_id, id, product_id, 'adjust', quantity, on_hand_change, 0,"
            " :reason, :actor, app_now() from json_populate_recordset(null::stock_movements, cast(:rows as json))"
        ),
        {
            "merchant_id": merchant_id,
            "reason": reason,
            "actor": caller().name,
            "rows": json.dumps(rows, default=str),
        },
    )


async def list_movements(
    session: AsyncSession, merchant_id: UUID, product_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[MovementRow]:
    """Newest first."""
    query = (
        select(MovementRow)
        .where(MovementRow.merchant_id == merchant_id, MovementRow.product_id == product_id)
        .order_by(MovementRow.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(MovementRow.id < after)
    return (await session.scalars(query)).all()


async def add_push(session: AsyncSession, merchant_id: UUID, values: Mapping[str, Any]) -> None:
    """Keep one try."""
    await session.execute(
        insert(StockPushRow).values(merchant_id=merchant_id, id=new_id(), at=func.app_now(), **values)
    )


async def list_pushes(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[StockPushRow]:
    """Newest first."""
    query = (
        select(StockPushRow)
        .where(StockPushRow.merchant_id == merchant_id, StockPushRow.listing_id == listing_id)
        .order_by(StockPushRow.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(StockPushRow.id < after)
    return (await session.scalars(query)).all()


# --- linking ----------------------------------------------------------------------------------------------------------


async def list_unlinked_orders(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, *, most: int, after: UUID | None = None
) -> list[UUID]:
    """Orders with a line of this listing that has no product yet, by id."""
    rows = await session.scalars(
        text(
            "select distinct order_id from order_lines where merchant_id = :merchant_id and listing_id = :listing_id"
            " and product_id is null and (cast(:after as uuid) is null or order_id > :after)"
            " order by order_id limit :most"
        ),
        {"merchant_id": merchant_id, "listing_id": listing_id, "after": after, "most": most},
    )
    return [UUID(int=one.int) for one in rows]


async def link_lines(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, product_id: UUID, order_ids: Collection[UUID]
) -> None:
    """The lines of these locked orders that were sold as this listing get its product."""
    await session.execute(
        text(
            "update order_lines set product_id = :product_id where merchant_id = :merchant_id"
            " and listing_id = :listing_id and product_id is null and order_id = any(:order_ids)"
        ),
        {
            "merchant_id": merchant_id,
            "listing_id": listing_id,
            "product_id": product_id,
            "order_ids": list(order_ids),
        },
    )


async def sum_unlinked(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, counted_at: datetime | None
) -> list[tuple[str, str | None, int, int]]:
    """Status, stage, orders and pieces of lines that linking would move; `counted_at` is the product's."""
    rows = await session.execute(
        text(
            "select o.status, o.stage, count(distinct o.id), sum(l.quantity) from order_lines l"
            " join orders o on o.merchant_id = l.merchant_id and o.id = l.order_id"
            " where l.merchant_id = :merchant_id and l.listing_id = :listing_id and l.product_id is null"
            " and (o.status <> 'completed' or o.placed_at >= cast(:counted_at as timestamptz))"
            " group by o.status, o.stage"
        ),
        {"merchant_id": merchant_id, "listing_id": listing_id, "counted_at": counted_at},
    )
    return [(row[0], row[1], int(row[2]), int(row[3])) for row in rows]
