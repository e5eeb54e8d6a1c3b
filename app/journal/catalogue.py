"""The closed catalogue of events: what can be recorded, what its two sides hold, how people read it.

Each domain declares its events in its `events.py`; declaring an event enters it here. Nothing else can be recorded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.core.context import Language

Kind = Literal["general", "pick_pack", "audit"]


class Facts(BaseModel):
    """One side of an event. Only the fields that are given are stored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Nothing(Facts):
    """No fields."""


F = TypeVar("F", bound=Facts)
T = TypeVar("T", bound=Facts)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that happened to `subject_id`, ready to be recorded."""

    event: "Event[Any, Any]"
    subject_id: UUID | None
    before: Facts
    after: Facts


@dataclass(frozen=True, slots=True)
class Event(Generic[F, T]):
    """A kind of thing that can happen. Calling it makes an entry."""

    name: str
    """What callers see as `type`; it never changes."""
    before: type[F]
    after: type[T]
    en: str
    id: str
    details: str = ""
    """What a sentence goes on with, from the fields of both sides; left out when one of them is missing."""
    kind: Kind = "general"
    """`general` and `pick_pack` happen to an order; `audit` to whatever the type speaks of."""
    succeeded: bool = True
    """False for attempts that failed, or whose end is not known yet."""

    def __post_init__(self) -> None:
        assert self.name not in CATALOGUE, f"{self.name} is declared twice"
        CATALOGUE[self.name] = self

    def __call__(self, subject_id: UUID | None, before: F | None = None, after: T | None = None) -> Entry:
        """The entry to record. A side may be left out when all its fields may."""
        old = self.before() if before is None else before
        new = self.after() if after is None else after
        # mypy sees this too, but not where the facts come out of a table.
        assert type(old) is self.before and type(new) is self.after, f"these are not the facts of {self.name}"
        return Entry(self, subject_id, old, new)

    def label(self, language: Language) -> str:
        """The event in a few words, for a filter."""
        return self.id if language == "id" else self.en

    @property
    def parameters(self) -> Iterator[str]:
        """Names that `details` asks for."""
        return (name for _, name, _, _ in Formatter().parse(self.details) if name is not None)


CATALOGUE: dict[str, Event[Any, Any]] = {}
"""Every declared event by its type."""


def describe(type: str, before: Mapping[str, Any], after: Mapping[str, Any], language: Language) -> str:
    """A stored entry as a sentence. Older ones may lack fields; a type that is declared no more stands for itself."""
    event = CATALOGUE.get(type)
    if event is None:
        return type
    code = after.get("code")
    params = {
        **before,
        **after,
        "code": code.replace("_", " ") if isinstance(code, str) else None,
        "changed": ", ".join(after) or None,
        "from_state": _state(before),
        "to_state": _state(after),
    }
    if not event.details or any(params.get(name) is None for name in event.parameters):
        return f"{event.label(language)}."
    return f"{event.label(language)}: {event.details.format_map(params)}."


def _state(side: Mapping[str, Any]) -> str | None:
    return "/".join(str(side[name]) for name in ("status", "stage") if side.get(name)) or None


def to_json_schema() -> dict[str, Any]:
    """The catalogue for the contract: an object with a property per type, each with its two sides."""
    return {
        "title": "EventCatalogue",
        "type": "object",
        "description": "What `from` and `to` of a history entry hold, by its `type`. Never sent as a whole. Fields that"
        " are not required may be absent, types and fields may be added.",
        "properties": {name: _to_schema(event) for name, event in sorted(CATALOGUE.items())},
        "required": sorted(CATALOGUE),
    }


def _to_schema(event: Event[Any, Any]) -> dict[str, Any]:
    sides = {"from": event.before, "to": event.after}
    return {
        "type": "object",
        "description": f"{event.en}." if event.succeeded else f"{event.en}. `succeeded` is false.",
        "properties": {name: _side_schema(side) for name, side in sides.items()},
        "required": list(sides),
    }


def _side_schema(side: type[Facts]) -> dict[str, Any]:
    schema = side.model_json_schema(mode="serialization")
    fields = {
        # What is not given is absent, not null.
        name: {key: value for key, value in field.items() if key not in ("title", "default")}
        for name, field in schema["properties"].items()
    }
    # Closed when it is written, open for those who read.
    return {key: schema[key] for key in ("type", "description", "required") if key in schema} | {"properties": fields}
