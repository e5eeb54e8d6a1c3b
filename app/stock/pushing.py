"""Tell channels what is available: absolute numbers, one push per listing at a time, every try on record."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.channels.contract import Connector, KeepsStock, ShopAccess
from app.channels.errors import ChannelError, Rejected, Unauthorized
from app.products import repository as products
from app.products.models import ListingRow, ProductRow
from app.shops import access
from app.stock import repository
from app.work.context import Context
from app.work.service import Claimed


async def push(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `stock.push`. What is available is read right before the call; a lost answer is told again."""
    listing_id, merchant_id = UUID(hex=claimed.ref), claimed.merchant_id
    wanted = await context.database.transact(_find, merchant_id, listing_id)
    if wanted is None:
        return None
    listing, quantity = wanted

    async def tell(connector: Connector, door: ShopAccess) -> None:
        if not isinstance(connector, KeepsStock):
            raise Rejected("not_supported", "This channel takes no stock.")
        await connector.push_stock(door, listing.item_external_id, listing.model_external_id, quantity)

    error: ChannelError | None = None
    try:
        await access.call(context, merchant_id, listing.account_id, tell, priority="background")
    except ChannelError as problem:
        error = problem
    await context.database.transact(_note, merchant_id, listing_id, quantity, error)
    if error is not None and not isinstance(error, Rejected):
        raise error
    return None


async def _find(session: AsyncSession, merchant_id: UUID, listing_id: UUID) -> tuple[ListingRow, int] | None:
    """The listing and what is available; None when there is nothing to tell."""
    listing = await session.get(ListingRow, (merchant_id, listing_id))
    if listing is None or listing.product_id is None:
        return None
    product = await session.get(ProductRow, (merchant_id, listing.product_id))
    if product is None or product.counted_at is None:
        return None
    is_told = listing.push_code is None and listing.pushed_quantity == product.available == listing.channel_stock
    return None if is_told else (listing, product.available)


async def _note(
    session: AsyncSession, merchant_id: UUID, listing_id: UUID, quantity: int, error: ChannelError | None
) -> None:
    values: Mapping[str, Any] = {
        "listing_id": listing_id,
        "quantity": quantity,
        "succeeded": error is None,
        "code": error and (error.code or type(error).__name__.lower()),
        "reason": error and error.reason,
        "is_retryable": error is not None and not isinstance(error, Rejected),
    }
    listing = await session.get_one(ListingRow, (merchant_id, listing_id))
    # While a shop waits for its seller's consent each minute's try says the same.
    if not isinstance(error, Unauthorized) or listing.push_code != values["code"]:
        await repository.add_push(session, merchant_id, values)
    if error is None:
        told: Mapping[str, Any] = {
            "pushed_quantity": quantity,
            "channel_stock": quantity,
            "pushed_at": func.app_now(),
            "push_code": None,
        }
    else:
        told = {"push_code": values["code"]}
    await products.change_listing(session, merchant_id, listing_id, **told)
