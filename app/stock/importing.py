"""Read an account's listings, keep them, and notice where a channel's stock is not what it was told."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import ChannelListing, Connector, KeepsStock, ListingPage, ShopAccess
from app.channels.errors import ChannelError, Rejected
from app.core.context import acting_as
from app.core.ids import new_id
from app.journal import service as journal
from app.operations import service as operations
from app.operations.idempotency import Idempotency
from app.operations.service import Opened
from app.orders import wording
from app.products import repository as products_repository
from app.products import service as products
from app.products.models import ListingRow, ProductRow
from app.shops import access
from app.shops import service as shops
from app.stock import events
from app.stock.errors import NothingToImport
from app.work import service as work
from app.work.context import Context
from app.work.service import Claimed

READ = "stock.read_listings"
CHECK = "stock.check_drift"
_MOST_PAGES = 2_000


async def open_import(
    session: AsyncSession,
    merchant_id: UUID,
    shop_ids: Sequence[UUID] | None,
    idempotency: Idempotency,
    *,
    open_operations_max: int,
) -> Opened:
    """An operation that reads the listings of these shops' accounts, or of all. Raises NothingToImport."""
    replay = await operations.find_replay(session, merchant_id, idempotency)
    if replay is not None:
        return Opened(replay, replayed=True)
    rows = [one for one in await shops.list_shop_states(session, merchant_id) if one.account.is_active]
    if shop_ids is not None:
        rows = [one for one in rows if one.shop.id in shop_ids]
    accounts = list(dict.fromkeys(one.account.id for one in rows))
    if not accounts or (shop_ids is not None and {one.shop.id for one in rows} != set(shop_ids)):
        raise NothingToImport(pointer="/shop_ids")
    opened = await operations.open_operation(
        session,
        merchant_id,
        idempotency,
        kind="import_listings",
        job=READ,
        options={"accounts": len(accounts)},
        items=[],
        open_parts=len(accounts),
        result={"listings": {"found": 0, "new": 0, "drifted": 0}},
        open_operations_max=open_operations_max,
    )
    if not opened.replayed:
        wanted = {f"{opened.operation_id.hex}:{account_id.hex}": account_id for account_id in accounts}
        await work.add_many(session, merchant_id, READ, wanted)
        await operations.refresh(session, merchant_id, opened.operation_id)
    return opened


