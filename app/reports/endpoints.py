"""Reports over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from app.core.deps import DatabaseDep, SettingsDep
from app.core.errors import RangeInvalid
from app.core.problems import problems
from app.core.query import asked, parameters_of
from app.identity.deps import Actor, needs
from app.products.endpoints import Archived, Oversold, Search
from app.reports import exporting, products, workbooks
from app.reports.errors import TooManyExports
from app.reports.schemas import ExportOrders

router = APIRouter(prefix="/v1", tags=["reports"])

_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One sheet; ids are texts, amounts and quantities numbers.",
        "content": {_XLSX: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "UTF-8 with byte order mark, RFC 4180. A connection that breaks is a report cut off.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/orders/export.csv",
    response_class=StreamingResponse,
    responses={**_FILE, **problems(RangeInvalid, TooManyExports)},
    openapi_extra=parameters_of(ExportOrders),
)
async def export_orders(
    actor: Annotated[Actor, needs("reports:read")],
    query: Annotated[ExportOrders, Depends(asked(ExportOrders))],
    database: DatabaseDep,
    settings: SettingsDep,
) -> StreamingResponse:
    """The orders of a filter as CSV, newest first, streamed from one snapshot.

    Without `placed_from` and `placed_to`, the last 90 days; more than 90 days are refused. Dates are in the shop's time
    zone. Totals are for reference: each channel shares different details, `amount_basis` says which.
    """
    wanted = await database.transact(exporting.begin_export, actor.merchant_id, query)
    pieces = await exporting.open_export(
        database,
        actor.merchant_id,
        query,
        wanted,
        with_buyer=actor.can("buyer:read"),
        at_risk_hours=settings.sla_at_risk_hours,
    )
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"'}
    return StreamingResponse(pieces, media_type=_CSV, headers=headers)


@router.get(
    "/orders/export.xlsx",
    response_class=StreamingResponse,
    responses={**_WORKBOOK, **problems(RangeInvalid, TooManyExports)},
    openapi_extra=parameters_of(ExportOrders),
)
async def export_orders_workbook(
    actor: Annotated[Actor, needs("reports:read")],
    query: Annotated[ExportOrders, Depends(asked(ExportOrders))],
    database: DatabaseDep,
    settings: SettingsDep,
) -> StreamingResponse:
    """The same report as a workbook for spreadsheets. `excel` changes nothing: its cells keep every digit anyway."""
    wanted = await database.transact(exporting.begin_export, actor.merchant_id, query)
    pieces = await workbooks.open_workbook(
        database,
        actor.merchant_id,
        query,
        wanted,
        with_buyer=actor.can("buyer:read"),
        at_risk_hours=settings.sla_at_risk_hours,
    )
    headers = {"Content-Disposition": 'attachment; filename="orders.xlsx"'}
    return StreamingResponse(pieces, media_type=_XLSX, headers=headers)


@router.get("/products/export.csv", response_class=StreamingResponse, responses={**_FILE, **problems(TooManyExports)})
async def export_products(
    actor: Annotated[Actor, needs("products:read")],
    database: DatabaseDep,
    q: Search = None,
    archived: Archived = False,
    oversold: Oversold = False,
    excel: Annotated[bool, Query(description="Ends SKUs with a tab, so that Excel keeps them as they are.")] = False,
) -> StreamingResponse:
    """Master Products as the CSV that `POST /v1/products/import` takes, by SKU, streamed from one snapshot.

    Unedited, the import finds every line unchanged. `on_hand` is empty for what nobody has counted; a number is set
    as it stands, so take the column out when goods move meanwhile. Texts that a spreadsheet would take for a formula
    have an apostrophe before them, which the import takes off.
    """
    pieces = await products.open_export(
        database, actor.merchant_id, q=q, is_archived=archived, is_oversold=oversold, for_excel=excel
    )
    headers = {"Content-Disposition": 'attachment; filename="products.csv"'}
    return StreamingResponse(pieces, media_type=_CSV, headers=headers)
