"""What all our own papers share: texts that our fonts can show, amounts, and the call to typst. Pure CPU."""

import functools
import json
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import typst
from babel.numbers import format_currency, format_decimal

from app.core.context import Language

LOCALES: dict[Language, str] = {"en": "en_US", "id": "id_ID"}
_TEMPLATES = Path(__file__).parent / "templates"
_MOST_LETTERS = 300
_LONG_WORD = re.compile(r"\S{24}")
# Letters come from the fonts that typst carries; what these lack (emoji) would print as empty boxes.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_SYMBOLS = frozenset({"So", "Sk", "Mn", "Me"})
_FIRST_ARROW = 0x2190


def render(name: Literal["invoice", "label", "packing_slip", "pick_list"], facts: Mapping[str, Any]) -> bytes:
    """The PDF of one template. The same facts give the same bytes. Raises typst.TypstError when it is wrong itself."""
    return typst.compile(
        _template(name),
        format="pdf",
        sys_inputs={name: json.dumps(facts, ensure_ascii=False, sort_keys=True)},
        font_paths=_fonts(),
        timestamp=0,
        pdf_tags=False,
    )


def clean(text: str, most: int = _MOST_LETTERS) -> str:
    """Text that our fonts can show, on one line, breakable anywhere in endless words; `…` where it was cut."""
    whole = unicodedata.normalize("NFC", text)
    kept = "".join(" " if letter.isspace() else letter for letter in whole[:most])
    kept += "…" if len(whole) > most else ""
    shown = "".join(letter for letter in kept if _is_printable(letter))
    return _LONG_WORD.sub(lambda match: f"{match[0]}\u200b", " ".join(shown.split()))


def _is_printable(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category not in _UNPRINTABLE and (category not in _SYMBOLS or ord(letter) < _FIRST_ARROW)


def money(amount: Decimal, currency: str, language: Language) -> str:
    """`Rp 125.000` (id), `Rp 125,000` (en): sen are shown only where there are some."""
    if currency != "IDR":
        try:
            return format_currency(amount, currency, locale=LOCALES[language])
        except ValueError:
            return f"{currency} {amount:.2f}"
    digits = "#,##0" if amount == amount.to_integral_value() else "#,##0.00"
    return f"{'-' if amount < 0 else ''}Rp\u00a0{format_decimal(abs(amount), digits, locale=LOCALES[language])}"


@functools.cache
def _template(name: str) -> bytes:
    return (_TEMPLATES / f"{name}.typ").read_bytes()


@functools.cache
def _fonts() -> typst.Fonts:
    """Only the fonts that typst carries: no machine's own, so that the paper is the same everywhere."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
