"""The order report as a workbook: numbers are numbers, and ids are texts that keep every digit."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter

from app.core.db import Database
from app.core.errors import RangeInvalid
from app.orders.filters import Search
from app.reports import exporting
from app.reports.columns import Cells
from app.reports.schemas import ExportOrders

MOST_ROWS = 1_048_575
"""What a sheet holds below its head."""
_BATCH = 2_000
_PIECE = 262_144
_WIDTHS = {"order_number": 22, "shop_name": 24, "tracking_number": 22, "product_name": 40, "items": 50, "amounts": 50}


async def open_workbook(
    database: Database, merchant_id: UUID, wish: ExportOrders, wanted: Search, *, with_buyer: bool, at_risk_hours: int
) -> AsyncIterator[bytes]:
    """The file in pieces, once it is whole. Raises TooManyExports, Unavailable, RangeInvalid (too many rows)."""
    folder = tempfile.TemporaryDirectory(prefix="plugosync-export-")
    try:
        path = Path(folder.name) / "orders.xlsx"
        async with exporting.turn():
            await _write(path, database, merchant_id, wish, wanted, with_buyer, at_risk_hours)
    except BaseException:
        folder.cleanup()
        raise
    return _read(folder, path)


async def _read(folder: tempfile.TemporaryDirectory[str], path: Path) -> AsyncIterator[bytes]:
    with folder, path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


async def _write(
    path: Path,
    database: Database,
    merchant_id: UUID,
    wish: ExportOrders,
    wanted: Search,
    with_buyer: bool,
    at_risk_hours: int,
) -> None:
    """Row by row from one snapshot; neither the rows nor the sheet are ever whole in memory."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)})
    try:
        sheet = book.add_worksheet("Orders")
        bold = book.add_format({"bold": True})
        async with database.read_transaction(merchant_id, isolation="repeatable read", custom_plans=True) as connection:
            await connection.execute(exporting.PATIENCE)
            query, args = await exporting.build_query(
                connection, merchant_id, wish, wanted, Cells(is_workbook=True), with_buyer, at_risk_hours
            )
            prepared = await connection.prepare(query)
            names = [attribute.name for attribute in prepared.get_attributes()]
            sheet.freeze_panes(1, 1)
            for column, name in enumerate(names):
                sheet.set_column(column, column, _WIDTHS.get(name, 14))
            for column, name in enumerate(names):
                sheet.write_string(0, column, name, bold)
            cursor = await prepared.cursor(*args)
            row = 1
            while rows := await cursor.fetch(_BATCH):
                if row + len(rows) > MOST_ROWS + 1:
                    raise RangeInvalid(parameter="placed_from", detail=f"A sheet holds at most {MOST_ROWS:,} rows.")
                await asyncio.to_thread(_put, sheet, row, rows)
                row += len(rows)
            sheet.autofilter(0, 0, row - 1, len(names) - 1)
    finally:
        await asyncio.to_thread(book.close)


def _put(sheet: Any, first: int, rows: Sequence[Any]) -> None:
    for number, values in enumerate(rows, start=first):
        for column, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif isinstance(value, int | Decimal):
                sheet.write_number(number, column, value)
            else:
                sheet.write_string(number, column, str(value))
