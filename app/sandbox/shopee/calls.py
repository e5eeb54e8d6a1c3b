"""A call that passed the gate, and its parameters read the way Shopee reads them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from app.sandbox.engine.gateway import Call
from app.sandbox.shopee.answers import Refused, wrong_parameter

Query = dict[str, list[str]]
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass
class ShopeeCall(Call):
    """`shop` is empty for public APIs. A parameter that cannot be read is refused with `error_param`."""

    shop: dict[str, Any] = field(default_factory=dict)
    query: Query = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """One query parameter."""
        return self.query.get(name, [default])[0]

    def listed(self, name: str) -> list[str]:
        """Comma-joined or repeated, without doubles."""
        parts = (part.strip() for value in self.query.get(name, []) for part in value.split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def some(self, name: str, most: int = 50) -> list[str]:
        """Like `listed`; required, and no more than `most`."""
        found = self.listed(name)
        if not 1 <= len(found) <= most:
            raise wrong_parameter(f"{name} must have 1 to {most} entries.")
        return found

    def number(self, name: str, default: int | None = None) -> int:
        """An integer parameter, required without `default`."""
        value = self.text(name)
        if not value and default is not None:
            return default
        return _integer(name, value)

    def page(self, start: str = "cursor") -> tuple[int, int]:
        """Where a page starts, and its size."""
        size, first = self.number("page_size"), self.number(start, 0)
        return _checked_page(first, size)

    def body_text(self, name: str) -> str:
        """A text of the body; "" when missing."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong_parameter(f"{name} must be a string.")
        return value or ""

    def body_object(self, name: str) -> dict[str, Any]:
        """An object of the body; empty when missing."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, dict):
            raise wrong_parameter(f"{name} must be an object.")
        return value or {}

    def body_page(self) -> tuple[int, int]:
        """`pagination` of the body."""
        pagination = self.body_object("pagination")
        first = _integer("cursor", str(pagination.get("cursor") or 0))
        return _checked_page(first, _integer("page_size", str(pagination.get("page_size") or "")))

    def entries(self, name: str, most: int = 50) -> list[dict[str, Any]]:
        """A list of objects in the body."""
        found = objects(self.body, name)
        if not 1 <= len(found) <= most:
            raise wrong_parameter(f"{name} must have 1 to {most} entries.")
        return found


Endpoint = Callable[[ShopeeCall], Response]


@dataclass(frozen=True)
class Spec:
    """One path: method, the control API's word for it, who may call."""

    method: str
    operation: str
    endpoint: Endpoint
    is_public: bool = False


def objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects inside another object; missing and null are empty."""
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise wrong_parameter(f"{name} must be a list of objects.")
    return found


def read_json(raw: bytes) -> dict[str, Any]:
    """The body of a POST."""
    try:
        body = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise Refused("error_data", "parse data failed") from None
    if not isinstance(body, dict):
        raise Refused("error_data", "parse data failed")
    return body


def _integer(name: str, value: str) -> int:
    if not value:
        raise wrong_parameter(f"{name} is a required field.")
    if not _NUMBER.fullmatch(value):
        raise wrong_parameter(f"{name} is invalid.")
    return int(value)


def _checked_page(first: int, size: int) -> tuple[int, int]:
    if not 1 <= size <= 100:
        raise wrong_parameter("page_size must be between 1 and 100.")
    if first < 0:
        raise wrong_parameter("cursor is invalid.")
    return first, size
