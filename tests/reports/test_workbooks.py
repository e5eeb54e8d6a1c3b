"""The report as a workbook and its sets of columns, read back cell by cell."""

import csv
import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.fixtures.application import Desk
from tests.orders.conftest import Archive, desk_of

_NAMESPACE = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read_sheet(content: bytes) -> list[list[Any]]:
    """Cells as a spreadsheet takes them: texts as str, numbers as float, nothing as None."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    table: list[list[Any]] = []
    for row in sheet.iterfind(".//s:row", _NAMESPACE):
        cells: dict[int, Any] = {}
        for cell in row.iterfind("s:c", _NAMESPACE):
            letters = "".join(letter for letter in cell.attrib["r"] if letter.isalpha())
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - 64
            kind = cell.attrib.get("t")
            if kind == "inlineStr":
                cells[column] = "".join(part.text or "" for part in cell.iterfind(".//s:t", _NAMESPACE))
            else:
                value = cell.findtext("s:v", namespaces=_NAMESPACE)
                cells[column] = bool(int(value or 0)) if kind == "b" else float(value or "nan")
        table.append([cells.get(number) for number in range(1, max(cells) + 1)])
    return table


async def fetch(client: httpx.AsyncClient, suffix: str, **params: Any) -> bytes:
    answer = await client.get(f"/v1/orders/export.{suffix}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("columns", ["basic", "warehouse", "accounting"])
@pytest.mark.parametrize("grain", ["order", "line"])
async def test_the_workbook_says_what_the_csv_says(desk: Desk, archive: Archive, columns: str, grain: str) -> None:
    client = await desk_of(archive, desk).client()
    params = {"columns": columns, "grain": grain}

    head, *rows = read_sheet(await fetch(client, "xlsx", **params))
    expected_head, *expected = csv.reader(io.StringIO((await fetch(client, "csv", **params)).decode("utf-8-sig")))

    assert head == expected_head and len(rows) == len(expected) > 20
    for row, texts in zip(rows, expected, strict=True):
        for name, cell, text in zip(head, [*row, *[None] * len(head)], texts, strict=False):
            if isinstance(cell, bool):
                assert text == ("t" if cell else "f"), name
            elif isinstance(cell, float):
                assert float(text) == cell, name
            else:
                # In a CSV a text that looks like a formula is guarded; a text cell needs no guard.
                assert text in (cell or "", f"'{cell}"), name
    assert all(isinstance(row[0], str) for row in rows), "ids are texts"


async def test_sets_of_columns(desk: Desk, archive: Archive) -> None:
    client = await desk_of(archive, desk).client()

    [warehouse] = read_sheet(await fetch(client, "xlsx", columns="warehouse"))[:1]
    [accounting] = read_sheet(await fetch(client, "xlsx", columns="accounting"))[:1]
    refused = await client.get("/v1/orders/export.xlsx", params={"columns": "secret"})

    assert {"items", "note", "pick_pack"} <= set(warehouse) and "order_total" not in warehouse
    assert {"amounts", "paid_at", "order_total"} <= set(accounting) and "buyer_username" not in accounting
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "columns")