async def run(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.read_listings` for an operation. Raises ChannelError to wait."""
    operation_hex, account_hex = claimed.ref.split(":")
    operation_id, account_id = UUID(hex=operation_hex), UUID(hex=account_hex)
    database, merchant_id = context.database, claimed.merchant_id
    operation, _ = await database.transact(operations.start_chunk, merchant_id, operation_id, 0)
    with acting_as(operations.caller_of(operation), merchant_id=merchant_id):
        try:
            counts = await read_account(context, merchant_id, account_id)
        except Rejected:
            counts = None
        await database.transact(_end_part, merchant_id, operation_id, counts)
    return None


async def _end_part(
    session: AsyncSession, merchant_id: UUID, operation_id: UUID, counts: dict[str, int] | None
) -> None:
    operation = await operations.lock_operation(session, merchant_id, operation_id)
    if counts is not None:
        before = operation.result["listings"]
        told = {name: before[name] + counts[name] for name in before}
        await operations.add_result(session, merchant_id, operation_id, "listings", told)
    await operations.set_open_parts(
        session,
        merchant_id,
        operation_id,
        operation.open_parts - 1,
        operation.failed_parts + (counts is None),
        operation.succeeded_parts + (counts is not None),
    )
    await operations.refresh(session, merchant_id, operation_id)


async def check(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.check_drift`: the daily comparison of one account."""
    try:
        await read_account(context, claimed.merchant_id, UUID(hex=claimed.ref), priority="background")
    except Rejected:
        return None
    return None


async def read_account(
    context: Context, merchant_id: UUID, account_id: UUID, *, priority: access.Priority = "user"
) -> dict[str, int]:
    """Every page of one account, each stored before the next. Counts what was found. Raises ChannelError."""
    counts = {"found": 0, "new": 0, "drifted": 0}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        asked = cursor

        async def fetch(connector: Connector, door: ShopAccess, asked: str | None = asked) -> ListingPage:
            if not isinstance(connector, KeepsStock):
                return ListingPage((), None)
            return await connector.list_listings(door, asked)

        page = await access.call(context, merchant_id, account_id, fetch, priority=priority)
        new, drifted = await context.database.transact(_store, merchant_id, account_id, page.listings)
        counts["found"] += len(page.listings)
        counts["new"] += new
        counts["drifted"] += drifted
        cursor = page.next_cursor
        if cursor is None:
            return counts
    raise ChannelError("endless_list", "The list of listings does not end.")


async def _store(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, listings: Sequence[ChannelListing]
) -> tuple[int, int]:
    """Answers how many are new and how many drifted."""
    if not listings:
        return 0, 0
    account = await shops.get_account(session, merchant_id, account_id)
    known = await products_repository.find_links(session, merchant_id, account_id, {one.item_id for one in listings})
    unique = {(one.item_id, one.model_id): one for one in listings}
    rows = [_to_row(merchant_id, account_id, account.channel, unique[key]) for key in sorted(unique)]
    statement = insert(ListingRow).values(rows)
    told = ("sku", "name", "variation", "price", "channel_stock", "read_at")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["merchant_id", "account_id", "item_external_id", "model_external_id"],
            set_={name: statement.excluded[name] for name in told},
        )
    )
    linked = [(key, link.listing_id) for key, link in known.items() if link.product_id is not None and key in unique]
    drifted = await _compare(session, merchant_id, {listing_id: unique[key].stock for key, listing_id in linked})
    return len([key for key in unique if key not in known]), drifted


def _to_row(merchant_id: UUID, account_id: UUID, channel: str, one: ChannelListing) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "id": new_id(),
        "account_id": account_id,
        "channel": channel,
        "item_external_id": one.item_id,
        "model_external_id": one.model_id,
        "sku": wording.clean(one.sku, 200),
        "name": wording.clean(one.name, 500),
        "variation": wording.clean(one.variation, 200),
        "price": one.price,
        "channel_stock": one.stock,
        "read_at": func.app_now(),
        "created_at": func.app_now(),
    }


async def _compare(session: AsyncSession, merchant_id: UUID, found: Mapping[UUID, int]) -> int:
    """How many listings show something else than they were told. Whatever is not what is available is told again."""
    drifted = 0
    differing: set[UUID] = set()
    for listing_id, stock in found.items():
        listing = await session.get(ListingRow, (merchant_id, listing_id), populate_existing=True)
        if listing is None or listing.product_id is None:
            continue  # unlinked since we looked
        product = await session.get(ProductRow, (merchant_id, listing.product_id))
        assert product is not None
        if product.counted_at is None or product.available == stock:
            continue
        differing.add(product.id)
        if listing.pushed_quantity is None or listing.pushed_quantity == stock:
            continue  # not told yet, or about to be told
        drifted += 1
        drift = events.DRIFTED(
            listing.id,
            events.Told(told=listing.pushed_quantity),
            events.Found(found=stock, available=product.available),
        )
        await journal.record(session, merchant_id, drift)
    # All in one: two who ask for the same pushes never wait for each other in a circle.
    await products.request_pushes(session, merchant_id, differing)
    return drifted


async def request_checks(context: Context) -> None:
    """Have every account with linked listings compared."""
    for merchant_id, account_id in await context.database.transact_globally(products_repository.list_stocked_accounts):
        await context.database.transact(_request_check, merchant_id, account_id)


async def _request_check(session: AsyncSession, merchant_id: UUID, account_id: UUID) -> None:
    await work.add(session, merchant_id, CHECK, account_id.hex, lane=account_id, priority=work.BACKGROUND)
