"""A CSV of products, read whole or refused whole. Pure."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from app.core.context import Language
from app.core.validation import field_errors
from app.products.schemas import ProductName, Quantity, Sku

COLUMNS = ("sku", "name", "on_hand", "buffer")
MOST_ROWS = 100_000
_MOST_ERRORS = 200
_FORMULA = ("=", "+", "-", "@")
GUARDED = "^'*[-=+@＝＋－＠]"
"""What an export puts an apostrophe before, so that no spreadsheet takes it for a formula."""
_GUARD = re.compile("^'(?='*[-=+@＝＋－＠])")
_WHOLE = re.compile("[0-9]{1,20}")
_LINE_END = re.compile("[\r\n]")
_TEXTS: dict[str, tuple[str, str]] = {
    "not_utf8": ("Save the file as UTF-8.", "Simpan berkas sebagai UTF-8."),
    "bad_quotes": ("The quotes of this line do not match: {reason}.", "Tanda kutip baris ini tidak cocok: {reason}."),
    "empty": ("The file has no products.", "Berkas tidak berisi produk."),
    "too_many_lines": (
        "At most {most:,} products in one file: split it.",
        "Paling banyak {most:,} produk dalam satu berkas: bagilah berkasnya.",
    ),
    "unknown_column": ("Columns are: {columns}.", "Kolom yang dikenal: {columns}."),
    "column_twice": ("This column is there twice.", "Kolom ini ada dua kali."),
    "column_missing": ("The column `{name}` is required.", "Kolom `{name}` wajib ada."),
    "sku_twice": ("The SKU is on line {first} too.", "SKU ini juga ada di baris {first}."),
    "broken_line": (
        "The line has {cells} cells, the header {columns}.",
        "Baris ini berisi {cells} sel, sedangkan judul {columns}.",
    ),
    "formula_cell": (
        "A cell may not begin with = + - or @: a spreadsheet would take it for a formula.",
        "Sel tidak boleh diawali = + - atau @: lembar kerja akan menganggapnya rumus.",
    ),
    "not_whole": (
        "Write a whole number in digits alone, such as 1000: `1.000` means different things to different people.",
        "Tulis bilangan bulat dengan angka saja, misalnya 1000: `1.000` dapat diartikan berbeda.",
    ),
}


def _whole(cell: str) -> int:
    if _WHOLE.fullmatch(cell) is None:
        raise PydanticCustomError("not_whole", "not whole")
    return int(cell)


Count = Annotated[Quantity, BeforeValidator(_whole)]


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
    on_hand: Count | None = Field(default=None)
    buffer: Count | None = Field(default=None)


@dataclass(frozen=True, slots=True)
class ParsedCsv:
    """Lines when nothing is wrong, else what is."""

    lines: list[ProductLine]
    errors: list[CsvError]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file for somebody who reads that language."""

    language: Language

    def error(self, line: int, column: str | None, code: str, **params: Any) -> CsvError:
        return CsvError(line, column, code, _TEXTS[code][self.language == "id"].format(**params))

    def check_header(self, header: list[str]) -> list[CsvError]:
        known = ", ".join(COLUMNS)
        errors = [
            self.error(1, name or None, "unknown_column", columns=known) for name in header if name not in COLUMNS
        ]
        errors += [
            self.error(1, name, "column_twice")
            for name in dict.fromkeys(header)
            if header.count(name) > 1 and name in COLUMNS
        ]
        missing = [name for name in ("sku", "name") if name not in header]
        return errors + [self.error(1, name, "column_missing", name=name) for name in missing]

    def read_rows(self, header: list[str], rows: list[list[str]]) -> ParsedCsv:
        lines: list[ProductLine] = []
        errors: list[CsvError] = []
        seen: dict[str, int] = {}
        for number, row in enumerate(rows, start=2):
            if not any(cell.strip() for cell in row):
                continue
            line, found = self.read_row(number, header, row)
            if line is not None and line.sku in seen:
                found = [self.error(number, "sku", "sku_twice", first=seen[line.sku])]
            if line is not None and not found:
                seen[line.sku] = number
                lines.append(line)
            errors += found
            if len(errors) >= _MOST_ERRORS:
                break
        if not lines and not errors:
            errors = [self.error(1, None, "empty")]
        return ParsedCsv(lines, errors)

    def read_row(self, number: int, header: list[str], row: list[str]) -> tuple[ProductLine | None, list[CsvError]]:
        if len(row) != len(header):
            return None, [self.error(number, None, "broken_line", cells=len(row), columns=len(header))]
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        formulas = [name for name in ("sku", "name") if cells[name].startswith(_FORMULA)]
        if formulas:
            return None, [self.error(number, name, "formula_cell") for name in formulas]
        values: dict[str, Any] = {name: _GUARD.sub("", cell) for name, cell in cells.items() if cell}
        try:
            return ProductLine.model_validate(values), []
        except ValidationError as refused:
            return None, [self.translate(number, dict(one)) for one in refused.errors()]

    def translate(self, number: int, error: dict[str, Any]) -> CsvError:
        column = str(error["loc"][0])
        if error["type"] in _TEXTS:
            return self.error(number, column, str(error["type"]))
        [told] = field_errors([{**error, "loc": ("body", column)}], self.language)
        return CsvError(number, column, told["code"], told["detail"])


def parse(content: bytes, language: Language = "en") -> ParsedCsv:
    """UTF-8 with or without a BOM; comma, semicolon or tab; the header names the columns. Errors in that language."""
    reader = _Reader(language)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return ParsedCsv([], [reader.error(content[: error.start].count(b"\n") + 1, None, "not_utf8")])
    head = _LINE_END.split(text, maxsplit=1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        # Rows before the broken one have arrived.
        return ParsedCsv([], [reader.error(len(rows) + 1, None, "bad_quotes", reason=str(error))])
    if not rows or not any(rows[0]):
        return ParsedCsv([], [reader.error(1, None, "empty")])
    header = [cell.strip().lower() for cell in rows[0]]
    errors = reader.check_header(header)
    if len(rows) - 1 > MOST_ROWS:
        errors.append(reader.error(MOST_ROWS + 2, None, "too_many_lines", most=MOST_ROWS))
    return ParsedCsv([], errors) if errors else reader.read_rows(header, rows[1:])
