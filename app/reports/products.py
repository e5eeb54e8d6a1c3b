"""Master Products as the CSV that `POST /v1/products/import` takes: what nobody edits, it leaves as it is."""

# ruff: noqa: S608 (put together from our own words; values are parameters)

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg

from app.core.db import Database
from app.products.csv_files import GUARDED
from app.reports import exporting
from app.reports.exporting import Query


async def open_export(
    database: Database, merchant_id: UUID, *, q: str | None, is_archived: bool, is_oversold: bool, for_excel: bool
) -> AsyncIterator[bytes]:
    """In pieces, by SKU. Raises and breaks off as the report of orders does."""

    async def build(connection: "asyncpg.Connection[asyncpg.Record]") -> Query:
        # Excel takes what ends with a tab for a text; the import strips it.
        end = r" || E'\t'" if for_excel else ""
        query = (
            f"select {_text('sku')}{end} sku, {_text('name')} name,"
            " case when p.counted_at is not null then p.on_hand end on_hand, p.buffer"
            " from products p where p.merchant_id = $2 and p.is_archived = $3"
            " and (not $4 or (p.reserved > p.on_hand and p.counted_at is not null))"
            " and ($5::text is null or strpos(lower(p.sku), lower($5)) > 0 or strpos(lower(p.name), lower($5)) > 0)"
            " order by p.sku"
        )
        return query, [GUARDED, merchant_id, is_archived, is_oversold, q]

    return await exporting.stream(database, merchant_id, build)


def _text(column: str) -> str:
    """No formula for any spreadsheet. A number with a sign is guarded too: the import takes none."""
    return f"(case when p.{column} ~ $1 then '''' else '' end || p.{column})"
