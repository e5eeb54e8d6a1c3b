"""Products and listings over HTTP. What moves stock is in stock."""

from collections import Counter
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.deps import DatabaseDep, KeyringDep
from app.core.errors import CursorMismatch
from app.core.etags import TAGGED, tag_of, versions_of
from app.core.ids import ListingId, ProductId, ShopId
from app.core.pagination import CursorText, Limit, Page, binding_of, id_after, page_by_id
from app.core.problems import problems
from app.identity.deps import Actor, needs
from app.journal.models import JournalRow
from app.products import repository, service, views
from app.products.errors import ListingNotFound, ProductChanged, ProductInUse, ProductNotFound, SkuTaken
from app.products.models import ListingRow, ProductRow
from app.products.schemas import ChangeProduct, CreateProduct, Listing, ListingEvent, Product, Suggestion
from app.shops import service as shops

router = APIRouter(prefix="/v1", tags=["products"])

ReadActor = Annotated[Actor, needs("products:read")]
WriteActor = Annotated[Actor, needs("products:write")]
Search = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Part of the SKU or the name, in any letter case.")
]
Archived = Annotated[bool, Query(description="Those put out of sight, instead of the others.")]
Oversold = Annotated[bool, Query(description="Only those of which open orders owe more than there is.")]


@router.get("/products", responses=problems(CursorMismatch))
async def list_products(
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    q: Search = None,
    archived: Archived = False,
    oversold: Oversold = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[Product]:
    """Master Products with their stock, newest first."""
    binding = binding_of(actor.merchant_id, "products", [q, archived, oversold])
    rows = await database.transact(
        repository.list_products,
        actor.merchant_id,
        q=q,
        is_archived=archived,
        is_oversold=oversold,
        limit=limit + 1,
        after=id_after(keyring.cursor_key, binding, cursor),
    )
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[views.to_product(row) for row in rows[:limit]], page=page)


@router.post("/products", status_code=201, responses=problems(SkuTaken))
async def create_product(body: CreateProduct, actor: WriteActor, database: DatabaseDep) -> Product:
    """Make a product; its stock is counted afterwards."""
    return views.to_product(await database.transact(service.create_product, actor.merchant_id, body))


@router.get("/products/{product_id}", responses={**TAGGED, **problems(ProductNotFound)})
async def get_product(product_id: ProductId, actor: ReadActor, database: DatabaseDep, response: Response) -> Product:
    """One product and its stock."""
    row = await database.transact(repository.get_product, actor.merchant_id, product_id)
    response.headers["ETag"] = tag_of(row.version)
    return views.to_product(row)


@router.patch(
    "/products/{product_id}", responses={**TAGGED, **problems(ProductNotFound, ProductChanged, SkuTaken, ProductInUse)}
)
async def change_product(
    product_id: ProductId,
    body: ChangeProduct,
    actor: WriteActor,
    database: DatabaseDep,
    response: Response,
    if_match: Annotated[
        str | None,
        Header(max_length=1_000, description="The `ETag` you decided on; refused when the product has changed since."),
    ] = None,
) -> Product:
    """Set SKU, name or buffer; archive or bring back. A changed buffer is told to the channels."""
    versions = versions_of(if_match)
    row = await database.transact(service.change_product, actor.merchant_id, product_id, body, versions=versions)
    response.headers["ETag"] = tag_of(row.version)
    return views.to_product(row)


@router.delete("/products/{product_id}", status_code=204, responses=problems(ProductNotFound, ProductInUse))
async def archive_product(product_id: ProductId, actor: WriteActor, database: DatabaseDep) -> None:
    """Put a product out of sight. Its movements stay on record."""
    await database.transact(service.archive_product, actor.merchant_id, product_id)


