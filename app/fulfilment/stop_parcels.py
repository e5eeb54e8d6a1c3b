"""The list of parcels to pull out, page by page."""

from datetime import datetime
from uuid import UUID

from app.core.db import Database
from app.core.pagination import Page, PageInfo, binding_of, decode_cursor, encode_cursor
from app.documents import codes
from app.fulfilment.schemas import StopParcel
from app.orders import stopping
from app.orders.models import OrderRow, PackageRow, StopParcelRow


async def read_page(
    database: Database,
    key: bytes,
    merchant_id: UUID,
    *,
    is_acknowledged: bool,
    limit: int,
    cursor: str | None,
) -> Page[StopParcel]:
    """Newest first. Raises CursorMismatch."""
    binding = binding_of(merchant_id, "stop-parcels", str(is_acknowledged))
    after = None
    if cursor is not None:
        at, last_id = decode_cursor(key, binding, cursor)
        after = (datetime.fromisoformat(at), UUID(last_id))
    rows = await database.transact(
        stopping.list_parcels, merchant_id, is_acknowledged=is_acknowledged, most=limit + 1, after=after
    )
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1][0]
        next_cursor = encode_cursor(key, binding, [last.created_at.isoformat(), str(last.package_id)])
    return Page(data=[_show(*row) for row in rows[:limit]], page=PageInfo(next_cursor=next_cursor, limit=limit))


def _show(parcel: StopParcelRow, package: PackageRow, order: OrderRow) -> StopParcel:
    return StopParcel(
        package_id=parcel.package_id,
        order_id=order.id,
        order_number=order.order_number,
        channel=order.channel,
        shop_id=order.shop_id,
        package_number=package.package_number,
        tracking_number=package.tracking_number,
        courier=package.courier,
        reason=order.cancellation_reason,
        created_at=parcel.created_at,
        acknowledged_at=parcel.acknowledged_at,
        acknowledged_by=parcel.acknowledged_by,
        barcode=codes.draw_code128(package.tracking_number or package.package_number),
    )
