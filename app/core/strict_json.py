"""Reads a JSON body more strictly than Python does, and within limits."""

import json
import math
from typing import Any, NoReturn

from app.core.context import Language
from app.core.problems import InvalidJson
from app.core.validation import field_error, to_pointer

MAX_DEPTH = 20
MAX_ITEMS = 1_000
MAX_TEXT_BYTES = 4_096
_INT64 = 2**63


class BodyOutOfLimits(Exception):
    """JSON that no endpoint accepts; `errors` are the entries of the problem."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("body out of limits")
        self.errors = errors


def check_json(body: bytes, language: Language) -> None:
    """Pass one JSON object. Raises InvalidJson when it is none, BodyOutOfLimits when it is too deep, long or odd."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise InvalidJson(reason="it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(reason=f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise BodyOutOfLimits([field_error("too_deep", pointer="", language=language, maximum=MAX_DEPTH)]) from None
    except ValueError as error:
        raise InvalidJson(reason=str(error)) from None
    if not isinstance(value, dict):
        raise InvalidJson(reason="it is not an object")
    if found := _first_excess(value, language):
        raise BodyOutOfLimits([found])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _first_excess(root: dict[str, Any], language: Language) -> dict[str, Any] | None:
    waiting: list[tuple[Any, tuple[object, ...]]] = [(root, ())]
    while waiting:
        value, path = waiting.pop()
        code, params = _excess_of(value, len(path))
        if code:
            return field_error(code, pointer=to_pointer(path), language=language, **params)
        if isinstance(value, dict):
            waiting.extend((part, (*path, key)) for key, part in value.items())
        elif isinstance(value, list):
            waiting.extend((part, (*path, index)) for index, part in enumerate(value))
    return None


def _excess_of(value: Any, depth: int) -> tuple[str | None, dict[str, Any]]:
    if isinstance(value, str):
        return _excess_of_text(value)
    if isinstance(value, dict):
        for key in value:
            if (found := _excess_of_text(key))[0]:
                return found
    if isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            return "too_deep", {"maximum": MAX_DEPTH}
        if len(value) > MAX_ITEMS:
            return "too_long", {"maximum": MAX_ITEMS}
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidJson(reason="a number is too large")
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        return "out_of_range", {"limits": "≥ -2^63, < 2^63"}
    return None, {}


def _excess_of_text(text: str) -> tuple[str | None, dict[str, Any]]:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidJson(reason="a text holds a lone surrogate") from None
    if size > MAX_TEXT_BYTES:
        return "too_long", {"maximum": f"{MAX_TEXT_BYTES} bytes"}
    if "\0" in text:
        return "nul_character", {}
    return None, {}