@router.get("/listings", responses=problems(CursorMismatch))
async def list_listings(
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    is_linked: bool | None = None,
    shop_id: Annotated[
        list[ShopId] | None, Query(max_length=50, description="Listings of these shops; repeat for several.")
    ] = None,
    product_id: ProductId | None = None,
    q: Search = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[Listing]:
    """Sellable SKUs of the channels, newest first: read from the channel, or first seen in an order."""
    binding = binding_of(actor.merchant_id, "listings", [is_linked, shop_id, product_id, q])
    after = id_after(keyring.cursor_key, binding, cursor)

    async def read(session: AsyncSession, merchant_id: UUID) -> tuple[list[ListingRow], dict[UUID, list[str]]]:
        account_ids = None
        if shop_id is not None:
            account_ids = [one.account_id for one in await shops.list_shops(session, merchant_id) if one.id in shop_id]
        rows = await repository.list_listings(
            session,
            merchant_id,
            is_linked=is_linked,
            account_ids=account_ids,
            product_id=product_id,
            q=q,
            limit=limit + 1,
            after=after,
        )
        return list(rows), await views.shops_by_account(session, merchant_id)

    rows, shop_ids = await database.transact(read, actor.merchant_id)
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[views.to_listing(row, shop_ids) for row in rows[:limit]], page=page)


@router.get("/listings/suggestions", responses=problems(CursorMismatch))
async def list_link_suggestions(
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[Suggestion]:
    """Unlinked listings whose SKU is a product's. Nothing is linked by itself: `POST /v1/listings/links` does."""
    binding = binding_of(actor.merchant_id, "suggestions", None)
    after = id_after(keyring.cursor_key, binding, cursor)

    async def read(
        session: AsyncSession, merchant_id: UUID
    ) -> tuple[list[tuple[ListingRow, ProductRow]], dict[UUID, list[str]]]:
        rows = await repository.list_suggestions(session, merchant_id, limit=limit + 1, after=after)
        return rows, await views.shops_by_account(session, merchant_id)

    rows, shop_ids = await database.transact(read, actor.merchant_id)
    choices = Counter(listing.id for listing, _ in rows)
    page = page_by_id(keyring.cursor_key, binding, list(choices), limit)
    listed = set(list(choices)[:limit])
    data = [
        Suggestion(
            listing=views.to_listing(listing, shop_ids),
            product=views.to_product(product),
            match="sku",
            is_ambiguous=choices[listing.id] > 1,
        )
        for listing, product in rows
        if listing.id in listed
    ]
    return Page(data=data, page=page)


@router.get("/listings/{listing_id}", responses=problems(ListingNotFound))
async def get_listing(listing_id: ListingId, actor: ReadActor, database: DatabaseDep) -> Listing:
    """One listing and how its last stock push went."""
    return await read_listing(database, actor.merchant_id, listing_id)


@router.get("/listings/{listing_id}/history", responses=problems(ListingNotFound, CursorMismatch))
async def list_listing_history(
    listing_id: ListingId,
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ListingEvent]:
    """Who linked and unlinked it, and when the channel's stock was not what it was told; newest first."""
    binding = binding_of(actor.merchant_id, f"listing:{listing_id}", None)
    after = id_after(keyring.cursor_key, binding, cursor)

    async def read(session: AsyncSession, merchant_id: UUID) -> list[JournalRow]:
        await repository.get_listing(session, merchant_id, listing_id)
        return list(await repository.list_events(session, merchant_id, listing_id, limit=limit + 1, after=after))

    rows = await database.transact(read, actor.merchant_id)
    data = [
        ListingEvent(
            id=row.id,
            at=row.at,
            type=row.type,
            actor=row.actor_name,
            before=row.before,
            after=row.after,
            request_id=row.request_id,
        )
        for row in rows[:limit]
    ]
    return Page(data=data, page=page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit))


async def read_listing(database: Database, merchant_id: UUID, listing_id: UUID) -> Listing:
    """As it is now. Raises ListingNotFound."""

    async def read(session: AsyncSession, merchant_id: UUID) -> Listing:
        row = await repository.get_listing(session, merchant_id, listing_id)
        return views.to_listing(row, await views.shops_by_account(session, merchant_id))

    return await database.transact(read, merchant_id)
