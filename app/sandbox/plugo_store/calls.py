"""A REST call, and its parameters read the way PHP reads them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.responses import Response

from app.sandbox.engine.gateway import Call
from app.sandbox.plugo_store.answers import Refused
from app.sandbox.plugo_store.signing import Query

_LISTED = re.compile(r"([^\[\]]+)\[(\w*)\]")
Access = Literal["list", "view", "edit", "create", "delete", "batch", "public"]
EDITABLE = ("POST", "PUT", "PATCH")


@dataclass
class StoreCall(Call):
    """`ids`: what the path names, in order."""

    shop: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    query: Query = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    route: str = ""

    @property
    def target(self) -> int:
        """The first thing the path names."""
        return int(self.ids[0])

    def flag(self, name: str) -> bool:
        """A boolean of query or body."""
        value = self.body.get(name, self.query.get(name))
        return value is True or str(value).lower() in ("1", "true")


Endpoint = Callable[[StoreCall], Response]


@dataclass(frozen=True)
class Spec:
    """One route: methods, path below its namespace, the control API's word for it, who may call."""

    methods: tuple[str, ...]
    path: str
    operation: str | Callable[[StoreCall], str]
    endpoint: Endpoint
    access: Access
    namespace: str = "wc/v3"

    @property
    def pattern(self) -> str:
        """The whole route."""
        return "/" + "/".join(part for part in (self.namespace, self.path) if part)

    def name(self, call: StoreCall) -> str:
        """What this call does."""
        return self.operation if isinstance(self.operation, str) else self.operation(call)


def parse_query(raw: str) -> Query:
    """Every name once, the last value wins; `name[]` and `name[0]` make lists."""
    found: Query = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        listed = _LISTED.fullmatch(name)
        if listed is None:
            found[name] = value
            continue
        entries = found.get(listed[1])
        found[listed[1]] = [*entries, value] if isinstance(entries, list) else [value]
    return found


def parse_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """JSON, or a form. Raises Refused."""
    if not raw:
        return {}
    if "json" not in content_type:
        return dict(parse_query(raw.decode(errors="replace")))
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        message = "Invalid JSON body passed."
        more = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise Refused(400, "rest_invalid_json", message, **more) from None
    return body if isinstance(body, dict) else {}
