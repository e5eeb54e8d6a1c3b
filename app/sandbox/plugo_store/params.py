"""Checks query and body against a schema, with the errors WordPress words."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.sandbox.plugo_store.answers import Refused

_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
_MISSING = object()
Check = Callable[[str, Any], Any]
Schema = Mapping[str, Check]


class Bad(Exception):
    """A value outside its schema."""

    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def read(given: Mapping[str, Any], schema: Schema, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is in the schema; everything else is ignored. Raises Refused with every bad name."""
    found, bad = dict(defaults or {}), {}
    for name, check in schema.items():
        value = given.get(name, _MISSING)
        if value is _MISSING:
            continue
        try:
            found[name] = check(name, value)
        except Bad as problem:
            bad[name] = problem
    if bad:
        details = {name: {"code": one.code, "message": one.message, "data": one.data} for name, one in bad.items()}
        raise Refused(
            400,
            "rest_invalid_param",
            f"Invalid parameter(s): {', '.join(bad)}",
            params={name: one.message for name, one in bad.items()},
            details=details,
        )
    return found


def integer(least: int | None = None, most: int | None = None) -> Check:
    """Texts of digits count, as everywhere in PHP."""

    def check(name: str, value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _INTEGER.fullmatch(value)):
            raise _wrong_type(name, "integer")
        number = int(value)
        if least is not None and most is not None and not least <= number <= most:
            bounds = f"{name} must be between {least} (inclusive) and {most} (inclusive)"
            raise Bad("rest_out_of_bounds", bounds)
        if least is not None and number < least:
            raise Bad("rest_out_of_bounds", f"{name} must be greater than or equal to {least}")
        return number

    return check


def boolean(name: str, value: Any) -> bool:
    """Words in any case."""
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(str(value).lower()) if isinstance(value, str | int) else None
    if found is None:
        raise _wrong_type(name, "boolean")
    return found


def text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise _wrong_type(name, "string")
    return value


def choice(*allowed: str) -> Check:
    """One of these."""

    def check(name: str, value: Any) -> str:
        if value not in allowed:
            raise Bad("rest_not_in_enum", f"{name} is not one of {_enumerate(allowed)}.")
        return str(value)

    return check


def choices(*allowed: str) -> Check:
    """Some of these."""

    def check(name: str, value: Any) -> list[str]:
        return [choice(*allowed)(f"{name}[{position}]", one) for position, one in enumerate(split(name, value))]

    return check


def split(name: str, value: Any) -> list[str]:
    """A list: `name[]`, or one text with commas."""
    parts = value if isinstance(value, list) else re.split(r"[\s,]+", str(value))
    return [str(one) for one in parts if one != ""]


def ids(name: str, value: Any) -> list[int]:
    """A list of integers."""
    return [integer()(f"{name}[{position}]", one) for position, one in enumerate(split(name, value))]


def moment(offset_hours: float) -> Check:
    """Seconds since the epoch as if the date were UTC; a date with an offset is first moved to the site's own time."""

    def check(name: str, value: Any) -> int:
        match = _DATE.fullmatch(value) if isinstance(value, str) else None
        try:
            found = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00") if match else None
        except ValueError:
            found = None
        if match is None or found is None:
            raise Bad("rest_invalid_date", "Invalid date.")
        if match[3] or match[4]:
            hours, minutes = int(match[5] or 0), int(match[6] or 0)
            shift = timedelta(hours=hours, minutes=minutes) * (-1 if match[4] == "-" else 1)
            there = found.replace(tzinfo=timezone(shift)).astimezone(timezone(timedelta(hours=offset_hours)))
            found = there.replace(tzinfo=UTC)
        return int(found.timestamp())

    return check


def array(name: str, value: Any) -> list[Any]:
    """A list, of a body."""
    if not isinstance(value, list):
        raise _wrong_type(name, "array")
    return value


def mapping(name: str, value: Any) -> dict[str, Any]:
    """An object, of a body."""
    if not isinstance(value, dict):
        raise _wrong_type(name, "object")
    return value


def objects(name: str, value: Any) -> list[dict[str, Any]]:
    """A list of objects, of a body."""
    return [mapping(f"{name}[{position}]", one) for position, one in enumerate(array(name, value))]


def require(given: Mapping[str, Any], *names: str) -> None:
    """Raises Refused when one is missing."""
    missing = [name for name in names if name not in given]
    if missing:
        message = f"Missing parameter(s): {', '.join(missing)}"
        raise Refused(400, "rest_missing_callback_param", message, params=missing)


def _wrong_type(name: str, kind: str) -> Bad:
    return Bad("rest_invalid_type", f"{name} is not of type {kind}.", {"param": name})


def _enumerate(allowed: tuple[str, ...]) -> str:
    return f"{', '.join(allowed[:-1])}, and {allowed[-1]}"
