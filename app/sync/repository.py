"""Every query of imports and of the push inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import PushMessage
from app.core.db import Database
from app.core.ids import new_id
from app.orders.merging import TERMINAL
from app.sync.models import CompletenessDayRow, ImportWindowRow

# --- imports ----------------------------------------------------------------------------------------------------------


async def find_window(session: AsyncSession, merchant_id: UUID, window_id: UUID) -> ImportWindowRow | None:
    """One window of an import."""
    return await session.get(ImportWindowRow, (merchant_id, window_id))


async def list_windows(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> Sequence[ImportWindowRow]:
    """All windows of an operation."""
    await session.flush()
    query = (
        select(ImportWindowRow)
        .where(ImportWindowRow.merchant_id == merchant_id, ImportWindowRow.operation_id == operation_id)
        .order_by(ImportWindowRow.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def put_outcomes(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, account_id: UUID, outcomes: Mapping[str, str]
) -> list[str]:
    """Note what became of each order; the first success stands. Answers the orders for which this is news."""
    rows = await session.execute(
        text(
            "insert into import_reads as r (merchant_id, operation_id, account_id, external_id, outcome)"
            " select :merchant_id, :operation_id, :account_id, x.id, x.outcome"
            " from unnest(cast(:ids as text[]), cast(:outcomes as text[])) x (id, outcome) order by x.id"
            " on conflict (merchant_id, operation_id, account_id, external_id) do update set outcome = excluded.outcome"
            " where r.outcome = 'failed' and excluded.outcome <> 'failed'"
            " returning external_id"
        ),
        {
            "merchant_id": merchant_id,
            "operation_id": operation_id,
            "account_id": account_id,
            "ids": list(outcomes),
            "outcomes": list(outcomes.values()),
        },
    )
    return [row.external_id for row in rows]


async def count_outcomes(session: AsyncSession, merchant_id: UUID, operation_id: UUID) -> dict[str, int]:
    """Orders of an import by outcome."""
    rows = await session.execute(
        text(
            "select outcome, count(*) n from import_reads"
            " where merchant_id = :merchant_id and operation_id = :operation_id group by 1"
        ),
        {"merchant_id": merchant_id, "operation_id": operation_id},
    )
    return {row.outcome: row.n for row in rows}


async def list_done(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, account_id: UUID, external_ids: Sequence[str]
) -> set[str]:
    """Those of these orders that the import has already stored."""
    rows = await session.scalars(
        text(
            "select external_id from import_reads where merchant_id = :merchant_id and operation_id = :operation_id"
            " and account_id = :account_id and external_id = any(:ids) and outcome <> 'failed'"
        ),
        {
            "merchant_id": merchant_id,
            "operation_id": operation_id,
            "account_id": account_id,
            "ids": list(external_ids),
        },
    )
    return set(rows)


async def forget_old_outcomes(session: AsyncSession, merchant_id: UUID, after: timedelta) -> None:
    """Outcomes of operations that ended long ago have served: their counts stand in the operation."""
    await session.execute(
        text(
            "delete from import_reads r using operations o where r.merchant_id = :merchant_id"
            " and o.merchant_id = r.merchant_id and o.id = r.operation_id"
            " and o.finished_at < app_now() - cast(:after as interval)"
        ),
        {"merchant_id": merchant_id, "after": after},
    )


# --- lookup -----------------------------------------------------------------------------------------------------------


async def find_failed(
    session: AsyncSession, merchant_id: UUID, external_ids: Sequence[str]
) -> dict[tuple[UUID, str], str]:
    """Account and id → why this order could not be read."""
    rows = await session.execute(
        text(
            "select account_id, external_id, reason from failed_orders"
            " where merchant_id = :merchant_id and external_id = any(:ids)"
        ),
        {"merchant_id": merchant_id, "ids": list(external_ids)},
    )
    return {(UUID(int=row.account_id.int), row.external_id): row.reason for row in rows}


async def find_queued(session: AsyncSession, merchant_id: UUID, external_ids: Sequence[str]) -> frozenset[UUID]:
    """Accounts whose order with one of these ids is about to be read."""
    rows = await session.scalars(
        text("select account_id from read_requests where merchant_id = :merchant_id and external_id = any(:ids)"),
        {"merchant_id": merchant_id, "ids": list(external_ids)},
    )
    return frozenset(UUID(int=one.int) for one in rows)


async def is_in_open_import(session: AsyncSession, merchant_id: UUID, numbers: Sequence[str]) -> bool:
    """Whether somebody has asked for one of these numbers and the import still runs."""
    found = await session.scalar(
        text(
            "select true from operation_items i"
            " join operations o on o.merchant_id = i.merchant_id and o.id = i.operation_id"
            " where i.merchant_id = :merchant_id and i.order_number = any(:numbers)"
            " and i.state in ('pending', 'running') and o.kind = 'import' and o.finished_at is null limit 1"
        ),
        {"merchant_id": merchant_id, "numbers": list(numbers)},
    )
    return bool(found)


# --- completeness -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Here:
    """Which of the asked ids are stored, which of those are not over, which are kept as failed with their reason."""

    stored: frozenset[str]
    open: frozenset[str]
    failed: frozenset[str]

    def missing(self, external_ids: Sequence[str]) -> list[str]:
        """Those that are neither stored nor kept as failed."""
        return [one for one in external_ids if one not in self.stored and one not in self.failed]


async def list_here(session: AsyncSession, merchant_id: UUID, account_id: UUID, external_ids: Sequence[str]) -> Here:
    """Of these ids."""
    parameters = {"merchant_id": merchant_id, "account_id": account_id, "ids": list(external_ids)}
    condition = "merchant_id = :merchant_id and account_id = :account_id and external_id = any(cast(:ids as text[]))"
    rows = await session.execute(text(f"select external_id, status from orders where {condition}"), parameters)  # noqa: S608
    statuses = {row.external_id: row.status for row in rows}
    failed = await session.scalars(text(f"select external_id from failed_orders where {condition}"), parameters)  # noqa: S608
    is_open = frozenset(one for one, status in statuses.items() if status not in TERMINAL)
    return Here(frozenset(statuses), is_open, frozenset(failed) - statuses.keys())


async def put_day(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, day: date, external_ids: Sequence[str]
) -> Here:
    """Note which orders that the channel lists for a day are here. What was mended for it before stays noted."""
    here = await list_here(session, merchant_id, account_id, external_ids)
    told = {
        "at_channel": len(external_ids),
        "here": len(here.stored),
        "failed": len(here.failed),
        "missing": here.missing(external_ids)[:100],
        "checked_at": func.app_now(),
    }
    await session.execute(
        insert(CompletenessDayRow)
        .values(merchant_id=merchant_id, account_id=account_id, day=day, healed=0, **told)
        .on_conflict_do_update(index_elements=["merchant_id", "account_id", "day"], set_=told)
    )
    return here


async def add_healed(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, day: date, *, healed: int, refreshed: int
) -> None:
    """Orders of a day that is noted were mended."""
    await session.execute(
        update(CompletenessDayRow)
        .where(
            CompletenessDayRow.merchant_id == merchant_id,
            CompletenessDayRow.account_id == account_id,
            CompletenessDayRow.day == day,
        )
        .values(
            healed=CompletenessDayRow.healed + healed,
            refreshed=CompletenessDayRow.refreshed + refreshed,
            last_healed_at=func.app_now(),
        )
    )


async def list_days(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, most: int = 31
) -> Sequence[CompletenessDayRow]:
    """Newest day first."""
    query = (
        select(CompletenessDayRow)
        .where(CompletenessDayRow.merchant_id == merchant_id, CompletenessDayRow.account_id == account_id)
        .order_by(CompletenessDayRow.day.desc())
        .limit(most)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


# --- push inbox (global) ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitingPush:
    """A verified push that nobody has routed yet."""

    id: UUID
    channel: str
    account_external_id: str | None
    order_external_id: str | None
    kind: str


async def store_push(
    database: Database,
    *,
    channel: str,
    message: PushMessage | None,
    state: str,
    body: bytes,
    oldest: timedelta,
    furthest: timedelta,
) -> None:
    """Keep a verified push as it came, by one statement: in a burst, round trips are what it costs.

    One that waits but was sent outside the horizon, in application time, is dropped. Raises Unavailable.
    """
    await database.fetch_globally(
        "select store_push($1, $2, $3, $4, $5, case when $6 = 'waiting' and $7::timestamptz"
        " not between app_now() - $8::interval and app_now() + $9::interval then 'dropped' else $6 end, $10)",
        new_id(),
        channel,
        message.account_external_id if message else None,
        message.order_external_id if message else None,
        message.kind if message else "unreadable",
        state,
        message.sent_at if message else None,
        oldest,
        furthest,
        body,
    )


async def list_waiting_pushes(session: AsyncSession, most: int) -> list[WaitingPush]:
    """Oldest first."""
    rows = await session.execute(
        text("select id, channel, account_external_id, order_external_id, kind from waiting_pushes(:most)"),
        {"most": most},
    )
    return [WaitingPush(row.id, row.channel, row.account_external_id, row.order_external_id, row.kind) for row in rows]


async def settle_pushes(session: AsyncSession, push_ids: Sequence[UUID], state: str) -> None:
    """Say what became of them."""
    await session.execute(
        text("select settle_pushes(cast(:ids as uuid[]), :state)"), {"ids": list(push_ids), "state": state}
    )


async def find_owner(session: AsyncSession, api: str, account_external_id: str) -> tuple[UUID, UUID] | None:
    """Merchant and account that a channel's shop belongs to."""
    row = (
        await session.execute(
            text("select merchant_id, account_id from find_shop_claim(:api, :external_id)"),
            {"api": api, "external_id": account_external_id},
        )
    ).one_or_none()
    return None if row is None else (UUID(int=row.merchant_id.int), UUID(int=row.account_id.int))
