"""A channel's bytes made safe: exact numbers, no text that PostgreSQL refuses, one error for whatever is wrong."""

import json
import re
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from app.channels.errors import Malformed

MAX_DEPTH = 40
_REFUSED_BY_DATABASE = re.compile("[\x00\ud800-\udfff]")  # json has joined the true surrogate pairs already


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, numbers exact. Raises ValueError, whatever is wrong with it."""
    text = body.decode("utf-8-sig", errors="replace")  # one broken byte must not hide fifty orders
    try:
        payload = json.loads(text, parse_float=Decimal, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(payload, dict):
        raise ValueError("not a JSON object")
    return payload


def _integer(digits: str) -> int | Decimal:
    # Python refuses to make an int of thousands of digits; whoever reads the field refuses this one by its range.
    return int(digits) if len(digits) <= 40 else Decimal(digits)


def raw(element: Any) -> bytes:
    """One element as JSON again, to be kept as evidence. Escapes stay escapes."""
    return json.dumps(element, default=str).encode()


def scrub(value: Any, depth: int = 0) -> Any:
    """The same tree without what PostgreSQL refuses in text: NUL and lone surrogates become U+FFFD."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _REFUSED_BY_DATABASE.sub("\ufffd", value)
    if isinstance(value, list):
        return [scrub(element, depth + 1) for element in value]
    if isinstance(value, dict):
        return {scrub(name, depth + 1): scrub(element, depth + 1) for name, element in value.items()}
    return value


class Wire(BaseModel):
    """Unknown fields are ignored; null means absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value


WireT = TypeVar("WireT", bound=Wire)


def read(model: type[WireT], element: Any) -> WireT:
    """Scrub and validate. Raises ValueError with the places that do not fit, never with their content."""
    try:
        return model.model_validate(scrub(element))
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['type']}" for part in error.errors()[:5])
        raise ValueError(places or "unreadable") from error


def read_answer(model: type[WireT], payload: Any) -> WireT:
    """Like `read`, for a whole answer. Raises Malformed."""
    try:
        return read(model, payload)
    except ValueError as error:
        raise Malformed("unreadable_answer", str(error)) from error
