"""Stock, links and listing imports over HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import caller
from app.core.deps import DatabaseDep, KeyringDep, SettingsDep
from app.core.errors import CursorMismatch
from app.core.http import PayloadTooLarge
from app.core.ids import ListingId, Prefixed, ProductId
from app.core.pagination import CursorText, Limit, Page, binding_of, id_after, page_by_id
from app.core.problems import problems
from app.core.validation import field_error
from app.identity.deps import Actor, needs
from app.operations.answers import ACCEPTED, accepted
from app.operations.errors import IdempotencyKeyInvalid, IdempotencyKeyRequired, IdempotencyKeyReused, TooManyOperations
from app.operations.idempotency import IdempotencyDep
from app.operations.schemas import Operation
from app.products import csv_files, views
from app.products.endpoints import read_listing
from app.products.errors import (
    CsvRefused,
    ListingNotFound,
    ListingUnknown,
    NotCsv,
    ProductArchived,
    ProductNotFound,
    ProductUnknown,
)
from app.products.models import ListingRow
from app.products.repository import get_listing, get_product
from app.products.schemas import Listing, Product, ProductImport
from app.shops import service as shops
from app.stock import csv_import, importing, linking, making, repository, service
from app.stock.errors import (
    LinkedOtherwise,
    NothingToImport,
    ReferenceReused,
    StockBelowZero,
    StockTooLarge,
)
from app.stock.linking import Preview, Wish
from app.stock.making import Plan
from app.stock.models import MovementRow, StockPushRow
from app.stock.schemas import (
    MOVEMENT,
    PUSH_TRY,
    AdjustStock,
    ImportListings,
    LinkedListing,
    LinkEffect,
    LinkListing,
    LinkListings,
    LinkResult,
    ListingsProduct,
    MadeProduct,
    MadeProducts,
    MakeProducts,
    Movement,
    RefusedListing,
    StockPush,
)

router = APIRouter(prefix="/v1", tags=["stock"])

ReadActor = Annotated[Actor, needs("products:read")]
WriteActor = Annotated[Actor, needs("products:write")]
_SHOP = Prefixed("shp")
_EFFECT = {
    "en": "{open_orders} open orders reserve {reserve}, {shipped_orders} shipped deduct {deduct};"
    " available in {shops} goes from {available_before} to {available_after}.",
    "id": "{open_orders} pesanan terbuka memesan {reserve}, {shipped_orders} terkirim mengurangi {deduct};"
    " stok tersedia di {shops} dari {available_before} menjadi {available_after}.",
}
_UNCOUNTED = {
    "en": "{open_orders} open orders reserve {reserve}; {shops} are told nothing until the product is counted.",
    "id": "{open_orders} pesanan terbuka memesan {reserve}; {shops} tidak diberi tahu sebelum stok produk dihitung.",
}


@router.post(
    "/products/{product_id}/stock", responses=problems(ProductNotFound, StockBelowZero, StockTooLarge, ReferenceReused)
)
async def adjust_stock(product_id: ProductId, body: AdjustStock, actor: WriteActor, database: DatabaseDep) -> Product:
    """Say how many there are, or how many came or went. Every linked listing is told what is available then."""
    return views.to_product(await database.transact(service.adjust, actor.merchant_id, product_id, body))


@router.get("/products/{product_id}/movements", responses=problems(ProductNotFound, CursorMismatch))
async def list_stock_movements(
    product_id: ProductId,
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[Movement]:
    """Why the stock is what it is, newest first. The changes sum to what is on hand and reserved."""
    binding = binding_of(actor.merchant_id, f"movements:{product_id}", None)
    after = id_after(keyring.cursor_key, binding, cursor)

    async def read(session: AsyncSession, merchant_id: UUID) -> list[MovementRow]:
        await get_product(session, merchant_id, product_id)
        return list(await repository.list_movements(session, merchant_id, product_id, limit=limit + 1, after=after))

    rows = await database.transact(read, actor.merchant_id)
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[_to_movement(row) for row in rows[:limit]], page=page)


@router.post(
    "/products/import",
    responses=problems(CsvRefused, NotCsv, PayloadTooLarge),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string", "examples": ["sku,name,on_hand\nKAOS-L,Kaos L,12"]}}},
        }
    },
)
async def import_products(
    request: Request,
    actor: WriteActor,
    database: DatabaseDep,
    dry_run: Annotated[bool, Query(description="Only check and count.")] = False,
) -> ProductImport:
    """Make or change products from a CSV: `sku`, `name` and, if wanted, `on_hand` and `buffer`. All lines or none.

    UTF-8 with or without a BOM; comma, semicolon or tab; up to 100,000 products. A file with errors changes nothing
    and names each by line and column. A product that was archived comes back. `GET /v1/products/export.csv` writes
    such a file.
    """
    if not request.headers.get("content-type", "").lower().startswith("text/csv"):
        raise NotCsv()
    parsed = await asyncio.to_thread(csv_files.parse, await request.body(), caller().language)
    if parsed.errors:
        first = parsed.errors[0]
        line = "baris" if caller().language == "id" else "line"
        told = [
            field_error(one.code, pointer=f"/{one.line}/{one.column or ''}".rstrip("/"), detail=one.detail)
            for one in parsed.errors
        ]
        raise CsvRefused(count=len(told), first=f"{line} {first.line}: {first.detail}", errors=told)
    return await database.transact(csv_import.take, actor.merchant_id, parsed.lines, dry_run=dry_run)


@router.post("/products/from-listings", responses=problems(ListingUnknown))
async def make_products_from_listings(body: MakeProducts, actor: WriteActor, database: DatabaseDep) -> MadeProducts:
    """Make a product for each SKU of these listings that has none, and link the listings to it.

    Listings of one SKU, letter case and outer blanks aside, become one product. A new product is not counted: no
    channel is told anything before its stock is set. What cannot be linked is told and stays as it is; the others are
    done together. `dry_run` shows all of that before.
    """

    async def run(session: AsyncSession, merchant_id: UUID) -> MadeProducts:
        step = making.preview if body.dry_run else making.make
        plan = await step(session, merchant_id, body.listing_ids)
        return await _show_plan(session, merchant_id, plan, is_dry_run=body.dry_run)

    return await database.transact(run, actor.merchant_id)


# --- listings ---------------------------------------------------------------------------------------------------------


@router.post(
    "/listings/import",
    status_code=202,
    responses={
        **ACCEPTED,
        **problems(
            IdempotencyKeyRequired, IdempotencyKeyInvalid, IdempotencyKeyReused, TooManyOperations, NothingToImport
        ),
    },
)
async def import_listings(
    body: ImportListings,
    actor: WriteActor,
    database: DatabaseDep,
    settings: SettingsDep,
    idempotency: IdempotencyDep,
    response: Response,
) -> Operation:
    """Read the listings of shops from their channels. `result.listings` counts; stock that drifted is told again."""
    opened = await database.transact(
        importing.open_import,
        actor.merchant_id,
        body.shop_ids,
        idempotency,
        open_operations_max=settings.open_operations_max,
    )
    return await accepted(database, actor.merchant_id, opened, response)


@router.post("/listings/links", responses=problems(ListingUnknown, ProductUnknown, ProductArchived, LinkedOtherwise))
async def link_listings(body: LinkListings, actor: WriteActor, database: DatabaseDep) -> LinkResult:
    """Link listings to products, all or none. Earlier orders move what they owe, once; `dry_run` shows it before."""
    wishes = [Wish(wish.listing_id, wish.product_id, f"/links/{number}") for number, wish in enumerate(body.links)]

    async def run(session: AsyncSession, merchant_id: UUID) -> list[LinkedListing]:
        step = linking.preview_all if body.dry_run else linking.link
        return await _show(session, merchant_id, await step(session, merchant_id, wishes))

    return LinkResult(dry_run=body.dry_run, data=await database.transact(run, actor.merchant_id))


@router.post(
    "/listings/{listing_id}/link", responses=problems(ListingNotFound, ProductUnknown, ProductArchived, LinkedOtherwise)
)
async def link_listing(
    listing_id: ListingId, body: LinkListing, actor: WriteActor, database: DatabaseDep
) -> LinkedListing:
    """Link one listing to a product."""

    async def run(session: AsyncSession, merchant_id: UUID) -> LinkedListing:
        await get_listing(session, merchant_id, listing_id)
        told = await linking.link(session, merchant_id, [Wish(listing_id, body.product_id)])
        [linked] = await _show(session, merchant_id, told)
        return linked

    return await database.transact(run, actor.merchant_id)


@router.delete("/listings/{listing_id}/link", responses=problems(ListingNotFound))
async def unlink_listing(listing_id: ListingId, actor: WriteActor, database: DatabaseDep) -> Listing:
    """Unlink a listing: new orders move no stock. What earlier orders reserved stays reserved until they end."""
    await database.transact(linking.unlink, actor.merchant_id, listing_id)
    return await read_listing(database, actor.merchant_id, listing_id)


@router.get("/listings/{listing_id}/pushes", responses=problems(ListingNotFound, CursorMismatch))
async def list_stock_pushes(
    listing_id: ListingId,
    actor: ReadActor,
    database: DatabaseDep,
    keyring: KeyringDep,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[StockPush]:
    """Every try to tell the channel what is available, newest first."""
    binding = binding_of(actor.merchant_id, f"pushes:{listing_id}", None)
    after = id_after(keyring.cursor_key, binding, cursor)

    async def read(session: AsyncSession, merchant_id: UUID) -> list[StockPushRow]:
        await get_listing(session, merchant_id, listing_id)
        return list(await repository.list_pushes(session, merchant_id, listing_id, limit=limit + 1, after=after))

    rows = await database.transact(read, actor.merchant_id)
    page = page_by_id(keyring.cursor_key, binding, [row.id for row in rows], limit)
    return Page(data=[_to_push(row) for row in rows[:limit]], page=page)


async def _show(
    session: AsyncSession, merchant_id: UUID, told: Sequence[tuple[ListingRow, Preview]]
) -> list[LinkedListing]:
    shop_ids = await views.shops_by_account(session, merchant_id)
    names = await shops.shop_names(session, merchant_id)
    return [
        LinkedListing(listing=views.to_listing(listing, shop_ids), effect=_to_effect(preview, shop_ids, names))
        for listing, preview in told
    ]


async def _show_plan(session: AsyncSession, merchant_id: UUID, plan: Plan, *, is_dry_run: bool) -> MadeProducts:
    language = caller().language
    shop_ids = await views.shops_by_account(session, merchant_id)
    names = await shops.shop_names(session, merchant_id)
    made = [
        MadeProduct(
            product=ListingsProduct(id=one.product.id if one.product else None, sku=one.sku, name=one.name),
            is_new=one.is_new,
            listings=[views.to_listing(listing, shop_ids) for listing in one.listings],
            effect=_to_effect(one.effect, shop_ids, names),
        )
        for one in plan.products
    ]
    refused = [
        RefusedListing(listing_id=listing_id, code=refusal.code, text=refusal.text(language))
        for listing_id, refusal in plan.refused
    ]
    return MadeProducts(dry_run=is_dry_run, products=made, refused=refused)


def _to_effect(preview: Preview, shop_ids: Mapping[UUID, Sequence[str]], names: Mapping[UUID, str]) -> LinkEffect:
    """In the caller's language, with the shops by name."""
    values = asdict(preview)
    mine = [shop_id for account_id in values.pop("account_ids") for shop_id in shop_ids.get(account_id, ())]
    texts = _EFFECT if preview.is_counted else _UNCOUNTED
    text = texts[caller().language].format(**values, shops=", ".join(names[_SHOP.parse(one)] for one in mine))
    return LinkEffect.model_validate({**values, "shop_ids": mine, "text": text})


def _to_movement(row: MovementRow) -> Movement:
    return Movement(
        id=MOVEMENT.format(row.id),
        kind=row.kind,
        quantity=row.quantity,
        on_hand_change=row.on_hand_change,
        reserved_change=row.reserved_change,
        order_id=row.order_id,
        line_id=row.line_id,
        reason=row.reason,
        reference=row.reference,
        actor=row.actor_name,
        at=row.at,
    )


def _to_push(row: StockPushRow) -> StockPush:
    return StockPush(
        id=PUSH_TRY.format(row.id),
        quantity=row.quantity,
        at=row.at,
        succeeded=row.succeeded,
        code=row.code,
        reason=row.reason,
        retryable=row.is_retryable,
    )
