"""Says in two languages what is wrong with which field of a request."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.context import Language

MOST_ERRORS = 50
"""More would be a way to make us write megabytes."""

_CODES: dict[str, str] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "string_pattern_mismatch": "malformed",
    "malformed_id": "malformed_id",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
}
_TEXTS: dict[str, tuple[str, str]] = {
    "missing": ("This is required.", "Bagian ini wajib diisi."),
    "unknown_field": ("There is no such field.", "Kolom ini tidak dikenal."),
    "unknown_parameter": ("There is no such query parameter.", "Parameter ini tidak dikenal."),
    "not_allowed": ("This must be one of: {expected}.", "Nilai ini harus salah satu dari: {expected}."),
    "malformed": ("This does not have the expected form.", "Bentuk nilai ini tidak sesuai."),
    "malformed_id": ("This is not a well-formed id.", "Bentuk id ini tidak sesuai."),
    "too_short": ("This is too short: at least {minimum}.", "Terlalu pendek: minimal {minimum}."),
    "too_long": ("This is too long: at most {maximum}.", "Terlalu panjang: maksimal {maximum}."),
    "out_of_range": ("This is outside the range: {limits}.", "Di luar rentang: {limits}."),
    "wrong_type": ("This has the wrong type: {expected} is expected.", "Tipe nilai ini salah: seharusnya {expected}."),
    "nul_character": ("NUL characters are not accepted.", "Karakter NUL tidak diterima."),
    "too_deep": ("This is nested too deeply: at most {maximum} levels.", "Terlalu dalam: maksimal {maximum} tingkat."),
}
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def field_error(
    code: str,
    *,
    pointer: str | None = None,
    parameter: str | None = None,
    header: str | None = None,
    language: Language = "en",
    detail: str | None = None,
    **params: Any,
) -> dict[str, Any]:
    """One entry of `errors[]`; the text comes from `code` unless given."""
    if detail is None:
        detail = _TEXTS[code][1 if language == "id" else 0].format(**params)
    places = {"pointer": pointer, "parameter": parameter, "header": header}
    return {name: place for name, place in places.items() if place is not None} | {"code": code, "detail": detail}


def field_errors(errors: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """Entries of `errors[]` for what pydantic found."""
    return [_translate(error, language) for error in errors[:MOST_ERRORS]]


def _translate(error: Mapping[str, Any], language: Language) -> dict[str, Any]:
    source, *path = error["loc"] or ("body",)
    place: dict[str, Any] = {}
    if source == "body":
        place["pointer"] = to_pointer(path)
    elif source == "header":
        place["header"] = str(path[0]) if path else None
    else:
        place["parameter"] = str(path[0]) if path else None
    kind, context = str(error["type"]), error.get("ctx") or {}
    code = _code_of(kind)
    if code == "unknown_field" and source != "body":
        code = "unknown_parameter"
    if code not in _TEXTS:
        detail = str(error["msg"]).removeprefix("Value error, ")
        return field_error("invalid" if kind == "value_error" else code, **place, detail=detail)
    return field_error(code, **place, language=language, **_params(code, kind, context))


def _code_of(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    return "wrong_type" if kind.endswith(("_type", "_parsing", "_from_date_parsing", "_from_float")) else kind


def _params(code: str, kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    limits = ", ".join(f"{_SIGNS[name]} {context[name]}" for name in _SIGNS if name in context)
    return {
        "expected": str(context.get("expected") or kind.partition("_")[0]).replace("'", "`"),
        "minimum": context.get("min_length"),
        "maximum": context.get("max_length"),
        "limits": limits,
    }


def to_pointer(path: Iterable[object]) -> str:
    """A JSON Pointer (RFC 6901) to the place."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
