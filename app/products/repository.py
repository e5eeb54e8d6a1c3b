"""Every query of products and listings."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, exists, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.journal.models import JournalRow
from app.products.errors import ListingNotFound, ProductNotFound
from app.products.models import ListingRow, ProductRow

Key = tuple[str, str]
"""Item and model id at the channel."""


@dataclass(frozen=True, slots=True)
class SoldAs:
    """A listing as an order line or the channel's own list names it."""

    item_id: str
    model_id: str
    sku: str
    name: str
    variation: str

    @property
    def key(self) -> Key:
        """How the channel tells it from others."""
        return (self.item_id, self.model_id)


@dataclass(frozen=True, slots=True)
class Link:
    """The listing of a line, and its product if it is linked."""

    listing_id: UUID
    product_id: UUID | None


# --- products ---------------------------------------------------------------------------------------------------------


async def get_product(session: AsyncSession, merchant_id: UUID, product_id: UUID) -> ProductRow:
    """Raises ProductNotFound."""
    row = await session.get(ProductRow, (merchant_id, product_id))
    if row is None:
        raise ProductNotFound()
    return row


async def lock_products(
    session: AsyncSession, merchant_id: UUID, product_ids: Collection[UUID]
) -> dict[UUID, ProductRow]:
    """Locked in the order of their ids, until the transaction ends."""
    query = (
        select(ProductRow)
        .where(ProductRow.merchant_id == merchant_id, ProductRow.id.in_(product_ids))
        .order_by(ProductRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in await session.scalars(query)}


async def insert_product(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """False when the SKU is taken."""
    made = await session.execute(
        insert(ProductRow)
        .values(**values, created_at=func.app_now(), updated_at=func.app_now())
        .on_conflict_do_nothing(index_elements=["merchant_id", "sku"])
        .returning(ProductRow.id)
    )
    return made.one_or_none() is not None


async def insert_products(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Many new products. Their SKUs, without those that are taken."""
    if not rows:
        return set()
    columns = ", ".join(rows[0])
    made = await session.scalars(
        text(
            f"insert into products ({columns}) select {columns}"  # noqa: S608 (our columns)
            " from json_populate_recordset(null::products, cast(:rows as json)) order by sku"
            " on conflict (merchant_id, sku) do nothing returning sku"
        ),
        {"rows": _as_json(rows)},
    )
    return set(made)


async def list_products(
    session: AsyncSession,
    merchant_id: UUID,
    *,
    q: str | None,
    is_archived: bool,
    is_oversold: bool,
    limit: int,
    after: UUID | None,
) -> Sequence[ProductRow]:
    """Newest first. `q`: part of SKU or name."""
    query = (
        select(ProductRow)
        .where(ProductRow.merchant_id == merchant_id, ProductRow.is_archived.is_(is_archived))
        .order_by(ProductRow.id.desc())
        .limit(limit)
    )
    if is_oversold:
        query = query.where(ProductRow.reserved > ProductRow.on_hand, ProductRow.counted_at.is_not(None))
    if after is not None:
        query = query.where(ProductRow.id < after)
    if q:
        query = query.where(
            or_(ProductRow.sku.icontains(q, autoescape=True), ProductRow.name.icontains(q, autoescape=True))
        )
    return (await session.scalars(query)).all()


@dataclass(frozen=True, slots=True)
class Known:
    """A product as far as a CSV may change it."""

    id: UUID
    sku: str
    name: str
    on_hand: int
    reserved: int
    buffer: int
    counted_at: datetime | None
    is_archived: bool


async def find_products_by_sku(session: AsyncSession, merchant_id: UUID, skus: Collection[str]) -> dict[str, Known]:
    """SKU → product, locked."""
    row = ProductRow
    query = (
        select(row.id, row.sku, row.name, row.on_hand, row.reserved, row.buffer, row.counted_at, row.is_archived)
        .where(row.merchant_id == merchant_id, row.sku.in_(select(func.unnest(literal(list(skus), ARRAY(TEXT))))))
        .order_by(row.id)
        .with_for_update(key_share=True)
    )
    return {found.sku: Known(*found) for found in await session.execute(query)}


def _folded(sku: ColumnElement[str]) -> ColumnElement[str]:
    """As SKUs are compared: letter case and outer blanks aside."""
    return func.lower(func.trim(sku))


async def fold_skus(session: AsyncSession, skus: Collection[str]) -> dict[str, str]:
    """SKU → the same as it is compared with others."""
    sku = func.unnest(literal(list(skus), ARRAY(TEXT))).column_valued("sku")
    return {row[0]: row[1] for row in await session.execute(select(sku, _folded(sku)))}


async def lock_alike(session: AsyncSession, merchant_id: UUID, folded: Collection[str]) -> dict[str, list[ProductRow]]:
    """Products by their SKU as it is compared, archived ones too; locked in the order of their ids."""
    key = _folded(ProductRow.sku.expression)
    query = (
        select(key, ProductRow)
        .where(ProductRow.merchant_id == merchant_id, key == any_(literal(list(folded), ARRAY(TEXT))))
        .order_by(ProductRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found: dict[str, list[ProductRow]] = {}
    for row in await session.execute(query):
        found.setdefault(row[0], []).append(row[1])
    return found


async def change_products(session: AsyncSession, merchant_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Name, buffer, on hand and time of the count of many locked products, by id. None stays archived."""
    await session.execute(
        text(
            "update products p set name = c.name, buffer = c.buffer, on_hand = c.on_hand, counted_at = c.counted_at,"
            " is_archived = false, version = p.version + 1, updated_at = app_now()"
            " from json_populate_recordset(null::products, cast(:rows as json)) c"
            " where p.merchant_id = :merchant_id and p.id = c.id"
        ),
        {"merchant_id": merchant_id, "rows": _as_json(rows)},
    )


def _as_json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str, ensure_ascii=False)


# --- listings ---------------------------------------------------------------------------------------------------------

_LOCK_ORDER = (
    ListingRow.account_id,
    ListingRow.item_external_id.collate("C"),
    ListingRow.model_external_id.collate("C"),
)
_LINKS = select(ListingRow.id, ListingRow.item_external_id, ListingRow.model_external_id, ListingRow.product_id)


async def get_listing(session: AsyncSession, merchant_id: UUID, listing_id: UUID, *, lock: bool = False) -> ListingRow:
    """Raises ListingNotFound."""
    row = await session.get(
        ListingRow, (merchant_id, listing_id), with_for_update={"key_share": True} if lock else None
    )
    if row is None:
        raise ListingNotFound()
    return row


async def lock_listings(
    session: AsyncSession, merchant_id: UUID, listing_ids: Collection[UUID]
) -> dict[UUID, ListingRow]:
    """Locked in the order in which imports of listings lock them too, until the transaction ends.

    Waits for those who store orders of a listing that they found unlinked (`hold_links`).
    """
    query = (
        select(ListingRow)
        .where(ListingRow.merchant_id == merchant_id, ListingRow.id.in_(listing_ids))
        .order_by(*_LOCK_ORDER)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in await session.scalars(query)}


async def list_listings(
    session: AsyncSession,
    merchant_id: UUID,
    *,
    is_linked: bool | None,
    account_ids: Sequence[UUID] | None,
    product_id: UUID | None,
    q: str | None,
    limit: int,
    after: UUID | None,
) -> Sequence[ListingRow]:
    """Newest first."""
    query = select(ListingRow).where(ListingRow.merchant_id == merchant_id).order_by(ListingRow.id.desc()).limit(limit)
    if is_linked is not None:
        query = query.where(ListingRow.product_id.is_not(None) if is_linked else ListingRow.product_id.is_(None))
    if account_ids is not None:
        query = query.where(ListingRow.account_id.in_(account_ids))
    if product_id is not None:
        query = query.where(ListingRow.product_id == product_id)
    if q:
        query = query.where(
            or_(ListingRow.sku.icontains(q, autoescape=True), ListingRow.name.icontains(q, autoescape=True))
        )
    if after is not None:
        query = query.where(ListingRow.id < after)
    return (await session.scalars(query)).all()


async def list_listings_of(
    session: AsyncSession, merchant_id: UUID, product_ids: Collection[UUID]
) -> Sequence[ListingRow]:
    """Listings linked to any of these products."""
    wanted = any_(literal(list(product_ids), ARRAY(Uuid)))  # one parameter, however many products
    query = (
        select(ListingRow)
        .where(ListingRow.merchant_id == merchant_id, ListingRow.product_id == wanted)
        .order_by(ListingRow.id)
    )
    return (await session.scalars(query)).all()


async def list_linked_of_accounts(
    session: AsyncSession, merchant_id: UUID, account_ids: Collection[UUID]
) -> Sequence[ListingRow]:
    """Linked listings of these accounts."""
    query = (
        select(ListingRow)
        .where(
            ListingRow.merchant_id == merchant_id,
            ListingRow.account_id.in_(account_ids),
            ListingRow.product_id.is_not(None),
        )
        .order_by(ListingRow.id)
    )
    return (await session.scalars(query)).all()


async def list_suggestions(
    session: AsyncSession, merchant_id: UUID, *, limit: int, after: UUID | None
) -> list[tuple[ListingRow, ProductRow]]:
    """Up to `limit` unlinked listings, newest first, each with every product of the same SKU, letter case and outer
    blanks aside.
    """
    is_alike = (
        (ProductRow.merchant_id == ListingRow.merchant_id)
        & (_folded(ProductRow.sku.expression) == _folded(ListingRow.sku.expression))
        & ~ProductRow.is_archived
    )
    page = (
        select(ListingRow.id)
        .where(ListingRow.merchant_id == merchant_id, ListingRow.product_id.is_(None), ListingRow.sku != "")
        .where(exists().where(is_alike))
        .order_by(ListingRow.id.desc())
        .limit(limit)
    )
    if after is not None:
        page = page.where(ListingRow.id < after)
    query = (
        select(ListingRow, ProductRow)
        .join(ProductRow, is_alike)
        .where(ListingRow.merchant_id == merchant_id, ListingRow.id.in_(page))
        .order_by(ListingRow.id.desc(), ProductRow.id)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def find_links(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, item_ids: Collection[str]
) -> dict[Key, Link]:
    """The account's listings of these items."""
    query = _LINKS.where(
        ListingRow.merchant_id == merchant_id,
        ListingRow.account_id == account_id,
        ListingRow.item_external_id.in_(item_ids),
    )
    return _to_links(await session.execute(query))


async def hold_links(session: AsyncSession, merchant_id: UUID, listing_ids: Collection[UUID]) -> dict[Key, Link]:
    """These links as they are now, and as they stay until the transaction ends: nobody links one meanwhile."""
    query = _LINKS.where(ListingRow.merchant_id == merchant_id, ListingRow.id.in_(listing_ids))
    return _to_links(await session.execute(query.order_by(*_LOCK_ORDER).with_for_update(read=True, key_share=True)))


def _to_links(rows: Iterable[Any]) -> dict[Key, Link]:
    return {(row.item_external_id, row.model_external_id): Link(row.id, row.product_id) for row in rows}


async def insert_listings(
    session: AsyncSession, merchant_id: UUID, account_id: UUID, channel: str, wanted: Sequence[SoldAs]
) -> None:
    """Those that are new; in one sort order, so that two importers never wait in a circle."""
    rows = [
        {
            "merchant_id": merchant_id,
            "id": new_id(),
            "account_id": account_id,
            "channel": channel,
            "item_external_id": one.item_id,
            "model_external_id": one.model_id,
            "sku": one.sku,
            "name": one.name,
            "variation": one.variation,
            "created_at": func.app_now(),
        }
        for one in sorted(wanted, key=lambda one: one.key)
    ]
    await session.execute(insert(ListingRow).values(rows).on_conflict_do_nothing())


async def change_listing(session: AsyncSession, merchant_id: UUID, listing_id: UUID, **values: Any) -> None:
    """Set columns of one listing."""
    await session.execute(
        update(ListingRow)
        .where(ListingRow.merchant_id == merchant_id, ListingRow.id == listing_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def list_events(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, *, limit: int, after: UUID | None
) -> Sequence[JournalRow]:
    """What happened to a listing, newest first."""
    query = (
        select(JournalRow)
        .where(JournalRow.merchant_id == merchant_id, JournalRow.subject_id == listing_id)
        .order_by(JournalRow.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(JournalRow.id < after)
    return (await session.scalars(query)).all()


async def list_stocked_accounts(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """Merchant and account of every account with linked listings. Without a merchant."""
    rows = await session.execute(text("select merchant_id, account_id from stocked_accounts()"))
    return [(UUID(int=row.merchant_id.int), UUID(int=row.account_id.int)) for row in rows]


async def count_links(session: AsyncSession, merchant_id: UUID, product_id: UUID) -> int:
    """Listings linked to the product."""
    count = await session.scalar(
        text("select count(*) from listings where merchant_id = :merchant_id and product_id = :product_id"),
        {"merchant_id": merchant_id, "product_id": product_id},
    )
    return int(count or 0)
