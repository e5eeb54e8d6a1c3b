"""A CSV of products, read whole or refused whole. Pure."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from app.products.schemas import ProductName, Quantity, Sku

COLUMNS = ("sku", "name", "on_hand", "buffer")
MOST_ROWS = 100_000
_MOST_ERRORS = 200
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class CsvError:
    """What is wrong, where. Lines count from 1 as a spreadsheet shows them; the header is line 1."""

    line: int
    column: str | None
    code: str
    detail: str


class ProductLine(BaseModel):
    """One line of the file. Empty cells leave a product's value as it is."""

    sku: Sku
    name: ProductName
    on_hand: Quantity | None = Field(default=None)
    buffer: Quantity | None = Field(default=None)


@dataclass(frozen=True, slots=True)
class ParsedCsv:
    """Lines when nothing is wrong, else what is."""

    lines: list[ProductLine]
    errors: list[CsvError]


def parse(content: bytes) -> ParsedCsv:
    """UTF-8 with or without a BOM; comma, semicolon or tab; the header names the columns."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return ParsedCsv([], [CsvError(line, None, "not_utf8", "Save the file as UTF-8.")])
    head = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return ParsedCsv([], [CsvError(text.count("\n") + 1, None, "broken_line", str(error))])
    if not rows or not any(rows[0]):
        return ParsedCsv([], [CsvError(1, None, "empty", "The file is empty.")])
    header = [cell.strip().lower() for cell in rows[0]]
    errors = _check_header(header)
    if len(rows) - 1 > MOST_ROWS:
        errors.append(
            CsvError(MOST_ROWS + 2, None, "too_many_lines", f"At most {MOST_ROWS:,} products in one file: split it.")
        )
    if errors:
        return ParsedCsv([], errors)
    return _read_rows(header, rows[1:])


def _check_header(header: list[str]) -> list[CsvError]:
    errors = [
        CsvError(1, name or None, "unknown_column", f"Columns are: {', '.join(COLUMNS)}.")
        for name in header
        if name not in COLUMNS
    ]
    errors += [
        CsvError(1, name, "column_twice", "This column is there twice.")
        for name in dict.fromkeys(header)
        if header.count(name) > 1 and name in COLUMNS
    ]
    missing = [name for name in ("sku", "name") if name not in header]
    return errors + [CsvError(1, name, "column_missing", f"The column `{name}` is required.") for name in missing]


def _read_rows(header: list[str], rows: list[list[str]]) -> ParsedCsv:
    lines: list[ProductLine] = []
    errors: list[CsvError] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        line, found = _read_row(number, header, row)
        if line is not None and line.sku in seen:
            found = [CsvError(number, "sku", "sku_twice", f"The SKU is on line {seen[line.sku]} too.")]
        if line is not None and not found:
            seen[line.sku] = number
            lines.append(line)
        errors += found
        if len(errors) >= _MOST_ERRORS:
            break
    if not lines and not errors:
        errors = [CsvError(1, None, "empty", "The file has no products.")]
    return ParsedCsv(lines, errors)


def _read_row(number: int, header: list[str], row: list[str]) -> tuple[ProductLine | None, list[CsvError]]:
    if len(row) != len(header):
        detail = f"The line has {len(row)} cells, the header {len(header)}."
        return None, [CsvError(number, None, "broken_line", detail)]
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    formulas = [name for name in ("sku", "name") if cells[name].startswith(_FORMULA)]
    if formulas:
        detail = "A cell may not begin with = + - or @: a spreadsheet would take it for a formula."
        return None, [CsvError(number, name, "formula_cell", detail) for name in formulas]
    values: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    try:
        return ProductLine.model_validate(values), []
    except ValidationError as error:
        return None, [CsvError(number, str(one["loc"][0]), str(one["type"]), str(one["msg"])) for one in error.errors()]
